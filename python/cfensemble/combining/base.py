"""What the combiners share: their options, what a warm start keeps, and what they tell of the mixture."""

import warnings
from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from sklearn.exceptions import NotFittedError

from cfensemble._digest import data_digest
from cfensemble._threads import resolve_threads
from cfensemble._typing import Float, Vector
from cfensemble._validation import boolean
from cfensemble.combining.mixture import Predictor, view_shares
from cfensemble.data.factor_model import FactorModel
from cfensemble.exceptions import DataWarning
from cfensemble.persistence.fields import Array, Each, Field, Plain
from cfensemble.persistence.model_file import SavedModel
from cfensemble.persistence.saved import Part, split_parameters


class BaseCombiner(SavedModel, ABC):
    """A factor model that completes predictions, and a mixture of aggregators; subclasses fit them and predict.

    Parameters
    ----------
    n_threads : int, optional
        Threads to use; None: what the process may use.
    warm_start : bool, default=False
        Whether a further `fit` to the same predictions keeps what knows nothing of the labels.
    """

    factor_model_: FactorModel
    predictors_: list[Predictor]
    predictions_: Float
    _effects: Vector
    _fitted_digest: str | None

    def __init__(self, n_threads: int | None = None, warm_start: bool = False) -> None:
        self.n_threads = n_threads
        resolve_threads(n_threads)  # complains about nonsense now rather than in fit
        self.warm_start = boolean(warm_start, "warm_start")

    @property
    def n_iter_(self) -> int:
        """Iterations that fitted the factor model."""
        self._check_fitted()
        return len(self.factor_model_.log_likelihood) - 1

    @property
    def view_shares_(self) -> dict[str, float]:
        """Share of the mixture that each way of reading the predictions has."""
        self._check_fitted()
        return view_shares(self.predictors_)

    def get_aggregator_weights(self) -> Vector:
        """How much each classifier counts, (m,): its average marginal effect, standardised.

        By how much the combined log-odds change, on average over the fitted instances that it predicted, when its own
        log-odds change by their standard deviation, everything else kept; 0 for a classifier that says the same of all.
        Found when fitting, on up to 1000 instances.
        """
        self._check_fitted()
        return self._effects.copy()

    @property
    @abstractmethod
    def _n_classifiers(self) -> int:
        """Number m of classifiers that this was fitted to."""

    @abstractmethod
    def _check_parts(self) -> None:
        """Raise a ValueError if what was read from a file does not fit together."""

    @staticmethod
    def _telling(labels: Vector) -> Vector:
        """The labels (n,), or none of them, with a warning, if there are not two classes to be told apart.

        Labels of one class would draw every probability towards it.
        """
        y = labels[~np.isnan(labels)]
        if y.size and np.ptp(y) > 0:
            return labels
        found = f"all {y.size} are {y[0]:g}, which tells nothing apart" if y.size else "there is none"
        message = f"labels: {found}, so the combination relies on the classifiers' agreement; label each class"
        warnings.warn(message, DataWarning, stacklevel=3)
        return np.full_like(labels, np.nan)

    def _digest(self, R: Float, sample_weight: Vector | None) -> str | None:
        """By what a warm start is going to know the predictions again."""
        return data_digest(R, sample_weight) if self.warm_start else None

    def _knows(self, digest: str | None) -> bool:
        """Whether what this was fitted to had the same digest."""
        return digest is not None and digest == getattr(self, "_fitted_digest", None)

    def _check_fitted(self) -> None:
        if not hasattr(self, "predictions_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        return super()._fields() | {
            "factor_model_": Part(FactorModel, share="n"),
            "predictors_": Each(Part(Predictor, share="p")),
            "_effects": Array("m"),
            "_fitted_digest": Plain(),
        }

    @classmethod
    def _from_state(cls, state: dict[str, Any]) -> Self:
        parameters, fitted = split_parameters(cls, state)
        combiner = cls(**parameters)
        vars(combiner).update(fitted)
        combiner._check_parts()
        return combiner

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_threads={self.n_threads}, warm_start={self.warm_start})"
