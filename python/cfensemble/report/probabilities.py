"""May the probabilities be trusted: how far they are from the frequencies, and how far chance alone would put them."""

from dataclasses import dataclass

import numpy as np

from cfensemble._typing import Float, Indices, Vector
from cfensemble.plots.reliability import equal_bins

N_BINS = 10
N_SIMULATIONS = 400


@dataclass(frozen=True)
class Calibration:
    """How well probabilities of the positive class agree with what happened.

    Attributes
    ----------
    mean_p, rate : float
        Mean probability, and the share of positives.
    error : float
        Mean over bins with equally many instances of |mean probability - share of positives| (expected calibration
        error), averaged over the repeats.
    by_chance : float
        What 19 of 20 perfectly calibrated forecasts with the same probabilities stay below.
    n_groups : int
        Number of bins.
    leaning : {'high', 'low', 'bold', 'timid'}
        The larger of two errors: of all probabilities in one direction, or away from their mean and towards it.
    """

    mean_p: float
    rate: float
    error: float
    by_chance: float
    n_groups: int
    leaning: str

    @property
    def is_off(self) -> bool:
        """Whether the error is more than chance explains."""
        return self.error > self.by_chance


def calibrate(y: Vector, p: Float, seed: int = 0) -> Calibration:
    """Compare predictions p (repeats, k) with the labels y (k,)."""
    rng = np.random.default_rng(seed)
    gaps = np.array([_gaps(y, q, equal_bins(q, N_BINS)) for q in p])
    groups = equal_bins(p[0], N_BINS)
    simulated = (rng.random((N_SIMULATIONS, len(y))) < p[0]).astype(np.float64)
    by_chance = np.quantile([np.abs(_gaps(sample, p[0], groups)).sum() for sample in simulated], 0.95)
    # The larger half of the groups against the smaller one: who is too bold errs upwards above, downwards below.
    shift, stretch = float(gaps.sum(axis=1).mean()), float((gaps * np.linspace(-1, 1, N_BINS)).sum(axis=1).mean())
    leaning = ("high" if shift > 0 else "low") if abs(shift) > abs(stretch) else "bold" if stretch > 0 else "timid"
    error = float(np.abs(gaps).sum(axis=1).mean())
    return Calibration(float(p.mean()), float(y.mean()), error, float(by_chance), np.unique(groups).size, leaning)


def _gaps(y: Vector, p: Float, groups: Indices) -> Vector:
    """Of each group (N_BINS,), how much predictions exceed labels in total, as a share of all."""
    return np.bincount(groups, p - y, N_BINS) / len(y)
