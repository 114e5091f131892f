"""The trainers under test, with settings that suit small data."""

import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning

from cfensemble.data import EnsembleData
from cfensemble.optimization import CFEnsembleJointTrainer, CFEnsemblePyTorchTrainer, CFEnsembleTrainer


def make_als(**options) -> CFEnsembleTrainer:
    return CFEnsembleTrainer(**({"latent_dim": 6, "max_iter": 15, "random_seed": 0, "init": "random"} | options))


def make_torch(**options) -> CFEnsemblePyTorchTrainer:
    options = {"max_epochs" if name == "max_iter" else name: value for name, value in options.items()}
    return CFEnsemblePyTorchTrainer(**({"latent_dim": 6, "max_epochs": 30, "lr": 0.05, "random_seed": 0} | options))


def make_joint(**options) -> CFEnsembleJointTrainer:
    defaults = {"latent_dim": 6, "max_iter": 15, "random_seed": 0, "init": "random"}
    return CFEnsembleJointTrainer(**(defaults | options))


TRAINERS = {"als": make_als, "joint": make_joint, "torch": make_torch}


@pytest.fixture(params=list(TRAINERS))
def kind(request) -> str:
    return request.param


@pytest.fixture
def make(kind):
    """Make a trainer of either kind; `max_iter` means epochs to torch."""
    return TRAINERS[kind]


@pytest.fixture
def make_kind():
    """Make a trainer of the kind that is named first."""
    return lambda kind, **options: TRAINERS[kind](**options)


@pytest.fixture(scope="session")
def data(imbalanced) -> EnsembleData:
    return imbalanced[0]


@pytest.fixture
def unsettled():
    """Fits that stop early on purpose: that their objective had not settled is no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
