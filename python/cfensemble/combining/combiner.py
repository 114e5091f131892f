"""The combiner: completes, reads, weighs and mixes, with nothing to be set."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._threads import resolve_threads
from cfensemble._typing import Float, Indices
from cfensemble._validation import float_matrix, probability_matrix
from cfensemble.combining.base import BaseCombiner
from cfensemble.combining.effects import marginal_effects
from cfensemble.combining.mixture import check_predictors, compile_mixture, fit_mixture
from cfensemble.combining.views import ConsensusView, read_views
from cfensemble.data.base_rate import observed_base_rate
from cfensemble.data.data_reference import DataReference
from cfensemble.data.ensemble_data import EnsembleData
from cfensemble.data.factor_model import FactorModel, fit_factor_model
from cfensemble.ensemble.reliability import reliability_weights
from cfensemble.ensemble.weight_fit import WeightProblem
from cfensemble.persistence.fields import Array, Field, Real
from cfensemble.persistence.saved import Part

LATENT_DIM = 3
"""Factors of the completion; 2 to 5 do about equally well on real ensembles."""


class Combiner(BaseCombiner):
    """Combines the predictions of an ensemble; everything that could be set is taken from the data.

    1. A factor model with a noise of its own for each classifier is fitted to all predictions, labelled or not, and
       fills those that are missing.
    2. The predictions are read in three ways, as log-odds: as they are; as what the other classifiers say where a
       classifier says what it does; and as the factor model reconstructs them.
    3. Each way an aggregator sigmoid(w . f + b) is fitted to the labels, held to the weights that the classifiers'
       agreement suggests (see `reliability_weights`) with nine different strengths, with w >= 0 and without, and once
       more all of these with hardly any hold on their length and on the bias.
    4. The aggregators' probabilities are mixed, in proportions that predict left-out labels best (Bayesian stacking).

    With few labels the result is close to the reliability-weighted mean, with many to the best stacking, and it changes
    smoothly from one to the other. Class weights would shift probabilities and are not used.

    Parameters
    ----------
    n_threads : int, optional
        Threads to use; None: what the process may use.
    warm_start : bool, default=False
        Keep the factor model, which knows nothing of the labels and takes most of the time, for a further `fit` to the
        same predictions with other labels. The result is the same to the last bit.

    Attributes
    ----------
    predictions_ : ndarray of shape (n,)
        Probability of each instance that was fitted to.
    predictors_ : list of Predictor
        The mixture.
    factor_model_ : FactorModel
        What completes predictions.
    view_shares_ : dict of str to float
        Share of the mixture that each way of reading the predictions has.
    """

    _consensus: ConsensusView

    def fit(self, data: EnsembleData) -> Self:
        """Fit to all instances of the data, labelled or not.

        Parameters
        ----------
        data : EnsembleData
            Predictions, labels and how often each instance counts. Confidence weights given with it are not used: the
            factor model finds its own.

        Returns
        -------
        self

        Warns
        -----
        DataWarning
            If not both classes are labelled. The weights are then those of the classifiers' agreement, and labels of
            one class are left out of account.
        """
        if not isinstance(data, EnsembleData):
            raise TypeError(f"data must be an EnsembleData(R, labels), got {type(data).__name__}")
        threads = resolve_threads(self.n_threads)
        labels = self._telling(data.labels)
        columns = np.flatnonzero(~np.isnan(labels))
        y = labels[columns]
        R = np.asarray(data.R, np.float64)
        s = data.sample_weight if data.has_sample_weight else None
        digest = self._digest(R, s)
        known = self._knows(digest)
        latent_dim = min(LATENT_DIM, max(len(R) - 1, 1))
        if known:
            model = self.factor_model_
        else:
            model = fit_factor_model(R, latent_dim, n_threads=self.n_threads, sample_weight=s)
        completed = _complete(R, model)
        center = reliability_weights(completed, s)
        consensus = self._consensus if known else ConsensusView(completed, center, s)
        readings = read_views(completed[:, columns], _reconstruct(model, columns), consensus)
        counts = None if s is None else s[columns]
        predictors = fit_mixture([WeightProblem(f, y, threads, counts) for f in readings], y, counts, center)
        base_rate = observed_base_rate(data, labels)
        kernel = compile_mixture(model, consensus, predictors, base_rate)
        p = kernel.predict(R, threads)
        effects = marginal_effects(R, lambda block: kernel.predict(block, threads), s)
        # Nothing of this object has changed so far: a fit that is interrupted leaves it as it was.
        self.factor_model_, self.predictors_, self.predictions_ = model, predictors, p
        self._kernel, self._consensus, self._base_rate, self._fitted_digest = kernel, consensus, base_rate, digest
        self._effects = effects
        self._fitted_data = DataReference(data)
        return self

    def predict(self, data: EnsembleData | None = None, R_new: ArrayLike | None = None) -> Float:
        """Probabilities of the positive class.

        Parameters
        ----------
        data : EnsembleData, optional
            None, or the very object given to `fit`: the fitted probabilities of its instances. The instances of other
            data are treated as new ones.
        R_new : array-like of shape (m, k), optional
            New columns of predictions, NaN where missing.

        Returns
        -------
        ndarray of shape (n,) or (k,)
            An instance that nothing is predicted of gets the base rate: the share of positives among the labelled, or
            without labels the mean prediction.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the number of classifiers differs from training, R_new holds no probabilities, or both are given.
        """
        self._check_fitted()
        if R_new is not None:
            if data is not None:
                raise ValueError("data and R_new are both given: predict takes one of them")
            return self._predict_new(float_matrix(R_new, "R_new"), "R_new")
        if data is None or data is self._fitted_data():
            return self.predictions_.copy()
        if not isinstance(data, EnsembleData):
            raise TypeError(f"data must be an EnsembleData, got {type(data).__name__}; predictions go to R_new=")
        return self._predict_new(data.R, "data")

    def get_reconstruction(self) -> Float:
        """R_hat (m, n): every classifier's prediction as the factor model sees it, also where it is missing."""
        self._check_fitted()
        return self.factor_model_.reconstruct()

    def _predict_new(self, R: Float, name: str) -> Float:
        if R.shape[0] != self._n_classifiers:
            raise ValueError(
                f"{name} has {R.shape[0]} classifiers, but the model was fitted with {self._n_classifiers}"
            )
        try:
            return self._kernel.predict(R, resolve_threads(self.n_threads))
        except ValueError:
            probability_matrix(R, name)  # the kernel checks on its way: this one tells, in the caller's words
            raise

    def _compile(self) -> None:
        self._kernel = compile_mixture(self.factor_model_, self._consensus, self.predictors_, self._base_rate)

    @property
    def _n_classifiers(self) -> int:
        return len(self.factor_model_.mean)

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        return super()._fields() | {
            "factor_model_": Part(FactorModel, share="mn"),
            "predictions_": Array("n", low=0, high=1),
            "_consensus": Part(ConsensusView, share="m"),
            "_base_rate": Real(0, 1),
        }

    def _check_parts(self) -> None:
        check_predictors(self.predictors_, self._n_classifiers + 1)

    @classmethod
    def _from_state(cls, state: dict[str, Any]) -> Self:
        combiner = super()._from_state(state)
        combiner._fitted_data = DataReference()
        combiner._compile()
        return combiner

    def __getstate__(self) -> dict[str, object]:
        state = self.__dict__.copy()
        state.pop("_kernel", None)
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        if hasattr(self, "predictions_"):
            self._compile()


