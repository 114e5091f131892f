"""The factor model: that it fits what it was made from, improves with every iteration, and bears any data."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import FactorAnalysis

from cfensemble import _core, _reference
from cfensemble.data import factor_model, fit_factor_model

NAN = np.nan
DTYPES = (np.float32, np.float64)


def draw(seed, m, d, n, missing=0.0, dtype=np.float64):
    """The mean, X and noise of a model, and predictions drawn from it."""
    rng = np.random.default_rng(seed)
    mean, X, noise = rng.random(m), 0.3 * rng.standard_normal((d, m)), 0.01 + 0.05 * rng.random(m)
    R = mean[:, None] + X.T @ rng.standard_normal((d, n)) + np.sqrt(noise)[:, None] * rng.standard_normal((m, n))
    R[rng.random((m, n)) < missing] = NAN
    return mean, X, noise, R.astype(dtype)


def assert_same(model, other, rtol=1e-9):
    for field in dataclasses.fields(model):
        a, b = getattr(model, field.name), getattr(other, field.name)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("d", [1, 2])
def test_the_model_that_made_the_predictions_is_recovered(d, missing, dtype):
    mean, X, noise, R = draw(0, 12, d, 20_000, missing, dtype)
    model = fit_factor_model(R, d, max_iter=1000, tol=1e-9)
    np.testing.assert_allclose(model.mean, mean, atol=0.01)
    np.testing.assert_allclose(model.noise, noise, rtol=0.06)
    np.testing.assert_allclose(model.X.T @ model.X, X.T @ X, atol=0.01)  # whichever way the factors are turned
    if d == 1:
        np.testing.assert_allclose(model.X, X * np.sign(X.sum()), atol=0.01)
    reconstruction = model.reconstruct()
    assert model.Y.dtype == reconstruction.dtype == dtype
    np.testing.assert_allclose(reconstruction, model.mean[:, None] + model.X.T @ model.Y, rtol=1e-4, atol=1e-5)
    assert (np.nanmean((R - reconstruction) ** 2, axis=1) < model.noise).all()  # raw residuals would say too little


@pytest.mark.parametrize("shape", [(8, 1, 500), (10, 2, 3000)])
def test_complete_predictions_become_as_likely_as_scikit_learn_makes_them(shape):
    m, d, n = shape
    *_, R = draw(1, m, d, n)
    model = fit_factor_model(R, d, max_iter=3000, tol=0)
    theirs = FactorAnalysis(d, tol=1e-12, max_iter=20_000, svd_method="lapack").fit(R.T)
    assert model.log_likelihood[-1] == pytest.approx(n * theirs.score(R.T), rel=1e-9)
    np.testing.assert_allclose(model.noise, theirs.noise_variance_, rtol=1e-3)


@given(
    seed=st.integers(0, 10**6),
    m=st.integers(1, 9),
    d=st.integers(1, 4),
    n=st.integers(1, 60),
    missing=st.sampled_from([0.0, 0.3, 0.8]),
    floor=st.sampled_from([1e-4, 0.005, 0.5]),
)
def test_the_likelihood_never_falls_and_noise_stays_above_its_floor(seed, m, d, n, missing, floor):
    rng = np.random.default_rng(seed)
    R = np.round(rng.random((m, n)), rng.integers(0, 3))  # ties, and classifiers that do not vary
    R[rng.random((m, n)) < missing] = NAN
    model = fit_factor_model(R, d, max_iter=30, tol=0, floor=floor)
    gains = np.diff(model.log_likelihood)
    assert (gains >= -1e-9 * (1 + np.abs(model.log_likelihood[:-1]))).all()
    assert all(np.isfinite(values).all() for values in (model.mean, model.X, model.noise, model.Y))
    for row, noise in zip(R, model.noise, strict=True):
        variance = np.var(row[~np.isnan(row)]) if not np.isnan(row).all() else 0
        assert noise >= 0.999 * floor * variance if variance > 1e-20 else noise == 0


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_recorded_likelihood_is_that_of_the_model(missing):
    *_, R = draw(2, 6, 2, 200, missing)
    for max_iter in (1, 7):
        model = fit_factor_model(R, 2, max_iter=max_iter)
        assert len(model.log_likelihood) == max_iter + 1
        assert not model.converged
        likelihood = _reference.factor_moments(model.X, model.mean, model.noise, R)[2]
        assert model.log_likelihood[-1] == pytest.approx(likelihood, rel=1e-11)


def test_iterations_end_when_they_gain_no_more_than_the_tolerance():
    *_, R = draw(3, 6, 1, 500, 0.2)
    model = fit_factor_model(R, tol=1e-4)
    gains = np.diff(model.log_likelihood) / np.count_nonzero(~np.isnan(R))
    assert model.converged
    assert gains[-1] <= 1e-4 < gains[:-1].min()


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_compiled_moments_and_twin_lead_to_the_same_model(monkeypatch, missing):
    *_, R = draw(4, 7, 2, 150, missing)
    compiled = fit_factor_model(R, 2)
    monkeypatch.setattr(factor_model, "_core", _reference)
    assert_same(compiled, fit_factor_model(R, 2), 1e-6)


def test_complete_predictions_need_no_pass_but_give_the_same_moments():
    _, X, noise, R = draw(5, 9, 3, 400)
    R[4], noise[4] = 0.5, 0
    second, cross, log_likelihood = factor_model._complete_moments(X, noise, np.cov(R, bias=True))
    gram, rhs, expected = _core.factor_moments(X, R.mean(axis=1), noise, R, 1)
    assert 400 * log_likelihood == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(400 * cross.T, rhs[:, :3], atol=1e-9 * np.abs(rhs).max())
    for u in range(9):
        full = np.zeros((4, 4))
        full[np.tril_indices(4)] = gram[u]
        np.testing.assert_allclose(full[:3, :3], 400 * np.tril(second) * (u != 4), atol=1e-9 * np.abs(gram).max())
        np.testing.assert_allclose(full[3], [0, 0, 0, 400 * (u != 4)], atol=1e-9 * 400)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_order_of_classifiers_and_instances_does_not_matter(missing):
    *_, R = draw(6, 8, 2, 300, missing)
    model = fit_factor_model(R, 2)
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(8), rng.permutation(300)
    permuted = fit_factor_model(R[rows][:, columns], 2)
    expected = dataclasses.replace(
        model, mean=model.mean[rows], X=model.X[:, rows], noise=model.noise[rows], Y=model.Y[:, columns]
    )
    assert_same(permuted, expected, 1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_number_of_threads_and_the_layout_do_not_matter(missing, dtype):
    *_, R = draw(7, 9, 3, 4000, missing, dtype)
    R.flags.writeable = False
    serial = fit_factor_model(R, 3, max_iter=5, n_threads=1)
    for n_threads in (2, 5, 8):
        assert_same(fit_factor_model(R, 3, max_iter=5, n_threads=n_threads), serial, 0)
    assert_same(fit_factor_model(np.asfortranarray(R), 3, max_iter=5), serial, 1e-9 if dtype == np.float64 else 1e-4)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_model_follows_the_units_of_the_predictions(missing):
    *_, R = draw(8, 6, 2, 300, missing)
    model, other = fit_factor_model(R, 2), fit_factor_model(1e6 * R - 3e6, 2)
    np.testing.assert_allclose(other.mean, 1e6 * model.mean - 3e6, rtol=1e-6)
    np.testing.assert_allclose(other.X, 1e6 * model.X, rtol=1e-6, atol=1)
    np.testing.assert_allclose(other.noise, 1e12 * model.noise, rtol=1e-6)
    np.testing.assert_allclose(other.Y, model.Y, atol=1e-6)


def test_factors_are_turned_and_signed_in_one_way():
    *_, R = draw(9, 10, 3, 500, 0.2)
    model = fit_factor_model(R, 3)
    information = model.X / model.noise @ model.X.T
    diagonal = np.diag(information)
    np.testing.assert_allclose(information, np.diag(diagonal), atol=1e-9 * diagonal[0])
    assert (np.diff(diagonal) < 0).all()
    assert (model.X.sum(axis=1) > 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_new_instances_get_the_factors_that_they_would_have_had(dtype):
    *_, R = draw(10, 7, 2, 3000, 0.3, dtype)
    R[:, 5] = NAN
    model = pickle.loads(pickle.dumps(fit_factor_model(R, 2)))
    np.testing.assert_array_equal(model.posterior(R), model.Y)
    np.testing.assert_allclose(model.posterior(R[:, 40:41]), model.Y[:, 40:41], rtol=1e-5)
    np.testing.assert_allclose(model.posterior(R.astype(np.float64)), model.Y, atol=1e-4)
    assert not model.Y[:, 5].any()
    np.testing.assert_allclose(model.reconstruct(slice(5, 6))[:, 0], model.mean, rtol=1e-6)
    np.testing.assert_array_equal(model.reconstruct(slice(40, 50)), model.reconstruct()[:, 40:50])


@pytest.mark.parametrize(
    ("R", "mean", "varies"),
    [
        ([[0.7]], [0.7], [False]),
        ([[0.7], [0.2]], [0.7, 0.2], [False, False]),
        ([[0.1, 0.9, 0.8]], [0.6], [True]),
        ([[0.1, 0.9, 0.8], [0.2, 0.6, 0.7]], [0.6, 0.5], [True, True]),
        ([[0.1, 0.9, 0.8], [0.3, 0.3, 0.3]], [0.6, 0.3], [True, False]),
        ([[0.1, 0.9, 0.8], [NAN, NAN, NAN]], [0.6, 0], [True, False]),
        ([[0.1, 0.9, NAN], [NAN, NAN, 0.4]], [0.5, 0.4], [True, False]),
        ([[NAN, NAN], [NAN, NAN]], [0, 0], [False, False]),
        ([[0.1] * 7 + [0.1 + 1e-16]], [0.1], [False]),
        ([[0, 5e-324, 0], [0, 1, 1]], [0, 2 / 3], [False, True]),
    ],
)
@pytest.mark.parametrize("d", [1, 3])
def test_predictions_that_say_little_still_make_a_model(R, mean, varies, d):
    model = fit_factor_model(R, d)
    np.testing.assert_allclose(model.mean, mean, atol=1e-9)
    np.testing.assert_array_equal(model.noise > 0, varies)
    assert not model.X[:, ~np.array(varies)].any()
    assert model.X.shape == (1, len(mean))  # of at most two classifiers
    assert all(np.isfinite(values).all() for values in (model.X, model.noise, model.Y, model.log_likelihood))
    assert not model.Y[:, np.isnan(R).all(axis=0)].any()


def test_there_are_fewer_factors_than_classifiers_that_vary():
    *_, R = draw(11, 6, 2, 100)
    R[2] = 0.5
    assert fit_factor_model(R, 20).X.shape == (4, 6)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"R": [0.1, 0.2]}, ValueError, r"R must be 2-D \(classifiers x instances\), got shape \(2,\)"),
        ({"R": [[0.1, np.inf]]}, ValueError, r"R\[0, 1\] is inf: predictions are finite"),
        ({"R": [[0.1, 0.2], [1e200, 0]]}, ValueError, r"R\[1\] holds predictions too large to be squared"),
        ({"latent_dim": 0}, ValueError, "latent_dim must be at least 1, got 0"),
        ({"latent_dim": 1.5}, TypeError, "latent_dim must be an integer"),
        ({"max_iter": 0}, ValueError, "max_iter must be at least 1, got 0"),
        ({"tol": -1}, ValueError, "tol must be finite and >= 0, got -1"),
        ({"floor": 0}, ValueError, "floor must be in .*, got 0"),
        ({"floor": 1.1}, ValueError, "floor must be in .*, got 1.1"),
        ({"n_threads": 0}, ValueError, "n_threads must be in"),
    ],
)
def test_bad_input_is_named(change, error, message):
    with pytest.raises(error, match=message):
        fit_factor_model(**({"R": [[0.1, 0.2], [0.3, 0.1]]} | change))


def test_new_predictions_must_be_of_the_models_classifiers():
    model = fit_factor_model(draw(12, 4, 1, 50)[3])
    with pytest.raises(ValueError, match=r"R must have the model's 4 classifiers as rows, got shape \(3, 5\)"):
        model.posterior(np.zeros((3, 5)))
