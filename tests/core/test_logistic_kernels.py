"""The compiled aggregator loss against its NumPy twin, finite differences and torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from cfensemble import _core, _reference


def arguments(seed, dtype=np.float64, m=6, d=4, n=900, n_labelled=700, scale=1.0):
    rng = np.random.default_rng(seed)
    return {
        "X": (scale * rng.standard_normal((d, m))).astype(dtype),
        "Y": rng.standard_normal((d, n)).astype(dtype),
        "w": rng.standard_normal(m),
        "b": 0.3,
        "columns": rng.permutation(n)[:n_labelled],
        "labels": rng.integers(0, 2, n_labelled).astype(float),
        "weights": rng.random(n_labelled),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_loss_gradient_and_hessian_equal_their_twin(dtype, gamma, n_threads):
    given_arguments = arguments(0, dtype, n=90_000, n_labelled=80_000)
    actual = _core.aggregator_loss(**given_arguments, focal_gamma=gamma, with_hessian=True, n_threads=n_threads)
    expected = _reference.aggregator_loss(**given_arguments, focal_gamma=gamma, with_hessian=True)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(
            a, e, rtol=1e-5 if dtype == np.float32 else 1e-11, atol=1e-6 if dtype == np.float32 else 1e-13
        )
    without = _core.aggregator_loss(**given_arguments, focal_gamma=gamma, with_hessian=False, n_threads=n_threads)
    assert without[2] is None
    assert without[0] == actual[0]
    np.testing.assert_array_equal(without[1], actual[1])


@pytest.mark.parametrize("layout", ["fortran", "strided", "read-only"])
def test_factors_may_have_any_layout(layout):
    given_arguments = arguments(7)
    options = {"focal_gamma": 1.0, "with_hessian": True, "n_threads": 2}
    expected = _core.aggregator_loss(**given_arguments, **options)
    X, Y = given_arguments["X"], given_arguments["Y"]
    if layout == "fortran":
        X, Y = np.asfortranarray(X), np.asfortranarray(Y)
    elif layout == "strided":
        X, Y = (np.repeat(array, 2, axis=1)[:, ::2] for array in (X, Y))
    else:
        Y.flags.writeable = False
    for a, e in zip(_core.aggregator_loss(**(given_arguments | {"X": X, "Y": Y}), **options), expected, strict=True):
        np.testing.assert_array_equal(a, e)


@given(seed=st.integers(0, 10**6), gamma=st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0]))
def test_gradient_and_hessian_are_those_of_the_loss(seed, gamma):
    given_arguments = arguments(seed, m=3, n=40, n_labelled=30)

    def at(theta, with_hessian=False):
        changed = given_arguments | {"w": theta[:-1], "b": theta[-1]}
        return _core.aggregator_loss(**changed, focal_gamma=gamma, with_hessian=with_hessian, n_threads=1)

    theta = np.append(given_arguments["w"], given_arguments["b"])
    _, gradient, hessian = at(theta, with_hessian=True)
    np.testing.assert_allclose(gradient, approx_fprime(theta, lambda t: at(t)[0], 1e-7), atol=2e-6)
    for k, column in enumerate(hessian.T):
        step = 1e-6 * np.eye(len(theta))[k]
        np.testing.assert_allclose(column, (at(theta + step)[1] - at(theta - step)[1]) / 2e-6, atol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.5])
def test_gradient_equals_autograd(gamma):
    given_arguments = arguments(2)
    value, gradient, _ = _core.aggregator_loss(**given_arguments, focal_gamma=gamma, with_hessian=False, n_threads=1)
    X, Y, w, labels, omega = (torch.from_numpy(given_arguments[name]) for name in ("X", "Y", "w", "labels", "weights"))
    w.requires_grad_()
    b = torch.tensor(given_arguments["b"], dtype=torch.float64, requires_grad=True)
    p = torch.sigmoid(w @ X.T @ Y[:, given_arguments["columns"]] + b)
    truth = torch.where(labels == 1, p, 1 - p)
    loss = -(omega * (1 - truth) ** gamma * torch.log(truth)).sum() / omega.sum()
    loss.backward()
    assert value == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, np.append(w.grad.numpy(), b.grad.item()), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_extreme_log_odds_stay_finite(gamma):
    given_arguments = arguments(3, scale=1e3)
    for result in _core.aggregator_loss(**given_arguments, focal_gamma=gamma, with_hessian=True, n_threads=2):
        assert np.isfinite(result).all()


def test_results_are_bitwise_equal_for_any_number_of_threads():
    given_arguments = arguments(4, n=90_000, n_labelled=80_000)
    options = {"focal_gamma": 1.0, "with_hessian": True}
    serial = _core.aggregator_loss(**given_arguments, **options, n_threads=1)
    for n_threads in range(2, 9):
        for a, b in zip(serial, _core.aggregator_loss(**given_arguments, **options, n_threads=n_threads), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_equal_their_twin_and_do_not_depend_on_position_or_threads(dtype):
    rng = np.random.default_rng(5)
    X, Y, w = (
        rng.standard_normal((4, 6)).astype(dtype),
        rng.standard_normal((4, 60_000)).astype(dtype),
        rng.standard_normal(6),
    )
    p = _core.predict(X, Y, w, -0.2, 1)
    assert p.dtype == dtype
    np.testing.assert_allclose(p, _reference.predict(X, Y, w, -0.2), rtol=1e-5 if dtype == np.float32 else 1e-13)
    for n_threads in (2, 3):
        np.testing.assert_array_equal(p, _core.predict(X, Y, w, -0.2, n_threads))
    np.testing.assert_array_equal(p[1234:1235], _core.predict(X, Y[:, 1234:1235], w, -0.2, 1))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"w": np.ones(5)}, ValueError, r"w must have shape \(6,\), got \(5,\)"),
        ({"Y": np.ones((3, 900))}, ValueError, r"Y must have shape \(4, 900\)"),
        ({"columns": np.full(700, 900)}, IndexError, r"columns\[0\] is 900, outside \[0, 900\)"),
        ({"labels": np.full(700, 0.5)}, ValueError, r"labels\[0\] is 0.5.*0 or 1"),
        ({"labels": np.ones(7)}, ValueError, r"labels must have shape \(700,\)"),
        ({"weights": np.full(700, -1.0)}, ValueError, r"weights\[0\] is -1"),
        ({"weights": np.zeros(700)}, ValueError, "positive sum"),
        ({"focal_gamma": -1.0}, ValueError, "focal_gamma must be finite and at least 0"),
        ({"X": np.ones((4, 6), np.float32)}, TypeError, "X must have dtype float64"),
    ],
)
def test_bad_input_is_named(change, error, message):
    options = arguments(6) | {"focal_gamma": 0.0, "with_hessian": False, "n_threads": 1}
    with pytest.raises(error, match=message):
        _core.aggregator_loss(**(options | change))
