"""The protocol that all trainers share."""

import logging
import pickle
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import average_precision_score

from cfensemble import _reference
from cfensemble.data import CertaintyConfidence, EnsembleData
from cfensemble.ensemble import AttentionAggregator, MeanAggregator, WeightedAggregator
from cfensemble.exceptions import CollapseWarning, DataWarning
from cfensemble.objectives import combined_loss
from cfensemble.optimization import CFEnsemblePyTorchTrainer, CFEnsembleTrainer


def als(**options):
    return CFEnsembleTrainer(**({"latent_dim": 6, "max_iter": 15, "random_seed": 0, "init": "random"} | options))


def pytorch(**options):
    options = {"max_epochs" if name == "max_iter" else name: value for name, value in options.items()}
    return CFEnsemblePyTorchTrainer(**({"latent_dim": 6, "max_epochs": 30, "lr": 0.05, "random_seed": 0} | options))


@pytest.fixture(params=[als, pytorch], ids=["als", "torch"])
def make(request):
    return request.param


@pytest.fixture(autouse=True)
def _unsettled_fits_are_fine(request):
    """Most tests here stop early on purpose."""
    with warnings.catch_warnings():
        if "convergence" not in request.node.name:
            warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.fixture(scope="module")
def data(imbalanced):
    return imbalanced[0]


# ------------------------------------------------------------------------------------------------ what fit leaves


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fit_returns_itself_with_factors_and_probabilities_in_the_datas_precision(make, data, dtype):
    typed = EnsembleData(data.R.astype(dtype), data.labels)
    before = typed.R.copy()
    trainer = make()
    assert trainer.fit(typed) is trainer
    m, n = data.R.shape
    assert trainer.X.shape == (6, m)
    assert trainer.Y.shape == (6, n)
    p = trainer.predict()
    assert p.shape == (n,)
    assert trainer.X.dtype == trainer.Y.dtype == p.dtype == dtype
    assert ((p > 0) & (p < 1)).all()
    np.testing.assert_array_equal(trainer.predict(typed), p)
    np.testing.assert_allclose(trainer.get_reconstruction(), trainer.X.T @ trainer.Y)
    np.testing.assert_array_equal(trainer.get_aggregator_weights(), trainer.aggregator.w)
    np.testing.assert_array_equal(typed.R, before)


def test_predictions_rank_well(make, imbalanced):
    data, y = imbalanced
    hidden = data.unlabeled_idx
    p = make(max_iter=200).fit(data).predict()
    average = np.nanmean(data.R, axis=0)
    assert average_precision_score(y[hidden], p[hidden]) > 0.95 * average_precision_score(y[hidden], average[hidden])


def test_the_same_seed_gives_the_same_fit_and_numpys_global_state_is_untouched(make, data):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second, other = make().fit(data), make().fit(data), make(random_seed=1).fit(data)
    np.testing.assert_array_equal(first.predict(), second.predict())
    assert not np.array_equal(first.X, other.X)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_history_has_a_column_per_quantity_and_an_entry_per_iteration(make, data):
    trainer = make(rho=0.3).fit(data)
    history = trainer.history
    assert set(history) >= {
        "loss", "reconstruction", "supervised", "recon_weighted", "sup_weighted", "weights", "weight_norm",
    }  # fmt: skip
    assert {len(column) for column in history.values()} == {trainer.n_iter_}
    assert len(history) == len(list(history))
    for k in range(trainer.n_iter_):
        assert history["recon_weighted"][k] == pytest.approx(0.3 * history["reconstruction"][k])
        assert history["sup_weighted"][k] == pytest.approx(0.7 * history["supervised"][k])
        assert history["loss"][k] == pytest.approx(history["recon_weighted"][k] + history["sup_weighted"][k])
        assert history["weight_norm"][k] == pytest.approx(np.linalg.norm(history["weights"][k]))
    with pytest.raises(KeyError):
        history["accuracy"]
    assert f"{trainer.n_iter_} iterations" in repr(history)
    assert f"{trainer.n_iter_} iterations" in repr(trainer)


