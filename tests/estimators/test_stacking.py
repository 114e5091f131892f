"""Stacking in which rows without a label take part."""

import inspect
import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import StackingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from cfensemble import CFStackingClassifier
from cfensemble.exceptions import DataWarning


def models():
    return [
        ("linear", make_pipeline(StandardScaler(), LogisticRegression())),
        ("bayes", GaussianNB()),
        ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
    ]


@pytest.fixture(scope="module")
def cancer():
    """X, y with -1 where there is no label, and the truth."""
    X, truth = load_breast_cancer(return_X_y=True)
    X, truth = X[:300, :10], truth[:300]
    return X, np.where(np.arange(300) % 5 == 0, truth, -1), truth


@pytest.fixture(scope="module")
def iris():
    X, truth = load_iris(return_X_y=True)
    return X, np.where(np.arange(150) % 4 == 0, truth, -1), truth


class Failing(ClassifierMixin, BaseEstimator):
    """Naive Bayes that cannot score rows whose first feature is large, or cannot be fitted at all."""

    def __init__(self, limit=np.inf):
        self.limit = limit

    def fit(self, X, y):
        if self.limit == 0:
            raise RuntimeError("cannot be fitted")
        self.model_ = GaussianNB().fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        if (X[:, 0] > self.limit).any():
            raise RuntimeError("too large")
        return self.model_.predict_proba(X)


def test_labelled_rows_are_predicted_by_models_that_did_not_see_them(cancer):
    X, y, _ = cancer
    model = CFStackingClassifier(models(), cv=KFold(4)).fit(X, y)
    known = np.flatnonzero(y >= 0)
    P = np.full((300, 3), np.nan)
    for u, (_, estimator) in enumerate(models()):
        for train, test in KFold(4).split(known):
            P[known[test], u] = (
                clone(estimator).fit(X[known[train]], y[known[train]]).predict_proba(X[known[test]])[:, 1]
            )
        full = clone(estimator).fit(X[known], y[known])
        P[y < 0, u] = full.predict_proba(X[y < 0])[:, 1]
        np.testing.assert_array_equal(full.predict_proba(X)[:, 1], model.transform(X)[:, u])
    expected = clone(model.final_estimator_).fit(
        pd.DataFrame(P, columns=["linear", "bayes", "tree"]), np.where(y < 0, None, y)
    )
    np.testing.assert_array_equal(model.label_distributions_, expected.label_distributions_)
    assert model.final_estimator_.feature_names_in_.tolist() == ["linear", "bayes", "tree"]


def test_it_predicts(cancer):
    X, y, truth = cancer
    model = CFStackingClassifier(models()).fit(X, y)
    assert np.mean(model.transduction_ == truth) > 0.88
    assert np.mean(model.predict(X) == truth) > 0.88
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert model.get_feature_names_out().tolist() == [f"cfstackingclassifier_{name}" for name, _ in models()]
    assert list(model.named_estimators_) == ["linear", "bayes", "tree"]


def test_three_classes(iris):
    X, y, truth = iris
    names = np.array(["setosa", "versicolor", "virginica"])
    model = CFStackingClassifier(models()).fit(X, np.where(y < 0, None, names[y]))
    assert model.classes_.tolist() == names.tolist()
    assert np.mean(model.transduction_ == names[truth]) > 0.88
    assert model.transform(X).shape == (150, 9)
    assert len(model.get_feature_names_out()) == 9
    assert model.set_output(transform="pandas").transform(X).columns[8] == "cfstackingclassifier_tree2"


def test_processes_do_not_change_the_result(iris):
    X, y, _ = iris
    one, two = (CFStackingClassifier(models(), n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2))
    np.testing.assert_array_equal(one.label_distributions_, two.label_distributions_)


def test_models_that_are_fitted_already(cancer):
    X, y, truth = cancer
    fitted = [(name, model.fit(X[200:], np.where(truth[200:], "benign", "malignant"))) for name, model in models()]
    rest = np.where(y < 0, None, np.where(y == 1, "benign", "malignant"))[:200]
    model = CFStackingClassifier(fitted, cv="prefit").fit(X[:200], rest)
    assert model.estimators_[0] is fitted[0][1]
    assert np.mean(model.transduction_ == np.where(truth, "benign", "malignant")[:200]) > 0.85
    # And models that know the classes by number.
    numbered = [(name, clone(model).fit(X[200:], 1 - truth[200:])) for name, model in fitted]
    again = CFStackingClassifier(numbered, cv="prefit").fit(X[:200], rest)
    np.testing.assert_allclose(again.label_distributions_, model.label_distributions_, atol=1e-2)


