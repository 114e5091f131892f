"""What is saved and loaded again is the same model."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import cfensemble
from cfensemble import (
    AdaptiveConfidence,
    BaseAggregator,
    CertaintyConfidence,
    CFEnsembleClassifier,
    CFEnsembleJointTrainer,
    CFEnsemblePyTorchTrainer,
    CFEnsembleTrainer,
    Combiner,
    DataWarning,
    EnsembleData,
    LabelAwareConfidence,
    MulticlassCombiner,
    WeightedAggregator,
    load,
)

TRAINERS = {
    "als": lambda **options: CFEnsembleTrainer(latent_dim=3, max_iter=5, **options),
    "joint": lambda **options: CFEnsembleJointTrainer(latent_dim=3, max_iter=5, **options),
    "torch": lambda **options: CFEnsemblePyTorchTrainer(latent_dim=3, max_epochs=5, random_seed=0, **options),
}
OPTIONS = {
    "default": {},
    "uniform": {"confidence": "uniform"},
    "calibration": {"confidence": "calibration"},
    "adaptive": {"confidence": AdaptiveConfidence(0.6, 0.3, 0.1)},
    "noise_adaptive": {"confidence": "noise_adaptive"},
    "label_aware": {"confidence": LabelAwareConfidence(2.0)},
    "label_aware twice": {"confidence": LabelAwareConfidence(2.0, LabelAwareConfidence(0.5, AdaptiveConfidence()))},
    "mean": {"aggregator_type": "mean"},
    "mean of log-odds": {"aggregator_type": "mean", "link": "logit"},
    "log-odds": {"link": "logit", "prior": "reliability", "nonnegative": True},
    "costs": {"class_weight": {0: 1, 1: 2.5}, "instance_weight": np.linspace(0, 1, 40), "cost": "confidence"},
    "schedule": {"weight_schedule": "ramp", "focal_gamma": 2.0, "rho": 0.3},
    "settings": {"n_threads": 1, "n_restarts": 2, "n_classifiers": 4, "on_collapse": "reset", "strength": 2},
}
pytestmark = [pytest.mark.usefixtures("unsettled")]


@pytest.fixture
def unsettled():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", cfensemble.CollapseWarning)
        yield


def saved_and_loaded(model, tmp_path):
    path = tmp_path / "model.safetensors"
    model.save(path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    return load(path)


def assert_does_the_same(model, other, data):
    """Bitwise, and in every respect that there is."""
    assert type(other) is type(model)
    assert repr(other) == repr(model)
    R_new = np.random.default_rng(1).random((data.n_classifiers, 17)).astype(data.R.dtype)
    R_new[0, :5] = R_new[:, 3] = np.nan
    calls = [
        lambda model: model.predict(),
        lambda model: model.predict(R_new=R_new),
        lambda model: model.predict(data),
        lambda model: model.get_reconstruction(),
        lambda model: model.get_aggregator_weights(),
    ]
    for call in calls[:2] + calls[3:]:
        assert call(other).dtype == call(model).dtype
        np.testing.assert_array_equal(call(other), call(model))
    # To the loaded model even the data it was fitted to are new ones, as to any copy.
    np.testing.assert_array_equal(other.predict(data), pickle.loads(pickle.dumps(model)).predict(data))


def assert_attributes_agree(model, other):
    """Every attribute that the fitted trainer has, but the callbacks."""
    assert vars(model).keys() == vars(other).keys()
    for name in ("X", "Y", "predictions_"):
        assert getattr(other, name).flags.writeable
        np.testing.assert_array_equal(getattr(other, name), getattr(model, name))
    simple = [name for name, value in vars(model).items() if isinstance(value, bool | int | float | str | None)]
    assert {name: getattr(other, name) for name in simple} == {name: getattr(model, name) for name in simple}
    assert list(map(type, (getattr(other, name) for name in simple))) == [type(vars(model)[name]) for name in simple]
    assert repr(other.confidence) == repr(model.confidence)
    assert other.class_weight == model.class_weight
    assert [repr(record) for record in other.history.records] == [repr(record) for record in model.history.records]
    assert not other.history.records[0].weights.flags.writeable
    assert type(other.aggregator) is type(model.aggregator)


@pytest.mark.parametrize("kind", TRAINERS)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_loaded_trainer_is_the_one_that_was_saved(kind, options, small, tmp_path):
    trainer = TRAINERS[kind](**options).fit(small)
    loaded = saved_and_loaded(trainer, tmp_path)
    assert_does_the_same(trainer, loaded, small)
    assert_attributes_agree(trainer, loaded)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("als", {"use_label_aware_confidence": False, "schedule": "two_stage", "aggregator_optimizer": "newton"}),
        ("als", {"balance": False, "init": "random", "random_seed": 3}),
        ("joint", {"aggregator_l2": 0.3, "init": "random"}),
        ("torch", {"aggregator_type": "attention"}),
        ("torch", {"aggregator_type": "attention", "link": "logit", "validation_fraction": 0.3}),
        ("torch", {"optimizer": "sgd", "batch_size": 16, "device": "cpu"}),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_so_is_one_with_options_of_its_own_in_either_precision(kind, options, dtype, small, tmp_path):
    data = EnsembleData(small.R.astype(dtype), small.labels)
    trainer = TRAINERS[kind](**options).fit(data)
    loaded = saved_and_loaded(trainer, tmp_path)
    assert loaded.X.dtype == dtype
    assert_does_the_same(trainer, loaded, data)
    assert_attributes_agree(trainer, loaded)


@pytest.mark.parametrize("kind", TRAINERS)
def test_so_is_one_whose_data_brought_confidence(kind, small, tmp_path):
    data = EnsembleData(small.R, small.labels, np.random.default_rng(0).random(small.R.shape))
    trainer = TRAINERS[kind]().fit(data)
    assert_does_the_same(trainer, saved_and_loaded(trainer, tmp_path), data)


@pytest.mark.filterwarnings("ignore::cfensemble.DataWarning")
@pytest.mark.parametrize("kind", TRAINERS)
def test_so_is_one_that_saw_no_label(kind, small, tmp_path):
    data = EnsembleData(small.R, np.full(40, np.nan))
    trainer = TRAINERS[kind]().fit(data)
    assert_does_the_same(trainer, saved_and_loaded(trainer, tmp_path), data)


def test_a_loaded_trainer_can_be_fitted_anew(small, tmp_path):
    trainer = CFEnsembleTrainer(latent_dim=3).fit(small)
    loaded = saved_and_loaded(trainer, tmp_path)
    loaded.fit(small)
    np.testing.assert_array_equal(loaded.predict(), trainer.predict())


@pytest.mark.parametrize("make", [*TRAINERS.values(), lambda **options: Combiner(**options)], ids=[*TRAINERS, "auto"])
def test_a_loaded_model_is_a_start_as_good_as_the_one_that_was_saved(make, small, tmp_path):
    model = make(warm_start=True).fit(small)
    loaded = saved_and_loaded(model, tmp_path)
    more = EnsembleData(small.R, np.where(np.arange(40) < 25, np.arange(40) % 2, np.nan))
    np.testing.assert_array_equal(loaded.fit(more).predict(), model.fit(more).predict())


@pytest.mark.filterwarnings("ignore::cfensemble.DataWarning")
@pytest.mark.parametrize("labelled", [0, 1, 20])
@pytest.mark.parametrize("m", [1, 2, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loaded_combiner_is_the_one_that_was_saved(labelled, m, dtype, small, tmp_path):
    R = small.R[:m].astype(dtype)
    data = EnsembleData(R, np.where(np.arange(40) < labelled, small.labels, np.nan))
    combiner = Combiner(n_threads=1).fit(data)
    loaded = saved_and_loaded(combiner, tmp_path)
    assert_does_the_same(combiner, loaded, data)
    assert vars(loaded).keys() == vars(combiner).keys()
    assert loaded.view_shares_ == combiner.view_shares_
    assert repr(loaded.predictors_) == repr(combiner.predictors_)
    assert loaded.factor_model_.converged == combiner.factor_model_.converged
    np.testing.assert_array_equal(loaded.factor_model_.log_likelihood, combiner.factor_model_.log_likelihood)


def test_a_saved_file_replaces_what_was_there(small, combiner, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_text("something else")
    combiner.save(str(path))
    np.testing.assert_array_equal(load(str(path)).predict(), combiner.predict())


def test_callbacks_are_not_saved(small, tmp_path):
    trainer = CFEnsembleTrainer(latent_dim=2, max_iter=3, callbacks=[lambda record: None]).fit(small)
    assert saved_and_loaded(trainer, tmp_path).callbacks == ()


@pytest.mark.parametrize(
    "model", [Combiner(), MulticlassCombiner(), CFEnsembleClassifier(), *(make() for make in TRAINERS.values())]
)
def test_an_unfitted_model_is_not_saved(model, tmp_path):
    with pytest.raises(NotFittedError):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


class OwnConfidence(CertaintyConfidence):
    def compute(self, R, labels):
        return np.ones(R.shape)


class OwnTrainer(CFEnsembleTrainer):
    pass


class OwnAggregator(WeightedAggregator, BaseAggregator):
    pass


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        (CFEnsembleTrainer(confidence=OwnConfidence()), "confidence=OwnConfidence.* only UniformConfidence, "),
        (CFEnsembleTrainer(confidence=LabelAwareConfidence(base=OwnConfidence())), "confidence.base=OwnConfidence"),
        (CFEnsembleTrainer(weight_schedule=lambda iteration: 1.0), "weight_schedule=<function .* cannot be written"),
        (OwnTrainer(), "OwnTrainer cannot be written to a file: only CFEnsembleClassifier, "),
    ],
)
def test_what_is_more_than_data_is_not_saved(trainer, message, small, tmp_path):
    trainer.fit(small)
    with pytest.raises(TypeError, match=message):
        trainer.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_an_aggregator_of_ones_own_is_not_saved(small, tmp_path):
    trainer = CFEnsembleTrainer(max_iter=3).fit(small)
    trainer.aggregator = OwnAggregator(4)
    with pytest.raises(TypeError, match=r"only WeightedAggregator, .* not .*\.OwnAggregator"):
        trainer.save(tmp_path / "model")


def test_what_could_not_be_loaded_is_not_saved(small, tmp_path):
    trainer = CFEnsembleTrainer(max_iter=3).fit(small)
    trainer.Y = np.where(trainer.Y.max() == trainer.Y, np.nan, trainer.Y)
    with pytest.raises(ValueError, match="tensor Y must be finite"):
        trainer.save(tmp_path / "model")
    trainer.Y = np.zeros((20, 39))
    with pytest.raises(ValueError, match=r"tensor predictions_ must have shape \(n\) with n = 39, got \(40,\)"):
        trainer.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_warning_that_was_given_is_not_given_again(small, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        combiner = Combiner().fit(EnsembleData(small.R, np.full(40, np.nan)))
    saved_and_loaded(combiner, tmp_path)