@pytest.mark.parametrize(
    "options", [{}, {"focal_gamma": 2.0}, {"use_class_weights": False}, {"aggregator_type": "mean"}]
)
def test_the_last_record_is_the_loss_of_the_state_that_is_kept(make, data, options):
    trainer = make(**options).fit(data)
    C = CertaintyConfidence().compute(data.R, data.labels)
    if isinstance(trainer, CFEnsembleTrainer):
        C = data.compute_label_aware_confidence(1.0, C)
    total, terms = combined_loss(
        data.R, trainer.X, trainer.Y, C, data.labels, data.labeled_idx, trainer.aggregator, trainer.rho,
        trainer.lambda_reg, options.get("use_class_weights", True), options.get("focal_gamma", 0.0),
    )  # fmt: skip
    # ALS keeps its last state, torch its best
    k = -1 if isinstance(trainer, CFEnsembleTrainer) else int(np.argmin(trainer.history["loss"]))
    assert total == pytest.approx(trainer.history["loss"][k], rel=1e-9)
    assert terms["reconstruction"] == pytest.approx(trainer.history["reconstruction"][k], rel=1e-9)
    assert terms["supervised"] == pytest.approx(trainer.history["supervised"][k], rel=1e-9)


def test_a_fitted_trainer_can_be_pickled(make, data):
    trainer = make(confidence="adaptive").fit(data)
    pickled = pickle.dumps(trainer)
    assert len(pickled) < 2 * (trainer.X.nbytes + trainer.Y.nbytes) + 20_000  # without R
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.predict(), trainer.predict())
    np.testing.assert_array_equal(again.predict(R_new=data.R[:, :9]), trainer.predict(R_new=data.R[:, :9]))


def test_plots_show_the_history(make, data):
    trainer = make().fit(data)
    curves = trainer.plot_loss_curves()
    assert curves.lines[0].get_label() == "total"
    np.testing.assert_array_equal(curves.lines[0].get_ydata(), trainer.history["loss"])
    assert trainer.plot_weight_history(curves) is curves
    assert len(trainer.plot_weight_history().lines) == data.n_classifiers + 1
    import matplotlib.pyplot as plt

    plt.close("all")


def test_verbose_logs_every_iteration(make, data, caplog):
    with caplog.at_level(logging.INFO, logger="cfensemble"):
        trainer = make(verbose=True).fit(data)
    assert len([r for r in caplog.records if r.message.startswith("iteration")]) == trainer.n_iter_


# ------------------------------------------------------------------------------------------------ callbacks


def test_callbacks_see_read_only_records_and_can_stop(make, data):
    seen = []

    def stop_at_three(record):
        seen.append(record)
        with pytest.raises(ValueError, match="read-only"):
            record.weights[0] = 1
        with pytest.raises(AttributeError):
            record.loss = 0
        return record.iteration == 3

    trainer = make(callbacks=[stop_at_three, lambda record: None]).fit(data)
    assert [record.iteration for record in seen] == [0, 1, 2, 3]
    assert trainer.n_iter_ == 4
    assert not trainer.converged_


def test_whatever_is_true_stops_and_it_stops_the_whole_fit(make, data):
    seen = []

    def stop(record):
        seen.append(record.iteration)
        return record.weights.sum() > -1e9  # a NumPy bool

    make(n_restarts=3, callbacks=[stop]).fit(data)
    assert seen == [0]


def test_an_interrupted_fit_leaves_the_trainer_as_it_was(make, data):
    trainer = make()
    trainer.fit(data)
    before = trainer.predict()

    def interrupt(record):
        if record.iteration == 2:
            raise KeyboardInterrupt

    trainer.callbacks = (interrupt,)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(EnsembleData(data.R[:, ::-1], data.labels[::-1]))
    np.testing.assert_array_equal(trainer.predict(), before)
    np.testing.assert_array_equal(trainer.predict(data), before)

    class Interrupted(CertaintyConfidence):
        def fold_in_rule(self, R, labels):
            raise KeyboardInterrupt

    trainer.confidence, trainer.callbacks = Interrupted(), ()
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(EnsembleData(data.R[:, ::-1], data.labels[::-1]))
    np.testing.assert_array_equal(trainer.predict(), before)


def test_convergence_is_reported_and_its_lack_warned_about(make, data):
    with pytest.warns(ConvergenceWarning, match="had not settled after 2 iterations; raise max_"):
        assert not make(max_iter=2).fit(data).converged_
    settled = make(max_iter=2000, aggregator_type="mean", rho=1.0).fit(data)
    assert settled.converged_
    assert settled.n_iter_ < 2000
    make(callbacks=[lambda record: True]).fit(data)  # stopped on purpose, hence without a warning


# ------------------------------------------------------------------------------------------------ folding in


