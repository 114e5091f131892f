"""Profiles and data that many tests share."""

import os

# Before anything loads OpenMP: threads that spin while they wait crawl wherever something else is running as well.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("SCIPY_ARRAY_API", "1")  # scikit-learn's checks of estimators would leave some out without it

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import settings

from cfensemble.data import EnsembleData, generate_imbalanced_ensemble_data

mpl.use("agg")
torch.set_num_threads(1)  # the problems here are far too small for more

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("long", deadline=None, max_examples=2000)
settings.load_profile("ci")


def random_problem(rng, m, d, n, dtype=np.float64, missing=0.2):
    """X, Y, R with missing entries, and C."""
    R = rng.random((m, n))
    R[rng.random((m, n)) < missing] = np.nan
    C = rng.random((m, n)) + 0.01
    X, Y = rng.standard_normal((d, m)), rng.standard_normal((d, n))
    return tuple(array.astype(dtype) for array in (X, Y, R, C))


@pytest.fixture
def problem():
    return random_problem


@pytest.fixture(scope="session")
def imbalanced():
    """10 % positives, 15 classifiers, 600 instances, half of them labelled, 20 % of the predictions missing."""
    R, labels, _, y_true = generate_imbalanced_ensemble_data(n_instances=600, n_labeled=300, random_state=0)
    R[np.random.default_rng(0).random(R.shape) < 0.2] = np.nan
    return EnsembleData(R, labels), y_true
