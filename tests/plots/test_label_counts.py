import numpy as np
import pytest
from scipy.stats import t

from cfensemble import plots

NAN = np.nan


def test_means_and_the_intervals_of_the_means_are_drawn(rng):
    scores = rng.random((3, 8))
    scores[1, :3] = NAN
    ax = plots.learning_curve([40, 20, 80], scores)
    x, mean = ax.lines[0].get_data()
    np.testing.assert_array_equal(x, [20, 40, 80])
    np.testing.assert_allclose(mean, np.nanmean(scores, axis=1)[[1, 0, 2]])
    half = t.ppf(0.975, [4, 7, 7]) * np.nanstd(scores, axis=1, ddof=1)[[1, 0, 2]] / np.sqrt([5, 8, 8])
    drawn = ax.collections[0].get_paths()[0].vertices
    band = np.clip([mean - half, mean + half], 0, 1)  # where a PR-AUC can be
    for count, low, high in zip(x, *band, strict=True):
        ends = drawn[drawn[:, 0] == count, 1]
        assert (ends.min(), ends.max()) == pytest.approx((low, high))


def test_baselines_and_the_count_from_which_labels_stop_paying_are_drawn(rng, legend):
    scores = rng.random((2, 3))
    ax = plots.learning_curve([10, 20], scores, {"$average$": scores[:, :1]}, stop=15, metric="Accuracy")
    np.testing.assert_allclose(ax.lines[1].get_ydata(), scores[:, 0])
    np.testing.assert_allclose(ax.lines[2].get_xdata(), 15)
    assert legend(ax) == ["CF-Ensemble", "$average$", "more labels stop paying: 15"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("Labels", "Accuracy", "")
    assert len(ax.collections) == 1  # one repeat has no interval


def test_counts_over_a_wide_range_have_a_logarithmic_axis(rng):
    ax = plots.learning_curve([10, 20, 50, 100, 102], rng.random((5, 2)))
    assert ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["102", "50", "20", "10"]
    assert plots.learning_curve([10, 20], rng.random((2, 2))).get_xscale() == "linear"


def test_one_count_and_counts_without_score_can_be_drawn():
    plots.learning_curve([10], [[0.5]]).figure.draw_without_rendering()
    ax = plots.learning_curve([10, 20], [[NAN, NAN], [0.5, 0.5]])
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [20])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [[]]), "n_labels must be 1-D and not empty"),
        (([10, 10], [[0.1], [0.2]]), "n_labels must be positive and different"),
        (([0, 10], [[0.1], [0.2]]), "n_labels must be positive and different"),
        (([10, 20], [0.1, 0.2]), "scores must have a row for each of the 2 counts"),
        (([10, 20], [[0.1, 0.2]]), "scores must have a row for each of the 2 counts"),
        (([10], [[NAN]]), "scores has no score"),
        (([10], [[0.1]], {"b": [[0.1], [0.2]]}), r"baselines\['b'\] must have a row for each of the 1 counts"),
        (([10], [[0.1]], None, -1), "stop must be finite and >= 0"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.learning_curve(*arguments)


def test_bands_of_other_scores_are_not_cut_off(rng):
    ax = plots.learning_curve([20, 40], -rng.random((2, 5)), metric="negative log-loss")
    assert ax.collections[0].get_paths()[0].vertices[:, 1].max() < 0.5
    assert ax.collections[0].get_paths()[0].vertices[:, 1].min() < -0.5
