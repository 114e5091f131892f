"""Predictions with few labels, in two classes and in three."""

import numpy as np
import pytest


def probabilities(y, n_classifiers, n_classes, rng):
    """Predictions (n, m, K) of classifiers that see the class through noise."""
    scores = 1.5 * np.eye(n_classes)[y][:, None] + rng.normal(size=(len(y), n_classifiers, n_classes))
    odds = np.exp(scores)
    return odds / odds.sum(axis=2, keepdims=True)


@pytest.fixture
def binary():
    """P (n, m), y with -1, and the truth."""
    rng = np.random.default_rng(0)
    truth = (rng.random(150) < 0.4).astype(int)
    P = probabilities(truth, 5, 2, rng)[:, :, 1]
    P[rng.random(P.shape) < 0.2] = np.nan
    return P, np.where(np.arange(150) < 30, truth, -1), truth


@pytest.fixture
def three_classes():
    """P (n, m, 3), y with -1, and the truth."""
    rng = np.random.default_rng(1)
    truth = rng.integers(3, size=150)
    P = probabilities(truth, 4, 3, rng)
    P[rng.random(P.shape[:2]) < 0.2] = np.nan
    return P, np.where(np.arange(150) < 40, truth, -1), truth
