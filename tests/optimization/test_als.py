"""Alternating least squares: descent, balancing, the options of its trainer, and its functions of arrays."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

from cfensemble import _reference
from cfensemble.data import EnsembleData, generate_imbalanced_ensemble_data
from cfensemble.ensemble import WeightedAggregator
from cfensemble.exceptions import DataWarning
from cfensemble.objectives import reconstruction_loss
from cfensemble.optimization import (
    CFEnsembleTrainer,
    als_trainer,
    compute_reconstruction_error,
    update_classifier_factors,
    update_instance_factors,
)
from cfensemble.optimization.starts import spectral_factors


def fit(data, **options):
    options = {"latent_dim": 5, "max_iter": 30, "tol": 0.0, "random_seed": 0} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DataWarning)
        return CFEnsembleTrainer(**options).fit(data)


def agreeing(m, n):
    """Classifiers that share most of what they say, seven parts to three; nothing labelled."""
    rng = np.random.default_rng(0)
    R = 0.3 * rng.random((m, n)) + 0.7 * rng.random(n)
    return EnsembleData(R / R.max(), np.full(n, np.nan))


@given(
    seed=st.integers(0, 10**6),
    m=st.integers(1, 10),
    n=st.integers(1, 60),
    d=st.integers(1, 12),
    lambda_reg=st.sampled_from([0.0, 1e-6, 0.01, 1.0]),
    missing=st.sampled_from([0.0, 0.3, 0.8]),
    balance=st.booleans(),
    confidence=st.sampled_from(["uniform", "certainty", "calibration", "adaptive"]),
)
def test_the_reconstruction_loss_never_rises(seed, m, n, d, lambda_reg, missing, balance, confidence):
    rng = np.random.default_rng(seed)
    R = rng.random((m, n))
    R[rng.random((m, n)) < missing] = np.nan
    labels = np.where(rng.random(n) < 0.5, rng.integers(0, 2, n), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = EnsembleData(R, labels)
    trainer = fit(
        data, latent_dim=d, lambda_reg=lambda_reg, balance=balance, confidence=confidence, max_iter=12,
        on_collapse="ignore", random_seed=seed,
    )  # fmt: skip
    loss = np.array(trainer.history["reconstruction"])
    scale = np.nansum(R**2) + 1e-12
    assert (np.diff(loss) <= 1e-10 * (loss[:-1] + scale)).all()


@pytest.mark.parametrize(
    ("m", "n", "d", "lambda_reg", "n_iter", "largest"),
    [(10, 500, 20, 0.01, 30, 1e-12), (15, 1000, 5, 0.1, 30, 1e-2), (15, 1000, 5, 0.1, 100, 3e-4)],
)
def test_balanced_als_reaches_the_optimum_where_plain_als_crawls(m, n, d, lambda_reg, n_iter, largest):
    data = agreeing(m, n)

    def gradient_norm(trainer):
        error = data.C * (data.R - trainer.X.T @ trainer.Y)
        gradients = lambda_reg * trainer.X - trainer.Y @ error.T, lambda_reg * trainer.Y - trainer.X @ error
        return 2 * np.sqrt(sum(np.sum(gradient**2) for gradient in gradients))

    options = {"latent_dim": d, "lambda_reg": lambda_reg, "max_iter": n_iter}
    assert gradient_norm(fit(data, **options)) < largest
    assert gradient_norm(fit(data, balance=False, init="random", **options)) > 20 * largest


def test_the_optimum_is_the_one_that_plain_als_crawls_to():
    data = agreeing(10, 500)
    balanced = fit(data, latent_dim=20)
    plain = fit(data, latent_dim=20, balance=False, init="random", max_iter=1000)
    assert balanced.history["loss"][-1] == pytest.approx(1.12900, abs=5e-6)
    assert plain.history["loss"][29] > 2 * balanced.history["loss"][-1]
    assert plain.history["loss"][-1] == pytest.approx(balanced.history["loss"][-1], rel=1e-4)
    assert plain.history["loss"][-1] > balanced.history["loss"][-1]


@pytest.mark.parametrize("options", [{}, {"schedule": "two_stage", "aggregator_optimizer": "newton"}])
@pytest.mark.parametrize("latent_dim", [3, 20])
def test_the_trainer_on_the_numpy_twins_gives_the_same_fit(imbalanced, monkeypatch, options, latent_dim):
    data = imbalanced[0]
    options = options | {"latent_dim": latent_dim, "max_iter": 5, "lambda_reg": 0.1}
    compiled = fit(data, **options)
    monkeypatch.setattr(als_trainer, "_core", _reference)
    twin = fit(data, **options)
    np.testing.assert_allclose(compiled.history["loss"], twin.history["loss"], rtol=1e-8)
    np.testing.assert_allclose(compiled.get_reconstruction(), twin.get_reconstruction(), atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_fit_is_bitwise_the_same_for_any_number_of_threads(dtype):
    R, labels, _, _ = generate_imbalanced_ensemble_data(n_instances=4000, n_labeled=2000, random_state=0)
    data = EnsembleData(R.astype(dtype), labels)
    serial = fit(data, latent_dim=8, max_iter=5, n_threads=1)
    for n_threads in range(2, 9):
        parallel = fit(data, latent_dim=8, max_iter=5, n_threads=n_threads)
        for name in ("X", "Y", "predictions_"):
            np.testing.assert_array_equal(getattr(serial, name), getattr(parallel, name))
        assert serial.aggregator.b == parallel.aggregator.b
        assert serial.history["loss"] == parallel.history["loss"]


@given(seed=st.integers(0, 10**6))
def test_the_order_of_classifiers_and_instances_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    R = rng.random((6, 80))
    R[1:][rng.random((5, 80)) < 0.2] = np.nan
    labels = np.where(rng.random(80) < 0.6, rng.integers(0, 2, 80), np.nan)
    rows, columns = rng.permutation(6), rng.permutation(80)
    options = {"lambda_reg": 0.5, "max_iter": 200, "on_collapse": "ignore", "freeze_aggregator_iters": 190}
    # From different starts (the random factors are not permuted along) both have to arrive at the same optimum.
    straight = fit(EnsembleData(R, labels), latent_dim=6, init="random", **options)
    permuted = fit(EnsembleData(R[rows][:, columns], labels[columns]), latent_dim=6, init="random", **options)
    np.testing.assert_allclose(permuted.predict(), straight.predict()[columns], atol=1e-5)


def test_the_spectral_start_is_the_best_approximation_of_low_rank():
    R = np.random.default_rng(0).random((7, 9000))
    for d in (3, 7, 12):
        Y = spectral_factors(R, d)
        _, s, Vt = np.linalg.svd(R, full_matrices=False)
        np.testing.assert_allclose(Y.T @ Y[:, :5], (Vt[:d].T * s[:d]) @ Vt[:d, :5], atol=1e-9)
        assert Y.shape == (d, 9000)
        assert not Y[7:].any()
    R[2, 5] = np.nan
    filled = np.where(np.isnan(R), np.nanmean(R[2]), R)
    np.testing.assert_allclose(np.abs(spectral_factors(R, 3)), np.abs(spectral_factors(filled, 3)), atol=1e-9)
    assert not spectral_factors(np.full((3, 4), np.nan), 2).any()


def test_the_spectral_start_needs_no_seed_and_saves_iterations(imbalanced):
    first, second = (fit(imbalanced[0], random_seed=seed, tol=1e-6, max_iter=300) for seed in (0, 1))
    np.testing.assert_array_equal(first.X, second.X)
    start = {init: fit(imbalanced[0], init=init, max_iter=1).history["loss"][0] for init in ("spectral", "random")}
    assert start["spectral"] < 0.8 * start["random"]


def test_frozen_and_damped_aggregators_wait(imbalanced):
    weights = np.array(
        fit(imbalanced[0], freeze_aggregator_iters=4, aggregator_every=3, max_iter=12).history["weights"]
    )
    changed = np.flatnonzero(np.any(np.diff(weights, axis=0) != 0, axis=1)) + 1
    np.testing.assert_array_equal(changed, [4, 7, 10])


def test_a_frozen_fit_does_not_stop_before_the_aggregator_has_moved(imbalanced):
    trainer = fit(imbalanced[0], freeze_aggregator_iters=15, tol=0.5)
    assert trainer.converged_
    assert trainer.n_iter_ > 15
    ramped = fit(imbalanced[0], weight_schedule="ramp", max_iter=40, tol=0.5)
    assert ramped.n_iter_ > 20


def test_two_stages_first_fit_the_factors_then_the_aggregator(imbalanced):
    trainer = fit(imbalanced[0], schedule="two_stage", aggregator_optimizer="newton", tol=1e-8, max_iter=200)
    assert trainer.converged_
    weights, reconstruction = np.array(trainer.history["weights"]), np.array(trainer.history["reconstruction"])
    first_move = int(np.argmax(np.any(weights != weights[0], axis=1)))
    assert first_move > 2
    assert (reconstruction[first_move - 1 :] == reconstruction[-1]).all()
    supervised = np.array(trainer.history["supervised"][first_move - 1 :])
    assert (np.diff(supervised) <= 0).all()
    labelled = imbalanced[0].labeled_idx
    features = np.vstack([trainer.get_reconstruction(), np.ones(imbalanced[0].n_instances)])[:, labelled]
    y = imbalanced[0].labels[labelled]
    omega = np.where(y == 1, 1 / (2 * y.mean()), 1 / (2 * (1 - y.mean()))) / len(y)
    gradient = features @ (omega * (trainer.predict()[labelled] - y))
    assert np.abs(gradient).max() < 1e-5


def test_each_stage_weighs_its_labels_by_its_own_iterations(imbalanced):
    data = imbalanced[0]
    options = {"schedule": "two_stage", "max_iter": 3, "aggregator_lr": 0.3, "on_collapse": "ignore"}
    trainer = fit(data, weight_schedule=lambda iteration: min(iteration, 1), **options)
    aggregator = WeightedAggregator(data.n_classifiers)
    for use_class_weights in (False, True, True):
        aggregator.update(trainer.X, trainer.Y, data.labeled_idx, data.labels, 0.3, use_class_weights)
    np.testing.assert_allclose(trainer.get_aggregator_weights(), aggregator.w, rtol=1e-10)


def test_two_stages_have_converged_only_if_both_have(imbalanced):
    options = {"schedule": "two_stage", "aggregator_optimizer": "newton", "init": "random", "tol": 1e-3}
    assert fit(imbalanced[0], **options, max_iter=100).converged_
    assert not fit(imbalanced[0], **options, balance=False, max_iter=12).converged_


def test_costs_are_those_of_the_previous_iterations_predictions(imbalanced):
    data, labelled = imbalanced[0], imbalanced[0].labeled_idx
    options = {"cost": "confidence", "use_class_weights": False, "aggregator_lr": 2.0}
    before, after = (fit(data, **options, max_iter=k) for k in (3, 4))
    p, y = before.predict()[labelled], data.labels[labelled]
    omega = 1 - np.abs(2 * p - 1)
    q = after.predict()[labelled]
    expected = -np.average(np.where(y == 1, np.log(q), np.log(1 - q)), weights=omega)
    assert after.history["supervised"][-1] == pytest.approx(expected)


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "newton"])
def test_every_optimizer_gets_further_than_plain_gradient_descent(imbalanced, optimizer):
    plain = fit(imbalanced[0]).history["supervised"][-1]
    assert fit(imbalanced[0], aggregator_optimizer=optimizer).history["supervised"][-1] < plain


def test_a_diverging_aggregator_says_what_to_do(imbalanced):
    with pytest.raises(FloatingPointError, match=r"no longer finite in iteration \d: lower aggregator_lr"):
        fit(imbalanced[0], aggregator_lr=1.7e308)


def test_label_aware_confidence_is_not_applied_twice_and_heeds_alpha(imbalanced):
    data = imbalanced[0]
    weak, strong = (fit(data, confidence="label_aware", label_aware_alpha=alpha) for alpha in (0, 5))
    assert not np.allclose(weak.get_reconstruction(), strong.get_reconstruction(), rtol=1e-6)
    twice = fit(data, confidence="label_aware")
    once = fit(data, confidence="certainty", use_label_aware_confidence=True)
    np.testing.assert_array_equal(twice.X, once.X)


def test_degenerate_systems_are_counted_in_the_history(imbalanced):
    assert sum(fit(imbalanced[0]).history["n_degenerate"]) == 0
    unpenalised = fit(imbalanced[0], latent_dim=20, lambda_reg=0.0, max_iter=3, balance=False)
    assert min(unpenalised.history["n_degenerate"]) >= imbalanced[0].n_instances
    assert np.isfinite(unpenalised.predict()).all()


# ------------------------------------------------------------------------------------------------ functions


def test_half_steps_solve_their_normal_equations(problem):
    X, Y, R, C = problem(np.random.default_rng(0), 6, 4, 50)
    new_X = update_classifier_factors(Y, R, C, 0.3)
    new_Y = update_instance_factors(X, R, C, 0.3, n_threads=2)
    assert new_X.shape == X.shape
    assert new_Y.shape == Y.shape
    weight, target = np.where(np.isnan(R), 0, C), np.nan_to_num(R)
    for u in range(6):
        left = (Y * weight[u]) @ Y.T + 0.3 * np.eye(4)
        np.testing.assert_allclose(left @ new_X[:, u], Y @ (weight[u] * target[u]), atol=1e-10)
    for i in range(50):
        left = (X * weight[:, i]) @ X.T + 0.3 * np.eye(4)
        np.testing.assert_allclose(left @ new_Y[:, i], X @ (weight[:, i] * target[:, i]), atol=1e-10)
    np.testing.assert_array_equal(
        update_instance_factors(X, R, None, 0.3), update_instance_factors(X, R, np.ones_like(R), 0.3)
    )


def test_each_half_step_lowers_the_loss(problem):
    X, Y, R, C = problem(np.random.default_rng(1), 6, 4, 50)
    start = reconstruction_loss(R, X, Y, C, 0.3)
    after_x = reconstruction_loss(R, update_classifier_factors(Y, R, C, 0.3), Y, C, 0.3)
    after_y = reconstruction_loss(R, X, update_instance_factors(X, R, C, 0.3), C, 0.3)
    assert max(after_x, after_y) < start


def test_reconstruction_error_is_the_weighted_sum_of_squares(problem):
    X, Y, R, C = problem(np.random.default_rng(2), 6, 4, 50)
    assert compute_reconstruction_error(X, Y, R, C) == pytest.approx(np.nansum(C * (R - X.T @ Y) ** 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_half_steps_keep_the_datas_precision_and_take_lists(problem, dtype):
    X, Y, R, C = problem(np.random.default_rng(3), 3, 2, 5, dtype)
    assert update_instance_factors(X, R, C, 0.1).dtype == dtype
    assert update_classifier_factors(Y, R, C, 0.1).dtype == dtype
    np.testing.assert_allclose(
        update_instance_factors(X.tolist(), R.tolist(), C.tolist(), 0.1),
        update_instance_factors(X, R, C, 0.1),
        rtol=1e-3,
    )


def test_singular_half_steps_are_logged(problem, caplog):
    X, _, R, _ = problem(np.random.default_rng(4), 3, 5, 7, missing=0.0)
    with caplog.at_level("INFO", logger="cfensemble"):
        update_instance_factors(X, R, None, 0.0)
    assert "7 instance system(s) were singular" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"R": np.zeros(3)}, "R must be 2-D"),
        ({"R": np.full((3, 5), np.inf)}, r"R\[0, 0\] is inf"),
        ({"X": np.zeros((2, 4))}, r"X must have shape \(2, 3\)"),
        ({"C": np.zeros((3, 4))}, r"C must have R's shape \(3, 5\), got \(3, 4\)"),
        ({"C": np.full((3, 5), -2.0)}, r"C\[0, 0\] is -2.0"),
        ({"lambda_reg": -1}, "lambda_reg must be finite and >= 0"),
        ({"n_threads": 0}, r"n_threads must be in \[1, 1024\], got 0"),
    ],
)
def test_bad_arguments_of_half_steps_are_named(arguments, message):
    good = {"X": np.ones((2, 3)), "R": np.ones((3, 5)), "C": None, "lambda_reg": 0.1}
    with pytest.raises(ValueError, match=message):
        update_instance_factors(**(good | arguments))
