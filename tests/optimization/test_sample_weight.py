"""An instance of weight 2 is one given twice, one of weight 0 is left out: for every trainer."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cfensemble import _core
from cfensemble.data import EnsembleData
from cfensemble.exceptions import CollapseWarning, DataWarning
from cfensemble.objectives import combined_loss
from cfensemble.optimization import (
    CFEnsembleJointTrainer,
    CFEnsemblePyTorchTrainer,
    CFEnsembleTrainer,
    compute_reconstruction_error,
    update_classifier_factors,
)
from cfensemble.optimization.torch_net import CFEnsembleNet

pytestmark = [
    pytest.mark.usefixtures("unsettled"),
    pytest.mark.filterwarnings("ignore::cfensemble.exceptions.CollapseWarning"),
]
CONFIDENCES = ("uniform", "certainty", "calibration", "adaptive", "noise_adaptive", "label_aware")
SOLVERS = {"als": CFEnsembleTrainer, "joint": CFEnsembleJointTrainer}
solvers = pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)


def twice_over(seed, n=120, m=6, missing=0.2, share=0.4):
    """Data with weights 0 to 3, and the same with the instances repeated instead, and which those are."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    R = 1 / (1 + np.exp(-(2 * y - 1 + rng.normal(0, np.linspace(0.5, 3, m)[:, None], (m, n)))))
    R[rng.random((m, n)) < missing] = np.nan
    labels = np.where(rng.random(n) < share, y, np.nan)
    labels[:4] = 0, 1, 0, 1
    weight = rng.integers(0, 4, n)
    weight[:4] = 1, 2, 3, 2
    which = np.repeat(np.arange(n), weight)
    return EnsembleData(R, labels, sample_weight=weight), EnsembleData(R[:, which], labels[which]), which


def assert_same_fit(trainer, other, weighted, repeated, which, rtol=1e-6):
    trainer.fit(weighted)
    other.fit(repeated)
    for name in ("loss", "reconstruction", "supervised"):
        np.testing.assert_allclose(trainer.history[name], other.history[name], rtol=rtol, err_msg=name)
    np.testing.assert_allclose(trainer.aggregator.get_weights(), other.aggregator.get_weights(), rtol=rtol, atol=1e-8)
    R_hat, expected = trainer.get_reconstruction(), other.get_reconstruction()
    np.testing.assert_allclose(R_hat[:, which], expected, rtol=rtol, atol=1e-8)
    np.testing.assert_allclose(trainer.predict()[which], other.predict(), rtol=rtol)
    left_out = weighted.sample_weight == 0
    folded_in = other.predict(R_new=weighted.R)
    np.testing.assert_allclose(trainer.predict()[left_out], folded_in[left_out], rtol=10 * rtol)


@given(
    seed=st.integers(0, 10**6),
    missing=st.sampled_from([0.0, 0.3]),
    latent_dim=st.sampled_from([2, 4, 9]),
    focal_gamma=st.sampled_from([0.0, 2.0]),
)
@settings(max_examples=15)
@solvers
@pytest.mark.filterwarnings("ignore::cfensemble.exceptions.DataWarning")
def test_weights_are_repetition(solver, seed, missing, latent_dim, focal_gamma):
    options = {"latent_dim": latent_dim, "focal_gamma": focal_gamma, "max_iter": 6, "lambda_reg": 0.1}
    options |= {"aggregator_l2": 0.1, "tol": 0.0}
    assert_same_fit(solver(**options), solver(**options), *twice_over(seed, missing=missing), rtol=1e-5)


@solvers
@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_they_are_under_every_confidence(solver, confidence):
    options = {"latent_dim": 3, "max_iter": 5, "lambda_reg": 0.1, "tol": 0.0, "confidence": confidence}
    assert_same_fit(solver(**options), solver(**options), *twice_over(1))


@solvers
@pytest.mark.parametrize("strength", ["auto", 0.3])
def test_they_are_with_a_prior_on_log_odds(solver, strength):
    options = {"latent_dim": 3, "max_iter": 5, "lambda_reg": 0.1, "tol": 0.0, "use_class_weights": False}
    options |= {"prior": "reliability", "strength": strength, "link": "logit", "nonnegative": True}
    assert_same_fit(solver(**options), solver(**options), *twice_over(2))


@solvers
def test_costs_of_instances_multiply_them(solver):
    weighted, repeated, which = twice_over(3)
    cost = np.random.default_rng(0).random(weighted.n_instances)
    options = {"latent_dim": 3, "max_iter": 5, "lambda_reg": 0.1, "tol": 0.0, "cost": "confidence"}
    trainers = solver(instance_weight=cost, **options), solver(instance_weight=cost[which], **options)
    assert_same_fit(*trainers, weighted, repeated, which)


def test_they_are_where_the_steps_run_in_two_stages_to_the_end():
    options = {"schedule": "two_stage", "aggregator_optimizer": "newton", "latent_dim": 2, "aggregator_l2": 0.05}
    options |= {"balance": True, "max_iter": 200, "lambda_reg": 0.1}
    assert_same_fit(CFEnsembleTrainer(**options), CFEnsembleTrainer(**options), *twice_over(4))


def test_weights_of_1_change_nothing(make, data):
    once = EnsembleData(data.R, data.labels, sample_weight=np.ones(data.n_instances))
    np.testing.assert_array_equal(make(max_iter=3).fit(once).predict(), make(max_iter=3).fit(data).predict())


def test_single_precision_and_fractions_are_fine(make, data):
    weight = np.random.default_rng(0).choice([0, 0.25, 1.0], data.n_instances)
    single = EnsembleData(data.R.astype(np.float32), data.labels, sample_weight=weight)
    double = EnsembleData(data.R, data.labels, sample_weight=weight)
    p = make(max_iter=3).fit(single).predict()
    assert p.dtype == np.float32
    np.testing.assert_allclose(p, make(max_iter=3).fit(double).predict(), atol=1e-3)


