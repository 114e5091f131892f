import numpy as np
import pytest

from cfensemble.ensemble.prior import WeightPrior
from cfensemble.ensemble.strength import FIRMNESS, STRENGTHS, select_strength
from cfensemble.ensemble.weight_fit import WeightProblem


def draw(weights, n, seed=0):
    """Log-odds of classifiers, and labels that follow from their sum with these weights."""
    rng = np.random.default_rng(seed)
    features = 2 * rng.standard_normal((len(weights), n))
    return features, (rng.random(n) < 1 / (1 + np.exp(-weights @ features))).astype(float)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_it_is_the_one_that_predicts_left_out_labels_best(nonnegative):
    weights = np.array([0.7, 0.3, 0.0, 0.0])
    features, y = draw(weights, 50)
    scores = []
    for strength in STRENGTHS:
        left_out = []
        for i in range(len(y)):
            others = np.arange(len(y)) != i
            prior = WeightPrior(np.full(4, 0.25), strength)
            theta = WeightProblem(features[:, others], y[others]).solve(prior, nonnegative).theta
            left_out.append(theta[:-1] @ features[:, i] + theta[-1])
        scores.append(-np.logaddexp(0, np.where(y == 1, -1, 1) * left_out).sum() + FIRMNESS * np.log(strength))
    selected = STRENGTHS.index(select_strength(features, y, np.full(4, 0.25), nonnegative))
    assert scores[selected] >= max(scores) - 0.3  # the selection's are left out to first order


def test_a_belief_that_is_right_is_held_firmly_and_a_wrong_one_loosely():
    weights = np.array([1.0, 0.0, 0.0, 0.0])
    features, y = draw(weights, 2000)
    assert select_strength(features, y, weights, True) == STRENGTHS[-1]
    assert select_strength(features, y, np.array([0.0, 0, 0, 1]), True) < STRENGTHS[-1]


def test_few_labels_leave_it_at_the_firmest():
    features, y = draw(np.full(3, 1 / 3), 0)
    assert select_strength(features, y, np.full(3, 1 / 3), False) == STRENGTHS[-1]