def test_rows_held_out_never_or_often(cancer):
    X, y, _ = cancer
    known = np.flatnonzero(y >= 0)
    repeated = ShuffleSplit(3, test_size=0.3, random_state=0)
    splits = list(repeated.split(known))
    held_out = np.bincount(np.concatenate([test for _, test in splits]), minlength=len(known))
    assert set(held_out) > {0, 1, 2}
    with pytest.warns(DataWarning, match="without any prediction"):
        model = CFStackingClassifier([("bayes", GaussianNB())], cv=repeated).fit(X, y)
    mean = np.zeros(len(known))
    for train, test in splits:
        mean[test] += (
            GaussianNB().fit(X[known[train]], y[known[train]]).predict_proba(X[known[test]])[:, 1] / held_out[test]
        )
    P = np.where(held_out > 0, mean, np.nan)
    full = GaussianNB().fit(X[known], y[known]).predict_proba(X)[:, 1]
    full[known] = P
    with pytest.warns(DataWarning, match="without any prediction"):
        expected = clone(model.final_estimator_).fit({"bayes": np.stack([1 - full, full], 1)}, np.where(y < 0, None, y))
    np.testing.assert_allclose(model.label_distributions_, expected.label_distributions_)


def test_groups_are_held_out_together(cancer):
    X, y, _ = cancer
    groups = np.arange(300) // 15
    model = CFStackingClassifier(models(), cv=GroupKFold(3)).fit(X, y, groups=groups)
    assert model.label_distributions_.shape == (300, 2)


def test_groups_have_an_entry_per_row(cancer):
    X, y, _ = cancer
    for count in (60, 299):
        with pytest.raises(ValueError, match=f"groups has {count} entries for 300 rows"):
            CFStackingClassifier(models(), cv=GroupKFold(3)).fit(X, y, groups=np.arange(count))


def test_the_score_leaves_out_unlabelled_rows(cancer):
    X, y, _ = cancer
    model = CFStackingClassifier(models()).fit(X, y)
    assert model.score(X, y) == np.mean(model.predict(X)[y >= 0] == y[y >= 0])


def test_the_guide_names_what_stacking_classifier_has_besides():
    guide = (Path(__file__).parents[2] / "docs" / "from-stacking.md").read_text()
    own, others = (set(inspect.signature(kind).parameters) for kind in (CFStackingClassifier, StackingClassifier))
    assert others - own == {"final_estimator", "stack_method", "passthrough", "verbose"}
    for name in others - own:
        assert re.search(rf"^\| `{name}` \| not ", guide, re.MULTILINE)


def test_folds_are_as_many_as_the_rarest_class_allows(cancer):
    X, _, truth = cancer
    y = np.full(300, -1)
    y[np.flatnonzero(truth == 1)[:2]] = 1
    y[np.flatnonzero(truth == 0)[:9]] = 0
    assert CFStackingClassifier(models()).fit(X, y).label_distributions_.shape == (300, 2)
    y[np.flatnonzero(y == 1)[1]] = -1
    with pytest.raises(ValueError, match="one labelled row of class 1, so that none of it can be held out"):
        CFStackingClassifier(models()).fit(X, y)


def test_rows_that_a_model_cannot_score_are_missing_predictions(cancer):
    X, y, truth = cancer
    limit = np.quantile(X[:, 0], 0.9)
    stack = [*models(), ("failing", Failing(limit))]
    with pytest.warns(DataWarning, match="'failing' failed, and 30 of 300 rows have no prediction of it: too large"):
        model = CFStackingClassifier(stack).fit(X, y)
    assert np.mean(model.transduction_ == truth) > 0.88
    with pytest.warns(DataWarning, match="30 of 300"):
        P = model.transform(X)
    np.testing.assert_array_equal(np.isnan(P[:, 3]), X[:, 0] > limit)
    with pytest.raises(RuntimeError, match="too large"):
        CFStackingClassifier(stack, on_error="raise").fit(X, y)


