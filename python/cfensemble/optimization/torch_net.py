"""The combined objective as a torch module: everything in it is a parameter."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cfensemble._validation import choice, generator, integer
from cfensemble.ensemble.attention import AttentionAggregator
from cfensemble.ensemble.base import BaseAggregator
from cfensemble.ensemble.clipped_loss import LOSS_CLIP
from cfensemble.ensemble.mean import MeanAggregator
from cfensemble.ensemble.prior import WeightPrior
from cfensemble.ensemble.weighted import WeightedAggregator
from cfensemble.objectives.losses import weigh_terms
from cfensemble.optimization.starts import random_factors

# An aggregator module maps R_hat (m, k) to log-odds (k,) and can be turned into its NumPy counterpart.


class _Weighted(nn.Module):
    def __init__(self, m: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.full((m,), 1 / m, dtype=dtype))
        self.b = nn.Parameter(torch.zeros((), dtype=dtype))

    def forward(self, r_hat: Tensor) -> Tensor:
        return self.w @ r_hat + self.b

    def weights(self) -> Tensor:
        return self.w

    def to_numpy(self) -> BaseAggregator:
        aggregator = WeightedAggregator(len(self.w))
        aggregator.set_params(w=_numpy(self.w), b=self.b.item())
        return aggregator


class _Mean(nn.Module):
    def __init__(self, m: int, link: Literal["identity", "logit"]) -> None:
        super().__init__()
        self.m, self.link = m, link

    def forward(self, r_hat: Tensor) -> Tensor:
        mean = r_hat.mean(dim=0)
        return mean if self.link == "logit" else torch.logit(mean, eps=LOSS_CLIP)

    def weights(self) -> Tensor:
        return torch.full((self.m,), 1 / self.m)

    def to_numpy(self) -> BaseAggregator:
        return MeanAggregator(self.m, self.link)


class _Attention(nn.Module):
    """See `cfensemble.ensemble.attention`; small random keys, so that it starts near the plain average."""

    def __init__(
        self, m: int, dtype: torch.dtype, rng: np.random.Generator, link: str = "identity", size: int = 16
    ) -> None:
        super().__init__()

        def parameter(*shape: int, scale: float) -> nn.Parameter:
            return nn.Parameter(torch.as_tensor(rng.normal(0, scale, shape), dtype=dtype))

        self.hidden_weight = parameter(size, m, scale=np.sqrt(2 / m))
        self.hidden_bias = parameter(size, scale=0)
        self.query_weight = parameter(size, size, scale=np.sqrt(1 / size))
        self.query_bias = parameter(size, scale=0)
        self.keys = parameter(m, size, scale=0.1)
        slope, bias = (1.0, 0.0) if link == "logit" else (4.0, -2.0)  # sigmoid(4 r - 2) runs close to r itself
        self.slope = nn.Parameter(torch.tensor(slope, dtype=dtype))
        self.bias = nn.Parameter(torch.tensor(bias, dtype=dtype))
        self.mean_attention = torch.full((m,), 1 / m, dtype=dtype)

    def forward(self, r_hat: Tensor) -> Tensor:
        hidden = torch.relu(self.hidden_weight @ r_hat + self.hidden_bias[:, None])
        query = self.query_weight @ hidden + self.query_bias[:, None]
        attention = torch.softmax(self.keys @ query / len(query) ** 0.5, dim=0)
        self.mean_attention = attention.detach().mean(dim=1)
        p = (attention * torch.sigmoid(self.slope * r_hat + self.bias)).sum(dim=0)
        return torch.logit(p, eps=LOSS_CLIP)

    def weights(self) -> Tensor:
        return self.mean_attention

    def to_numpy(self) -> BaseAggregator:
        params = {name: _numpy(value) for name, value in self.named_parameters()}
        return AttentionAggregator(**params, mean_attention=_numpy(self.mean_attention))


class CFEnsembleNet(nn.Module):
    """Factors and aggregator as the parameters of one objective, L_CF.

    Parameters
    ----------
    m, n, d : int
        Numbers of classifiers and instances, and the latent dimension.
    aggregator_type : {'weighted', 'mean', 'attention'}, default='weighted'
        How the reconstruction becomes a probability.
    dtype : torch.dtype, default=torch.float32
        Precision of the parameters.
    random_state : int, numpy.random.Generator or None
        Seed of the start.
    link : {'identity', 'logit'}, default='identity'
        Whether R_hat stands for probabilities or for log-odds.
    """

    def __init__(
        self,
        m: int,
        n: int,
        d: int,
        aggregator_type: str = "weighted",
        *,
        dtype: torch.dtype = torch.float32,
        random_state: int | np.random.Generator | None = None,
        link: Literal["identity", "logit"] = "identity",
    ) -> None:
        super().__init__()
        for name, value in (("m", m), ("n", n), ("d", d)):
            integer(value, name, 1)
        choice(link, "link", ("identity", "logit"))
        rng = generator(random_state)
        self.X = nn.Parameter(torch.as_tensor(random_factors(rng, d, m), dtype=dtype))
        self.Y = nn.Parameter(torch.as_tensor(random_factors(rng, d, n), dtype=dtype))
        makers: dict[str, Callable[[], _Weighted | _Mean | _Attention]] = {
            "weighted": lambda: _Weighted(m, dtype),
            "mean": lambda: _Mean(m, link),
            "attention": lambda: _Attention(m, dtype, rng, link),
        }
        self.aggregator = makers[choice(aggregator_type, "aggregator_type", makers)]()

    def reconstruct(self) -> Tensor:
        """R_hat = X'Y, (m, n): probabilities or log-odds, as `link` says."""
        return self.X.T @ self.Y

    def forward(self, indices: Tensor | None = None) -> Tensor:
        """Probabilities of the instances at the indices (or boolean mask); of all when None."""
        Y = self.Y if indices is None else self.Y[:, indices]
        return torch.sigmoid(self.aggregator(self.X.T @ Y))

    def compute_loss(
        self,
        R: Tensor,
        C: Tensor,
        labels: Tensor,
        labeled_mask: Tensor,
        rho: float,
        lambda_reg: float,
        use_class_weights: bool = True,
        focal_gamma: float = 0.0,
        *,
        omega: Tensor | None = None,
        aggregator_l2: float = 0.0,
        prior: WeightPrior | None = None,
        sample_weight: Tensor | None = None,
        indices: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, float]]:
        """L_CF and its terms.

        Parameters
        ----------
        R, C : Tensor of shape (m, n)
            Predictions (with `link='logit'` their log-odds), NaN where missing, and their weights.
        labels : Tensor of shape (n,)
            1 or 0 where labelled.
        labeled_mask : Tensor of bool, shape (n,), or of int
            Which instances are labelled: a mask or indices.
        rho, lambda_reg, use_class_weights, focal_gamma
            As in `combined_loss`.
        omega : Tensor of shape (n,), optional
            Weights of the labelled instances, instead of those that `use_class_weights` and `sample_weight` stand for.
        aggregator_l2 : float, default=0.0
            Weight of |w - 1/m|^2 / 2 in the supervised term.
        prior : WeightPrior, optional
            What is believed of w and b: divided by the number of labelled instances, a part of the supervised term.
        sample_weight : Tensor of shape (n,), optional
            How often each instance counts; default once.
        indices : Tensor of int, optional
            A mini-batch of instances: terms of instances are scaled by n / |batch| and the supervised one still
            refers to the sum of all omega, so that the mean over batches of equal size is L_CF.

        Returns
        -------
        loss : Tensor
            Scalar, with gradient.
        terms : dict
            Its total, reconstruction, supervised, recon_weighted, sup_weighted and rho.
        """
        if labeled_mask.dtype != torch.bool:
            labeled_mask = torch.zeros_like(labels, dtype=torch.bool).index_fill(0, labeled_mask, True)
        s = torch.ones_like(labels) if sample_weight is None else sample_weight
        n_labeled = torch.where(labeled_mask, s, 0).sum()
        if omega is None:
            omega = s * _class_weights(labels, labeled_mask, s) if use_class_weights else s
        omega = torch.where(labeled_mask, omega, 0)
        total_omega = omega.sum()
        Y: Tensor = self.Y
        scale = 1.0
        if indices is not None:
            R, C, Y, labels, omega, s = (
                R[:, indices],
                C[:, indices],
                Y[:, indices],
                labels[indices],
                omega[indices],
                s[indices],
            )
            scale = self.Y.shape[1] / len(indices)

        r_hat = self.X.T @ Y
        missing = torch.isnan(R)
        error = torch.where(missing, 0, R) - r_hat
        weight = torch.where(missing, 0, C)
        squared_norm_Y = Y.square()
        if sample_weight is not None:
            weight, squared_norm_Y = s * weight, s * squared_norm_Y
        residual = (weight * error.square()).sum()
        penalty = lambda_reg * (self.X.square().sum() + scale * squared_norm_Y.sum())
        reconstruction = scale * residual + penalty

        supervised = torch.zeros_like(reconstruction)
        chosen = omega > 0
        if chosen.any():
            z = self.aggregator(r_hat[:, chosen])
            s = torch.where(labels[chosen] == 1, z, -z)
            focal = torch.exp(-focal_gamma * functional.softplus(s)) if focal_gamma else 1.0
            supervised = scale * (omega[chosen] * focal * functional.softplus(-s)).sum() / total_omega
        if aggregator_l2 and isinstance(self.aggregator, _Weighted):
            w = self.aggregator.w
            supervised = supervised + aggregator_l2 / 2 * (w - 1 / len(w)).square().sum()
        if prior is not None and isinstance(self.aggregator, _Weighted):
            theta = torch.cat([self.aggregator.w, self.aggregator.b[None]])
            deviation = theta - torch.as_tensor(np.append(prior.center, 0.0)).to(theta)
            curvature = torch.as_tensor(prior.hessian()).to(theta)
            supervised = supervised + deviation @ curvature @ deviation / 2 / n_labeled

        loss = rho * reconstruction + (1 - rho) * supervised
        reconstruction_value, supervised_value = torch.stack([reconstruction, supervised]).detach().tolist()
        return loss, weigh_terms(reconstruction_value, supervised_value, rho)


def _class_weights(labels: Tensor, labeled_mask: Tensor, counts: Tensor) -> Tensor:
    counts = torch.where(labeled_mask, counts, 0)
    n_positive, n_negative = counts[labels == 1].sum(), counts[labels == 0].sum()
    if n_positive == 0 or n_negative == 0:
        return torch.ones_like(labels)
    n_labeled = n_positive + n_negative
    return torch.where(labels == 1, n_labeled / (2 * n_positive), n_labeled / (2 * n_negative))


def _numpy(tensor: Tensor) -> Any:
    return tensor.detach().cpu().numpy()