def test_new_columns_are_folded_in_under_the_training_rule(make, data):
    trainer = make(confidence="calibration").fit(data)
    columns = np.flatnonzero(data.unlabeled_idx)[:20]
    C = trainer.confidence.compute(data.R, data.labels)[:, columns]
    Y, _ = _reference.instance_step(trainer.X, data.R[:, columns], C, trainer.lambda_reg)
    expected = trainer.aggregator.predict(trainer.X.T @ Y)
    np.testing.assert_allclose(trainer.predict(R_new=data.R[:, columns]), expected, rtol=1e-8)
    masked = EnsembleData(data.R[:, columns], np.full(20, np.nan))
    np.testing.assert_array_equal(trainer.predict(masked), trainer.predict(R_new=data.R[:, columns]))


def test_folding_in_training_columns_gives_als_fitted_probabilities_of_unlabelled_ones(data):
    trainer = als().fit(data)
    unlabelled = data.unlabeled_idx
    np.testing.assert_allclose(trainer.predict(R_new=data.R[:, unlabelled]), trainer.predict()[unlabelled], rtol=1e-9)


def test_given_confidence_wins_and_new_data_brings_its_own(make, data):
    C = np.random.default_rng(0).random(data.R.shape) + 0.1
    weighted = EnsembleData(data.R, data.labels, C)
    trainer = make(use_label_aware_confidence=False) if make is als else make()
    trainer.fit(weighted)
    assert not np.allclose(trainer.predict(), make().fit(data).predict())
    R_new, C_new = data.R[:, :15], C[:, :15]
    uniform = trainer.predict(R_new=R_new)
    own = trainer.predict(EnsembleData(R_new, np.full(15, np.nan), C_new))
    np.testing.assert_array_equal(uniform, trainer.predict(EnsembleData(R_new, np.full(15, np.nan), np.ones((15, 15)))))
    assert not np.array_equal(uniform, own)


def test_what_has_no_weight_gets_the_base_rate(make, data):
    R = data.R.copy()
    R[:, 4] = np.nan
    R[:, 5] = 0.5  # certainty 0
    with pytest.warns(DataWarning, match="without any prediction"):
        empty = EnsembleData(R, data.labels)
    trainer = make().fit(empty)
    rate = np.nanmean(data.labels)
    np.testing.assert_allclose(trainer.predict()[[4, 5]], rate)
    np.testing.assert_allclose(trainer.predict(R_new=R[:, 4:7])[:2], rate)
    assert abs(trainer.predict(R_new=R[:, 6:7])[0] - rate) > 1e-6
    if make is als:
        assert not trainer.Y[:, [4, 5]].any()


# ------------------------------------------------------------------------------------------------ labels


def test_without_labels_the_fit_is_pure_reconstruction(make, data):
    trainer = make(rho=0.2)
    with pytest.warns(DataWarning, match="labels: there is none"):
        trainer.fit(EnsembleData(data.R, np.full(data.n_instances, np.nan)))
    assert trainer.rho == 0.2
    assert trainer.history["loss"] == trainer.history["reconstruction"]
    np.testing.assert_allclose(trainer.get_aggregator_weights(), 1 / data.n_classifiers)
    R = data.R.copy()
    R[:, 0] = np.nan
    with pytest.warns(DataWarning):
        trainer.fit(EnsembleData(R, np.full(data.n_instances, np.nan)))
    assert trainer.predict()[0] == pytest.approx(np.nanmean(R))


def test_a_single_labelled_class_turns_class_weights_off(make, data):
    labels = np.where(data.labels == 1, 1, np.nan)
    with pytest.warns(DataWarning, match="labels: all .* are 1, so class weights are off"):
        weighted = make().fit(EnsembleData(data.R, labels))
    plain = make(use_class_weights=False).fit(EnsembleData(data.R, labels))
    np.testing.assert_array_equal(weighted.predict(), plain.predict())


def test_rho_one_leaves_the_aggregator_alone(make, data):
    np.testing.assert_allclose(make(rho=1.0).fit(data).get_aggregator_weights(), 1 / data.n_classifiers)


# ------------------------------------------------------------------------------------------------ options


