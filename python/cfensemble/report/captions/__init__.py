"""What was found, in words: a module for each of the reader's questions. Every sentence depends on the data."""

from cfensemble.report.captions.classifiers import links, redundancy, weights, what_weights_are
from cfensemble.report.captions.combined import combined, missing
from cfensemble.report.captions.labels import learning
from cfensemble.report.captions.quality import curves_pr, curves_roc, how_measured, quality
from cfensemble.report.captions.rows import disagreement
from cfensemble.report.captions.training import losses, training, views, weight_paths
from cfensemble.report.captions.trust import calibration

__all__ = [
    "calibration",
    "combined",
    "curves_pr",
    "curves_roc",
    "disagreement",
    "how_measured",
    "learning",
    "links",
    "losses",
    "missing",
    "quality",
    "redundancy",
    "training",
    "views",
    "weight_paths",
    "weights",
    "what_weights_are",
]
