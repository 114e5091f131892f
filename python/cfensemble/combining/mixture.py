"""A mixture of aggregators, and how much to believe each of them: Bayesian stacking."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cfensemble import _core
from cfensemble._typing import Vector
from cfensemble.combining.views import VIEW_NAMES, ConsensusView
from cfensemble.data.factor_model import FactorModel
from cfensemble.data.log_odds import CLIP

MAX_STEPS = 1000
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Predictor:
    """One aggregator of the mixture.

    Attributes
    ----------
    view : int
        Which view of the predictions it aggregates.
    theta : ndarray of shape (m + 1,)
        Its weights and bias.
    share : float
        Its share of the mixture, in (0, 1).
    """

    view: int
    theta: Vector
    share: float


def compile_mixture(
    model: FactorModel, consensus: ConsensusView, predictors: Sequence[Predictor], base_rate: float
) -> _core.Mixture:
    """Prepare the kernel that completes, reads and mixes predictions in one pass.

    Parameters
    ----------
    model : FactorModel
        What completes them.
    consensus : ConsensusView
        The curves that they are read on.
    predictors : sequence of Predictor
        The mixture.
    base_rate : float
        What an instance without any prediction gets.
    """
    aggregators = []
    for view in range(len(VIEW_NAMES)):
        chosen = [predictor for predictor in predictors if predictor.view == view]
        theta = np.array([predictor.theta for predictor in chosen]).reshape(len(chosen), len(model.mean) + 1)
        aggregators.append((theta, np.array([predictor.share for predictor in chosen], np.float64)))
    return _core.Mixture(model.X, model.mean, model.noise, consensus.curves, aggregators, CLIP, base_rate)


def stack(log_likelihood: Vector, prior: Vector, counts: Vector | None = None) -> Vector:
    """Weights of a mixture of predictors that maximise sum_i s_i log sum_k pi_k p_k(t_i) + sum_k prior_k log pi_k.

    p_k(t_i) is the probability that predictor k gives the label of instance i without having seen it. The first term
    alone is the stacking of predictive distributions (Yao et al. 2018); the second is a Dirichlet prior that counts as
    much as sum(prior) labels, so that four labels change little and thousands decide. The problem is concave; EM
    climbs to its optimum without ever falling.

    Parameters
    ----------
    log_likelihood : ndarray of shape (k, n_labeled)
        log p_k(t_i).
    prior : ndarray of shape (k,)
        What each predictor is worth beforehand, > 0, in labels.
    counts : ndarray of shape (n_labeled,), optional
        How often each label counts, s_i > 0; default once.

    Returns
    -------
    ndarray of shape (k,)
        Weights > 0 that add up to 1.
    """
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=0, initial=-np.inf))
    weights = prior / prior.sum()
    s = np.ones(likelihood.shape[1]) if counts is None else counts
    for _ in range(MAX_STEPS):
        renewed = prior + weights * (likelihood @ (s / (weights @ likelihood)))
        renewed /= renewed.sum()
        change = np.abs(renewed - weights).max()
        weights = renewed
        if change < TOLERANCE:
            break
    return weights
