"""What classifiers contribute."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score

from cfensemble.report.contributions import _pr_auc, near_copies, wilson


@pytest.mark.parametrize(("n_positive", "quality"), [(10, 0.0), (10, 1.0), (40, 1.5)])
def test_intervals_of_the_pr_auc_hold_the_truth_as_often_as_they_say(n_positive, quality):
    rng = np.random.default_rng(0)

    def draw(n):
        y = (np.arange(10 * n) < n).astype(float)
        return y, expit(quality * y + rng.normal(size=10 * n))

    truth = average_precision_score(*draw(20_000))
    held = 0
    for _ in range(300):
        area, (low, high) = _pr_auc(*draw(n_positive))
        assert low <= area <= high
        held += low <= truth <= high
    assert 0.92 <= held / 300 <= 0.995


@pytest.mark.parametrize("n_positive", range(1, 60))
def test_a_perfect_classifier_has_an_interval_as_well(n_positive):
    y = np.repeat([0.0, 1.0], [50, n_positive])
    area, (low, high) = _pr_auc(y, np.linspace(0.1, 0.9, len(y)))
    assert (area, high) == (1, 1)
    assert 0 < low < 1


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (3, 3, 0.4385, 1)]
)
def test_wilsons_interval(successes, n, low, high):
    np.testing.assert_allclose(wilson(successes, n), [low, high], atol=1e-3)


@pytest.mark.parametrize("n", range(1, 40))
def test_wilsons_interval_reaches_0_and_1(n):
    assert wilson(0, n)[0] == 0
    assert wilson(n, n)[1] == 1


def test_near_copies_are_found_where_predictions_are_missing_as_well():
    rng = np.random.default_rng(0)
    R = rng.random((6, 300))
    R[4] = 0.2 + 0.5 * R[1] + rng.normal(0, 0.001, 300)
    R[2] = R[4]
    R[5] = 0.7  # constant
    R[rng.random(R.shape) < 0.3] = np.nan
    assert near_copies(R) == [[1, 2, 4]]
    assert near_copies(rng.random((3, 300))) == []


def test_classifiers_that_are_alike_only_in_what_they_scored_are_no_copies():
    rng = np.random.default_rng(0)
    R = np.vstack([0.9 + 0.01 * rng.random(400), 0.9 + 0.01 * rng.random(400)])
    R[0, 100:200], R[1, 200:300] = np.nan, np.nan
    R[0, 200:300], R[1, 100:200] = 0.1, 0.1  # far from the mean, where the other one says nothing
    assert near_copies(R) == []


def test_a_copy_is_named_and_the_best_classifier_is_not_spared(analysis):
    found = analysis.contributions
    assert found.copies == [[2, 3]]
    assert found.own[0] == pytest.approx(analysis.subject.y.mean(), abs=0.2)  # noise
    assert np.all(found.intervals[:, 0] <= found.own)
    assert np.all(found.own <= found.intervals[:, 1])
    assert found.missing[5] > 0.4
    assert found.own[4:].min() > 0.7
    assert np.argmax(found.without) in (3, 4, 5)
    assert 0 not in found.needed


def test_without_refits_no_classifier_is_left_out(analysis_by_als):
    assert analysis_by_als.contributions.without is None
    assert analysis_by_als.contributions.harmful == analysis_by_als.contributions.needed == []
