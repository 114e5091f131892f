"""Classifiers and combiners for several classes are saved and loaded again like the rest."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from cfensemble import CFEnsembleClassifier, LabelAwareConfidence, ModelFileError, MulticlassCombiner, load
from cfensemble.persistence.model_file import read_model_file, write_model_file

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::cfensemble.CollapseWarning"),
    pytest.mark.filterwarnings("ignore::cfensemble.DataWarning"),
]
N_LABELED = 30


def problem(n_classes, n=80, m=4):
    """Predictions (n, m, K) and codes of the classes."""
    rng = np.random.default_rng(n_classes)
    truth = rng.permutation(np.arange(n) % n_classes)
    scores = np.exp(1.5 * np.eye(n_classes)[truth][:, None] + rng.standard_normal((n, m, n_classes)))
    P = scores / scores.sum(axis=2, keepdims=True)
    P[rng.random((n, m)) < 0.2] = np.nan
    return P, truth


def labels_of(truth, classes):
    """The first labels; None elsewhere."""
    y = np.array([classes[code] for code in truth], object)
    y[N_LABELED:] = None
    return y


def saved_and_loaded(model, tmp_path):
    model.save(tmp_path / "model.safetensors")
    return load(tmp_path / "model.safetensors")


def test_a_loaded_combiner_for_several_classes_is_the_one_that_was_saved(tmp_path):
    P, truth = problem(3)
    R = P.transpose(1, 2, 0)
    combiner = MulticlassCombiner(n_threads=1).fit(R, np.where(np.arange(80) < N_LABELED, truth, np.nan))
    loaded = saved_and_loaded(combiner, tmp_path)
    assert vars(loaded).keys() == vars(combiner).keys()
    assert loaded.view_shares_ == combiner.view_shares_
    assert loaded.n_iter_ == combiner.n_iter_
    for call in (
        lambda model: model.predict(),
        lambda model: model.predict(R[:, :, :9]),
        lambda model: model.predict(np.full_like(R, np.nan)),
        lambda model: model.get_reconstruction(),
        lambda model: model.get_aggregator_weights(),
    ):
        np.testing.assert_array_equal(call(loaded), call(combiner))


@pytest.mark.parametrize("classes", [["ham", "spam"], [False, True], [3, 7], [1.0, 2.0], ["a", "b", "c"], [2, 4, 6, 8]])
def test_a_loaded_classifier_is_the_one_that_was_saved(classes, tmp_path):
    P, truth = problem(len(classes))
    classifier = CFEnsembleClassifier(n_threads=1).fit(P, labels_of(truth, classes))
    assert_same(classifier, saved_and_loaded(classifier, tmp_path), P)


@pytest.mark.parametrize(
    "options",
    [
        {"solver": "als", "latent_dim": 3, "rho": 0.4, "confidence": "adaptive", "random_state": 3},
        {"solver": "joint", "max_iter": 5, "prior": "reliability", "strength": 2, "nonnegative": True, "link": "logit"},
        {"solver": "torch", "max_iter": 5, "confidence": LabelAwareConfidence(0.5), "random_state": np.int64(3)},
    ],
)
def test_so_is_one_that_has_another_solver(options, tmp_path):
    P, truth = problem(2)
    classifier = CFEnsembleClassifier(unlabeled=None, **options).fit(P[:, :, 1], labels_of(truth, ["no", "yes"]))
    assert_same(classifier, saved_and_loaded(classifier, tmp_path), P[:, :, 1])


def test_names_of_columns_are_kept_and_checked(tmp_path):
    P, truth = problem(2)
    table = pd.DataFrame(P[:, :, 1], columns=["net", "forest", "bayes", "neighbours"])
    classifier = CFEnsembleClassifier().fit(table, labels_of(truth, ["no", "yes"]))
    loaded = saved_and_loaded(classifier, tmp_path)
    assert_same(classifier, loaded, table)
    assert loaded.feature_names_in_.tolist() == list(table.columns)
    with pytest.raises(ValueError, match="tree"):
        loaded.predict(table.rename(columns={"forest": "tree"}))


def assert_same(classifier, loaded, P):
    assert {name: repr(value) for name, value in loaded.get_params().items()} == {
        name: repr(value.item() if isinstance(value, np.generic) else value)
        for name, value in classifier.get_params().items()
    }
    assert vars(loaded).keys() == vars(classifier).keys()
    assert loaded.n_features_in_ == classifier.n_features_in_
    assert loaded.n_iter_ == classifier.n_iter_
    assert loaded.classes_.dtype == classifier.classes_.dtype
    for name in ("classes_", "transduction_", "label_distributions_", "classifier_weights_"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(classifier, name))
    np.testing.assert_array_equal(loaded.predict_proba(P), classifier.predict_proba(P))
    np.testing.assert_array_equal(loaded.predict(P), classifier.predict(P))
    clone(loaded)


def test_what_cannot_be_written_is_named(tmp_path):
    P, truth = problem(2)
    classifier = CFEnsembleClassifier("als", random_state=np.random.RandomState(0)).fit(P, labels_of(truth, [1, 2]))
    with pytest.raises(TypeError, match=r"random_state=RandomState.* cannot be written to a file"):
        classifier.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def put(**values):
    def change(state, tensors):
        state.update(values)

    return change


def shorten(name, axis=0):
    def change(state, tensors):
        tensors[name] = np.delete(tensors[name], 0, axis)

    return change


CHANGES = {
    "solver: unknown name 'magic'": put(solver="magic"),
    "rho cannot be set with solver='auto'": put(rho=0.5),
    "classes_ must be 3 different ones, got ['a', 'b']": put(classes_={"dtype": "object", "values": ["a", "b"]}),
    "classes_ must be 3 different ones, got ['a', 'b', 'b']": put(
        classes_={"dtype": "object", "values": ["a", "b", "b"]}
    ),
    "classes_ must be a dtype and values, got 3": put(classes_=3),
    "feature_names_in_ must be 4, got 1": put(feature_names_in_={"dtype": "object", "values": ["net"]}),
    "combiner_ has the unknown class 'CFEnsembleClassifier'": lambda state, tensors: state["combiner_"].update(
        {"class": "CFEnsembleClassifier"}
    ),
    "combiner_: _consensus: there must be 3, got 0": lambda state, tensors: state["combiner_"].update(_consensus=[]),
    "tensor combiner_._base_rate must have shape (K) with K = 3, got (2,)": shorten("combiner_._base_rate"),
    "tensor combiner_.predictors_.1.theta must have shape (p) with p = 6, got (7,)": shorten(
        "combiner_.predictors_.0.theta"
    ),
    "confidence has the unknown class 'Trust'": put(confidence={"class": "Trust"}),
}


@pytest.mark.parametrize("message", CHANGES)
def test_what_is_wrong_with_a_classifier_is_said(message, tmp_path):
    P, truth = problem(3)
    path = tmp_path / "model"
    CFEnsembleClassifier().fit(P, labels_of(truth, ["a", "b", "c"])).save(path)
    metadata, tensors = read_model_file(path)
    state = json.loads(metadata["state"])
    CHANGES[message](state, tensors)
    write_model_file(path, metadata["class"], state, tensors)
    with pytest.raises(ModelFileError) as info:
        load(path)
    assert str(info.value).startswith(f"{path}: {message}")


def test_a_warm_start_keeps_the_factor_model_also_of_several_classes_and_in_a_file(tmp_path, monkeypatch):
    P, truth = problem(3)
    R, labels, more = P.transpose(1, 2, 0), *(np.where(np.arange(80) < end, truth, np.nan) for end in (30, 40))
    cold = MulticlassCombiner().fit(R, more)
    warm = MulticlassCombiner(warm_start=True).fit(R, labels)
    loaded = saved_and_loaded(warm, tmp_path)
    with monkeypatch.context() as patch:
        patch.delattr("cfensemble.combining.multiclass.fit_factor_model")
        for combiner in (warm, loaded):
            np.testing.assert_array_equal(combiner.fit(R, more).predict(), cold.predict())
    changed = np.where(np.arange(80) < 5, R[:, ::-1], R)
    np.testing.assert_array_equal(warm.fit(changed, more).predict(), MulticlassCombiner().fit(changed, more).predict())
