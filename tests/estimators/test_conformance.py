"""scikit-learn's own checks of what an estimator has to do."""

from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import Tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from cfensemble import CFEnsembleClassifier, CFStackingClassifier
from cfensemble.estimators.labels import encode_labels

SEMI_SUPERVISED = {
    "check_classifiers_classes": "has -1 as a label, except in scikit-learn's own semi-supervised classifiers, by name"
}


class SquashedClassifier(CFEnsembleClassifier):
    """Each feature becomes a classifier: naive Bayes on that feature alone."""

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        values = validate_data(self, X, ensure_min_samples=2)
        labels = encode_labels(y, len(values), self.unlabeled)
        known = labels.known
        weight = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        if weight is not None and weight.shape == (len(values),):
            known = known[weight[known] > 0] if weight.any() else known
        self.models_ = [
            GaussianNB(var_smoothing=1e-2).fit(
                column[known, None], labels.codes[known], None if weight is None or not weight.any() else weight[known]
            )
            for column in values.T
        ]
        super().fit(self._squash(values), y, sample_weight)
        validate_data(self, X, skip_check_array=True)  # the names of the features, not of the models
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        values = validate_data(self, X, reset=False)
        names = self.__dict__.pop("feature_names_in_", None)
        try:
            return super().predict_proba(self._squash(values))
        finally:
            if names is not None:
                self.feature_names_in_ = names

    def _squash(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(
            [model.predict_proba(column[:, None]) for model, column in zip(self.models_, X.T, strict=True)], 1
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False
        tags.input_tags.three_d_array = False
        return tags


BASE_MODELS = [("tree", DecisionTreeClassifier(max_depth=3, random_state=0)), ("bayes", BernoulliNB(binarize=0.5))]


@pytest.mark.filterwarnings("ignore::cfensemble.exceptions.DataWarning")  # base models that cannot take what is fed
@parametrize_with_checks(
    [SquashedClassifier(n_threads=1), CFStackingClassifier(BASE_MODELS, n_threads=1)],
    expected_failed_checks=lambda estimator: SEMI_SUPERVISED,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
