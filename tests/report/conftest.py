"""Subjects of reports that many tests share."""

import sys
from pathlib import Path

import numpy as np
import pytest

from cfensemble import CFEnsembleClassifier
from cfensemble.report.analysis import analyse
from cfensemble.report.subject import make_subject

sys.path.insert(0, str(Path(__file__).parent))  # for the browser

ODD = ["<script>alert(1)</script>", "$x_1$", "a & b", '"quoted"', "näme \N{SNOWMAN}", "knn"]


def make_data(n=240, n_labels=80, seed=0):
    """Predictions (n, 6) of classifiers from noise to good, some missing, and labels 1, 0 and -1 = unlabelled."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 3 == 0).astype(int)
    quality = np.array([0.0, 0.2, 0.3, 0.4, 0.5, 0.6])
    P = np.clip(0.5 + quality * (y[:, None] - 0.5) + rng.normal(0, 0.18, (n, 6)), 0, 1)
    P[:, 2] = np.clip(P[:, 3] + rng.normal(0, 0.001, n), 0, 1)  # a near copy
    P[rng.random(P.shape) < 0.1] = np.nan
    P[rng.random(n) < 0.5, 5] = np.nan
    return P, np.where(np.arange(n) < n_labels, y, -1)


def make_classes(n=120):
    """Predictions (n, 3, 3) and labels of three classes."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    scores = np.eye(3)[y][:, None] * np.array([0.5, 1.0, 2.0])[None, :, None] + rng.normal(size=(n, 3, 3))
    P = np.exp(scores)
    P /= P.sum(axis=2, keepdims=True)
    P[5, 1] = np.nan
    return P, np.where(np.arange(n) < 60, y, -1)


def frame(P):
    import pandas as pd

    return pd.DataFrame(P, columns=ODD)


@pytest.fixture(scope="session")
def subject():
    P, y = make_data()
    return make_subject(CFEnsembleClassifier(n_threads=1).fit(frame(P), y), frame(P), y, "<table> & co")


@pytest.fixture(scope="session")
def analysis(subject):
    return analyse(subject)


@pytest.fixture(scope="session")
def analysis_of_classes():
    P, y = make_classes()
    return analyse(make_subject(CFEnsembleClassifier(n_threads=1).fit(P, y), P, y, "three classes"))


@pytest.fixture(scope="session")
def analysis_by_als():
    P, y = make_data()
    return analyse(make_subject(CFEnsembleClassifier("als", n_threads=1).fit(P, y), P, y, "als"))


@pytest.fixture
def data():
    return make_data


@pytest.fixture
def classes():
    return make_classes
