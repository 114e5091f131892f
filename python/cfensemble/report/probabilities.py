"""May the probabilities be trusted: how far they are from the frequencies, and how far chance alone would put them."""

from dataclasses import dataclass

import numpy as np

from cfensemble._typing import Float, Vector

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
    """

    mean_p: float
    rate: float
    error: float
    by_chance: float

    @property
    def is_off(self) -> bool:
        """Whether the error is more than chance explains."""
        return self.error > self.by_chance


def calibrate(y: Vector, p: Float, seed: int = 0) -> Calibration:
    """Compare predictions p (repeats, k) with the labels y (k,)."""
    rng = np.random.default_rng(seed)
    order = np.argsort(p[0], kind="stable")
    forecast = p[0][order]
    simulated = rng.random((N_SIMULATIONS, len(y))) < forecast
    errors = [_error(sample.astype(np.float64), forecast) for sample in simulated]
    found = []
    for q in p:
        order = np.argsort(q, kind="stable")
        found.append(_error(y[order], q[order]))
    return Calibration(float(p.mean()), float(y.mean()), float(np.mean(found)), float(np.quantile(errors, 0.95)))


def _error(y: Vector, p: Vector) -> float:
    """Expected calibration error of predictions in ascending order."""
    edges = np.linspace(0, len(y), min(N_BINS, len(y)) + 1).astype(int)
    gaps = np.add.reduceat(p - y, edges[:-1])
    return float(np.abs(gaps).sum() / len(y))
