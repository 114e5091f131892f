"""The losses against their definitions in plain NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble.ensemble import MeanAggregator, WeightedAggregator
from cfensemble.objectives import combined_loss, compute_rmse, reconstruction_loss, supervised_loss

NAN = np.nan


def random_case(seed, dtype=np.float64):
    """R with missing entries, X, Y, C, labels of some instances, and an aggregator."""
    rng = np.random.default_rng(seed)
    m, d, n = rng.integers(1, [8, 6, 40])
    R = np.where(rng.random((m, n)) < rng.random(), NAN, rng.random((m, n)))
    X, Y, C = rng.standard_normal((d, m)), rng.standard_normal((d, n)), rng.random((m, n))
    labels = np.where(rng.random(n) < 0.7, rng.integers(0, 2, n), NAN)
    aggregator = WeightedAggregator(m)
    aggregator.set_params(w=rng.standard_normal(m), b=rng.standard_normal())
    return *(array.astype(dtype) for array in (R, X, Y, C)), labels, aggregator


def focal_loss(p_true, gamma, weights):
    return np.sum(weights * (1 - p_true) ** gamma * -np.log(p_true)) / np.sum(weights)


def balanced(y):
    """Both classes get the same sum of weights, where there are two."""
    counts = [np.sum(y == value) for value in (0, 1)]
    return np.ones(len(y)) if 0 in counts else len(y) / (2 * np.where(y == 1, counts[1], counts[0]))


many_cases = given(seed=st.integers(0, 10**6))
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


# ----------------------------------------------------------------------------------------- reconstruction


@dtypes
@many_cases
def test_reconstruction_loss_is_the_weighted_squared_error_and_the_penalty(dtype, seed):
    R, X, Y, C, _, _ = random_case(seed, dtype)
    penalty = 0.3 * ((X.astype(float) ** 2).sum() + (Y.astype(float) ** 2).sum())
    error = (R.astype(float) - X.T.astype(float) @ Y) ** 2
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    assert reconstruction_loss(R, X, Y, C, 0.3) == pytest.approx(np.nansum(C * error) + penalty, rel=rtol)
    assert reconstruction_loss(R, X, Y, None, 0) == pytest.approx(np.nansum(error), rel=rtol)


def test_weights_of_missing_predictions_do_not_matter():
    R, X, Y, C, _, _ = random_case(0)
    strange = np.where(np.isnan(R), NAN, C)
    assert reconstruction_loss(R, X, Y, strange, 0.1) == reconstruction_loss(R, X, Y, C, 0.1)


def test_the_losses_take_lists():
    aggregator = WeightedAggregator(1)
    total, _ = combined_loss([[1, NAN]], [[1]], [[0, 5]], [[2, 2]], [1, NAN], [0], aggregator, 0.5, 0)
    assert total == pytest.approx(0.5 * 2 + 0.5 * np.log(2))


# -------------------------------------------------------------------------------------------- supervision


@dtypes
@pytest.mark.parametrize("gamma", [0, 0.5, 2])
@pytest.mark.parametrize("use_class_weights", [False, True])
@many_cases
def test_supervised_loss_is_the_weighted_mean_focal_loss(dtype, gamma, use_class_weights, seed):
    _, X, Y, _, labels, aggregator = random_case(seed, dtype)
    mask = ~np.isnan(labels)
    actual = supervised_loss(X, Y, labels, mask, aggregator, use_class_weights, gamma)
    if not mask.any():
        assert actual == 0
        return
    y = labels[mask]
    z = aggregator.w @ (X.T.astype(float) @ Y[:, mask]) + aggregator.b
    p_true = 1 / (1 + np.exp(np.where(y == 1, -z, z)))
    expected = focal_loss(p_true, gamma, balanced(y) if use_class_weights else np.ones(len(y)))
    assert actual == pytest.approx(expected, rel=1e-6 if dtype == np.float32 else 1e-9)
    assert supervised_loss(X, Y, labels, np.flatnonzero(mask), aggregator, use_class_weights, gamma) == actual


@pytest.mark.parametrize("gamma", [0, 2])
def test_supervised_loss_of_the_plain_average_clips_its_probabilities(gamma):
    X, Y = np.array([[0.5, 1.5]]), np.array([[0.3, 5.0, -1.0, 0.9]])
    p = np.clip(Y[0], 1e-7, 1 - 1e-7)
    y = np.array([1.0, 0.0, 1.0, 0.0])
    actual = supervised_loss(X, Y, y, range(4), MeanAggregator(), focal_gamma=gamma)
    assert actual == pytest.approx(focal_loss(np.where(y == 1, p, 1 - p), gamma, np.ones(4)), rel=1e-9)


def test_only_the_instances_of_the_mask_count():
    _, X, Y, _, _, aggregator = random_case(3)
    labels = np.zeros(Y.shape[1])
    some = np.arange(Y.shape[1]) % 2 == 0
    expected = supervised_loss(X, Y[:, some], labels[some], labels[some] == 0, aggregator)
    assert supervised_loss(X, Y, labels, some, aggregator) == pytest.approx(expected, rel=1e-12)


# ------------------------------------------------------------------------------------------------ combined


@pytest.mark.parametrize("rho", [0, 0.3, 1])
@pytest.mark.parametrize("settings", [{}, {"use_class_weights": True, "focal_gamma": 2.0}])
def test_combined_loss_adds_up(rho, settings):
    R, X, Y, C, labels, aggregator = random_case(1)
    mask = ~np.isnan(labels)
    total, terms = combined_loss(R, X, Y, C, labels, mask, aggregator, rho, 0.2, **settings)
    reconstruction = reconstruction_loss(R, X, Y, C, 0.2)
    supervised = supervised_loss(X, Y, labels, mask, aggregator, **settings)
    assert terms == {
        "total": total,
        "reconstruction": reconstruction,
        "supervised": supervised,
        "recon_weighted": rho * reconstruction,
        "sup_weighted": (1 - rho) * supervised,
        "rho": rho,
    }
    assert total == pytest.approx(rho * reconstruction + (1 - rho) * supervised, rel=1e-14)


def test_inputs_may_be_read_only_and_stay_as_they_are():
    arrays = random_case(2)[:5]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    R, X, Y, C, labels = arrays
    combined_loss(R, X, Y, C, labels, ~np.isnan(labels), random_case(2)[5], 0.5, 0.1)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


# ---------------------------------------------------------------------------------------------------- rmse


@dtypes
def test_rmse_counts_what_was_predicted_and_is_in_the_mask(dtype):
    R = np.array([[0.5, NAN, 1.0], [0.0, 0.25, NAN]], dtype)
    R_hat = np.array([[1.5, 9.0, 1.0], [2.0, 0.25, NAN]], dtype)
    assert compute_rmse(R, R_hat) == pytest.approx(np.sqrt((1 + 0 + 4 + 0) / 4))
    assert compute_rmse(R, R_hat, [[True, True, True], [False, False, True]]) == pytest.approx(np.sqrt(1 / 2))


# ----------------------------------------------------------------------------------------------- bad input

VALID = {
    "R": np.array([[0.1, 0.9, NAN], [0.2, 0.8, 0.5]]),
    "X": np.ones((4, 2)),
    "Y": np.ones((4, 3)),
    "C": np.ones((2, 3)),
    "labels": np.array([NAN, 1, 0]),
    "labeled_idx": [1, 2],
    "aggregator": WeightedAggregator(2),
    "rho": 0.5,
    "lambda_reg": 0.1,
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"R": np.ones(3)}, "R must be 2-D"),
        ({"R": np.full((2, 3), np.inf)}, r"R\[0, 0\] is inf"),
        ({"X": np.ones((3, 2))}, r"X and Y must have the same latent dimension, .*\(3, 2\) and \(4, 3\)"),
        ({"X": np.ones((4, 1))}, r"X must have shape \(4, 2\), got \(4, 1\)"),
        ({"Y": np.ones((4, 9))}, r"Y must have shape \(4, 3\), got \(4, 9\)"),
        ({"X": np.diag([1.0, NAN, 1, 1])[:, :2]}, r"X\[1, 1\] is nan"),
        ({"Y": np.full((4, 3), np.inf)}, r"Y\[0, 0\] is inf"),
        ({"C": -VALID["C"]}, r"C\[0, 0\] is -1"),
        ({"C": np.ones((3, 2))}, "C must have R's shape"),
        ({"labels": np.ones(2)}, r"labels must have one entry per instance, shape \(3,\), got \(2,\)"),
        ({"labels": np.ones(4)}, r"labels must have one entry per instance, shape \(3,\), got \(4,\)"),
        ({"labels": [NAN, 1, 2]}, r"labels\[2\] is 2"),
        ({"labels": ["a", "b", "c"]}, "labels must be 1, 0, or NaN"),
        ({"labeled_idx": [0, 1]}, r"labels\[0\] is NaN, but labeled_idx says it is labelled"),
        ({"labeled_idx": [1, 3]}, "labeled_idx holds index 3, but there are 3 instances"),
        ({"labeled_idx": [True, False]}, r"labeled_idx as a mask must have shape \(3,\)"),
        ({"aggregator": WeightedAggregator(3)}, r"w must have shape \(2,\), got \(3,\)"),
        ({"rho": 1.1}, r"rho must be in \[0, 1\], got 1.1"),
        ({"rho": NAN}, r"rho must be in \[0, 1\], got nan"),
        ({"lambda_reg": -1}, "lambda_reg must be finite and >= 0, got -1"),
        ({"focal_gamma": -1}, "focal_gamma must be finite and"),
        ({"focal_gamma": np.inf}, "focal_gamma must be finite and"),
    ],
)
def test_bad_input_is_named_with_its_place(changed, message):
    with pytest.raises(ValueError, match=message):
        combined_loss(**VALID | changed)


def test_rmse_of_some_instances_takes_a_mask_or_indices():
    R, R_hat = np.zeros((2, 3)), np.array([[1.0, 5, 2], [1, 5, 2]])
    expected = np.sqrt(2.5)
    for mask in ([0, 2], np.array([True, False, True]), np.array([[True, False, True]] * 2)):
        assert compute_rmse(R, R_hat, mask) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((2, 3)), np.ones((3, 2))), r"R_hat must have R's shape \(2, 3\), got \(3, 2\)"),
        ((np.ones((2, 3)), np.ones((2, 3)), [0, 3]), "mask holds index 3, but there are 3 instances"),
        ((np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3))), r"mask must be boolean with R's shape \(2, 3\)"),
        ((np.ones((2, 3)), np.ones((2, 3)), np.ones((3, 2), bool)), "mask must be boolean with R's shape"),
        ((np.ones((2, 3)), np.ones((2, 3)), np.zeros((2, 3), bool)), "no observed entry"),
        ((np.full((2, 3), NAN), np.ones((2, 3))), "no observed entry"),
        ((np.ones((1, 2)), np.array([[1, NAN]])), r"R_hat\[0, 1\] is nan"),
    ],
)
def test_rmse_refuses_what_it_cannot_compare(arguments, message):
    with pytest.raises(ValueError, match=message):
        compute_rmse(*arguments)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_losses_do_not_depend_on_the_number_of_threads(n_threads):
    rng = np.random.default_rng(0)
    R, X, Y = rng.random((4, 3000)), rng.random((3, 4)), rng.random((3, 3000))
    labels = (rng.random(3000) < 0.3).astype(float)
    arguments = R, X, Y, None, labels, np.arange(3000), WeightedAggregator(4), 0.5, 0.1
    assert combined_loss(*arguments, n_threads=n_threads) == combined_loss(*arguments)
    with pytest.raises(ValueError, match="n_threads"):
        combined_loss(*arguments, n_threads=0)
