import matplotlib.pyplot as plt
import numpy as np
import pytest

from cfensemble import Combiner, plots


def written(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def positions(ax):
    """The points, in the order of their coordinates."""
    return np.array(sorted(np.asarray(ax.collections[1].get_offsets()).tolist()))


def test_points_lie_along_the_principal_axes(rng):
    X = rng.standard_normal((4, 12)) * np.array([[3], [1], [0.5], [0.1]])
    turned = np.linalg.qr(rng.standard_normal((4, 4)))[0] @ X
    ax = plots.classifier_map(turned)
    np.testing.assert_allclose(positions(ax), positions(plots.classifier_map(X)), atol=1e-12)  # whatever the rotation
    squares = np.linalg.svd(X)[1] ** 2
    np.testing.assert_allclose((positions(ax) ** 2).sum(axis=0), squares[:2])
    assert ax.get_xlabel() == f"First principal axis of the factors ({100 * squares[0] / squares.sum():.0f} %)"
    assert ax.get_ylabel().startswith("Second principal axis (")
    assert ax.get_title() == ""


def test_near_copies_are_linked_and_only_they(rng):
    X = rng.standard_normal((5, 6))
    X[:, 3] = 1.7 * X[:, 0]
    X[:, 4] = X[:, 0] + 0.01 * rng.standard_normal(5)
    ax = plots.classifier_map(X)
    assert len(ax.collections[0].get_segments()) == 2  # three copies are linked by two lines
    assert "alike without their noise" in [text.get_text() for text in ax.get_legend().get_texts()]
    X[:, 3:5] = -X[:, :2]
    assert plots.classifier_map(X).collections[0].get_segments() == []  # the opposite is no copy


def test_weights_set_the_size_of_the_points():
    ax = plots.classifier_map(np.eye(3), weights=[0.1, 0.4, -0.2])
    sizes = np.sort(ax.collections[1].get_sizes())
    np.testing.assert_allclose(np.diff(sizes), [60, 120])
    hollow = np.all(ax.collections[1].get_facecolors()[:, :3] == 1, axis=1)
    assert hollow.sum() == 1


def test_names_do_not_overlap_where_there_is_room(rng):
    names = [f"classifier number {u}" for u in range(15)]
    X = rng.standard_normal((3, 15))
    X[:, 1] = X[:, 2] = X[:, 0] + 0.01
    ax = plots.classifier_map(X, names)
    assert sorted(written(ax)) == sorted(names)
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
    for u, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[u + 1 :])


def test_names_are_shown_as_they_are(odd_names, rng):
    ax = plots.classifier_map(rng.standard_normal((2, 9)), odd_names)
    ax.figure.draw_without_rendering()
    assert {"$x_1$", "_hidden", "two lines", r"\frac{"} <= set(written(ax))


@pytest.mark.parametrize(
    "factors",
    [np.zeros((1, 1)), np.zeros((3, 4)), np.ones((2, 5)), np.ones((1, 7)), [[1.0], [2.0]], -np.ones((3, 2))],
)
def test_degenerate_factors_can_be_drawn(factors):
    m = np.shape(factors)[1]
    for weights in (None, np.zeros(m)):
        ax = plots.classifier_map(factors, weights=weights)
        ax.figure.draw_without_rendering()
        assert np.isfinite(positions(ax)).all()
    if len(factors) == 1:
        assert ax.collections[0].get_segments() == []


def test_of_a_thousand_classifiers_the_weightiest_are_named(rng):
    w = rng.random(1000)
    ax = plots.classifier_map(rng.standard_normal((3, 1000)), weights=w)
    assert len(ax.collections[1].get_offsets()) == 1000
    assert set(written(ax)) == {f"classifier {u}" for u in np.argsort(-w)[:15]}


def test_a_fitted_model_is_drawn_by_its_factors_and_weights(imbalanced):
    combiner = Combiner().fit(imbalanced[0])
    _, ax = plt.subplots()
    assert plots.factors(combiner, ax=ax) is ax
    expected = plots.classifier_map(combiner.factor_model_.X, weights=combiner.get_aggregator_weights())
    np.testing.assert_allclose(positions(ax), positions(expected))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0, np.nan]],), r"factors\[0, 1\] is nan"),
        (([1.0, 2.0],), "factors must be 2-D"),
        (([[1.0, 2.0]], ["a"]), "names must hold a name for each of the 2"),
        (([[1.0, 2.0]], None, [1.0]), r"weights must be of shape \(2,\)"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.classifier_map(*arguments)
