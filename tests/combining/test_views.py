import numpy as np

from cfensemble.combining.views import ConsensusView, read_views
from cfensemble.data.log_odds import log_odds
from cfensemble.ensemble.reliability import consensus_of_others


def test_each_view_reads_what_it_is_named_after():
    R, R_hat = np.random.default_rng(0).random((2, 3, 50))
    view = ConsensusView(R, np.full(3, 1 / 3))
    own, consensus, reconstruction = read_views(R, R_hat, view)
    np.testing.assert_array_equal(own, log_odds(R))
    np.testing.assert_array_equal(consensus, log_odds(view.consensus(R)))
    np.testing.assert_array_equal(reconstruction, log_odds(R_hat))


def test_the_consensus_view_keeps_each_ranking_and_the_mean_of_the_others():
    R = np.random.default_rng(1).random((4, 200)) ** 2
    weights = np.full(4, 0.25)
    read = ConsensusView(R, weights).consensus(R)
    for r, row, consensus in zip(R, read, consensus_of_others(R, weights), strict=True):
        assert (np.diff(row[np.argsort(r)]) >= 0).all()
        np.testing.assert_allclose(row.mean(), consensus.mean())


def test_an_overconfident_copy_reads_like_the_others():
    rng = np.random.default_rng(2)
    s = rng.standard_normal(2000)
    R = 1 / (1 + np.exp(-(s + 0.3 * rng.standard_normal((4, 2000)))))
    R[3] = np.clip(4 * (R[3] - 0.5) + 0.5, 0, 1)
    read = log_odds(ConsensusView(R, np.full(4, 0.25)).consensus(R))
    assert log_odds(R)[3].std() > 2 * log_odds(R)[0].std()
    assert read[3].std() < 1.2 * read[0].std()


def test_new_predictions_are_read_on_the_same_curves():
    R = np.random.default_rng(3).random((3, 100))
    view = ConsensusView(R, np.full(3, 1 / 3))
    np.testing.assert_allclose(view.consensus(R[:, 7:9]), view.consensus(R)[:, 7:9])


def test_a_lone_classifier_reads_as_itself():
    R = np.random.default_rng(4).random((1, 10))
    np.testing.assert_allclose(ConsensusView(R, np.ones(1)).consensus(R), R)
