"""The torch backend: the same objective, minimised jointly, and the options that only it has."""

import multiprocessing

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from cfensemble.data import EnsembleData
from cfensemble.ensemble import MeanAggregator, WeightedAggregator
from cfensemble.objectives import combined_loss
from cfensemble.optimization import CFEnsembleNet, CFEnsemblePyTorchTrainer

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


pytestmark = pytest.mark.usefixtures("unsettled")


def tensors(data):
    return (
        torch.from_numpy(np.array(array)) for array in (data.R, data.C, np.nan_to_num(data.labels), data.labeled_idx)
    )


def fit(data, **options):
    options = {"latent_dim": 5, "max_epochs": 40, "lr": 0.05, "random_seed": 0} | options
    return CFEnsemblePyTorchTrainer(**options).fit(data)


@pytest.mark.parametrize("kind", ["weighted", "mean"])
@pytest.mark.parametrize("class_weights", [False, True])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_the_nets_loss_is_the_combined_loss(data, kind, class_weights, gamma):
    net = CFEnsembleNet(*data.R.shape, 5, kind, dtype=torch.float64, random_state=0)
    R, C, labels, mask = tensors(data)
    loss, terms = net.compute_loss(R, C, labels, mask, 0.3, 0.1, class_weights, gamma)
    X, Y = net.X.detach().numpy(), net.Y.detach().numpy()
    aggregator = WeightedAggregator(data.n_classifiers) if kind == "weighted" else MeanAggregator()
    total, expected = combined_loss(
        data.R, X, Y, data.C, data.labels, data.labeled_idx, aggregator, 0.3, 0.1, class_weights, gamma
    )
    assert loss.item() == pytest.approx(total, rel=1e-12)
    assert terms == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_the_compiled_gradient_is_that_of_the_nets_loss(data, gamma):
    from cfensemble.objectives.label_weights import LabelledInstances

    net = CFEnsembleNet(*data.R.shape, 5, dtype=torch.float64, random_state=0)
    R, C, labels, mask = tensors(data)
    loss, _ = net.compute_loss(R, C, labels, mask, 0.3, 0.1, True, gamma)
    loss.backward()
    labelled = LabelledInstances.of(data.labels, data.labeled_idx, True)
    theta = np.append(net.aggregator.w.detach().numpy(), net.aggregator.b.item())
    X, Y = net.X.detach().numpy(), net.Y.detach().numpy()
    _, gradient, _ = WeightedAggregator.derivatives(theta, X, Y, labelled, gamma)
    autograd = np.append(net.aggregator.w.grad.numpy(), net.aggregator.b.grad.item())
    np.testing.assert_allclose(0.7 * gradient, autograd, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("kind", ["weighted", "mean", "attention"])
def test_mini_batches_average_to_the_whole_loss(data, kind):
    net = CFEnsembleNet(*data.R.shape, 5, kind, dtype=torch.float64, random_state=0)
    R, C, labels, mask = tensors(data)
    options = {"omega": torch.rand(data.n_instances, dtype=torch.float64), "aggregator_l2": 0.3, "focal_gamma": 1.0}
    whole, _ = net.compute_loss(R, C, labels, mask, 0.3, 0.1, **options)
    batches = torch.randperm(data.n_instances).split(100)
    parts = [net.compute_loss(R, C, labels, mask, 0.3, 0.1, **options, indices=batch)[0] for batch in batches]
    assert torch.stack(parts).mean().item() == pytest.approx(whole.item(), rel=1e-12)


def test_the_net_reconstructs_and_predicts(data):
    net = CFEnsembleNet(4, 30, 3, random_state=0)
    assert net.reconstruct().shape == (4, 30)
    torch.testing.assert_close(net.reconstruct(), net.X.T @ net.Y)
    p = net(torch.tensor([3, 5]))
    torch.testing.assert_close(p, net()[[3, 5]])
    assert ((p > 0) & (p < 1)).all()
    assert {name for name, _ in net.named_parameters()} == {"X", "Y", "aggregator.w", "aggregator.b"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 3, 2), "m must be at least 1"), ((3, 3, 2, "vote"), "aggregator_type must be one of 'weighted'")],
)
def test_bad_nets_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CFEnsembleNet(*arguments)


def test_the_objective_falls_and_the_best_state_is_kept(data):
    trainer = fit(data)
    losses = trainer.history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    C = trainer.confidence.compute(data.R, data.labels)
    kept, _ = combined_loss(
        data.R, trainer.X, trainer.Y, C, data.labels, data.labeled_idx, trainer.aggregator, 0.5, 0.01, True
    )
    assert kept == pytest.approx(min(losses))


@pytest.mark.parametrize(
    "options",
    [{"optimizer": "adamw"}, {"optimizer": "sgd", "lr": 20.0}, {"batch_size": 100}, {"batch_size": 10_000}],
)
def test_every_optimizer_and_batch_size_lowers_the_objective(data, options):
    losses = fit(data, **options).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


