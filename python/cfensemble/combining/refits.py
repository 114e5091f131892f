"""A fitted combiner's aggregators, fitted again to other labels of the same instances."""

from collections.abc import Iterator

import numpy as np
from scipy.special import expit

from cfensemble._threads import resolve_threads
from cfensemble._typing import Float, Indices, Vector
from cfensemble.combining import multiclass
from cfensemble.combining.combiner import Combiner
from cfensemble.combining.mixture import Predictor, fit_mixture, group_by_view
from cfensemble.combining.multiclass import MulticlassCombiner
from cfensemble.combining.views import read_views
from cfensemble.ensemble.prior import WeightPrior
from cfensemble.ensemble.reliability import reliability_weights
from cfensemble.ensemble.softmax_fit import SoftmaxProblem
from cfensemble.ensemble.strength import STRENGTHS
from cfensemble.ensemble.weight_fit import WeightProblem

MAIN_SHARE = 0.9
"""Share of the mixture that its main predictors have together."""
MAX_MAIN = 5


class Refits:
    """Fits of a combiner's aggregators to some of the labels of its instances.

    A combiner's factor model and its readings of the predictions know nothing of the labels, and take most of a fit's
    time where many instances have none. They are kept: what remains is exactly what `fit` would make of these labels.

    Parameters
    ----------
    combiner : Combiner or MulticlassCombiner
        Fitted to these instances, or to others of the same classifiers.
    R : ndarray of shape (m, n), or (m, K, n) of K > 2 classes
        Predictions for all instances; NaN = not predicted.
    columns : ndarray of shape (k,)
        The instances whose labels are of interest.
    """

    def __init__(self, combiner: Combiner | MulticlassCombiner, R: Float, columns: Indices) -> None:
        P: Vector = np.asarray(R, np.float64)
        self.n_classes = 2 if isinstance(combiner, Combiner) else P.shape[1]
        self._threads = resolve_threads(combiner.n_threads)
        stacked = P.reshape(-1, P.shape[-1])
        Y = combiner.factor_model_.posterior(stacked, combiner.n_threads)
        completed: Float
        reconstructed: Float
        if isinstance(combiner, Combiner):
            reconstructed = np.clip(combiner.factor_model_.X.T @ Y + combiner.factor_model_.mean[:, None], 0, 1)
            completed = np.where(np.isnan(P), reconstructed, P)
            self.center = reliability_weights(completed)
            readings = list(read_views(completed[:, columns], reconstructed[:, columns], combiner._consensus))
            self._scale_precision = WeightPrior.scale_precision
        else:
            completed, reconstructed = multiclass._complete(P, combiner.factor_model_, Y)
            self.center = multiclass._reliability_weights(completed, None)
            readings = multiclass._read(completed[..., columns], reconstructed[..., columns], combiner._consensus)
            self._scale_precision = multiclass.SCALE_PRECISION
        self._readings = readings
        self._empty = np.isnan(stacked[:, columns]).all(axis=0)
        self._mean = completed.mean(axis=0) if self.n_classes > 2 else completed

    def fit(self, chosen: Indices, y: Vector) -> list[Predictor]:
        """Fit the mixture to the labels y (l,) of the chosen (l,) of the columns."""
        problems = [self._problem(reading[..., chosen], y) for reading in self._readings]
        return fit_mixture(problems, y.astype(np.int64), None, self.center, self._scale_precision)

    def predict(self, chosen: Indices, y: Vector) -> Vector:
        """Return the probabilities (k,) or (K, k) of all columns after a fit to the labels of the chosen ones."""
        aggregators = group_by_view(self.fit(chosen, y))
        if self.n_classes == 2:
            p = np.zeros(self._readings[0].shape[-1])
            for (thetas, shares), reading in zip(aggregators, self._readings, strict=True):
                p += shares @ expit(thetas[:, :-1] @ reading + thetas[:, -1:])
            p[self._empty] = y.mean()
            return np.clip(p, 0, 1)
        p = multiclass._mix(aggregators, self._readings)
        base_rate = np.bincount(y.astype(np.int64), minlength=self.n_classes) + self._mean.mean(axis=1)
        p[:, self._empty] = (base_rate / base_rate.sum())[:, None]
        return p

    def left_out_log_likelihoods(self, y: Vector) -> Iterator[Vector]:
        """Yield log p(t_i) (k,) of the columns' labels y (k,), each left out of the fit that predicts it.

        First with all classifiers, then without each in turn. Of the mixture only the main predictors (`MAIN_SHARE`)
        are fitted again, in unchanged proportions; to first order, as `WeightProblem` leaves labels out.
        """
        everything = np.arange(len(y))
        shares = np.array([predictor.share for predictor in self.fit(everything, y)])
        order = np.argsort(-shares, kind="stable")
        n_main = min(int(np.searchsorted(np.cumsum(shares[order]), MAIN_SHARE)) + 1, MAX_MAIN)
        main = order[:n_main]
        m = len(self.center)
        for dropped in (None, *range(m)):
            kept = np.arange(m) if dropped is None else np.delete(np.arange(m), dropped)
            center = self.center[kept]
            center = center / center.sum() if center.sum() > 0 else np.full(len(kept), 1 / len(kept))
            likelihood = np.zeros(len(y))
            for index in main:
                # The order of `fit_mixture`: views, then w >= 0 and not, then strengths from the largest.
                view, nth = divmod(int(index), 2 * len(STRENGTHS))
                prior = WeightPrior(center, STRENGTHS[::-1][nth % len(STRENGTHS)], self._scale_precision)
                fit = self._problem(self._readings[view][kept], y).solve(prior, nth < len(STRENGTHS))
                likelihood += shares[index] * np.exp(fit.left_out_log_likelihood(y.astype(np.int64)))
            yield np.log(np.maximum(likelihood / shares[main].sum(), 1e-12))

    def _problem(self, features: Vector, y: Vector) -> WeightProblem | SoftmaxProblem:
        if self.n_classes == 2:
            return WeightProblem(features, y, self._threads)
        return SoftmaxProblem(features, y.astype(np.int64))
