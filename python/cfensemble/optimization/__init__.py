"""Trainers: they fit factors and aggregator to data."""

from typing import TYPE_CHECKING, Any

from cfensemble.optimization.als import (
    compute_reconstruction_error,
    update_classifier_factors,
    update_instance_factors,
)
from cfensemble.optimization.als_trainer import CFEnsembleTrainer
from cfensemble.optimization.history import History, IterationRecord
from cfensemble.optimization.joint_trainer import CFEnsembleJointTrainer
from cfensemble.optimization.torch_trainer import CFEnsemblePyTorchTrainer, require_torch

if TYPE_CHECKING:
    from cfensemble.optimization.torch_net import CFEnsembleNet

__all__ = [
    "CFEnsembleJointTrainer",
    "CFEnsembleNet",
    "CFEnsemblePyTorchTrainer",
    "CFEnsembleTrainer",
    "History",
    "IterationRecord",
    "compute_reconstruction_error",
    "update_classifier_factors",
    "update_instance_factors",
]


class _WithoutTorch:
    """Stands in for classes that need torch where there is none: they can be imported, not constructed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        require_torch()


def __getattr__(name: str) -> Any:
    if name != "CFEnsembleNet":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        require_torch()
    except ImportError:
        return _WithoutTorch
    from cfensemble.optimization.torch_net import CFEnsembleNet

    return CFEnsembleNet