def combine(
    R: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    n_threads: int | None = None,
) -> Float:
    """Combine the predictions of many classifiers into one probability per instance.

    Parameters
    ----------
    R : array-like of shape (m, n)
        R[u, i] is classifier u's probability that instance i is positive; NaN where it predicted nothing.
    labels : array-like of shape (n,), optional
        1, 0, or NaN where the instance is unlabelled. Default: none is labelled.
    sample_weight : array-like of shape (n,), optional
        How often each instance counts, >= 0; see `EnsembleData`. Default: once.
    n_threads : int, optional
        Threads to use; None: what the process may use.

    Returns
    -------
    ndarray of shape (n,)
        Probability that each instance, labelled or not, is positive.

    Raises
    ------
    ValueError
        If R, labels or sample_weight are not as described.

    Warns
    -----
    DataWarning
        If not both classes are labelled, or a classifier or an instance has no prediction at all.

    See Also
    --------
    Combiner : The same as an object that also predicts new instances and tells the weights.

    Examples
    --------
    >>> R = [[0.9, 0.2, 0.7, 0.1], [0.8, 0.4, float("nan"), 0.2], [0.6, 0.1, 0.9, 0.3]]
    >>> combine(R, [1, 0, float("nan"), float("nan")]).round(1)
    array([0.8, 0.2, 0.8, 0.2])
    """
    matrix = probability_matrix(R)
    given = np.full(matrix.shape[1], np.nan) if labels is None else labels
    return Combiner(n_threads).fit(EnsembleData(matrix, given, sample_weight=sample_weight)).predict()


def _complete(R: Float, model: FactorModel) -> Float:
    """R with the reconstruction where it is missing."""
    missing = np.isnan(R)
    return np.where(missing, _reconstruct(model), R) if missing.any() else R


def _reconstruct(model: FactorModel, columns: slice | Indices = slice(None)) -> Float:
    return np.clip(model.reconstruct(columns), 0, 1)