def test_a_model_that_cannot_be_fitted_is_missing_altogether(cancer):
    X, y, _ = cancer
    stack = [*models(), ("failing", Failing(0))]
    with pytest.warns(DataWarning) as caught:
        model = CFStackingClassifier(stack).fit(X, y)
    assert any("300 of 300 rows have no prediction of it: cannot be fitted" in str(w.message) for w in caught)
    assert model.estimators_[3] is None
    without = CFStackingClassifier(models()).fit(X, y)
    np.testing.assert_allclose(model.label_distributions_, without.label_distributions_, atol=0.05)
    with pytest.raises(RuntimeError, match="cannot be fitted"):
        CFStackingClassifier(stack, on_error="raise").fit(X, y)
    with pytest.raises(RuntimeError, match="cannot be fitted") as failure:
        CFStackingClassifier([("failing", Failing(0))]).fit(X, y)
    assert "no base model could be fitted" in failure.value.__notes__[0]


def test_a_model_may_see_some_columns_only(cancer):
    X, y, truth = cancer
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(10)])
    part = make_pipeline(make_column_transformer(("passthrough", ["c1", "c3"])), GaussianNB())
    model = CFStackingClassifier([*models(), ("part", part)]).fit(frame, y)
    assert np.mean(model.transduction_ == truth) > 0.88
    # One that was fitted to some columns gets these.
    fitted = [("some", GaussianNB().fit(frame[["c1", "c3"]], truth)), ("all", GaussianNB().fit(frame, truth))]
    model = CFStackingClassifier(fitted, cv="prefit").fit(frame, y)
    np.testing.assert_array_equal(model.transform(frame)[:, 0], fitted[0][1].predict_proba(frame[["c1", "c3"]])[:, 1])
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"c1": "d1"}))


def test_models_without_probabilities_take_part(cancer):
    X, y, truth = cancer
    stack = [("ridge", RidgeClassifier()), ("centroid", NearestCentroid()), ("neighbours", KNeighborsClassifier())]
    model = CFStackingClassifier(stack).fit(X, y)
    P = model.transform(X)
    ridge = model.named_estimators_["ridge"]
    np.testing.assert_allclose(P[:, 0], 1 / (1 + np.exp(-ridge.decision_function(X))))
    assert np.mean(model.transduction_ == truth) > 0.85


def test_texts():
    texts = ["good film", "bad film", "good", "awful film", "good plot", "bad plot", "a film", "bad and awful"]
    stack = [(f"k{k}", make_pipeline(CountVectorizer(max_features=k), MultinomialNB())) for k in (3, 5)]
    model = CFStackingClassifier(stack, cv=2).fit(texts, [1, 0, 1, 0, 1, 0, -1, -1])
    assert model.predict(["good", "bad"]).tolist() == [1, 0]


def test_dropping_a_model_and_setting_its_parameters(cancer):
    X, y, _ = cancer
    model = CFStackingClassifier(models()).set_params(bayes="drop", tree__max_depth=2).fit(X, y)
    assert model.get_params()["tree__max_depth"] == 2
    assert len(model.estimators_) == 2
    assert model.named_estimators_["bayes"] == "drop"
    assert model.transform(X).shape == (300, 2)
    search = GridSearchCV(CFStackingClassifier(models()), {"tree__max_depth": [1, 3]}, cv=2).fit(X[y >= 0], y[y >= 0])
    assert search.best_params_["tree__max_depth"] in (1, 3)


def test_weights_reach_the_models(cancer):
    X, y, _ = cancer
    weight = np.random.default_rng(0).integers(1, 4, 300)
    stack = [("bayes", GaussianNB()), ("tree", DecisionTreeClassifier(max_depth=2, random_state=0))]
    model = CFStackingClassifier(stack).fit(X, y, sample_weight=weight)
    known = y >= 0
    expected = GaussianNB().fit(X[known], y[known], weight[known]).predict_proba(X)[:, 1]
    np.testing.assert_array_equal(model.transform(X)[:, 0], expected)
    with pytest.raises(TypeError, match=r"base model 'near'.*does not take it"):
        CFStackingClassifier([("near", KNeighborsClassifier())]).fit(X, y, sample_weight=weight)


