import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from cfensemble import CFEnsembleClassifier, CFEnsembleTrainer, Combiner, EnsembleData, plots

NAN = np.nan


def row_names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_the_largest_weight_is_on_top():
    ax = plots.classifier_weights([0.1, 0.7, -0.2], ["a", "b", "c"])
    assert row_names(ax) == ["b", "a", "c"]
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], [0.7, 0.1, -0.2])
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert ax.patches[2].get_hatch()
    assert not ax.patches[0].get_hatch()
    assert (ax.get_xlabel(), ax.get_title(), ax.child_axes) == ("Weight, in log-odds", "", [])


def test_own_scores_stand_beside_the_weights():
    intervals = np.array([[0.4, 0.6], [0.7, 0.9], [NAN, NAN]])
    ax = plots.classifier_weights([0.2, 0.9, 0.5], ["a", "b", "c"], [0.5, 0.8, NAN], intervals)
    (panel,) = ax.child_axes
    x, rows = panel.lines[0].get_data()
    np.testing.assert_array_equal(x, [0.8, NAN, 0.5])
    np.testing.assert_array_equal(rows, [0, 1, 2])
    drawn = panel.collections[1].get_segments()
    np.testing.assert_allclose(drawn[0], [[0.7, 0], [0.9, 0]])
    np.testing.assert_allclose(drawn[-1], [[0.4, 2], [0.6, 2]])
    assert panel.get_xlabel() == "Own\nPR-AUC"
    ax.figure.draw_without_rendering()
    own, bars = panel.get_window_extent(), ax.patches[0].get_window_extent()
    assert bars.x1 < own.x0
    assert own.x1 <= ax.get_window_extent().x1 + 1


def test_of_many_classifiers_those_with_the_most_and_the_least_weight_are_shown(rng):
    w = rng.standard_normal(1000)
    ax = plots.classifier_weights(w, scores=rng.random(1000))
    assert len(ax.patches) == 30
    names = row_names(ax)
    assert names[15] == "… 970 more …"
    assert names[0] == f"classifier {np.argmax(w)}"
    assert names[-1] == f"classifier {np.argmin(w)}"
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches][:15], -np.sort(-w)[:15])


def test_names_are_shown_as_they_are(odd_names):
    ax = plots.classifier_weights(-np.arange(9.0), odd_names)
    assert row_names(ax)[:7] == [
        "$x_1$",
        "_hidden",
        "a$b",
        r"\frac{",
        "<script>&amp;",
        "nul\ufffd and \ufffd[1m",
        "two lines",
    ]
    assert len(row_names(ax)[-1]) == 32
    ax.figure.draw_without_rendering()  # mathematics would fail


def test_narrow_axes_have_shorter_names():
    ax = plots.classifier_weights([0.1], ["a_classifier_with_a_long_name"], ax=plt.subplots(figsize=(4, 3))[1])
    assert row_names(ax) == ["a_classifi…long_name"]


@pytest.mark.parametrize("weights", [[0.0], [0.3], [0.0, 0.0, 0.0], [-0.1, -0.1]])
def test_one_classifier_and_constant_weights_can_be_drawn(weights):
    ax = plots.classifier_weights(weights, scores=[0.5] * len(weights))
    ax.figure.draw_without_rendering()
    assert len(ax.patches) == len(weights)


def test_fitted_models_know_their_weights_and_names(imbalanced):
    data, _ = imbalanced
    combiner = Combiner().fit(data)
    ax = plots.weights(combiner)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], -np.sort(-combiner.get_aggregator_weights()))
    trainer = CFEnsembleTrainer(tol=0.01).fit(data)
    assert len(plots.weights(trainer).patches) == data.n_classifiers
    P = {f"model {u}": np.column_stack([1 - r, r]) for u, r in enumerate(data.R)}
    y = np.where(np.isnan(data.labels), -1, data.labels).astype(int)
    model = CFEnsembleClassifier().fit(P, y)
    assert sorted(row_names(plots.weights(model))) == sorted(P)
    assert "renamed 0" in row_names(plots.weights(model, [f"renamed {u}" for u in range(data.n_classifiers)]))


def test_weights_of_several_classes_and_of_stacking():
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    from cfensemble import CFStackingClassifier

    X, y = load_iris(return_X_y=True)
    models = [("linear", LogisticRegression(max_iter=1000)), ("bayes", GaussianNB())]
    stack = CFStackingClassifier(models).fit(X, y)
    assert sorted(row_names(plots.weights(stack))) == ["bayes", "linear"]
    points = plots.factors(stack)
    assert sorted(text.get_text() for text in points.texts if text.get_text()) == ["bayes", "linear"]


@pytest.mark.parametrize("draw", [plots.weights, plots.factors])
def test_models_have_to_be_fitted_models_of_this_library(draw):
    for unfitted in (CFEnsembleClassifier(), Combiner(), CFEnsembleTrainer()):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            draw(unfitted)
    with pytest.raises(TypeError, match="model must be a fitted model of cfensemble, got list"):
        draw([1, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "weights must be 1-D and not empty"),
        (([0.1, NAN],), r"weights\[1\] is nan"),
        ((["a"],), "weights must hold numbers"),
        (([0.1, 0.2], ["a"]), "names must hold a name for each of the 2 classifiers, got 1"),
        (([0.1, 0.2], "ab"), "names must hold a name for each of the 2 classifiers, got the string 'ab'"),
        (([0.1, 0.2], None, [0.5]), r"scores must have shape \(2,\), got \(1,\)"),
        (([0.1, 0.2], None, [0.5, 0.6], [0.4, 0.7]), r"intervals must have shape \(2, 2\)"),
        (([0.1], None, None, [[0.4, 0.7]]), "intervals are given without the scores"),
        (([0.1], None, [np.inf]), r"scores\[0\] is inf"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.classifier_weights(*arguments)


def test_unlabelled_data_has_weights_too(rng):
    data = EnsembleData(rng.random((4, 50)), np.full(50, NAN))
    with pytest.warns(UserWarning, match="labels"):
        combiner = Combiner().fit(data)
    assert len(plots.weights(combiner).patches) == 4
