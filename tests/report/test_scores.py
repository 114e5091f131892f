"""Cross-validation for the report."""

import numpy as np
import pytest

from cfensemble.baselines import BASELINES, impute
from cfensemble.combining import combine
from cfensemble.comparison import compare
from cfensemble.report.scores import AVERAGE, cross_validate, divide, fold_scores, guess


def test_scores_are_those_of_the_comparison(data):
    P, y = data(n=90, n_labels=90)
    R, t = impute(P.T), y.astype(float)
    expected = compare({"ours": combine}, BASELINES, R, t, n_repeats=2)

    def fitter(method):
        def fit(chosen, labels):
            masked = np.full(len(t), np.nan)
            masked[chosen] = labels
            return method(R, masked)

        return fit

    baselines = {name: fitter(method) for name, method in BASELINES.items()}
    cv = cross_validate({"ours": fitter(combine)}, baselines, t, divide(t, 5, 2))
    for metric, by_method in expected.estimates.items():
        for name, e in by_method.items():
            found = cv.estimates[metric][name]
            assert (found.mean, found.low, found.high) == pytest.approx((e.mean, e.low, e.high), abs=1e-9)
    assert cv.best_baseline == expected.best_baseline["pr_auc"]
    assert cv.lead.mean == pytest.approx(expected.estimates["pr_auc"]["ours"].difference, abs=1e-9)


def test_differences_are_to_the_plain_average_and_every_row_is_predicted_in_every_repeat(analysis):
    cv = analysis.cv
    assert all(p.shape == (len(cv.folds), len(cv.y)) and np.isfinite(p).all() for p in cv.predictions.values())
    for metric, by_method in cv.estimates.items():
        assert by_method[AVERAGE].difference is None
        for name, e in by_method.items():
            assert e.low <= e.mean <= e.high
            if name != AVERAGE:
                values = [fold_scores(cv.y, cv.predictions[key], cv.folds)[metric].mean() for key in (name, AVERAGE)]
                assert e.difference == pytest.approx(values[0] - values[1])


def test_the_combination_is_refitted_without_the_labels_that_it_predicts(subject, analysis):
    from cfensemble import CFEnsembleClassifier

    train, test = analysis.cv.folds[0][0]
    labels = np.full(len(subject.labels), -1)
    labels[subject.columns[train]] = subject.y[train]
    model = CFEnsembleClassifier(n_threads=1).fit(subject.R.T, labels)
    expected = model.label_distributions_[subject.columns[test], 1]
    np.testing.assert_allclose(analysis.cv.predictions["CF-Ensemble"][0][test], expected, atol=1e-9)


def test_guessing_has_more_than_the_share_of_positives_where_folds_have_few():
    rng = np.random.default_rng(0)
    y = (np.arange(100) < 10).astype(float)
    folds = divide(y, 5, 1)[0]
    level = guess(y, rng.random(100), folds)
    assert 0.15 < level < 0.3
    assert guess(y, np.full(100, 0.5), folds) == pytest.approx(0.1)
    assert guess(np.repeat([0.0, 1, 2], [2, 5, 3]), rng.random((3, 10)), folds) == 0.5
