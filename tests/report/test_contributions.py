"""What classifiers contribute."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from cfensemble.report.contributions import average_precision, near_copies, wilson


def test_average_precision_is_scikit_learns_also_with_ties_and_counts():
    rng = np.random.default_rng(0)
    y = (rng.random(80) < 0.3).astype(float)
    p = rng.random(80).round(1)
    counts = rng.integers(0, 4, (5, 80)).astype(float)
    counts[0] = 1
    expected = [average_precision_score(y, p, sample_weight=count) for count in counts]
    np.testing.assert_allclose(average_precision(y, p, counts), expected)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (3, 3, 0.4385, 1)]
)
def test_wilsons_interval(successes, n, low, high):
    np.testing.assert_allclose(wilson(successes, n), [low, high], atol=1e-3)


def test_near_copies_are_found_where_predictions_are_missing_as_well():
    rng = np.random.default_rng(0)
    R = rng.random((6, 300))
    R[4] = 0.2 + 0.5 * R[1] + rng.normal(0, 0.001, 300)
    R[2] = R[4]
    R[5] = 0.7  # constant
    R[rng.random(R.shape) < 0.3] = np.nan
    assert near_copies(R) == [[1, 2, 4]]
    assert near_copies(rng.random((3, 300))) == []


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
