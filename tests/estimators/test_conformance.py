"""scikit-learn's own checks of what an estimator has to do."""

from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.naive_bayes import BernoulliNB
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
    """Each feature becomes a classifier: how near its value is to each class's mean."""

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        values = validate_data(self, X, ensure_min_samples=2)
        labels = encode_labels(y, len(values), self.unlabeled)
        weight = np.ones(len(values))
        if sample_weight is not None and np.asarray(sample_weight).shape == weight.shape:
            weight = np.asarray(sample_weight, np.float64)
        members = (labels.codes == np.arange(len(labels.classes))[:, None]) * weight
        self.means_ = members @ values / np.maximum(members.sum(axis=1, keepdims=True), 1e-9)  # (K, m)
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
        return softmax(-((X[:, :, None] - self.means_.T) ** 2), axis=2)

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
