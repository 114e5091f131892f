import pickle

import numpy as np
import pytest
from scipy.special import expit
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score

from cfensemble import Combiner, DataWarning, EnsembleData, combine
from cfensemble.demo import build_demo
from cfensemble.evaluation import score


def ensemble(seed=0, m=8, n=600, n_labeled=60, missing=0.0):
    """Classifiers of mixed quality, in log-odds of a 20 % class."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(float)
    noise = np.linspace(0.5, 4, m)[:, None]
    R = 1 / (1 + np.exp(-(3 * y - 2.5 + noise * rng.standard_normal((m, n)))))
    R[rng.random(R.shape) < missing] = np.nan
    labels = np.full(n, np.nan)
    labels[:n_labeled] = y[:n_labeled]
    return R, labels, y


def pr_auc(y, p, labels):
    hidden = np.isnan(labels)
    return average_precision_score(y[hidden], p[hidden])


@pytest.mark.filterwarnings("ignore::cfensemble.DataWarning")
@pytest.mark.parametrize("n_labeled", [10, 60, 400])
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_it_beats_the_plain_average(n_labeled, missing):
    gains = []
    for seed in range(5):
        R, labels, y = ensemble(seed, n_labeled=n_labeled, missing=missing)
        average = np.nan_to_num(np.nanmean(np.where(np.isnan(R).all(axis=0), 0.2, R), axis=0), nan=0.2)
        gains.append(pr_auc(y, combine(R, labels), labels) - pr_auc(y, average, labels))
    assert np.mean(gains) > 0.005
    assert min(gains) > -0.01


def test_on_real_data_few_labels_do_better_than_averaging_and_many_as_well_as_stacking():
    from cfensemble.baselines import logistic_stacking, plain_average

    demo = build_demo(seed=0)
    R, labels, y = demo.table.R, demo.table.labels, demo.y
    ours, average = combine(R, labels), plain_average(R, labels)
    assert pr_auc(y, ours, labels) > pr_auc(y, average, labels) + 0.01
    many = np.where(np.arange(len(y)) % 2 == 0, y, np.nan)
    assert pr_auc(y, combine(R, many), many) > pr_auc(y, logistic_stacking(R, many), many) - 0.002


def test_probabilities_are_calibrated():
    R, labels, y = ensemble(n=4000, n_labeled=1000)
    p = combine(R, labels)[np.isnan(labels)]
    assert p.mean() == pytest.approx(y[np.isnan(labels)].mean(), abs=0.02)


def test_without_labels_agreement_decides():
    R, labels, y = ensemble()
    with pytest.warns(DataWarning, match="there is none"):
        p = combine(R)
    assert pr_auc(y, p, labels) > pr_auc(y, R.mean(axis=0), labels)
    assert ((p >= 0) & (p <= 1)).all()


@pytest.mark.parametrize("label", [0, 1])
def test_labels_of_one_class_are_left_out_of_account_with_a_warning(label):
    R, _, y = ensemble()
    R[:, 5] = np.nan  # gets the base rate
    members = np.flatnonzero(y == label)[:3]
    labels = np.full(len(y), np.nan)
    labels[members] = label
    with pytest.warns(DataWarning) as caught:
        p = combine(R, labels)
    assert any(f"all 3 are {label}" in str(warning.message) for warning in caught)
    with pytest.warns(DataWarning):
        np.testing.assert_array_equal(p, combine(R))


@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.filterwarnings("ignore::cfensemble.DataWarning")
def test_few_classifiers(m, missing):
    R, labels, y = ensemble(m=m, missing=missing)
    p = combine(R, labels)
    assert np.isfinite(p).all()
    assert average_precision_score(y, p) > 0.3


@pytest.mark.filterwarnings("ignore::cfensemble.DataWarning")
def test_silent_constant_and_contradicting_classifiers_do_no_harm():
    R, labels, y = ensemble(m=8)
    clean = pr_auc(y, combine(R, labels), labels)
    R[5], R[6], R[7] = np.nan, 0.3, 1 - R[0]
    assert pr_auc(y, combine(R, labels), labels) > clean - 0.03


@pytest.mark.filterwarnings("ignore::cfensemble.DataWarning")
def test_an_instance_without_predictions_gets_the_base_rate():
    R, labels, _ = ensemble()
    R[:, 100] = np.nan
    combiner = Combiner().fit(EnsembleData(R, labels))
    assert combiner.predict()[100] == pytest.approx(np.nanmean(labels))
    assert combiner.predict(R_new=np.full((8, 1), np.nan))[0] == pytest.approx(np.nanmean(labels))


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_new_instances_get_what_the_fitted_ones_got(missing):
    R, labels, _ = ensemble(missing=missing)
    data = EnsembleData(R, labels)
    combiner = Combiner().fit(data)
    fitted = combiner.predict()
    np.testing.assert_array_equal(combiner.predict(data), fitted)
    np.testing.assert_allclose(combiner.predict(R_new=R[:, :50]), fitted[:50], atol=1e-7)
    np.testing.assert_allclose(combiner.predict(EnsembleData(R[:, :50], labels[:50])), fitted[:50], atol=1e-7)


@pytest.mark.parametrize(("n", "n_labeled"), [(300, 8), (300, 60), (500, 400)])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_an_instance_counts_as_often_as_its_weight_says(n, n_labeled, missing):
    R, labels, _ = ensemble(3, n=n, n_labeled=n_labeled, missing=missing)
    weight = np.random.default_rng(4).integers(0, 4, n)
    repeated = np.repeat(np.arange(n), weight)
    other = Combiner().fit(EnsembleData(R[:, repeated], labels[repeated]))
    combiner = Combiner().fit(EnsembleData(R, labels, sample_weight=weight))
    np.testing.assert_allclose(combiner.predict()[repeated], other.predict(), rtol=1e-8)
    np.testing.assert_allclose(combiner.predict(), other.predict(R_new=R), rtol=1e-6)  # those of weight 0 as well
    np.testing.assert_allclose(combiner.factor_model_.noise, other.factor_model_.noise, rtol=1e-8)


def test_weights_of_1_change_nothing_and_fractions_count_as_such():
    R, labels, _ = ensemble(missing=0.2)
    p = combine(R, labels)
    weight = np.random.default_rng(0).choice([0.25, 0.5, 1.0], len(labels))
    np.testing.assert_array_equal(combine(R, labels, sample_weight=np.ones(len(labels))), p)
    fractions, least = combine(R, labels, sample_weight=weight), combine(R, labels, sample_weight=1e-3 * weight)
    assert np.abs(fractions - p).max() > 1e-3
    assert np.isfinite(least).all()


def test_weights_without_labels_count_for_the_base_rate():
    R = np.array([[0.2, 0.8, np.nan, 0.6], [0.4, 0.6, np.nan, 0.2], [0.3, 0.9, np.nan, 0.1]])
    with pytest.warns(DataWarning):
        p = combine(R, sample_weight=[1, 3, 2, 0])
    assert p[2] == pytest.approx((0.9 + 3 * 2.3) / 12)


def test_the_order_of_classifiers_and_instances_does_not_matter():
    R, labels, _ = ensemble(missing=0.2)
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(len(R)), rng.permutation(R.shape[1])
    shuffled = combine(R[rows][:, columns], labels[columns])
    np.testing.assert_allclose(shuffled, combine(R, labels)[columns], atol=1e-5)


def test_threads_and_precision_do_not_matter():
    R, labels, _ = ensemble(missing=0.2)
    p = combine(R, labels, n_threads=1)
    np.testing.assert_array_equal(combine(R, labels, n_threads=2), p)
    np.testing.assert_allclose(combine(R.astype(np.float32), labels), p, atol=1e-4)


def test_it_tells_what_it_made_of_the_data():
    R, labels, _ = ensemble(missing=0.2)
    combiner = Combiner().fit(EnsembleData(R, labels))
    weights = combiner.get_aggregator_weights()
    assert weights.shape == (8,)
    assert weights[0] > weights[-1]
    assert combiner.get_reconstruction().shape == R.shape
    assert sum(combiner.view_shares_.values()) == pytest.approx(1)
    assert sum(predictor.share for predictor in combiner.predictors_) == pytest.approx(1)


def test_a_pickled_combiner_predicts_the_same():
    R, labels, _ = ensemble()
    combiner = Combiner(n_threads=1).fit(EnsembleData(R, labels))
    copy = pickle.loads(pickle.dumps(combiner))
    np.testing.assert_array_equal(copy.predict(), combiner.predict())
    np.testing.assert_array_equal(copy.predict(R_new=R), combiner.predict(R_new=R))


def test_inputs_are_not_changed():
    R, labels, _ = ensemble(missing=0.2)
    R_before, labels_before = R.copy(), labels.copy()
    combine(R, labels)
    np.testing.assert_array_equal(R, R_before)
    np.testing.assert_array_equal(labels, labels_before)


def test_errors_say_what_to_do():
    R, labels, _ = ensemble()
    with pytest.raises(NotFittedError, match="call fit"):
        Combiner().predict()
    combiner = Combiner().fit(EnsembleData(R, labels))
    with pytest.raises(ValueError, match="R_new has 2 classifiers, but the model was fitted with 8"):
        combiner.predict(R_new=R[:2])
    with pytest.raises(ValueError, match="both given"):
        combiner.predict(EnsembleData(R, labels), R)
    with pytest.raises(TypeError, match="must be an EnsembleData"):
        Combiner().fit(R)
    with pytest.raises(TypeError, match="must be an EnsembleData"):
        combiner.predict(R)
    with pytest.raises(ValueError, match="probabilities lie in"):
        combine(2 * R, labels)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_log_odds_of_classifiers_that_err_independently_add_up(rate):
    # Each classifier's probability is exact, given what it sees; the sum of their log-odds is the truth.
    rng = np.random.default_rng(0)
    y = (rng.random(3000) < rate).astype(float)
    quality = np.linspace(0.5, 2, 8)[:, None]
    seen = quality * y + rng.normal(size=(8, 3000))
    evidence = quality * seen - quality**2 / 2
    prior = np.log(rate / (1 - rate))
    labels = np.where(np.arange(3000) < 400, y, np.nan)
    p = combine(expit(evidence + prior), labels)
    hidden = np.isnan(labels)
    best = score(y[hidden], expit(evidence.sum(axis=0) + prior)[hidden])
    found = score(y[hidden], p[hidden])
    assert found.log_loss < best.log_loss + 0.04
    assert found.pr_auc > best.pr_auc - 0.01