def test_class_weight_replaces_the_balanced_weights(make, data):
    def weights(**options):
        return make(**options).fit(data).get_aggregator_weights()

    np.testing.assert_allclose(weights(class_weight={0: 3, 1: 3}), weights(use_class_weights=False), rtol=1e-5)
    positive = np.nanmean(data.labels)
    balanced = {0: 0.5 / (1 - positive), 1: 0.5 / positive}
    np.testing.assert_allclose(weights(class_weight=balanced), weights(), rtol=1e-5)


def test_instances_without_weight_might_as_well_be_unlabelled(make, data):
    dropped = np.flatnonzero(data.labeled_idx)[::2]
    weight = np.ones(data.n_instances)
    weight[dropped] = 0
    labels = data.labels.copy()
    labels[dropped] = np.nan
    options = {"use_class_weights": False} | ({"use_label_aware_confidence": False} if make is als else {})
    np.testing.assert_allclose(
        make(**options, instance_weight=weight).fit(data).predict(),
        make(**options).fit(EnsembleData(data.R, labels)).predict(),
        rtol=1e-5,
    )


def test_schedules_blend_the_weights_in(make, data):
    np.testing.assert_allclose(
        make(weight_schedule=lambda iteration: 0.0).fit(data).predict(),
        make(use_class_weights=False).fit(data).predict(),
        rtol=1e-5,
    )
    constant, ramp = make().fit(data), make(weight_schedule="ramp", max_iter=60).fit(data)
    assert not np.allclose(ramp.history["weights"][5], constant.history["weights"][5])
    with pytest.raises(ValueError, match=r"weight_schedule\(0\) must be in \[0, 1\], got 2"):
        make(weight_schedule=lambda iteration: 2).fit(data)


def test_costs_by_confidence_change_the_weights(make, data):
    assert not np.allclose(
        make(cost="confidence").fit(data).get_aggregator_weights(), make().fit(data).get_aggregator_weights()
    )


@pytest.mark.parametrize("kind", ["weighted", "mean"])
def test_costs_by_confidence_suit_every_aggregator(make, data, kind):
    assert np.isfinite(make(cost="confidence", aggregator_type=kind).fit(data).history["loss"]).all()


def test_a_schedule_is_asked_for_the_iterations_there_are(make, data):
    trainer = make(max_iter=7, weight_schedule=np.linspace(0, 1, 7).tolist().__getitem__).fit(data)
    assert trainer.n_iter_ <= 7


def test_what_a_strategy_returns_is_checked(make, data):
    class Doubling(CertaintyConfidence):
        def compute(self, R, labels):
            return 2 * super().compute(R, labels).astype(np.float64)

    class Negative(CertaintyConfidence):
        def compute(self, R, labels):
            return -super().compute(R, labels)

    single = EnsembleData(data.R.astype(np.float32), data.labels)
    assert make(confidence=Doubling()).fit(single).predict().dtype == np.float32
    with pytest.raises(ValueError, match=r"confidence\[0, 0\] is -0.*confidence weights are finite and >= 0"):
        make(confidence=Negative()).fit(data)


def test_restarts_keep_the_run_with_the_least_objective(make, data):
    losses = []

    def watch(record):
        losses.append((record.iteration, record.loss))

    trainer = make(n_restarts=4, max_iter=4, callbacks=[watch]).fit(data)
    finals = [loss for iteration, loss in losses if iteration == 3]
    assert len(finals) == 4
    assert trainer.history["loss"][-1] == min(finals)


def test_strong_l2_keeps_the_weights_at_the_plain_averages(make, data):
    free = make().fit(data).get_aggregator_weights()
    held = make(aggregator_l2=5.0).fit(data).get_aggregator_weights()
    uniform = 1 / data.n_classifiers
    assert np.abs(held - uniform).max() < 0.5 * np.abs(free - uniform).max()
    record = make(aggregator_l2=5.0).fit(data).history.records[-1]
    trainer = make(aggregator_l2=5.0).fit(data)
    without = combined_loss(
        data.R, trainer.X, trainer.Y, None, data.labels, data.labeled_idx, trainer.aggregator, 0.5, 0.01, True
    )[1]["supervised"]
    penalty = 2.5 * np.sum((trainer.get_aggregator_weights() - uniform) ** 2)
    if make is als:
        assert record.supervised == pytest.approx(without + penalty)


