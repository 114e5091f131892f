"""Bad use of the trainers: errors that name the argument, what was found and what to do."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from cfensemble.data import EnsembleData

pytestmark = pytest.mark.usefixtures("unsettled")


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
        ({"prior": "gut"}, "prior must be None or one of 'reliability', 'average', 'zero', got 'gut'"),
        ({"prior": "zero", "aggregator_type": "mean"}, "prior needs aggregator_type='weighted', got 'mean'"),
        ({"strength": -1.0}, "strength must be finite and >= 0, got -1"),
        ({"strength": "firm"}, "strength must be 'auto' or a number, got 'firm'"),
        ({"link": "probit"}, "link must be one of 'identity', 'logit', got 'probit'"),
    ],
)
def test_bad_options_are_named(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


@pytest.mark.parametrize(
    ("which", "options", "message"),
    [
        ("als", {"label_aware_alpha": -1}, "label_aware_alpha must be finite and >= 0"),
        ("als", {"aggregator_lr": -1}, "aggregator_lr must be finite and >= 0"),
        ("als", {"tol": -1}, "tol must be finite and >= 0"),
        ("als", {"aggregator_every": 0}, "aggregator_every must be at least 1"),
        ("als", {"freeze_aggregator_iters": -1}, "freeze_aggregator_iters must be at least 0"),
        ("als", {"aggregator_optimizer": "lbfgs"}, "aggregator_optimizer must be one of 'gd', 'momentum', "),
        ("als", {"init": "guess"}, "init must be one of 'spectral', 'random'"),
        ("als", {"schedule": "chaos"}, "schedule must be one of 'alternating', 'two_stage'"),
        ("joint", {"rho": 0}, "rho must be positive here, got 0"),
        ("joint", {"tol": -1}, "tol must be finite and >= 0"),
        ("joint", {"init": "guess"}, "init must be one of 'spectral', 'random'"),
        ("torch", {"optimizer": "lion"}, "optimizer must be one of 'adam', 'adamw', 'sgd'"),
        ("torch", {"batch_size": 0}, "batch_size must be at least 1"),
        ("torch", {"validation_fraction": 1}, "validation_fraction must be below 1"),
        ("torch", {"patience": 0}, "patience must be at least 1"),
    ],
)  # fmt: skip
def test_bad_options_of_one_trainer_are_named(make_kind, which, options, message):
    with pytest.raises(ValueError, match=message):
        make_kind(which, **options)


def test_bad_types_are_named(make, data):
    with pytest.raises(TypeError, match="rho must be a number, got 'half'"):
        make(rho="half")
    with pytest.raises(TypeError, match="latent_dim must be an integer"):
        make(latent_dim=2.5)
    with pytest.raises(TypeError, match="confidence must be a name or a ConfidenceStrategy"):
        make(confidence=3)
    with pytest.raises(TypeError, match=r"data must be an EnsembleData\(R, labels\), got ndarray"):
        make().fit(data.R)
    with pytest.raises(TypeError, match="got ndarray; predictions go to R_new="):
        make().fit(data).predict(data.R)
    with pytest.raises(TypeError, match="callbacks must be a sequence of callables, got <built-in function print>"):
        make(callbacks=print)
    with pytest.raises(TypeError, match="use_class_weights must be True or False, got 'no'"):
        make(use_class_weights="no")
    with pytest.raises(TypeError, match="nonnegative must be True or False, got 'yes'"):
        make(nonnegative="yes")
    with pytest.raises(TypeError, match="strength must be a number, got None"):
        make(strength=None)


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
