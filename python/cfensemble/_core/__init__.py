"""The compiled kernels.

Contracts: R and C in any layout and either precision, never modified, and computed with in R's precision; shapes,
dtypes and the values of R and C checked (factors are taken as they are: their owners check them); the GIL released;
results that do not depend on the number of threads. The definitions, readable, are the NumPy twins in
`cfensemble._reference`.
"""

from cfensemble._core._baseline import (
    aggregator_loss,
    build_config,
    classifier_moments,
    classifier_step,
    instance_step,
    max_threads,
    predict,
    sweep,
    weighted_residual,
)

__all__ = [
    "aggregator_loss",
    "build_config",
    "classifier_moments",
    "classifier_step",
    "instance_step",
    "max_threads",
    "predict",
    "sweep",
    "weighted_residual",
]
