"""Priors on the weights, weights >= 0, and the logit link, for every trainer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import average_precision_score

from cfensemble import _reference
from cfensemble.data import EnsembleData
from cfensemble.data.log_odds import log_odds
from cfensemble.ensemble.prior import PRIOR_NAMES, prior_center
from cfensemble.ensemble.strength import STRENGTHS, select_strength
from cfensemble.exceptions import DataWarning
from cfensemble.optimization import CFEnsembleJointTrainer

pytestmark = [
    pytest.mark.usefixtures("unsettled"),
    pytest.mark.filterwarnings("ignore::cfensemble.exceptions.CollapseWarning"),
]
OPTIMIZERS = ("gd", "momentum", "adam", "newton")
links = pytest.mark.parametrize("link", ["identity", "logit"])
priors = pytest.mark.parametrize("prior", PRIOR_NAMES)


# ------------------------------------------------------------------------------------------------ priors


@priors
@links
def test_a_strong_prior_keeps_the_direction_of_the_weights(make, data, kind, prior, link):
    options = {"aggregator_l2": 0, "max_iter": 150} | ({"aggregator_optimizer": "newton"} if kind == "als" else {})
    trainer = make(prior=prior, strength=1e4, link=link, **options).fit(data)
    assert trainer.strength_ == 1e4
    w, center = trainer.get_aggregator_weights(), prior_center(prior, data.R)
    s = w @ center / (center @ center) if center.any() else 0
    np.testing.assert_allclose(w, s * center, atol=0.02)
    if prior != "zero":
        assert 0.5 < s < 20


@pytest.mark.parametrize("strength", ["auto", 100.0])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_als_optimizers_lower_the_penalised_loss(make_kind, data, optimizer, strength):
    labels = data.labels.copy()
    labels[np.flatnonzero(data.labeled_idx)[20:]] = np.nan  # a firm prior and few labels: steep in w
    few = EnsembleData(data.R, labels)
    trainer = make_kind(
        "als", prior="reliability", link="logit", strength=strength, aggregator_optimizer=optimizer,
        schedule="two_stage", use_class_weights=False, max_iter=60,
    ).fit(few)  # fmt: skip
    penalty, losses = trainer._pose(few).penalty, trainer.history["supervised"]
    start = next(k for k, w in enumerate(trainer.history["weights"]) if not np.array_equal(w, penalty.prior.center))
    assert losses[-1] < losses[start - 1]
    assert penalty.value(trainer.aggregator.theta) < 0.05


@priors
def test_weights_start_from_the_priors_center(make, data, prior):
    center = prior_center(prior, data.R)
    trainer = make(prior=prior, strength=1.0, rho=1.0).fit(data)
    np.testing.assert_allclose(trainer.get_aggregator_weights(), center, rtol=1e-6)


@links
@pytest.mark.parametrize("nonnegative", [False, True])
def test_the_strength_comes_from_the_labelled_instances(make, data, link, nonnegative):
    trainer = make(prior="reliability", link=link, nonnegative=nonnegative, max_iter=2).fit(data)
    columns = data.labeled_idx
    features = data.R[:, columns] if link == "identity" else log_odds(data.R[:, columns])
    features = np.where(np.isnan(features), np.nanmean(features, axis=0), features)
    center = prior_center("reliability", data.R)
    assert trainer.strength_ == select_strength(features, data.labels[columns], center, nonnegative)
    assert trainer.strength_ in STRENGTHS


@pytest.mark.filterwarnings("ignore::cfensemble.exceptions.DataWarning")
def test_labelled_instances_without_predictions_do_not_matter_to_the_strength(make, data):
    R = data.R.copy()
    R[:, np.flatnonzero(data.labeled_idx)[:3]] = np.nan
    trainer = make(prior="average", max_iter=2).fit(EnsembleData(R, data.labels))
    assert trainer.strength_ in STRENGTHS
    assert np.isfinite(trainer.predict()).all()


def test_without_a_prior_or_labels_there_is_no_strength(make, data):
    assert make(max_iter=2, strength=3.0).fit(data).strength_ is None
    with pytest.warns(DataWarning, match="labels: there is none"):
        assert make(prior="average").fit(EnsembleData(data.R, np.full(data.n_instances, np.nan))).strength_ is None


# ------------------------------------------------------------------------------------------------ nonnegative


@links
@pytest.mark.parametrize("prior", [None, "zero"])
def test_weights_are_never_negative(make, data, kind, link, prior):
    options = {"prior": prior, "strength": 0.003, "link": link, "use_class_weights": False, "max_iter": 60}
    for optimizer in OPTIMIZERS if kind == "als" else (None,):
        special = {} if optimizer is None else {"aggregator_optimizer": optimizer}
        trainer = make(nonnegative=True, **options, **special).fit(data)
        assert np.min(trainer.history["weights"]) >= 0
        assert np.isfinite(trainer.history["loss"]).all()


def test_it_makes_a_difference_where_labels_contradict_a_classifier(make, data):
    R = data.R.copy()
    R[3] = 1 - R[3]
    contrary = EnsembleData(R, data.labels)
    assert make(max_iter=60).fit(contrary).get_aggregator_weights()[3] < 0
    weights = make(max_iter=60, nonnegative=True).fit(contrary).get_aggregator_weights()
    assert weights[3] == 0
    assert weights.max() > 0


# ------------------------------------------------------------------------------------------------ joint


@pytest.mark.parametrize("link", ["identity", "logit"])
@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("prior", [None, *PRIOR_NAMES])
@pytest.mark.parametrize("strength", ["auto", 0.01, 100.0])
def test_the_joint_objective_never_rises(make_kind, data, prior, nonnegative, link, strength):
    trainer = make_kind(
        "joint", prior=prior, nonnegative=nonnegative, link=link, strength=strength, max_iter=60, tol=0,
        use_class_weights=False,
    ).fit(data)  # fmt: skip
    assert (np.diff(trainer.history["loss"]) <= 0).all()


@pytest.mark.filterwarnings("ignore::cfensemble.exceptions.DataWarning")
@given(
    seed=st.integers(0, 10**6),
    m=st.integers(1, 8),
    n=st.integers(2, 120),
    contrary=st.booleans(),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
    options=st.fixed_dictionaries(
        {
            "latent_dim": st.integers(1, 10),
            "rho": st.sampled_from([1e-3, 0.5, 0.99, 1.0]),
            "lambda_reg": st.sampled_from([0.0, 0.01, 1.0]),
            "focal_gamma": st.sampled_from([0.0, 2.0]),
            "aggregator_l2": st.sampled_from([0.0, 0.01]),
            "init": st.sampled_from(["spectral", "random"]),
            "prior": st.sampled_from([None, *PRIOR_NAMES]),
            "strength": st.sampled_from(["auto", 0.0, 0.01, 1e4]),
            "nonnegative": st.booleans(),
            "link": st.sampled_from(["identity", "logit"]),
        }
    ),
)
@settings(max_examples=max(100, settings.default.max_examples // 2))  # 1000 in the long profile
def test_nor_does_it_on_problems_at_random(seed, m, n, contrary, missing, options):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.3
    R = np.clip(0.5 * rng.random((m, n)) + 0.4 * truth, 0, 1)
    R[: m // 2] = 1 - R[: m // 2] if contrary else R[: m // 2]
    R[rng.random(R.shape) < missing] = np.nan
    labels = np.where(rng.random(n) < 0.5, truth, np.nan)
    labels[0] = truth[0]
    trainer = CFEnsembleJointTrainer(
        **options, max_iter=30, tol=0, random_seed=seed, on_collapse="ignore", n_threads=1
    ).fit(EnsembleData(R, labels))
    loss = np.array(trainer.history["loss"])
    assert np.isfinite(loss).all()
    assert (np.diff(loss) <= 0).all()
    if options["nonnegative"]:
        assert np.min(trainer.history["weights"]) >= 0
    for result in (trainer.X, trainer.Y, trainer.predict(), trainer.get_aggregator_weights()):
        assert np.isfinite(result).all()


@links
@pytest.mark.parametrize("init", ["random", "spectral"])
@pytest.mark.parametrize("prior", [None, "reliability", "zero"])
def test_the_joint_fit_ends_where_no_weight_may_lower_the_objective(make_kind, data, prior, link, init):
    trainer = make_kind(
        "joint", prior=prior, strength=0.01, nonnegative=True, link=link, max_iter=3000, tol=0, lambda_reg=0.1,
        use_class_weights=False, latent_dim=4, init=init,
    ).fit(data)  # fmt: skip
    assert trainer.converged_
    theta = trainer.aggregator.theta
    problem = trainer._pose(data)
    start, end = (
        trainer.aggregator.derivatives(at, trainer.X, trainer.Y, problem.labelled(0, 1))[1]
        + problem.penalty.gradient(at)
        for at in (np.append(problem.initial_weights, 0.0), theta)
    )
    at_bound = np.append(theta[:-1] == 0, False)
    scale = np.abs(start).max()
    assert np.abs(end[~at_bound]).max() < 1e-5 * scale
    assert (end[at_bound] > -1e-5 * scale).all()


# ------------------------------------------------------------------------------------------------ logit


@pytest.mark.parametrize("aggregator", ["weighted", "mean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_odds_are_reconstructed_as_probabilities(make, data, aggregator, dtype):
    typed = EnsembleData(data.R.astype(dtype), data.labels)
    trainer = make(link="logit", aggregator_type=aggregator).fit(typed)
    Z_hat = trainer.X.T @ trainer.Y
    reconstruction = trainer.get_reconstruction()
    assert reconstruction.dtype == trainer.predict().dtype == dtype
    assert ((reconstruction >= 0) & (reconstruction <= 1)).all()
    observed = reconstruction[~np.isnan(data.R)]  # a prediction that is missing may be extrapolated to 1.0
    assert ((observed > 0) & (observed < 1)).all()
    np.testing.assert_allclose(reconstruction, expit(Z_hat), rtol=1e-5)
    if aggregator == "mean":
        np.testing.assert_allclose(trainer.predict(), expit(Z_hat.mean(axis=0)), rtol=1e-4)


def test_without_labels_the_mean_log_odds_are_predicted(make, data):
    with pytest.warns(DataWarning, match="labels: there is none"):
        trainer = make(link="logit").fit(EnsembleData(data.R, np.full(data.n_instances, np.nan)))
    np.testing.assert_allclose(trainer.predict(), expit((trainer.X.T @ trainer.Y).mean(axis=0)), rtol=1e-9)


def test_attention_starts_from_log_odds_as_votes(make_kind, imbalanced):
    data, y = imbalanced
    p = make_kind("torch", aggregator_type="attention", link="logit", max_iter=150).fit(data).predict()
    assert average_precision_score(y[data.unlabeled_idx], p[data.unlabeled_idx]) > 0.7


@pytest.mark.parametrize("confidence", ["certainty", "calibration", "adaptive"])
def test_new_columns_are_weighed_by_their_probabilities(make, data, confidence):
    trainer = make(link="logit", confidence=confidence).fit(data)
    R = data.R[:, data.unlabeled_idx][:, :40]
    C = trainer._confidence_rule(R)
    C = C.weights(R) if hasattr(C, "weights") else C
    Y, _ = _reference.instance_step(trainer.X, log_odds(R), C, trainer.lambda_reg)
    np.testing.assert_allclose(trainer.predict(R_new=R), trainer.aggregator.predict(trainer.X.T @ Y), rtol=1e-7)


@pytest.mark.parametrize("confidence", ["certainty", "uniform", "label_aware"])
def test_folding_in_training_columns_gives_the_fitted_probabilities(make_kind, data, confidence):
    trainer = make_kind("als", link="logit", confidence=confidence).fit(data)
    unlabelled = data.unlabeled_idx
    np.testing.assert_allclose(trainer.predict(R_new=data.R[:, unlabelled]), trainer.predict()[unlabelled], rtol=1e-8)


def test_confidence_is_that_of_the_probabilities(make, data, kind):
    options = {"link": "logit"} | ({"use_label_aware_confidence": False} if kind == "als" else {})
    rule = make(**options).fit(data).predict()
    given = make(**options).fit(EnsembleData(data.R, data.labels, np.nan_to_num(np.abs(data.R - 0.5)))).predict()
    np.testing.assert_allclose(rule, given, rtol=1e-9)


def test_what_has_no_weight_gets_the_base_rate(make, data):
    R = data.R.copy()
    R[:, 4] = 0.5  # certainty 0
    trainer = make(link="logit").fit(EnsembleData(R, data.labels))
    rate = np.nanmean(data.labels)
    assert trainer.predict()[4] == pytest.approx(rate)
    assert trainer.predict(R_new=R[:, 4:6])[0] == pytest.approx(rate)


def test_all_together_they_rank_and_rate_well(make, imbalanced, kind):
    data, y = imbalanced
    options = {"aggregator_optimizer": "newton"} if kind == "als" else {}
    trainer = make(
        prior="reliability", nonnegative=True, link="logit", use_class_weights=False, max_iter=200, **options
    ).fit(data)
    hidden = data.unlabeled_idx
    p, y = trainer.predict()[hidden], y[hidden]
    average = np.nanmean(data.R, axis=0)[hidden]
    assert average_precision_score(y, p) > 0.95 * average_precision_score(y, average)
    assert np.mean((p - y) ** 2) < np.mean((average - y) ** 2)
