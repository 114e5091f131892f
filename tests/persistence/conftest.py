"""A small problem, and a model of it."""

import warnings

import numpy as np
import pytest

from cfensemble import Combiner, DataWarning, EnsembleData


@pytest.fixture(scope="session")
def small():
    """4 classifiers, 40 instances, half of them labelled, a fifth of the predictions missing."""
    rng = np.random.default_rng(0)
    y = (rng.random(40) < 0.4).astype(float)
    R = np.clip(0.6 * y + 0.4 * rng.random((4, 40)), 0, 1)
    R[rng.random(R.shape) < 0.2] = np.nan
    labels = np.where(np.arange(40) < 20, y, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return EnsembleData(R, labels)


@pytest.fixture(scope="session")
def combiner(small):
    return Combiner(n_threads=1).fit(small)
