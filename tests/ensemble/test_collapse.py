"""Each sign of a collapsed aggregator, at its threshold and for any number of classifiers."""

import numpy as np
import pytest

from cfensemble.ensemble.collapse import describe_collapse

SPREAD_OUT = np.array([0.1, 0.9])

any_m = pytest.mark.parametrize("m", [1, 10, 1000])


def with_net_share(m, share):
    """Weights of m classifiers, m even, with sum w = share * sum |w| and sqrt(m) |w| = 1."""
    w = np.full(m, 1 / m)
    w[: m // 2] *= -1
    return w + share / m


@any_m
def test_the_plain_average_is_healthy(m):
    assert describe_collapse(np.full(m, 1 / m), SPREAD_OUT) is None


@any_m
@pytest.mark.parametrize(("scale", "collapsed"), [(0.11, False), (0.09, True), (0, True)])
def test_weights_below_a_tenth_of_the_plain_averages_have_vanished(m, scale, collapsed):
    message = describe_collapse(np.full(m, scale / m), SPREAD_OUT)
    assert (message is not None) == collapsed
    if collapsed:
        assert f"vanished: sqrt(m) |w| = {scale:.3g}, below 0.1" in message


@pytest.mark.parametrize("m", [2, 10, 1000])
@pytest.mark.parametrize(("share", "collapsed"), [(0.06, False), (0.04, True), (0, True), (-0.5, True)])
def test_weights_that_nearly_cancel_or_are_negative_have_turned(m, share, collapsed):
    message = describe_collapse(with_net_share(m, share), SPREAD_OUT)
    assert (message is not None) == collapsed
    if collapsed:
        assert f"turned against the classifiers: sum w = {share:.3g}" in message


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("spread", "collapsed"), [(0.0012, False), (0.0008, True), (0, True)])
def test_predictions_without_spread_are_alike(dtype, spread, collapsed):
    p = (0.4 + spread * np.array([-1, 1])).astype(dtype)
    message = describe_collapse(np.full(5, 0.2), p)
    assert (message is not None) == collapsed
    if collapsed:
        assert f"alike: their standard deviation is {spread:.3g}, below 0.001" in message


@pytest.mark.parametrize(("w", "p"), [(np.full(3, np.nan), SPREAD_OUT), (np.full(3, 1 / 3), np.full(2, np.nan))])
def test_what_is_not_a_number_is_not_healthy(w, p):
    assert describe_collapse(w, p) is not None
