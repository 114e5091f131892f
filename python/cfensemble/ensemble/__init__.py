"""Aggregators: from the reconstructed predictions of an instance to one probability."""

from cfensemble.ensemble.attention import AttentionAggregator
from cfensemble.ensemble.base import BaseAggregator
from cfensemble.ensemble.mean import MeanAggregator
from cfensemble.ensemble.prior import WeightPrior
from cfensemble.ensemble.weighted import WeightedAggregator

__all__ = ["AttentionAggregator", "BaseAggregator", "MeanAggregator", "WeightPrior", "WeightedAggregator"]
