"""The combiner for several classes: completes, reads, weighs and mixes, with nothing to be set."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._blocks import column_blocks
from cfensemble._typing import Float, Indices, Vector
from cfensemble._validation import class_labels, class_probabilities, sample_weights
from cfensemble.combining.base import BaseCombiner
from cfensemble.combining.effects import marginal_effects
from cfensemble.combining.mixture import Predictor, check_predictors, fit_mixture, group_by_view
from cfensemble.combining.views import ConsensusView
from cfensemble.data.factor_model import FactorModel, fit_factor_model
from cfensemble.data.log_odds import class_log_odds
from cfensemble.ensemble.reliability import reliability_weights
from cfensemble.ensemble.softmax_fit import SoftmaxProblem
from cfensemble.persistence.fields import Array, Each, Field
from cfensemble.persistence.saved import Part

SCALE_PRECISION = 1.0
"""How firmly the prior holds the weights' length. A label says more of it than with two classes: 10 left the
probabilities of ten digits too flat (log-loss .160 instead of .138 with 5 % of the labels), .3 costs some with 2 %."""
MAX_ITER = 100
"""Most iterations of the factor model's fit."""


class MulticlassCombiner(BaseCombiner):
    """Combines predictions of more than two classes; everything that could be set is taken from the data.

    What `Combiner` does, for K classes at once:

    1. One factor model of all classifiers and classes is fitted to all predictions, labelled or not, and fills those
       that are missing.
    2. The predictions are read in three ways, as log-odds of each class against the mean of all: as they are; as what
       the other classifiers say where a classifier says what it does; and as the factor model reconstructs them.
    3. Each way an aggregator softmax(sum_u w_u f_u + b), with a weight per classifier and a bias per class, is fitted
       to the labels, held to the weights that the classifiers' agreement suggests with nine different strengths, with
       w >= 0 and without (see `SoftmaxProblem`), and once more with hardly any hold on their length and on the biases.
    4. The aggregators' probabilities are mixed, in proportions that predict left-out labels best (Bayesian stacking).

    Parameters
    ----------
    n_threads : int, optional
        Threads of the factor model's kernels; None: what the process may use.
    warm_start : bool, default=False
        Keep the factor model for a further `fit` to the same predictions with other labels, as in `Combiner`.

    Attributes
    ----------
    predictions_ : ndarray of shape (K, n)
        Probability of each class for each instance that was fitted to.
    predictors_ : list of Predictor
        The mixture; theta holds m weights and K biases.
    factor_model_ : FactorModel
        What completes predictions, its rows being class after class of one classifier after the other.
    view_shares_ : dict of str to float
        Share of the mixture that each way of reading the predictions has.
    n_iter_ : int
        Iterations of the factor model's fit.
    """

    _consensus: list[ConsensusView]
    _base_rate: Vector

    def fit(self, R: ArrayLike, labels: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to all instances, labelled or not.

        Parameters
        ----------
        R : array-like of shape (m, K, n)
            R[u, k, i] is classifier u's probability that instance i is of class k; all of R[u, :, i] is NaN where it
            predicted nothing. What adds up to 1 within .001 is made to do so exactly.
        labels : array-like of shape (n,)
            Classes 0 to K - 1, or NaN where an instance is unlabelled. Not every class needs a label.
        sample_weight : array-like of shape (n,), optional
            How often each instance counts, >= 0; default once.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If R, labels or sample_weight are not as described.

        Warns
        -----
        DataWarning
            If fewer than two classes are labelled. The weights are then those of the classifiers' agreement, and labels
            of one class are left out of account.
        """
        P = class_probabilities(R)
        m, K, n = P.shape
        labels = class_labels(labels, (K, n)).copy()
        s = sample_weights(sample_weight, n)
        if s is not None:
            labels[s == 0] = np.nan  # what does not count has no say
        labels = self._telling(labels)
        columns = np.flatnonzero(~np.isnan(labels))
        y = labels[columns].astype(np.int64)
        # K - 1 to 3 (K - 1) factors do equally well; these are as many as `Combiner` has for two classes.
        latent_dim = min(K + 1, m * K - 1)
        digest = self._digest(P, s)
        known = self._knows(digest)
        if known:
            model = self.factor_model_
        else:
            rows = P.reshape(m * K, n)
            model = fit_factor_model(rows, latent_dim, MAX_ITER, n_threads=self.n_threads, sample_weight=s)
        completed, _ = _complete(P, model, model.Y)
        center = _reliability_weights(completed, s)
        consensus = self._consensus if known else [ConsensusView(completed[:, k], center, s) for k in range(K)]
        readings = _read(*_complete(P[:, :, columns], model, model.Y[:, columns]), consensus)
        counts = None if s is None else s[columns]
        problems = [SoftmaxProblem(reading, y, counts) for reading in readings]
        predictors = fit_mixture(problems, y, counts, center, SCALE_PRECISION)
        base_rate = _base_rate(completed, s, y, counts)
        p = _predict(P, model.Y, model, consensus, predictors, base_rate)

        def predict(block: Vector) -> Vector:
            Y = model.posterior(block.reshape(m * K, -1), self.n_threads)
            return _predict(block, Y, model, consensus, predictors, base_rate)

        effects = marginal_effects(P, predict, s)
        # Nothing of this object has changed so far: a fit that is interrupted leaves it as it was.
        self.factor_model_, self.predictors_, self.predictions_ = model, predictors, p
        self._consensus, self._base_rate, self._fitted_digest = consensus, base_rate, digest
        self._effects = effects
        return self

    def predict(self, R_new: ArrayLike | None = None) -> Float:
        """Probabilities of the classes.

        Parameters
        ----------
        R_new : array-like of shape (m, K, k), optional
            New predictions, NaN where missing; None: the fitted instances.

        Returns
        -------
        ndarray of shape (K, n) or (K, k)
            Columns add up to 1. An instance that nothing is predicted of gets the base rate: the classes' shares among
            the labelled, with one label more that is divided as the predictions are on average.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If R_new is not as R in `fit`, with as many classifiers and classes.
        """
        self._check_fitted()
        if R_new is None:
            return self.predictions_.copy()
        P = class_probabilities(R_new, "R_new")
        m, K = self._shape
        if P.shape[:2] != (m, K):
            raise ValueError(
                f"R_new has {P.shape[0]} classifiers and {P.shape[1]} classes, "
                f"but the model was fitted with {m} and {K}"
            )
        Y = self.factor_model_.posterior(P.reshape(m * K, -1), self.n_threads)
        return _predict(P, Y, self.factor_model_, self._consensus, self.predictors_, self._base_rate)

    def get_reconstruction(self) -> Float:
        """R_hat (m, K, n): every prediction as the factor model sees it, also where it is missing."""
        self._check_fitted()
        return _normalise(self.factor_model_.reconstruct().reshape(*self._shape, -1))

    @property
    def _shape(self) -> tuple[int, int]:
        K = len(self._base_rate)
        return len(self.factor_model_.mean) // K, K

    @property
    def _n_classifiers(self) -> int:
        return self._shape[0]

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        return super()._fields() | {
            "predictions_": Array("K", "n", low=0, high=1),
            "_consensus": Each(Part(ConsensusView, share="m")),
            "_base_rate": Array("K", low=0, high=1),
        }

    def _check_parts(self) -> None:
        K = len(self._base_rate)
        if K == 0:
            raise ValueError("_base_rate is empty")
        if len(self._consensus) != K:
            raise ValueError(f"_consensus: there must be {K}, got {len(self._consensus)}")
        m = len(self._consensus[0].curves)
        if len(self.factor_model_.mean) != m * K:
            raise ValueError(f"factor_model_: mean must have length {m * K}, got {len(self.factor_model_.mean)}")
        check_predictors(self.predictors_, m + K)


def _complete(P: Vector, model: FactorModel, Y: Float) -> tuple[Float, Float]:
    """P with the reconstruction where it is missing, and the reconstruction, all adding up to 1 over the classes."""
    reconstructed = _normalise((model.X.T @ Y + model.mean[:, None]).reshape(P.shape))
    return np.where(np.isnan(P), reconstructed, P), reconstructed


def _normalise(P: Float) -> Float:
    """P >= 0 that adds up to 1 over the classes, its middle axis."""
    P = np.maximum(P, 1e-9)
    return P / P.sum(axis=1, keepdims=True)


def _reliability_weights(completed: Float, sample_weight: Vector | None) -> Vector:
    """`reliability_weights` where what correlates are deviations from each class's mean, over all classes at once."""
    m, K, _ = completed.shape
    deviations = completed - np.average(completed, axis=2, weights=sample_weight)[:, :, None]
    return reliability_weights(deviations.reshape(m, -1), None if sample_weight is None else np.tile(sample_weight, K))


def _read(completed: Float, reconstructed: Float, consensus: list[ConsensusView]) -> list[Vector]:
    bent = np.stack([view.consensus(completed[:, k]) for k, view in enumerate(consensus)], axis=1)
    return [class_log_odds(completed), class_log_odds(_normalise(bent)), class_log_odds(reconstructed)]


def _predict(
    P: Vector,
    Y: Float,
    model: FactorModel,
    consensus: list[ConsensusView],
    predictors: list[Predictor],
    base_rate: Vector,
) -> Vector:
    """Probabilities (K, n) of instances with the factors Y."""
    (m, K, n), aggregators = P.shape, group_by_view(predictors)
    p = np.empty((K, n))
    for columns in column_blocks((m * K, n)):
        block = P[:, :, columns]
        p[:, columns] = _mix(aggregators, _read(*_complete(block, model, Y[:, columns]), consensus))
        p[:, columns][:, np.isnan(block).all(axis=(0, 1))] = base_rate[:, None]
    return p


def _mix(aggregators: list[tuple[Vector, Vector]], readings: list[Vector]) -> Vector:
    """The mixture's probabilities (K, n) of the instances of the views' readings (m, K, n)."""
    m, K, n = readings[0].shape
    p = np.zeros((K, n))
    for (thetas, shares), reading in zip(aggregators, readings, strict=True):
        z = (thetas[:, :m] @ reading.reshape(m, -1)).reshape(-1, K, n) + thetas[:, m:, None]
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        p += np.einsum("skn,sn->kn", z, shares[:, None] / z.sum(axis=1))
    return p / p.sum(axis=0)


def _base_rate(completed: Float, sample_weight: Vector | None, y: Indices, counts: Vector | None) -> Vector:
    """Shares (K,) of the classes among the labelled, with one label more that is divided like the mean prediction."""
    total = np.bincount(y, counts, minlength=completed.shape[1])
    total = total + np.average(completed.mean(axis=0), axis=1, weights=sample_weight)
    return total / total.sum()
