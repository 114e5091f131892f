"""An aggregator that decides per instance whom to listen to."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, softmax

from cfensemble._typing import Float, Vector
from cfensemble.ensemble.base import BaseAggregator, as_reconstruction
from cfensemble.ensemble.clipped_loss import clipped_loss
from cfensemble.objectives.label_weights import LabelledInstances
from cfensemble.persistence.fields import Array, Field
from cfensemble.persistence.saved import Saved


class AttentionAggregator(Saved, BaseAggregator):
    """Attention over the classifiers, anew for each instance.

    p_i = sum_u a_ui sigmoid(slope r_hat_ui + bias) with a_i = softmax_u(k_u . q(r_hat_i)) and q an MLP.

    Scaled dot-product attention (Vaswani et al. 2017) of one query per instance over the classifiers. It is trained by
    `CFEnsemblePyTorchTrainer(aggregator_type='attention')`; this is its prediction, without torch.

    Parameters
    ----------
    **params : array-like
        hidden_weight (h, m), hidden_bias (h,), query_weight (k, h), query_bias (k,), keys (m, k), slope (), bias ();
        and mean_attention (m,), each classifier's mean share over the training instances.
    """

    def __init__(self, **params: ArrayLike) -> None:
        self.set_params(**params)

    def attention(self, r_hat: Float) -> Float:
        """Share (m, n) of each classifier in each instance's prediction; columns sum to 1."""
        p = self._params
        hidden = np.maximum(p["hidden_weight"] @ r_hat + p["hidden_bias"][:, None], 0)
        query = p["query_weight"] @ hidden + p["query_bias"][:, None]
        shares: Float = softmax(p["keys"] @ query / len(query) ** 0.5, axis=0)
        return shares

    def predict(self, r_hat: ArrayLike) -> Float:
        """Probabilities for reconstructions of shape (m, n) or (m,)."""
        r_hat = as_reconstruction(r_hat, len(self._params["keys"]))
        columns = r_hat[:, None] if r_hat.ndim == 1 else r_hat
        votes = expit(self._params["slope"] * columns + self._params["bias"])
        p: Float = (self.attention(columns) * votes).sum(axis=0)
        return p[0] if r_hat.ndim == 1 else p

    def predict_factors(self, X: Float, Y: Float, n_threads: int | None = None) -> Float:
        """Probabilities (n,); R_hat is formed."""
        return self.predict(X.T @ Y).astype(Y.dtype)

    def loss(
        self,
        X: Float,
        Y: Float,
        labelled: LabelledInstances,
        focal_gamma: float = 0.0,
        n_threads: int | None = None,
    ) -> float:
        """Weighted mean focal loss, with probabilities clipped to [1e-7, 1 - 1e-7]."""
        return clipped_loss(self.predict_factors(X, Y[:, labelled.columns]), labelled, focal_gamma)

    def get_weights(self) -> Vector:
        """Mean attention (m,) over the instances trained on."""
        weights: Vector = self._params["mean_attention"].astype(np.float64)
        return weights

    def get_params(self) -> dict[str, Any]:
        """Return the parameters by name; copies."""
        return {name: value.copy() for name, value in self._params.items()}

    def set_params(self, **params: ArrayLike) -> None:
        """Set all parameters."""
        if set(params) != set(_SHAPES):
            raise ValueError(f"parameters must be {', '.join(_SHAPES)}, got {', '.join(params) or 'none'}")
        arrays = {name: np.array(value) for name, value in params.items()}
        sizes: dict[str, int] = {}
        for name, axes in _SHAPES.items():
            if arrays[name].ndim == len(axes):  # whoever comes first decides on a size
                sizes = dict(zip(axes, arrays[name].shape, strict=True)) | sizes
            expected = tuple(sizes.get(axis, axis) for axis in axes)
            if arrays[name].shape != expected:
                raise ValueError(f"{name} must have shape {expected}, got {arrays[name].shape}")
        self._params = arrays

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        return {name: Array(*axes, dtype="float") for name, axes in _SHAPES.items()}

    def _state(self) -> dict[str, Any]:
        return self._params


_SHAPES = {
    "hidden_weight": "hm",
    "hidden_bias": "h",
    "query_weight": "kh",
    "query_bias": "k",
    "keys": "mk",
    "slope": "",
    "bias": "",
    "mean_attention": "m",
}
