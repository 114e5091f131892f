"""How quality grows with the labels."""

import numpy as np
import pytest

from cfensemble.evaluation import score
from cfensemble.report.learning import LEAST_GAIN, _stop, _stratified_order, learn, sizes
from cfensemble.report.scores import AVERAGE, cross_validate, divide


def test_sizes_are_halves_with_two_of_each_class():
    y = np.repeat([1.0, 0.0], [10, 90])
    assert sizes(80, y) == [20, 40, 80]
    assert sizes(7, y) == []


def test_every_beginning_of_the_order_is_stratified():
    y = np.repeat([1.0, 0.0], [10, 90])
    order = _stratified_order(np.arange(100), y, np.random.default_rng(0))
    assert sorted(order) == list(range(100))
    for size in (10, 20, 50):
        assert y[order[:size]].sum() == pytest.approx(size / 10, abs=1)


@pytest.mark.parametrize(
    ("means", "stop"), [([0.5, 0.6, 0.7], None), ([0.5, 0.7, 0.701], 20), ([0.7, 0.7, 0.7], 10), ([0.8, 0.7, 0.7], 10)]
)
def test_labels_stop_paying_where_no_later_mean_is_better(means, stop):
    assert _stop([10, 20, 40], np.array(means)) == stop
    assert LEAST_GAIN < 0.01


def test_a_learner_that_needs_many_labels_still_gains():
    rng = np.random.default_rng(0)
    y = (np.arange(200) % 2).astype(float)
    rng.shuffle(y)
    noise = rng.random(200)

    def learner(chosen, labels):
        share = len(chosen) / 480
        return share * y + (1 - share) * noise

    methods, baselines = {"ours": learner}, {AVERAGE: lambda chosen, labels: noise}
    cv = cross_validate(methods, baselines, y, divide(y, 5, 2))
    curve = learn(cv, methods | baselines, 2)
    assert curve.n_labels.tolist() == [10, 20, 40, 80, 160]
    assert curve.pays
    assert not curve.is_flat
    assert curve.stop is None
    _, test = cv.folds[0][0]
    assert curve.scores["ours"][-1][0] == pytest.approx(score(y[test], (y + 2 * noise)[test] / 3).pr_auc)
    assert curve.scores[AVERAGE][0][0] == pytest.approx(score(y[test], noise[test]).pr_auc)
    assert curve.gain == pytest.approx(np.mean(curve.scores["ours"][-1] - curve.scores["ours"][-2]))


def test_a_learner_that_needs_no_labels_has_stopped_gaining():
    y = (np.arange(100) % 2).astype(float)
    methods = {"ours": lambda chosen, labels: 0.2 + 0.5 * y, AVERAGE: lambda chosen, labels: 0.3 + 0.5 * y}
    cv = cross_validate({"ours": methods["ours"]}, {AVERAGE: methods[AVERAGE]}, y, divide(y, 5, 1))
    curve = learn(cv, methods, 1)
    assert curve.is_flat
    assert not curve.pays
    assert curve.stop == curve.n_labels[0]
