"""Whether probabilities can be trusted."""

import numpy as np
import pytest

from cfensemble.report.probabilities import calibrate


def test_the_error_is_the_mean_gap_of_ten_groups():
    rng = np.random.default_rng(0)
    p = rng.random(100)
    y = (rng.random(100) < p**2).astype(float)
    order = np.argsort(p)
    gaps = [abs(p[order][k : k + 10].mean() - y[order][k : k + 10].mean()) for k in range(0, 100, 10)]
    found = calibrate(y, p[None])
    assert found.error == pytest.approx(np.mean(gaps))
    assert (found.mean_p, found.rate) == pytest.approx((p.mean(), y.mean()))


def test_perfect_probabilities_are_seldom_called_off_and_wrong_ones_are():
    rng = np.random.default_rng(0)
    called = 0
    for seed in range(60):
        p = rng.random(150)
        called += calibrate((rng.random(150) < p).astype(float), p[None], seed).is_off
    assert called <= 8  # 1 in 20 is expected
    y = (rng.random(400) < 0.1).astype(float)
    assert calibrate(y, np.full((1, 400), 0.3)).is_off


@pytest.mark.parametrize("n", [1, 3, 10, 11])
def test_few_rows_will_do(n):
    y = (np.arange(n) % 2).astype(float)
    assert calibrate(y, y[None]).error == 0


def test_the_order_of_rows_makes_no_difference_where_predictions_tie():
    rng = np.random.default_rng(0)
    p = rng.choice([0.2, 0.4, 0.6, 0.8], 200)
    y = (rng.random(200) < p).astype(float)
    order = np.argsort(y)
    assert calibrate(y, p[None]).error == pytest.approx(calibrate(y[order], p[None, order]).error)
    assert calibrate(y, p[None]).n_groups == 4


@pytest.mark.parametrize(
    ("change", "leaning"),
    [
        (lambda p: np.clip(p + 0.2, 0, 1), "high"),
        (lambda p: np.clip(p - 0.2, 0, 1), "low"),
        (lambda p: (p > 0.5) * 0.96 + 0.02, "bold"),
        (lambda p: 0.4 + 0.2 * p, "timid"),
    ],
)
def test_it_is_told_in_which_direction_probabilities_err(change, leaning):
    rng = np.random.default_rng(0)
    p = rng.random(600)
    found = calibrate((rng.random(600) < p).astype(float), change(p)[None])
    assert found.is_off
    assert found.leaning == leaning
