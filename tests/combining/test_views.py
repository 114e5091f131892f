import numpy as np

from cfensemble.combining.views import ConsensusView, OwnView, ReconstructedView
from cfensemble.data.log_odds import log_odds
from cfensemble.ensemble.reliability import consensus_of_others


def test_own_and_reconstructed_views_read_what_they_say():
    R, R_hat = np.random.default_rng(0).random((2, 3, 5))
    np.testing.assert_array_equal(OwnView().read(R, R_hat), log_odds(R))
    np.testing.assert_array_equal(ReconstructedView().read(R, R_hat), log_odds(R_hat))


def test_the_consensus_view_keeps_each_ranking_and_the_mean_of_the_others():
    R = np.random.default_rng(1).random((4, 200)) ** 2
    weights = np.full(4, 0.25)
    read = ConsensusView(R, weights).read(R, R)
    for r, row, consensus in zip(R, read, consensus_of_others(R, weights), strict=True):
        assert (np.diff(row[np.argsort(r)]) >= 0).all()
        np.testing.assert_allclose(np.mean(1 / (1 + np.exp(-row))), consensus.mean(), atol=1e-3)


def test_an_overconfident_copy_reads_like_the_others():
    rng = np.random.default_rng(2)
    s = rng.standard_normal(2000)
    R = 1 / (1 + np.exp(-(s + 0.3 * rng.standard_normal((4, 2000)))))
    R[3] = np.clip(4 * (R[3] - 0.5) + 0.5, 0, 1)
    read = ConsensusView(R, np.full(4, 0.25)).read(R, R)
    assert log_odds(R)[3].std() > 2 * log_odds(R)[0].std()
    assert read[3].std() < 1.2 * read[0].std()


def test_new_predictions_are_read_on_the_same_curves():
    R = np.random.default_rng(3).random((3, 100))
    view = ConsensusView(R, np.full(3, 1 / 3))
    np.testing.assert_allclose(view.read(R[:, 7:9], R[:, 7:9]), view.read(R, R)[:, 7:9])


def test_a_lone_classifier_reads_as_itself():
    R = np.random.default_rng(4).random((1, 10))
    np.testing.assert_allclose(ConsensusView(R, np.ones(1)).read(R, R), log_odds(R), atol=1e-9)
