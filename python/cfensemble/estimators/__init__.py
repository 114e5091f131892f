"""Classifiers in scikit-learn's idiom."""

from cfensemble.estimators.classifier import CFEnsembleClassifier
from cfensemble.estimators.stacking import CFStackingClassifier

__all__ = ["CFEnsembleClassifier", "CFStackingClassifier"]
