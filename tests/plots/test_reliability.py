import numpy as np
import pytest

from cfensemble import plots


def points(ax, k=0):
    """Means, rates and ends of the intervals of the k-th method."""
    container = ax.containers[k]
    segments = np.array(container.lines[2][0].get_segments())
    return (*container.lines[0].get_data(), segments[:, 0, 1], segments[:, 1, 1])


def test_each_bin_holds_equally_many_predictions(rng):
    p = rng.random(1000)
    y = rng.random(1000) < p
    mean, rate, _, _ = points(plots.calibration(y, {"a": p}, n_bins=5))
    groups = np.argsort(p).reshape(5, 200)
    np.testing.assert_allclose(mean, p[groups].mean(axis=1))
    np.testing.assert_allclose(rate, y[groups].mean(axis=1))


def test_intervals_are_wilsons(rng):
    from scipy.stats import binomtest

    y = rng.random(30) < 0.3
    _, rate, low, high = points(plots.calibration(y, {"a": rng.random(30)}, n_bins=3))
    for r, a, b in zip(rate, low, high, strict=True):
        expected = binomtest(round(10 * r), 10).proportion_ci(0.95, method="wilson")
        assert (a, b) == pytest.approx((expected.low, expected.high))


def test_repeating_the_predictions_does_not_shorten_the_intervals(rng):
    y, p = rng.random(60) < 0.4, rng.random(60)
    once, often = plots.calibration(y, {"a": p}), plots.calibration(y, {"a": np.tile(p, (7, 1))})
    for a, b in zip(points(once), points(often), strict=True):
        np.testing.assert_allclose(a, b)


def test_equal_predictions_share_a_bin():
    y = [0, 1] * 10
    mean, rate, _, _ = points(plots.calibration(y, {"a": [0.2] * 20}))
    np.testing.assert_allclose([*mean, *rate], [0.2, 0.5])
    mean, rate, low, _ = points(plots.calibration(y, {"a": [0.0] * 19 + [1.0]}))
    np.testing.assert_allclose(mean, [0, 1])
    np.testing.assert_allclose(rate, [9 / 19, 1])
    assert np.all(low >= 0)


def test_the_histogram_lies_below_the_curve(rng):
    p = rng.random(100) ** 3
    ax = plots.calibration(rng.random(100) < p, {"a": p, "b": p})
    counts, _ = np.histogram(p, 20, (0, 1))
    values, _, baseline = ax.patches[0].get_data()
    np.testing.assert_allclose((values - baseline) / (values - baseline).max(), counts / counts.max())
    assert values.max() < 0
    assert ax.get_ylim()[0] == baseline
    assert len(ax.patches) == 2
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Predicted probability", "Share of positives")


def test_where_positives_are_rare_the_axes_end_early(rng):
    p = np.append(0.02 * rng.random(2000), 0.9)
    ax = plots.calibration(rng.random(2001) < p, {"a": p})
    _, _, _, high = points(ax)
    end = ax.get_xlim()[1]
    assert high.max() < end < 0.2
    values, edges, baseline = ax.patches[0].get_data()
    assert edges[-1] < end
    assert values[-1] > baseline  # what lies beyond


@pytest.mark.parametrize("n_bins", [0, 2.5])
def test_n_bins_is_a_positive_integer(n_bins):
    with pytest.raises((TypeError, ValueError), match="n_bins must be"):
        plots.calibration([0, 1], {"a": [0.1, 0.9]}, n_bins=n_bins)
