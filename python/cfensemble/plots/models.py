"""What pictures need to know of fitted models."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cfensemble._typing import Vector


def fitted_combiner(model: Any) -> Any:
    """The combiner or trainer that the model is or holds; it raises NotFittedError itself if it is not fitted."""
    if hasattr(model, "get_aggregator_weights"):
        return model
    model = getattr(model, "final_estimator_", model)
    if hasattr(model, "combiner_"):
        return model.combiner_
    from sklearn.exceptions import NotFittedError

    if hasattr(model, "fit"):
        raise NotFittedError(f"model: this {type(model).__name__} is not fitted yet, or not to predictions")
    raise TypeError(f"model must be a fitted model of cfensemble, got {type(model).__name__}")


def fitted_weights(model: Any) -> Vector:
    """The weights (m,) of its classifiers."""
    return np.asarray(fitted_combiner(model).get_aggregator_weights(), np.float64)


def fitted_factors(model: Any) -> Vector:
    """The factors (d, m) of its classifiers; of K classes (d K, m), class after class."""
    combiner = fitted_combiner(model)
    m = fitted_weights(combiner).size
    X = np.asarray(combiner.factor_model_.X if hasattr(combiner, "factor_model_") else combiner.X, np.float64)
    return X.reshape(len(X), m, -1).transpose(2, 0, 1).reshape(-1, m)


def fitted_names(model: Any, names: Sequence[str] | None) -> Sequence[str] | None:
    """`names`, by default those that the model was fitted with, if there were any."""
    if names is not None:
        return names
    found = getattr(getattr(model, "final_estimator_", model), "feature_names_in_", None)
    return None if found is None else list(found)
