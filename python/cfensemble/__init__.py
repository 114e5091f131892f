"""cfensemble: combine the predictions of many classifiers by collaborative filtering.

Public names are imported when first used: `import cfensemble` itself loads nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfensemble.combining import Combiner, MulticlassCombiner, combine
    from cfensemble.config import show_config
    from cfensemble.data import (
        AdaptiveConfidence,
        CalibrationConfidence,
        CertaintyConfidence,
        ConfidenceRule,
        ConfidenceStrategy,
        EnsembleData,
        FactorModel,
        LabelAwareConfidence,
        NoiseAdaptiveConfidence,
        UniformConfidence,
        fit_factor_model,
        generate_balanced_ensemble_data,
        generate_imbalanced_ensemble_data,
        generate_simple_ensemble_data,
        get_confidence_strategy,
    )
    from cfensemble.ensemble import AttentionAggregator, BaseAggregator, MeanAggregator, WeightedAggregator, WeightPrior
    from cfensemble.estimators import CFEnsembleClassifier, CFStackingClassifier
    from cfensemble.exceptions import CollapseWarning, DataWarning, ModelFileError
    from cfensemble.objectives import combined_loss, compute_rmse, reconstruction_loss, supervised_loss
    from cfensemble.optimization import (
        CFEnsembleJointTrainer,
        CFEnsembleNet,
        CFEnsemblePyTorchTrainer,
        CFEnsembleTrainer,
        History,
        IterationRecord,
        compute_reconstruction_error,
        update_classifier_factors,
        update_instance_factors,
    )
    from cfensemble.persistence import load

__version__ = "0.1.0"

_HOMES = {
    "cfensemble.combining": ["Combiner", "MulticlassCombiner", "combine"],
    "cfensemble.config": ["show_config"],
    "cfensemble.data": [
        "AdaptiveConfidence",
        "CalibrationConfidence",
        "CertaintyConfidence",
        "ConfidenceRule",
        "ConfidenceStrategy",
        "EnsembleData",
        "FactorModel",
        "LabelAwareConfidence",
        "NoiseAdaptiveConfidence",
        "UniformConfidence",
        "fit_factor_model",
        "generate_balanced_ensemble_data",
        "generate_imbalanced_ensemble_data",
        "generate_simple_ensemble_data",
        "get_confidence_strategy",
    ],
    "cfensemble.ensemble": [
        "AttentionAggregator",
        "BaseAggregator",
        "MeanAggregator",
        "WeightPrior",
        "WeightedAggregator",
    ],
    "cfensemble.estimators": ["CFEnsembleClassifier", "CFStackingClassifier"],
    "cfensemble.exceptions": ["CollapseWarning", "DataWarning", "ModelFileError"],
    "cfensemble.objectives": [
        "combined_loss",
        "compute_rmse",
        "reconstruction_loss",
        "supervised_loss",
    ],
    "cfensemble.optimization": [
        "CFEnsembleJointTrainer",
        "CFEnsembleNet",
        "CFEnsemblePyTorchTrainer",
        "CFEnsembleTrainer",
        "History",
        "IterationRecord",
        "compute_reconstruction_error",
        "update_classifier_factors",
        "update_instance_factors",
    ],
    "cfensemble.persistence": ["load"],
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> Any:
    if f"cfensemble.{name}" in _HOMES:
        return import_module(f"cfensemble.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'cfensemble' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