def test_metadata_is_routed(cancer):
    X, y, _ = cancer
    weight = np.random.default_rng(0).integers(1, 4, 300).astype(float)
    with sklearn.config_context(enable_metadata_routing=True):
        stack = [
            ("bayes", GaussianNB().set_fit_request(sample_weight=True)),
            ("near", KNeighborsClassifier()),
            ("tree", DecisionTreeClassifier(max_depth=2, random_state=0).set_fit_request(sample_weight=False)),
        ]
        model = CFStackingClassifier(stack).fit(X, y, sample_weight=weight)
    known = y >= 0
    expected = GaussianNB().fit(X[known], y[known], weight[known]).predict_proba(X)[:, 1]
    np.testing.assert_array_equal(model.transform(X)[:, 0], expected)
    with pytest.raises(TypeError, match="unexpected arguments colour"):
        CFStackingClassifier(models()).fit(X, y, colour=3)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"estimators": []}, "with at least one"),
        ({"estimators": [("a", "drop")]}, "all of them are dropped"),
        ({"estimators": [("a", GaussianNB()), ("a", GaussianNB())]}, "not unique"),
        ({"on_error": "ignore"}, "on_error must be"),
        ({"solver": "best"}, "solver: unknown name"),
        ({"estimators": [GaussianNB()]}, r"\(name, estimator\) tuples, but estimators\[0\] is GaussianNB\(\)"),
        ({"estimators": [("d", 3)]}, "base model 'd' is 3, but should be a classifier"),
        ({"estimators": [("d", GaussianNB)]}, r"'d' is the class GaussianNB, .*pass an object, GaussianNB\(\)"),
        (
            {"estimators": [("line", LinearRegression())]},
            r"'line' \(LinearRegression\) should be a classifier",
        ),
        ({"estimators": [("scale", StandardScaler())]}, r"'scale' \(StandardScaler\) should be a classifier"),
        ({"estimators": [("pipe", make_pipeline(StandardScaler(), LinearRegression()))]}, "'pipe' .*be a classifier"),
        ({"cv": [(np.arange(150), np.arange(150, 300))]}, "cv: its indices count the 60 labelled rows alone, 0 to 59"),
    ],
)
def test_bad_parameters_are_refused_by_fit(cancer, parameters, message):
    X, y, _ = cancer
    with pytest.raises(ValueError, match=message):
        CFStackingClassifier(**({"estimators": models()} | parameters)).fit(X, y)


def test_a_prefit_model_with_other_classes_is_refused(cancer):
    X, y, truth = cancer
    other = GaussianNB().fit(X, truth + 5)
    with pytest.raises(ValueError, match="predicts class 5, which y never has"):
        CFStackingClassifier([("other", other)], cv="prefit").fit(X, y)


def test_copies_predict_the_same(cancer):
    X, y, _ = cancer
    model = CFStackingClassifier(models()).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


class Constant(ClassifierMixin, BaseEstimator):
    """Predicts the same of every row."""

    def __init__(self, p=(0.5, 0.5)):
        self.p = p

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_calls_ = 0
        return self

    def predict_proba(self, X):
        self.n_calls_ += 1
        return np.tile(self.p, (len(X), 1))


@pytest.mark.parametrize(
    ("p", "message"), [((np.nan, 0.5), "predicts NaN"), ((-0.5, 1.5), "no probabilities"), ((0.3, 0.3), "no probab")]
)
def test_what_is_no_probability_counts_as_a_failure(cancer, p, message):
    X, y, _ = cancer
    stack = [*models(), ("constant", Constant(p))]
    with pytest.warns(DataWarning) as caught:
        model = CFStackingClassifier(stack).fit(X, y)
    assert re.search(f"'constant' failed, and 300 of 300 rows .*{message}", str(caught[0].message))
    calls = model.estimators_[3].n_calls_
    with pytest.warns(DataWarning, match="'constant' failed"):
        model.predict(X)
    assert model.estimators_[3].n_calls_ - calls <= 21  # not row by row
    with pytest.raises(ValueError, match=message):
        CFStackingClassifier(stack, on_error="raise").fit(X, y)


def test_an_iterator_of_splits_serves_once(cancer):
    X, y, _ = cancer
    model = CFStackingClassifier(models(), cv=KFold(3).split(np.flatnonzero(y >= 0))).fit(X, y)
    with pytest.raises(ValueError, match="cv makes no splits"):
        model.fit(X, y)


def test_a_fit_that_fails_leaves_the_model_as_it_was(cancer):
    X, y, _ = cancer
    model = CFStackingClassifier(models()).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match=r"infinite|infinity"):
        model.fit(np.full((300, 4), np.inf), y)
    np.testing.assert_array_equal(model.set_params(cv="prefit").predict_proba(X), before)


def test_models_that_are_fitted_take_no_arguments_of_fit(cancer):
    X, y, truth = cancer
    fitted = [("bayes", GaussianNB().fit(X, truth))]
    with pytest.raises(TypeError, match="fitted already: colour"):
        CFStackingClassifier(fitted, cv="prefit").fit(X, y, colour=3)