def test_steps_suit_any_size(data):
    doubled = EnsembleData(np.tile(data.R, 3), np.tile(data.labels, 3))
    small, large = fit(data, rho=0.9), fit(doubled, rho=0.9)
    ratio = np.array(large.history["reconstruction"]) / np.array(small.history["reconstruction"])
    assert ((ratio > 2) & (ratio < 4)).all()


def test_early_stopping_on_the_objective(data):
    trainer = fit(data, max_epochs=3000, patience=5, min_delta=0.05)
    assert trainer.converged_
    assert trainer.n_iter_ < 3000


def test_early_stopping_on_held_out_labels(data):
    trainer = fit(data, validation_fraction=0.3, max_epochs=2000, patience=10)
    assert trainer.converged_
    plain = fit(data, max_epochs=trainer.n_iter_)
    assert not np.allclose(trainer.get_aggregator_weights(), plain.get_aggregator_weights())


def test_held_out_labels_are_unknown_to_the_fold_in_rule_too(data):
    trainer = fit(data, validation_fraction=0.5, confidence="calibration")
    train, _ = data.split_labeled_data(0.5, 0)
    expected = trainer.confidence.fold_in_rule(data.R, train.labels)(data.R)
    np.testing.assert_array_equal(trainer._confidence_rule(data.R).per_classifier, expected.per_classifier)


def test_holding_out_nothing_is_refused(data):
    labels = np.full(data.n_instances, np.nan)
    labels[[0, 1]] = 0, 1
    with pytest.raises(ValueError, match="holds out no label"):
        fit(EnsembleData(data.R, labels), validation_fraction=0.2)


def test_labelled_instances_may_be_given_by_index(data):
    net = CFEnsembleNet(*data.R.shape, 5, dtype=torch.float64, random_state=0)
    R, C, labels, mask = tensors(data)
    by_mask, by_index = (net.compute_loss(R, C, labels, which, 0.3, 0.1)[0] for which in (mask, mask.nonzero()[:, 0]))
    assert by_mask == by_index


@pytest.mark.parametrize("options", [{"cost": "confidence"}, {"weight_schedule": "ramp"}])
def test_with_changing_weights_the_last_state_is_kept(data, options):
    trainer = fit(data, **options)
    np.testing.assert_allclose(trainer.get_aggregator_weights(), trainer.history["weights"][-1])


def test_joint_training_sees_the_labels_in_the_factors(data):
    other = EnsembleData(data.R, 1 - data.labels)
    one, two = (fit(d, on_collapse="ignore") for d in (data, other))
    assert not np.array_equal(one.Y, two.Y)


def test_a_diverging_fit_says_what_to_do(data):
    with pytest.raises(FloatingPointError, match=r"the objective became .* lower lr"):
        fit(data, optimizer="sgd", lr=1e200, max_grad_norm=1e200)


def test_an_unusable_device_is_named(data):
    with pytest.raises(ValueError, match="device must be 'auto', 'cpu', 'cuda' or another of torch's, got 'abacus'"):
        CFEnsemblePyTorchTrainer(device="abacus")
    with pytest.raises(ValueError, match="device='cuda:99' is not usable here"):
        fit(data, device="cuda:99")


def _fit_in_child(data, connection):
    connection.send(fit(data, max_epochs=3).history["loss"])


if "fork" in multiprocessing.get_all_start_methods():  # Windows has none

    def test_a_forked_child_fits_instead_of_hanging(data):
        torch.set_num_threads(2)
        try:
            wide = EnsembleData(np.tile(data.R, 30), np.tile(data.labels, 30))
            expected = fit(wide, max_epochs=3).history["loss"]  # has started torch's thread team
            context = multiprocessing.get_context("fork")
            receiver, sender = context.Pipe()
            child = context.Process(target=_fit_in_child, args=(wide, sender))
            child.start()
            arrived = receiver.poll(30)
            if not arrived:
                child.kill()
            assert arrived, "the child hangs"
            np.testing.assert_allclose(receiver.recv(), expected)
            child.join()
        finally:
            torch.set_num_threads(1)


@needs_cuda
@pytest.mark.parametrize("options", [{}, {"batch_size": 100}, {"aggregator_type": "attention"}])
def test_the_gpu_gives_the_cpus_fit(imbalanced, options):
    data, y = imbalanced
    on_gpu, on_cpu = (fit(data, device=device, **options) for device in ("cuda", "cpu"))
    np.testing.assert_allclose(on_gpu.history["loss"][:5], on_cpu.history["loss"][:5], rtol=1e-6)
    hidden = data.unlabeled_idx
    assert average_precision_score(y[hidden], on_gpu.predict()[hidden]) > 0.6
