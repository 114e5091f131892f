import numpy as np
import pytest

from cfensemble.ensemble.reliability import MOST, consensus_of_others, reliability, reliability_weights


def noisy(rng, noise, n=2000):
    """Classifiers that see one latent quantity through noise of these standard deviations."""
    s = rng.standard_normal(n)
    return 0.5 + 0.1 * (s + np.asarray(noise)[:, None] * rng.standard_normal((len(noise), n)))


def test_the_less_noise_the_more_reliable():
    R = noisy(np.random.default_rng(0), [0.3, 0.6, 1.0, 2.0, 4.0])
    assert (np.diff(reliability(R)) < 0).all()
    assert (np.diff(reliability_weights(R)) < 0).all()


def test_reliability_is_about_the_correlation_with_what_all_see():
    noise = np.array([0.3, 0.5, 0.5, 1.0, 1.0, 2.0])
    expected = 1 / np.sqrt(1 + noise**2)
    np.testing.assert_allclose(reliability(noisy(np.random.default_rng(1), noise, 20_000)), expected, atol=0.08)


def test_with_missing_predictions_the_consensus_is_noisier_but_the_order_stays():
    rng = np.random.default_rng(2)
    R = noisy(rng, [0.3, 0.6, 1.0, 2.0, 4.0], 5000)
    holes = np.where(rng.random(R.shape) < 0.3, np.nan, R)
    assert (np.diff(reliability(holes)) < 0).all()
    np.testing.assert_allclose(reliability(holes) / reliability(R), 0.85, atol=0.1)


def test_a_classifier_that_contradicts_the_others_counts_nothing():
    R = noisy(np.random.default_rng(3), [0.3, 0.4, 0.5, 0.6])
    R[3] = 1 - R[3]
    weights = reliability_weights(R)
    assert weights[3] == 0
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("row", [0.4, np.nan])
def test_a_classifier_that_says_nothing_counts_nothing(row):
    R = noisy(np.random.default_rng(4), [0.3, 0.4, 0.5, 0.6])
    R[1] = row
    assert reliability(R)[1] == 0


@pytest.mark.parametrize("m", [1, 2])
def test_fewer_than_three_classifiers_count_alike(m):
    np.testing.assert_array_equal(reliability_weights(np.random.default_rng(5).random((m, 50))), 1 / m)


def test_classifiers_without_agreement_count_alike():
    np.testing.assert_array_equal(reliability_weights(np.full((4, 10), 0.3)), 0.25)
    np.testing.assert_array_equal(reliability_weights(np.full((4, 1), 0.3)), 0.25)


def test_copies_are_trusted_within_bounds():
    R = np.tile(np.random.default_rng(6).random(100), (3, 1))
    np.testing.assert_allclose(reliability(R), MOST)
    np.testing.assert_allclose(reliability_weights(R), 1 / 3)


def test_weights_follow_the_classifiers_and_ignore_the_instances_order():
    rng = np.random.default_rng(7)
    R = noisy(rng, [0.3, 0.6, 1.0, 2.0], 300)
    rows, columns = rng.permutation(4), rng.permutation(300)
    np.testing.assert_allclose(reliability_weights(R[rows][:, columns]), reliability_weights(R)[rows], rtol=1e-9)


def test_the_consensus_is_the_weighted_mean_of_those_who_speak():
    R = np.array([[0.1, 0.2, np.nan], [0.5, np.nan, 0.6], [0.9, 0.4, np.nan]])
    _, consensus, _ = consensus_of_others(R, np.array([1.0, 1.0, 3.0]))
    np.testing.assert_allclose(consensus, [(0.1 + 2.7) / 4, (0.2 + 1.2) / 4, np.nan])
    first, consensus, _ = consensus_of_others(R, np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(first, [0.5, np.nan, 0.6])
    np.testing.assert_allclose(consensus, [0.5, 0.3, np.nan])
