import pickle

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.exceptions import NotFittedError

from cfensemble import DataWarning, MulticlassCombiner
from cfensemble.baselines import MULTICLASS_BASELINES, plain_class_average
from cfensemble.evaluation import score_classes


def ensemble(seed=0, m=6, K=4, n=500, n_labeled=60, missing=0.0):
    """Classifiers of mixed quality that share part of their noise: calibrated, unsure or too sure of themselves."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, K, n)
    noise, sureness = np.linspace(1, 4, m)[:, None, None], np.resize([1, 0.5, 2], m)[:, None, None]
    signal = 3 * np.eye(K)[:, y] + 1.5 * rng.standard_normal((K, n)) + noise * rng.standard_normal((m, K, n))
    R = softmax(sureness * 3 / (1.5**2 + noise**2) * signal, axis=1)
    R[np.broadcast_to(rng.random((m, 1, n)) < missing, R.shape)] = np.nan
    return R, np.where(np.arange(n) < n_labeled, y, np.nan), y


def fit(R, labels, **options):
    return MulticlassCombiner().fit(R, labels, **options).predict()


def scores(y, p, labels):
    hidden = np.isnan(labels)
    return score_classes(y[hidden], p[:, hidden])


@pytest.mark.parametrize("n_labeled", [20, 60, 300])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_it_beats_averaging_and_stacking(n_labeled, missing):
    problems = [ensemble(seed, n_labeled=n_labeled, missing=missing) for seed in range(3)]
    peers = ("plain average", "multinomial stacking", "tuned multinomial stacking")
    methods = {"ours": fit, **{name: MULTICLASS_BASELINES[name] for name in peers}}
    found = {
        name: np.mean([(s.accuracy, s.log_loss) for s in (scores(y, method(R, t), t) for R, t, y in problems)], axis=0)
        for name, method in methods.items()
    }
    accuracy, log_loss = found.pop("ours")
    assert accuracy > max(a for a, _ in found.values()) - 0.005
    assert log_loss < min(loss for _, loss in found.values()) + 0.005


def test_predictions_are_probabilities_and_calibrated():
    R, labels, y = ensemble(n=3000, n_labeled=600)
    p = fit(R, labels)
    np.testing.assert_allclose(p.sum(axis=0), 1)
    assert (p >= 0).all()
    assert p.max(axis=0).mean() == pytest.approx(scores(y, p, labels).accuracy, abs=0.03)


def test_without_labels_agreement_decides():
    R, labels, y = ensemble()
    with pytest.warns(DataWarning, match="there is none"):
        p = fit(R, np.full(len(y), np.nan))
    assert scores(y, p, labels).accuracy > scores(y, plain_class_average(R, labels), labels).accuracy


def test_classes_without_a_label_are_predicted_all_the_same():
    R, labels, y = ensemble(n_labeled=200)
    p = fit(R, np.where(labels < 2, labels, np.nan))
    assert p[2:, y >= 2].sum(axis=0).mean() > 0.3


@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_few_classifiers(m, missing):
    R, labels, y = ensemble(m=m, missing=missing)
    p = fit(R, labels)
    assert np.isfinite(p).all()
    assert scores(y, p, labels).accuracy > 0.5


def test_two_classes_will_do():
    R, labels, y = ensemble(K=2)
    assert scores(y, fit(R, labels), labels).accuracy > 0.8


def test_silent_constant_and_contradicting_classifiers_do_no_harm():
    R, labels, y = ensemble(m=8)
    clean = scores(y, fit(R, labels), labels)
    R[5], R[6], R[7] = np.nan, 0.25, R[0, ::-1]
    found = scores(y, fit(R, labels), labels)
    assert found.accuracy > clean.accuracy - 0.02
    assert found.log_loss < clean.log_loss + 0.05


def test_an_instance_without_predictions_gets_the_base_rate():
    R, labels, _ = ensemble(n_labeled=300)
    R[:, :, 400] = np.nan
    combiner = MulticlassCombiner().fit(R, labels)
    share = np.bincount(labels[:300].astype(int)) / 300
    np.testing.assert_allclose(combiner.predict()[:, 400], share, atol=0.01)
    np.testing.assert_allclose(combiner.predict(np.full((6, 4, 1), np.nan))[:, 0], share, atol=0.01)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_new_instances_get_what_the_fitted_ones_got(missing):
    R, labels, _ = ensemble(missing=missing)
    combiner = MulticlassCombiner().fit(R, labels)
    np.testing.assert_allclose(combiner.predict(R[:, :, :50]), combiner.predict()[:, :50], atol=1e-7)


def test_the_order_of_classifiers_classes_and_instances_does_not_matter():
    R, labels, _ = ensemble(missing=0.2)
    rng = np.random.default_rng(0)
    rows, classes, columns = (rng.permutation(size) for size in R.shape)
    renamed = np.full(4, -1.0)
    renamed[classes] = np.arange(4)
    shuffled_labels = np.array([np.nan if np.isnan(t) else renamed[int(t)] for t in labels[columns]])
    shuffled = fit(R[rows][:, classes][:, :, columns], shuffled_labels)
    np.testing.assert_allclose(shuffled, fit(R, labels)[classes][:, columns], atol=1e-4)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_an_integer_weight_is_repetition(missing):
    R, labels, _ = ensemble(n=200, missing=missing)
    count = np.random.default_rng(0).integers(0, 3, 200)
    weighted = fit(R, labels, sample_weight=count)
    repeated = fit(np.repeat(R, count, axis=2), np.repeat(labels, count))
    np.testing.assert_allclose(np.repeat(weighted, count, axis=1), repeated, atol=2e-3)
    np.testing.assert_array_equal(fit(R, labels, sample_weight=np.ones(200)), fit(R, labels))


@pytest.mark.parametrize("weight", [1e15, 1e100])
def test_instances_that_count_for_very_much_are_fitted(weight):
    R, labels, _ = ensemble(missing=0.2)
    for sample_weight in (np.full(len(labels), weight), np.where(np.arange(len(labels)) == 3, weight, 1)):
        p = fit(R, labels, sample_weight=sample_weight)
        np.testing.assert_allclose(p.sum(axis=0), 1)
        assert p[int(labels[3]), 3] > 0.5


def test_threads_and_precision_do_not_matter():
    R, labels, _ = ensemble(missing=0.2)
    p = MulticlassCombiner(1).fit(R, labels).predict()
    np.testing.assert_array_equal(MulticlassCombiner(2).fit(R, labels).predict(), p)
    np.testing.assert_allclose(fit(R.astype(np.float32), labels), p, atol=1e-3)


def test_what_nearly_adds_up_to_one_is_made_to():
    R, labels, _ = ensemble()
    np.testing.assert_allclose(fit(R * 0.9995, labels), fit(R, labels), atol=1e-6)


def test_it_tells_what_it_made_of_the_data():
    R, labels, _ = ensemble(missing=0.2)
    combiner = MulticlassCombiner().fit(R, labels)
    weights = combiner.get_aggregator_weights()
    assert weights.shape == (6,)
    assert weights[0] > weights[-1]
    assert combiner.get_reconstruction().shape == R.shape
    np.testing.assert_allclose(combiner.get_reconstruction().sum(axis=1), 1)
    assert sum(combiner.view_shares_.values()) == pytest.approx(1)
    assert sum(predictor.share for predictor in combiner.predictors_) == pytest.approx(1)


def test_a_pickled_combiner_predicts_the_same():
    R, labels, _ = ensemble()
    combiner = MulticlassCombiner(n_threads=1).fit(R, labels)
    copy = pickle.loads(pickle.dumps(combiner))
    np.testing.assert_array_equal(copy.predict(), combiner.predict())
    np.testing.assert_array_equal(copy.predict(R), combiner.predict(R))


def test_inputs_are_not_changed():
    R, labels, _ = ensemble(missing=0.2)
    R_before, labels_before = R.copy(), labels.copy()
    fit(R, labels, sample_weight=np.arange(len(labels)))
    np.testing.assert_array_equal(R, R_before)
    np.testing.assert_array_equal(labels, labels_before)


def test_errors_name_the_place():
    R, labels, _ = ensemble()
    with pytest.raises(NotFittedError, match="call fit"):
        MulticlassCombiner().predict()
    combiner = MulticlassCombiner().fit(R, labels)
    with pytest.raises(
        ValueError, match="R_new has 2 classifiers and 4 classes, but the model was fitted with 6 and 4"
    ):
        combiner.predict(R[:2])
    with pytest.raises(ValueError, match=r"R must be 3-D .*, got shape \(6, 4\)"):
        fit(R[:, :, 0], labels)
    for place, value, message in [
        ((1, 2, 3), np.nan, r"R\[1, 2, 3\] is nan: a missing prediction is NaN in all classes"),
        ((1, 2, 3), 1.5, r"R\[1, 2, 3\] is 1.5: probabilities lie in"),
        ((1, slice(None), 3), 0.2, r"R\[1, :, 3\] adds up to 0.8"),
    ]:
        wrong = R.copy()
        wrong[place] = value
        with pytest.raises(ValueError, match=message):
            fit(wrong, labels)
    with pytest.raises(ValueError, match=r"labels\[0\] is 4.0: labels are classes from 0 to 3, or NaN"):
        fit(R, np.where(np.arange(500) == 0, 4.0, labels))
    with pytest.raises(ValueError, match=r"labels\[0\] is 0.5"):
        fit(R, np.where(np.arange(500) == 0, 0.5, labels))
    with pytest.raises(ValueError, match=r"labels must have one entry per instance, shape \(500,\), got \(499,\)"):
        fit(R, labels[1:])
    with pytest.raises(ValueError, match="labels must be 0 to 3, or NaN"):
        fit(R, ["a"] * 500)
    with pytest.raises(ValueError, match="R must hold numbers"):
        fit([[["a"]]], labels)
    with pytest.raises(ValueError, match="sample_weight must have one entry per instance"):
        fit(R, labels, sample_weight=[1])
