"""Combining predictions as a scikit-learn classifier."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from cfensemble import CFEnsembleClassifier, Combiner, EnsembleData
from cfensemble.exceptions import CollapseWarning, DataWarning
from cfensemble.model_selection import LabeledSplit, make_labeled_scorer

SOLVERS = ["auto", "als", "joint", "torch"]


def test_auto_is_the_combiner(binary):
    P, y, _ = binary
    model = CFEnsembleClassifier().fit(P, y)
    combiner = Combiner().fit(EnsembleData(P.T, np.where(y < 0, np.nan, y)))
    np.testing.assert_array_equal(model.label_distributions_[:, 1], combiner.predictions_)
    np.testing.assert_array_equal(model.predict_proba(P)[:, 1], combiner.predict(R_new=P.T))
    np.testing.assert_array_equal(model.classifier_weights_, combiner.get_aggregator_weights())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_fits_and_folds_in(binary, solver):
    P, y, truth = binary
    options = {} if solver == "auto" else {"latent_dim": 3, "max_iter": 300}
    model = CFEnsembleClassifier(solver, random_state=0, **options).fit(P, y)
    assert model.label_distributions_.shape == (150, 2)
    np.testing.assert_allclose(model.label_distributions_.sum(axis=1), 1)
    assert np.mean(model.transduction_ == truth) > 0.8
    assert np.mean(model.predict(P) == truth) > 0.8
    assert model.classifier_weights_.shape == (5,)
    assert model.n_features_in_ == 5
    assert model.n_iter_ >= 1


def test_three_classes(three_classes):
    P, y, truth = three_classes
    model = CFEnsembleClassifier().fit(P, y)
    assert model.label_distributions_.shape == (150, 3)
    assert np.mean(model.transduction_ == truth) > 0.8
    np.testing.assert_allclose(model.predict_proba(P), model.label_distributions_, atol=1e-9)


def test_arrays_lists_and_mappings_of_all_classes_are_one_and_the_same(three_classes):
    P, y, _ = three_classes
    expected = CFEnsembleClassifier().fit(P, y)
    parts = list(np.moveaxis(P, 1, 0))
    by_list = CFEnsembleClassifier().fit(parts, y)
    by_name = CFEnsembleClassifier().fit(dict(zip("abcd", parts, strict=True)), y)
    np.testing.assert_array_equal(by_list.label_distributions_, expected.label_distributions_)
    np.testing.assert_array_equal(by_name.label_distributions_, expected.label_distributions_)
    assert by_name.feature_names_in_.tolist() == list("abcd")


def test_two_classes_may_be_given_as_both(binary):
    P, y, _ = binary
    both = np.stack([1 - P, P], axis=2)
    expected = CFEnsembleClassifier().fit(P, y)
    model = CFEnsembleClassifier().fit(both, y)
    np.testing.assert_array_equal(model.label_distributions_, expected.label_distributions_)
    np.testing.assert_array_equal(model.predict_proba(both), expected.predict_proba(P))


@pytest.mark.parametrize("frame", [pd.DataFrame, lambda columns: pl.DataFrame(columns, nan_to_null=True)])
def test_names_are_kept_and_checked(binary, frame):
    P, y, _ = binary
    columns = dict(zip("abcde", P.T, strict=True))
    model = CFEnsembleClassifier().fit(frame(columns), y)
    assert model.feature_names_in_.tolist() == list("abcde")
    np.testing.assert_array_equal(model.label_distributions_, CFEnsembleClassifier().fit(P, y).label_distributions_)
    renamed = frame({"a": P[:, 0], "x": P[:, 1], "y": P[:, 2], "d": P[:, 3], "e": P[:, 4]})
    with pytest.raises(ValueError, match=r"(?s)unseen at fit time:\n- x\n- y\n.*now missing:\n- b\n- c"):
        model.predict(renamed)
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame(dict(reversed(columns.items()))))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(P)
    assert not hasattr(model.fit(P, y), "feature_names_in_")
    with pytest.warns(UserWarning, match="fitted without feature names"):
        model.predict(frame(columns))


def test_labels_may_be_anything(binary):
    P, y, truth = binary
    named = np.where(y < 0, None, np.where(y == 1, "yes", "no"))
    model = CFEnsembleClassifier().fit(P, named)
    assert model.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(model.label_distributions_, CFEnsembleClassifier().fit(P, y).label_distributions_)
    assert np.mean(model.predict(P) == np.where(truth, "yes", "no")) > 0.8


@pytest.mark.parametrize("solver", SOLVERS[:3])
def test_a_weight_counts_as_repetition(binary, solver):
    P, y, _ = binary
    weight = np.random.default_rng(0).integers(0, 4, len(y))
    options = {} if solver == "auto" else {"latent_dim": 2, "max_iter": 500}
    weighted = CFEnsembleClassifier(solver, **options).fit(P, y, weight)
    repeated = CFEnsembleClassifier(solver, **options).fit(P.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(
        weighted.predict_proba(P), repeated.predict_proba(P), atol=1e-6 if solver == "auto" else 1e-3
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"solver": "best"}, "solver: unknown name 'best'"),
        ({"rho": 0.5, "link": "logit"}, "rho, link cannot be set with solver='auto'"),
        ({"callbacks": [print]}, "callbacks are of no use"),
        ({"solver": "als", "strength": 3.0}, "strength says how firmly a prior holds: choose a prior"),
        ({"solver": "als", "rho": 2}, r"rho must be in \[0, 1\]"),
        ({"n_threads": 0}, "n_threads must be in"),
        ({"random_state": -1}, "random_state must be at least 0"),
    ],
)
def test_bad_parameters_are_refused_by_fit(binary, parameters, message):
    P, y, _ = binary
    with pytest.raises(ValueError, match=message):
        CFEnsembleClassifier(**parameters).fit(P, y)


def test_classes_of_predictions_and_labels_have_to_match(binary, three_classes):
    P, _y, _ = binary
    P3, y3, _ = three_classes
    with pytest.raises(ValueError, match="y has 3 classes, 0, 1, 2, but P, of shape"):
        CFEnsembleClassifier().fit(P, y3)
    with pytest.raises(ValueError, match=r"of 3 classes, but y has 2: 0, 1; label at least one row of each"):
        CFEnsembleClassifier().fit(P3, np.where(y3 == 2, -1, y3))
    with pytest.raises(ValueError, match="only solver='auto'"):
        CFEnsembleClassifier("als").fit(P3, y3)
    model = CFEnsembleClassifier().fit(P3, y3)
    with pytest.raises(ValueError, match="probabilities of 2 classes, shape"):
        model.predict(P[:, :4])
    with pytest.raises(ValueError, match="P has 3 classifiers, but CFEnsembleClassifier was fitted with 4"):
        model.predict(P3[:, :3])


def test_each_class_needs_weight(binary):
    P, y, _ = binary
    with pytest.raises(ValueError, match="sample_weight is 0 on every row of class 1"):
        CFEnsembleClassifier().fit(P, y, np.where(y == 1, 0, 1))


def test_a_fit_that_fails_leaves_the_model_as_it_was(binary):
    P, y, _ = binary
    model = CFEnsembleClassifier().fit(P, y)
    before = model.predict_proba(P)
    with pytest.raises(ValueError, match="lie in"):
        model.fit(P + 1, y)
    np.testing.assert_array_equal(model.predict_proba(P), before)


def test_a_row_that_nothing_is_predicted_of_gets_the_base_rate(binary):
    P, y, _ = binary
    P[40] = np.nan
    with pytest.warns(DataWarning, match="without any prediction"):
        model = CFEnsembleClassifier().fit(P, y)
    np.testing.assert_allclose(model.label_distributions_[40, 1], y[:30].mean())
    np.testing.assert_allclose(model.predict_proba(np.full((1, 5), np.nan))[0, 1], y[:30].mean())


def test_gaps_are_told_by_name_and_once_to_whoever_fits(binary, three_classes):
    P, y, _ = binary
    P[:, 2] = np.nan
    with pytest.warns(DataWarning) as caught:
        CFEnsembleClassifier().fit(pd.DataFrame(P, columns=list("abcde")), y)
    assert [str(w.message) for w in caught] == [
        "1 classifier without any prediction: 'c'; leave it out",
        "2 rows without any prediction, row 31 the first: they get the base rate",
    ]
    assert caught[0].filename == __file__
    P3, y3, _ = three_classes
    P3[:, [1, 3]] = np.nan
    P3[[5, 8]] = np.nan
    with pytest.warns(DataWarning) as caught:
        CFEnsembleClassifier().fit(P3, y3)
    assert [str(w.message) for w in caught][:1] == [
        "2 classifiers without any prediction: column 1, column 3; leave them out"
    ]
    assert "rows without any prediction, row 5 the first: they get the base rate" in str(caught[1].message)


def test_the_score_leaves_out_unlabelled_rows(binary):
    P, y, truth = binary
    model = CFEnsembleClassifier().fit(P, y)
    known = y >= 0
    expected = np.mean(model.predict(P)[known] == truth[known])
    assert model.score(P, y) == model.score(P, np.where(known, y, None)) == expected
    weight = np.arange(150.0)
    assert model.score(P, y, sample_weight=weight) == model.score(P[known], y[known], weight[known])
    scores = cross_val_score(CFEnsembleClassifier(), P, y, cv=3)
    assert (scores > 0.6).all()
    with pytest.raises(ValueError, match="no labelled row to score"):
        model.score(P, np.full(150, -1))
    with pytest.raises(ValueError, match="150 labels for 10 rows"):
        model.score(P[:10], y)


@pytest.mark.parametrize("marker", ["-1", "", "nan"])
def test_a_marker_among_strings_is_suspected(binary, three_classes, marker):
    P, y, _ = binary
    named = np.where(y < 0, marker, np.where(y == 1, "yes", "no"))
    with pytest.raises(ValueError, match=f"y has 3 classes, .*'no', 'yes'.*say unlabeled='{marker}'"):
        CFEnsembleClassifier().fit(P, named)
    assert CFEnsembleClassifier(unlabeled=marker).fit(P, named).classes_.tolist() == ["no", "yes"]
    P3, y3, _ = three_classes
    with pytest.raises(ValueError, match=f"of 3 classes, but y has 4: .*say unlabeled='{marker}'"):
        CFEnsembleClassifier().fit(P3, np.where(y3 < 0, marker, np.array(["a", "b", "c"])[y3]))


def test_transposed_predictions_are_suspected(binary, three_classes):
    P, y, _ = binary
    for transposed in (P.T, list(P.T)):
        with pytest.raises(ValueError, match=r"150 labels for 5 instances.*is it transposed"):
            CFEnsembleClassifier().fit(transposed, y)
    with pytest.raises(ValueError, match=r"150 labels for 4 instances.*is it transposed"):
        CFEnsembleClassifier().fit(three_classes[0].swapaxes(0, 1), three_classes[1])


def test_two_classes_may_be_given_by_name(binary):
    P, y, _ = binary
    model = CFEnsembleClassifier().fit(dict(zip("abcde", P.T, strict=True)), y)
    assert model.feature_names_in_.tolist() == list("abcde")
    np.testing.assert_array_equal(model.label_distributions_, CFEnsembleClassifier().fit(P, y).label_distributions_)


@pytest.mark.parametrize("solver", SOLVERS[1:])
def test_advice_can_be_followed(binary, solver):
    P, y, _ = binary
    with pytest.warns(ConvergenceWarning, match=r"; raise max_iter, or choose solver='auto'$") as caught:
        model = CFEnsembleClassifier(solver, latent_dim=2, max_iter=2, random_state=0).fit(P, y)
    assert caught[0].filename == __file__
    assert model.n_iter_ == (4 if solver == "als" else 2)  # ALS has two stages
    opposite = np.where(y < 0, y, 1 - y)
    with pytest.warns(CollapseWarning, match="prior='reliability', nonnegative=True or solver='auto' helps"):
        CFEnsembleClassifier(solver, latent_dim=2, max_iter=3000, random_state=0).fit(P, opposite)


def test_callbacks_follow_the_iterations_and_may_stop(binary):
    P, y, _ = binary
    seen = []

    def stop_after_three(record):
        seen.append(record.loss)
        return len(seen) == 3

    model = CFEnsembleClassifier("als", latent_dim=2, callbacks=[stop_after_three]).fit(P, y)
    assert len(seen) == model.n_iter_ == 3


@pytest.mark.parametrize("solver", SOLVERS[:3])
def test_copies_predict_the_same(binary, solver):
    P, y, _ = binary
    model = CFEnsembleClassifier(solver).fit(P, y)
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict_proba(P), model.predict_proba(P))
    again = clone(model).fit(P, y)
    np.testing.assert_array_equal(again.label_distributions_, model.label_distributions_)


def test_the_rest_of_scikit_learn_takes_it(binary):
    P, y, truth = binary
    scorer = make_labeled_scorer("average_precision")
    scores = cross_val_score(CFEnsembleClassifier(), P, y, cv=LabeledSplit(3), scoring=scorer)
    assert scores.shape == (3,)
    assert (scores > 0.7).all()
    search = GridSearchCV(
        CFEnsembleClassifier("als", latent_dim=2), {"rho": [0.3, 0.7]}, cv=LabeledSplit(3), scoring=scorer
    ).fit(P, y)
    assert search.best_params_["rho"] in (0.3, 0.7)
    pipeline = make_pipeline(FunctionTransformer(lambda X: X[:, :4]), CFEnsembleClassifier()).fit(P, y)
    assert np.mean(pipeline.predict(P) == truth) > 0.8
    known = y >= 0
    calibrated = CalibratedClassifierCV(CFEnsembleClassifier(), cv=3).fit(P[known], y[known])
    assert np.mean(calibrated.predict(P) == truth) > 0.8


@pytest.mark.parametrize("solver", ["als", "joint"])
def test_a_warm_start_needs_fewer_iterations_when_labels_arrive(binary, solver):
    P, y, truth = binary
    more = np.where(np.arange(150) < 35, truth, -1)
    cold = CFEnsembleClassifier(solver, latent_dim=2, max_iter=1000).fit(P, more)
    warm = CFEnsembleClassifier(solver, latent_dim=2, max_iter=1000, warm_start=True).fit(P, y).fit(P, more)
    assert warm.n_iter_ < cold.n_iter_
    np.testing.assert_allclose(warm.label_distributions_, cold.label_distributions_, atol=0.02)


def test_a_warm_start_of_auto_changes_nothing(binary, three_classes):
    for P, y, truth in (binary, three_classes):
        more = np.where(np.arange(150) < 50, truth, -1)
        cold = CFEnsembleClassifier().fit(P, more)
        warm = CFEnsembleClassifier(warm_start=True).fit(P, y)
        factor_model = warm.combiner_.factor_model_
        warm.fit(P, more)
        assert warm.combiner_.factor_model_ is factor_model
        np.testing.assert_array_equal(warm.label_distributions_, cold.label_distributions_)
