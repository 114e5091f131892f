"""The supervised loss of aggregators that predict probabilities rather than log-odds."""

import numpy as np
from scipy.special import logit

from cfensemble import _core
from cfensemble._typing import Float
from cfensemble.objectives.label_weights import LabelledInstances

LOSS_CLIP = 1e-7  # probabilities stay this far from 0 and 1, where the loss would be infinite


def clipped_loss(p: Float, labelled: LabelledInstances, focal_gamma: float) -> float:
    """Weighted mean focal loss of probabilities p (n_labeled,), clipped to [1e-7, 1 - 1e-7]."""
    z = logit(np.clip(p.astype(np.float64), LOSS_CLIP, 1 - LOSS_CLIP))
    # The kernel's loss is one of z = w x'y + b: here with one factor, the log-odds themselves.
    value, _, _ = _core.aggregator_loss(
        X=np.ones((1, 1)),
        Y=z[None, :],
        w=np.ones(1),
        b=0.0,
        columns=np.arange(len(z)),
        labels=labelled.labels,
        weights=labelled.weights,
        focal_gamma=focal_gamma,
        with_hessian=False,
        n_threads=1,
    )
    return value
