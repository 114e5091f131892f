"""What is combined: predictions, labels and confidence; a model of the predictions; and generators of test problems."""

from cfensemble.data.confidence import (
    AdaptiveConfidence,
    CalibrationConfidence,
    CertaintyConfidence,
    ConfidenceStrategy,
    LabelAwareConfidence,
    NoiseAdaptiveConfidence,
    UniformConfidence,
    get_confidence_strategy,
)
from cfensemble.data.confidence_rule import ConfidenceRule
from cfensemble.data.ensemble_data import EnsembleData
from cfensemble.data.factor_model import FactorModel, fit_factor_model
from cfensemble.data.synthetic import (
    generate_balanced_ensemble_data,
    generate_imbalanced_ensemble_data,
    generate_simple_ensemble_data,
)

__all__ = [
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
]
