"""When an aggregator has stopped ranking instances.

Under class imbalance the unweighted gradient is the majority class's: it lowers every weight until all predictions are
one constant. The three signs below are scale-free in m: uniform weights 1 / m have sqrt(m) |w| = 1 and
sum w = sum |w|.
"""

import numpy as np

from cfensemble._typing import Float, Vector

MIN_NORM = 0.1
MIN_NET_SHARE = 0.05
MIN_SPREAD = 0.001

REMEDY = (
    "use_class_weights=True is the usual cure; freeze_aggregator_iters, aggregator_l2, schedule='two_stage' and "
    "on_collapse='reset' help too"
)

REMEDY_OF_ESTIMATORS = "prior='reliability', nonnegative=True or solver='auto' helps"
"""The same for those who have the settings of `CFEnsembleClassifier`."""


def describe_collapse(w: Vector, p: Float, counts: Vector | None = None) -> str | None:
    """Say in which way weights w (m,) and their predictions p (n,) have collapsed; None if they have not.

    Each instance counts as often as `counts` (n,) says, by default once.
    """
    norm = float(np.sqrt(len(w)) * np.hypot.reduce(w))
    total, magnitude = float(w.sum()), float(np.abs(w).sum())
    exact = p.astype(np.float64)
    spread = float(np.sqrt(np.average((exact - np.average(exact, weights=counts)) ** 2, weights=counts)))
    if not norm >= MIN_NORM:
        return f"the weights have vanished: sqrt(m) |w| = {norm:.3g}, below {MIN_NORM}"
    if total <= MIN_NET_SHARE * magnitude:
        return (
            f"the weights have turned against the classifiers: sum w = {total:.3g}, at most {MIN_NET_SHARE:.0%} of "
            f"sum |w| = {magnitude:.3g}"
        )
    if not spread >= MIN_SPREAD:
        return f"all predictions are alike: their standard deviation is {spread:.3g}, below {MIN_SPREAD}"
    return None
