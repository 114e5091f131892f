"""The protocol that all trainers share."""

import logging
import pickle

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from cfensemble import _reference
from cfensemble.data import CertaintyConfidence, EnsembleData
from cfensemble.ensemble import AttentionAggregator, MeanAggregator, WeightedAggregator
from cfensemble.exceptions import CollapseWarning, DataWarning
from cfensemble.objectives import combined_loss
from cfensemble.optimization import CFEnsemblePyTorchTrainer, CFEnsembleTrainer

pytestmark = pytest.mark.usefixtures("unsettled")


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
    trainer = make(aggregator_l2=0, on_collapse="ignore", **options).fit(data)
    C = CertaintyConfidence().compute(data.R, data.labels)
    if isinstance(trainer, CFEnsembleTrainer):
        C = data.compute_label_aware_confidence(1.0, C)
    total, terms = combined_loss(
        data.R, trainer.X, trainer.Y, C, data.labels, data.labeled_idx, trainer.aggregator, trainer.rho,
        trainer.lambda_reg, options.get("use_class_weights", True), options.get("focal_gamma", 0.0),
    )  # fmt: skip
    # torch keeps its best state, the others their last
    k = int(np.argmin(trainer.history["loss"])) if isinstance(trainer, CFEnsemblePyTorchTrainer) else -1
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
    assert len(trainer.plot_weight_history().lines) == data.n_classifiers
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


def test_folding_in_training_columns_gives_als_fitted_probabilities_of_unlabelled_ones(make_kind, data):
    trainer = make_kind("als").fit(data)
    unlabelled = data.unlabeled_idx
    np.testing.assert_allclose(trainer.predict(R_new=data.R[:, unlabelled]), trainer.predict()[unlabelled], rtol=1e-9)


def test_given_confidence_wins_and_new_data_brings_its_own(make, data, kind):
    C = np.random.default_rng(0).random(data.R.shape) + 0.1
    weighted = EnsembleData(data.R, data.labels, C)
    trainer = make(use_label_aware_confidence=False) if kind == "als" else make()
    trainer.fit(weighted)
    assert not np.allclose(trainer.predict(), make().fit(data).predict())
    R_new, C_new = data.R[:, :15], C[:, :15]
    uniform = trainer.predict(R_new=R_new)
    own = trainer.predict(EnsembleData(R_new, np.full(15, np.nan), C_new))
    np.testing.assert_array_equal(uniform, trainer.predict(EnsembleData(R_new, np.full(15, np.nan), np.ones((15, 15)))))
    assert not np.array_equal(uniform, own)


def test_what_has_no_weight_gets_the_base_rate(make, data, kind):
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
    if kind == "als":
        assert not trainer.Y[:, [4, 5]].any()


# ------------------------------------------------------------------------------------------------ labels


def test_without_labels_the_fit_is_pure_reconstruction(make, data):
    trainer = make(rho=0.2)
    with pytest.warns(DataWarning, match="labels: there is none to learn weights from.*plain average"):
        trainer.fit(EnsembleData(data.R, np.full(data.n_instances, np.nan)))
    assert trainer.rho == 0.2
    np.testing.assert_allclose(trainer.predict(), np.clip(trainer.get_reconstruction().mean(axis=0), 0, 1))
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
        weighted = make(on_collapse="ignore").fit(EnsembleData(data.R, labels))
    plain = make(on_collapse="ignore", use_class_weights=False).fit(EnsembleData(data.R, labels))
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


def test_instances_without_weight_might_as_well_be_unlabelled(make, data, kind):
    dropped = np.flatnonzero(data.labeled_idx)[::2]
    weight = np.ones(data.n_instances)
    weight[dropped] = 0
    labels = data.labels.copy()
    labels[dropped] = np.nan
    options = {"use_class_weights": False} | ({"use_label_aware_confidence": False} if kind == "als" else {})
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


@pytest.mark.parametrize("aggregator", ["weighted", "mean"])
def test_costs_by_confidence_suit_every_aggregator(make, data, aggregator):
    assert np.isfinite(make(cost="confidence", aggregator_type=aggregator).fit(data).history["loss"]).all()


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


def test_strong_l2_keeps_the_weights_at_the_plain_averages(make, data, kind):
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
    if kind == "als":
        assert record.supervised == pytest.approx(without + penalty)


@pytest.mark.parametrize("aggregator", ["weighted", "mean"])
def test_aggregator_types(make, data, aggregator):
    trainer = make(aggregator_type=aggregator).fit(data)
    assert isinstance(trainer.aggregator, {"weighted": WeightedAggregator, "mean": MeanAggregator}[aggregator])
    if aggregator == "mean":
        expected = np.clip(trainer.get_reconstruction().mean(axis=0), 0, 1)
        np.testing.assert_allclose(trainer.predict(), expected, atol=1e-12)
        np.testing.assert_allclose(trainer.get_aggregator_weights(), 1 / data.n_classifiers)


def test_attention_is_learned_and_predicts_new_columns(make_kind, imbalanced):
    data, y = imbalanced
    trainer = make_kind("torch", aggregator_type="attention", max_iter=150).fit(data)
    assert isinstance(trainer.aggregator, AttentionAggregator)
    hidden = data.unlabeled_idx
    assert average_precision_score(y[hidden], trainer.predict()[hidden]) > 0.7
    assert trainer.get_aggregator_weights().sum() == pytest.approx(1)
    assert trainer.predict(R_new=data.R[:, :5]).shape == (5,)


def test_read_only_strided_and_integer_predictions_are_fine(make, data):
    R = np.asfortranarray(data.R)
    R.flags.writeable = False
    expected = make().fit(data).predict()
    np.testing.assert_allclose(make().fit(EnsembleData(R, data.labels)).predict(), expected, rtol=1e-9)
    wide = np.repeat(data.R, 2, axis=1)[::-1, ::2][::-1]
    np.testing.assert_allclose(make().fit(EnsembleData(wide, data.labels)).predict(), expected, rtol=1e-9)
    votes = (np.nan_to_num(data.R) > 0.5).astype(int)
    assert np.isfinite(make(on_collapse="ignore").fit(EnsembleData(votes, data.labels)).predict()).all()


def test_instances_without_predictions_do_not_hide_a_collapse(make_kind):
    alike = np.full((5, 100), 0.3)
    alike[:, ::2] = np.nan
    with pytest.warns(DataWarning, match="without any prediction"):
        half_empty = EnsembleData(alike, np.tile([0.0, 0, 1, 0], 25))
    with pytest.warns(CollapseWarning, match="all predictions are alike"):
        make_kind("als", use_class_weights=False).fit(half_empty)


def test_collapse_is_warned_about_reset_or_ignored(make, data):
    misleading = EnsembleData(data.R, 1 - data.labels)  # the labels say that every classifier is wrong
    with pytest.warns(CollapseWarning, match=r"turned against.*sum w = -.*use_class_weights=True is the usual cure"):
        make(max_iter=60).fit(misleading)
    with pytest.warns(CollapseWarning, match="reset to the plain average's"):
        reset = make(max_iter=60, on_collapse="reset").fit(misleading)
    np.testing.assert_allclose(reset.get_aggregator_weights(), 1 / data.n_classifiers)
    np.testing.assert_allclose(reset.predict(), reset.aggregator.predict(reset.get_reconstruction()))
    assert make(max_iter=60, on_collapse="ignore").fit(misleading).get_aggregator_weights().sum() < 0
