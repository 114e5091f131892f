"""Omega: its formula, its derivatives, and that the torch module has the same."""

import numpy as np
import pytest
import torch

from cfensemble.ensemble import WeightPrior
from cfensemble.ensemble.penalty import WeightPenalty
from cfensemble.ensemble.prior import prior_center
from cfensemble.optimization import CFEnsembleNet

R = np.random.default_rng(0).random((4, 50))
PENALTIES = [
    WeightPenalty(0.3),
    *(
        WeightPenalty(l2, WeightPrior(prior_center(name, R), 0.7), 20)
        for name in ("reliability", "average", "zero")
        for l2 in (0.0, 0.3)
    ),
]
penalties = pytest.mark.parametrize("penalty", PENALTIES)


@penalties
def test_it_is_the_sum_of_its_parts(penalty):
    w, b = np.array([0.2, -0.5, 1.0, 3.0]), 0.6
    expected = penalty.l2 / 2 * np.sum((w - 1 / 4) ** 2)
    if penalty.prior is not None:
        center = penalty.prior.center
        s = w @ center / (center @ center) if center.any() else 1
        expected += (0.7 * 4 * np.sum((w - s * center) ** 2) + 10 * (s - 1) ** 2 + 3 * b**2) / 20
    assert penalty.value(np.append(w, b)) == pytest.approx(expected)


@penalties
def test_gradient_and_hessian_are_the_central_differences(penalty):
    theta, steps = np.random.default_rng(1).standard_normal(5), 1e-5 * np.eye(5)
    sides = [(theta + step, theta - step) for step in steps]
    numeric = [(penalty.value(up) - penalty.value(down)) / 2e-5 for up, down in sides]
    np.testing.assert_allclose(penalty.gradient(theta), numeric, atol=1e-7)
    numeric = [(penalty.gradient(up) - penalty.gradient(down)) / 2e-5 for up, down in sides]
    np.testing.assert_allclose(penalty.hessian(4), numeric, atol=1e-7)
    diagonal, directions, curvatures = penalty.curvature(4)
    parts = diagonal * np.diag([1, 1, 1, 1, 0]) + directions @ np.diag(curvatures) @ directions.T
    np.testing.assert_allclose(parts, penalty.hessian(4), atol=1e-12)


@penalties
def test_autograd_agrees(penalty):
    net = CFEnsembleNet(4, 50, 2, dtype=torch.float64, random_state=0)
    theta = np.random.default_rng(2).standard_normal(5)
    with torch.no_grad():
        net.aggregator.w.copy_(torch.from_numpy(theta[:-1]))
        net.aggregator.b.fill_(theta[-1])
    labels, mask = torch.zeros(50, dtype=torch.float64), torch.arange(50) < 20

    def supervised(**options):
        net.zero_grad()
        R_torch = torch.from_numpy(R)
        loss, terms = net.compute_loss(R_torch, R_torch, labels, mask, 0.0, 0.0, **options)
        loss.backward()
        return terms["supervised"], np.append(net.aggregator.w.grad.numpy(), net.aggregator.b.grad.item())

    value, gradient = supervised(aggregator_l2=penalty.l2, prior=penalty.prior)
    plain_value, plain_gradient = supervised()
    assert value - plain_value == pytest.approx(penalty.value(theta))
    np.testing.assert_allclose(gradient - plain_gradient, penalty.gradient(theta), atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.5]], 1.0), "center must be a finite vector"),
        (([np.nan], 1.0), "center must be a finite vector"),
        (([1.0], -1.0), "strength must be finite and >= 0, got -1"),
        (([1.0], 1.0, -1.0), "scale_precision must be finite and >= 0"),
        (([1.0], 1.0, 1.0, np.inf), "bias_precision must be finite and >= 0"),
    ],
)
def test_bad_priors_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        WeightPrior(*arguments)