@pytest.mark.parametrize("kind", ["weighted", "mean"])
def test_aggregator_types(make, data, kind):
    trainer = make(aggregator_type=kind).fit(data)
    assert isinstance(trainer.aggregator, {"weighted": WeightedAggregator, "mean": MeanAggregator}[kind])
    if kind == "mean":
        expected = np.clip(trainer.get_reconstruction().mean(axis=0), 0, 1)
        np.testing.assert_allclose(trainer.predict(), expected, atol=1e-12)
        np.testing.assert_allclose(trainer.get_aggregator_weights(), 1 / data.n_classifiers)


def test_attention_is_learned_and_predicts_new_columns(imbalanced):
    data, y = imbalanced
    trainer = pytorch(aggregator_type="attention", max_iter=150).fit(data)
    assert isinstance(trainer.aggregator, AttentionAggregator)
    hidden = data.unlabeled_idx
    assert average_precision_score(y[hidden], trainer.predict()[hidden]) > 0.7
    assert trainer.get_aggregator_weights().sum() == pytest.approx(1)
    assert trainer.predict(R_new=data.R[:, :5]).shape == (5,)


# ------------------------------------------------------------------------------------------------ bad use


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rho": 1.5}, r"rho must be in \[0, 1\], got 1.5"),
        ({"rho": -0.1}, r"rho must be in \[0, 1\], got -0.1"),
        ({"rho": np.nan}, r"rho must be in \[0, 1\], got nan"),
        ({"latent_dim": 0}, "latent_dim must be at least 1, got 0"),
        ({"n_classifiers": 0}, "n_classifiers must be at least 1, got 0"),
        ({"lambda_reg": -1}, "lambda_reg must be finite and >= 0, got -1"),
        ({"focal_gamma": -1}, "focal_gamma must be finite and >= 0, got -1"),
        ({"aggregator_l2": -1}, "aggregator_l2 must be finite and >= 0, got -1"),
        ({"max_iter": 0}, "max_(iter|epochs) must be at least 1, got 0"),
        ({"n_restarts": 0}, "n_restarts must be at least 1, got 0"),
        ({"n_threads": 0}, r"n_threads must be in \[1, 1024\], got 0"),
        ({"random_seed": -1}, "random_seed must be at least 0, got -1"),
        ({"aggregator_type": "median"}, "aggregator_type must be one of 'weighted', 'mean'.*, got 'median'"),
        ({"confidence": "trust"}, "confidence must be one of 'uniform', 'certainty'.*, got 'trust'"),
        ({"on_collapse": "cry"}, "on_collapse must be one of 'warn', 'reset', 'ignore', got 'cry'"),
        ({"class_weight": {1: 2.0}}, "class_weight must map 0 and 1"),
        ({"class_weight": {0: 1.0, 1: 0.0}}, "class_weight must be positive"),
        ({"instance_weight": [-1.0]}, r"instance_weight\[0\] is -1"),
        ({"cost": "money"}, "cost must be None or 'confidence', got 'money'"),
        ({"weight_schedule": "jump"}, "weight_schedule must be None, 'ramp' or callable, got 'jump'"),
    ],
)
def test_bad_options_are_named(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


@pytest.mark.parametrize(
    ("trainer", "options", "message"),
    [
        (als, {"label_aware_alpha": -1}, "label_aware_alpha must be finite and >= 0"),
        (als, {"aggregator_lr": -1}, "aggregator_lr must be finite and >= 0"),
        (als, {"tol": -1}, "tol must be finite and >= 0"),
        (als, {"aggregator_every": 0}, "aggregator_every must be at least 1"),
        (als, {"freeze_aggregator_iters": -1}, "freeze_aggregator_iters must be at least 0"),
        (als, {"aggregator_optimizer": "lbfgs"}, "aggregator_optimizer must be one of 'gd', 'momentum', "),
        (als, {"init": "guess"}, "init must be one of 'spectral', 'random'"),
        (als, {"schedule": "chaos"}, "schedule must be one of 'alternating', 'two_stage'"),
        (pytorch, {"optimizer": "lion"}, "optimizer must be one of 'adam', 'adamw', 'sgd'"),
        (pytorch, {"batch_size": 0}, "batch_size must be at least 1"),
        (pytorch, {"validation_fraction": 1}, "validation_fraction must be below 1"),
        (pytorch, {"patience": 0}, "patience must be at least 1"),
    ],
)  # fmt: skip
def test_bad_options_of_one_trainer_are_named(trainer, options, message):
    with pytest.raises(ValueError, match=message):
        trainer(**options)


def test_bad_types_are_named(make, data):
    with pytest.raises(TypeError, match="rho must be a number, got 'half'"):
        make(rho="half")
    with pytest.raises(TypeError, match="latent_dim must be an integer"):
        make(latent_dim=2.5)
    with pytest.raises(TypeError, match="confidence must be a name or a ConfidenceStrategy"):
        make(confidence=3)
    with pytest.raises(TypeError, match="data must be an EnsembleData, got ndarray"):
        make().fit(data.R)
    with pytest.raises(TypeError, match="got ndarray; predictions go to R_new="):
        make().fit(data).predict(data.R)
    with pytest.raises(TypeError, match="use_class_weights must be True or False, got 'no'"):
        make(use_class_weights="no")


def test_predicting_before_fitting_says_so(make, data):
    trainer = make()
    assert "not fitted" in repr(trainer)
    for call in (
        trainer.predict,
        trainer.get_reconstruction,
        trainer.get_aggregator_weights,
        trainer.plot_loss_curves,
        trainer.plot_weight_history,
    ):
        with pytest.raises(NotFittedError, match="not fitted yet: call fit"):
            call()


def test_the_number_of_classifiers_is_checked(make, data):
    with pytest.raises(ValueError, match="data has 15 classifiers, but the trainer was made for n_classifiers=3"):
        make(n_classifiers=3).fit(data)
    trainer = make(n_classifiers=15).fit(data)
    with pytest.raises(ValueError, match="R_new has 4 classifiers, but the model was fitted with 15"):
        trainer.predict(R_new=data.R[:4])
    with pytest.raises(ValueError, match="data has 4 classifiers, but the model was fitted with 15"):
        trainer.predict(EnsembleData(data.R[:4, :50], data.labels[:50]))
    with pytest.raises(ValueError, match="data and R_new are both given"):
        trainer.predict(data, R_new=data.R)
    with pytest.raises(ValueError, match=r"R_new\[0, 0\] is 1.5: probabilities lie in \[0, 1\]"):
        trainer.predict(R_new=np.full((15, 1), 1.5))
    with pytest.raises(ValueError, match="instance_weight has 3 entries, but data has 600 instances"):
        make(instance_weight=np.ones(3)).fit(data)


@pytest.mark.filterwarnings("ignore::cfensemble.exceptions.DataWarning")
def test_nothing_learnable_is_an_error(make, data):
    with pytest.raises(ValueError, match="instance_weight is 0 on every labelled instance"):
        make(instance_weight=np.zeros(data.n_instances)).fit(data)


def test_read_only_strided_and_integer_predictions_are_fine(make, data):
    R = np.asfortranarray(data.R)
    R.flags.writeable = False
    expected = make().fit(data).predict()
    np.testing.assert_allclose(make().fit(EnsembleData(R, data.labels)).predict(), expected, rtol=1e-9)
    wide = np.repeat(data.R, 2, axis=1)[::-1, ::2][::-1]
    np.testing.assert_allclose(make().fit(EnsembleData(wide, data.labels)).predict(), expected, rtol=1e-9)
    votes = (np.nan_to_num(data.R) > 0.5).astype(int)
    assert np.isfinite(make(on_collapse="ignore").fit(EnsembleData(votes, data.labels)).predict()).all()


def test_instances_without_predictions_do_not_hide_a_collapse():
    alike = np.full((5, 100), 0.3)
    alike[:, ::2] = np.nan
    with pytest.warns(DataWarning, match="without any prediction"):
        half_empty = EnsembleData(alike, np.tile([0.0, 0, 1, 0], 25))
    with pytest.warns(CollapseWarning, match="all predictions are alike"):
        als(use_class_weights=False).fit(half_empty)


def test_collapse_is_warned_about_reset_or_ignored(make, data):
    misleading = EnsembleData(data.R, 1 - data.labels)  # the labels say that every classifier is wrong
    with pytest.warns(CollapseWarning, match=r"turned against.*sum w = -.*use_class_weights=True is the usual cure"):
        make(max_iter=60).fit(misleading)
    with pytest.warns(CollapseWarning, match="reset to the plain average's"):
        reset = make(max_iter=60, on_collapse="reset").fit(misleading)
    np.testing.assert_allclose(reset.get_aggregator_weights(), 1 / data.n_classifiers)
    np.testing.assert_allclose(reset.predict(), reset.aggregator.predict(reset.get_reconstruction()))
    assert make(max_iter=60, on_collapse="ignore").fit(misleading).get_aggregator_weights().sum() < 0
