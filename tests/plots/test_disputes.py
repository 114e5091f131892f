import numpy as np
import pytest

from cfensemble import plots

NAN = np.nan


def test_every_instance_is_counted_at_its_spread_and_probability(rng):
    R, p = rng.random((6, 400)), rng.random(400)
    R[rng.random(R.shape) < 0.2] = NAN
    ax = plots.disagreement(R, p)
    assert ax.collections[0].get_array().sum() == 400
    spread = np.nanstd(R, axis=0)
    first = np.argsort(-spread)[:10]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), p[first])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), spread[first])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Combined probability", "Standard deviation of the predictions")
    assert ax.get_title() == ""
    assert ax.child_axes[0].get_ylabel() == "Instances"


def test_instances_with_fewer_than_two_predictions_are_left_out(legend):
    R = [[0.1, 0.2, NAN, NAN], [0.3, NAN, NAN, 0.9], [NAN, NAN, NAN, 0.1]]
    ax = plots.disagreement(R, [0.2, 0.2, 0.5, 0.6])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.4, 0.1])
    assert legend(ax) == ["the 2 most disputed"]
    assert legend(plots.disagreement(R, [0.2, 0.2, 0.5, NAN])) == ["most disputed"]


def test_without_combined_probabilities_the_distribution_of_the_spread_is_drawn(rng, legend):
    R = rng.random((5, 300))
    ax = plots.disagreement(R)
    counts, _ = np.histogram(R.std(axis=0), 40, (0, 0.5))
    np.testing.assert_array_equal([bar.get_height() for bar in ax.patches], counts)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), np.quantile(R.std(axis=0), 0.95))
    assert legend(ax) == ["5 % of the instances are above"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Standard deviation of the predictions", "Instances")


@pytest.mark.parametrize("R", [np.full((3, 5), 0.5), [[0.0, 0.0], [1.0, 1.0]], np.full((1000, 3), 0.2)])
def test_constant_predictions_can_be_drawn(R):
    for p in (None, np.full(np.shape(R)[1], 0.5)):
        plots.disagreement(R, p).figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("R", "p", "message"),
    [
        ([[0.1, 0.2]], None, "R has no instance with two predictions"),
        ([[0.1], [0.2]], [NAN], "R has no instance with two predictions"),
        ([[0.1], [1.2]], None, r"R\[1, 0\] is 1.2"),
        ([[0.1], [0.2]], [0.1, 0.2], r"p must have shape \(1,\), got \(2,\)"),
        ([[0.1], [0.2]], [1.5], r"p\[0\] is 1.5"),
    ],
)
def test_errors_name_the_argument(R, p, message):
    with pytest.raises(ValueError, match=message):
        plots.disagreement(R, p)