def test_labels_that_do_not_count_are_none(make, data):
    weight = np.where(data.labels == 1, 0.0, 1.0)
    with pytest.warns(DataWarning, match="all .* are 0, so class weights are off"):
        make(max_iter=2).fit(EnsembleData(data.R, data.labels, sample_weight=weight))


def test_the_weighted_joint_objective_never_rises(data):
    weight = np.random.default_rng(1).exponential(size=data.n_instances)
    weighted = EnsembleData(data.R, data.labels, sample_weight=weight)
    trainer = CFEnsembleJointTrainer(latent_dim=5, max_iter=60).fit(weighted)
    losses = trainer.history["loss"]
    assert (np.diff(losses) <= 1e-10 * losses[0]).all()
    C = trainer.confidence.weigh(data.R, data.labels).weights(data.R)
    _, terms = combined_loss(
        data.R, trainer.X, trainer.Y, C, data.labels, data.labeled_idx, trainer.aggregator, 0.5, 0.01, True,
        sample_weight=weight,
    )  # fmt: skip
    w = trainer.get_aggregator_weights()
    assert terms["reconstruction"] == pytest.approx(trainer.history["reconstruction"][-1])
    penalty = 0.01 / 2 * np.sum((w - 1 / len(w)) ** 2)
    assert terms["supervised"] + penalty == pytest.approx(trainer.history["supervised"][-1])


def test_the_torch_objective_is_the_weighted_one():
    data, repeated, which = twice_over(5)
    m, n = data.R.shape
    net = CFEnsembleNet(m, n, 3, dtype=torch.float64, random_state=0)
    other = CFEnsembleNet(m, len(which), 3, dtype=torch.float64, random_state=0)
    other.load_state_dict(net.state_dict() | {"Y": net.Y[:, which]})
    losses = []
    for module, seen, weight in ((net, data, torch.tensor(data.sample_weight)), (other, repeated, None)):
        R, C, labels = (torch.tensor(values) for values in (seen.R, seen.C, seen.labels))
        mask = torch.tensor(seen.labeled_idx)
        losses.append(module.compute_loss(R, C, labels, mask, 0.5, 0.1, sample_weight=weight)[0])
    assert losses[0].item() == pytest.approx(losses[1].item())
    batches = [torch.arange(n)[: n // 2], torch.arange(n)[n // 2 :]]
    R, C, labels, mask = (torch.tensor(v) for v in (data.R, data.C, data.labels, data.labeled_idx))
    weight = torch.tensor(data.sample_weight)
    parts = [net.compute_loss(R, C, labels, mask, 0.5, 0.1, sample_weight=weight, indices=b)[0].item() for b in batches]
    assert np.mean(parts) == pytest.approx(losses[0].item())


@pytest.mark.parametrize("validation_fraction", [0.0, 0.3])
def test_torch_folds_in_what_does_not_count(validation_fraction):
    data, *_ = twice_over(6)
    options = {"latent_dim": 3, "max_epochs": 20, "random_seed": 0, "validation_fraction": validation_fraction}
    trainer = CFEnsemblePyTorchTrainer(**options).fit(data)
    left_out = data.sample_weight == 0
    folded_in = trainer.predict(R_new=data.R)
    np.testing.assert_allclose(trainer.predict()[left_out], folded_in[left_out])
    R = data.R.copy()
    R[:, left_out] = 0.9  # nobody learns from these
    other = CFEnsemblePyTorchTrainer(**options).fit(EnsembleData(R, data.labels, sample_weight=data.sample_weight))
    np.testing.assert_array_equal(other.predict()[~left_out], trainer.predict()[~left_out])


def test_half_steps_take_weights(problem):
    rng = np.random.default_rng(0)
    X, Y, R, C = problem(rng, 5, 3, 60)
    weight = rng.integers(0, 3, 60)
    which = np.repeat(np.arange(60), weight)
    np.testing.assert_allclose(
        update_classifier_factors(Y, R, C, 0.1, sample_weight=weight),
        update_classifier_factors(Y[:, which], R[:, which], C[:, which], 0.1),
    )
    error = compute_reconstruction_error(X, Y, R, C, sample_weight=weight)
    assert error == pytest.approx(compute_reconstruction_error(X, Y[:, which], R[:, which], C[:, which]))
    with pytest.raises(ValueError, match=r"sample_weight\[0\] is -1"):
        compute_reconstruction_error(X, Y, R, C, sample_weight=np.where(np.arange(60) == 0, -1, 1))


@pytest.mark.parametrize("call", ["sweep", "joint_sweep"])
def test_a_kernel_names_bad_weights(problem, call):
    X, Y, R, C = problem(np.random.default_rng(0), 5, 3, 60)
    arguments = (X, R, C, 0.1, Y, None, 1) if call == "sweep" else (X, R, C, 0.1, 0.5, Y, None, True, 1)
    with pytest.raises(ValueError, match=r"sample_weight must have shape \(60,\), got \(59,\)"):
        getattr(_core, call)(*arguments, np.ones(59))


def test_collapse_is_judged_by_what_counts(data):
    """The predictions that count are alike, those that do not are spread out."""
    R = np.full((5, 200), 0.3)
    R[:, 100:] = np.random.default_rng(0).random((5, 100))
    labels = np.where(np.arange(200) % 4 == 0, (np.arange(200) // 4) % 2, np.nan)
    weighted = EnsembleData(R, labels, sample_weight=np.arange(200) < 100)
    with pytest.warns(CollapseWarning, match="all predictions are alike"):
        CFEnsembleTrainer(latent_dim=2, max_iter=3).fit(weighted)
