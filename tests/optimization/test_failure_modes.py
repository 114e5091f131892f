"""The known ways in which the method fails, and their cures."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from cfensemble.data import EnsembleData, generate_imbalanced_ensemble_data, generate_simple_ensemble_data
from cfensemble.exceptions import CollapseWarning
from cfensemble.optimization import CFEnsembleJointTrainer, CFEnsemblePyTorchTrainer, CFEnsembleTrainer

pytestmark = pytest.mark.usefixtures("unsettled")


@pytest.fixture(scope="module")
def rebalanced():
    """10 % positives, scored as by models that were trained on rebalanced classes: negatives around 0.25."""
    R, labels, _, y = generate_simple_ensemble_data(n_instances=1000, n_labeled=500, positive_rate=0.1, random_state=0)
    hidden = np.isnan(labels)

    def pr_auc(p):
        return average_precision_score(y[hidden], p[hidden])

    return EnsembleData(R, labels), pr_auc


def als(**options):
    return CFEnsembleTrainer(**({"max_iter": 50, "tol": 0, "random_seed": 0} | options))


def test_1_unweighted_gradients_collapse_under_imbalance(rebalanced):
    data, pr_auc = rebalanced
    assert pr_auc(data.R.mean(axis=0)) > 0.99
    with pytest.warns(CollapseWarning, match="turned against the classifiers"):
        collapsed = als(use_class_weights=False).fit(data)
    assert pr_auc(collapsed.predict()) < 0.1
    assert collapsed.predict().std() < 0.02
    assert collapsed.get_aggregator_weights().sum() < 0


@pytest.mark.parametrize(
    "cure",
    [
        {"use_class_weights": True},
        {"use_class_weights": False, "class_weight": {0: 1, 1: 9}},
        {"use_class_weights": False, "aggregator_l2": 1.0},
        {"use_class_weights": False, "aggregator_optimizer": "newton"},
        {"use_class_weights": False, "aggregator_optimizer": "adam"},
        {"use_class_weights": False, "schedule": "two_stage", "aggregator_optimizer": "newton", "aggregator_l2": 0.01},
        {"use_class_weights": False, "aggregator_every": 10},
        {"use_class_weights": False, "freeze_aggregator_iters": 45},
        {"use_class_weights": False, "aggregator_type": "mean"},
    ],
    ids=lambda cure: "+".join(name for name in cure if name != "use_class_weights") or "class_weights",
)  # fmt: skip
def test_1_every_remedy_prevents_the_collapse(rebalanced, cure):
    data, pr_auc = rebalanced
    assert pr_auc(als(**cure).fit(data).predict()) > 0.98  # and no warning, which would be an error here


def test_1_reset_repairs_it(rebalanced):
    data, pr_auc = rebalanced
    with pytest.warns(CollapseWarning, match="reset"):
        assert pr_auc(als(use_class_weights=False, on_collapse="reset").fit(data).predict()) > 0.98


def test_1_joint_gradient_descent_collapses_too_and_is_cured_too(rebalanced):
    data, pr_auc = rebalanced
    options = {"max_epochs": 100, "random_seed": 0}
    with pytest.warns(CollapseWarning):
        collapsed = CFEnsemblePyTorchTrainer(use_class_weights=False, **options).fit(data)
    cured = CFEnsemblePyTorchTrainer(**options).fit(data)
    assert pr_auc(collapsed.predict()) < 0.1
    assert pr_auc(cured.predict()) > 0.98


def test_2_without_label_aware_confidence_the_factors_do_not_see_the_labels(imbalanced):
    data, _ = imbalanced
    other = EnsembleData(data.R, np.where(data.labeled_idx, 1 - data.labels, np.nan))
    options = {"max_iter": 10, "on_collapse": "ignore"}
    for aware in (False, True):
        one, two = (als(use_label_aware_confidence=aware, **options).fit(d) for d in (data, other))
        assert np.array_equal(one.X, two.X) == (not aware)
        assert np.array_equal(one.Y, two.Y) == (not aware)


def test_1_the_joint_minimum_is_none_of_a_collapse(rebalanced):
    data, pr_auc = rebalanced
    for class_weights in (False, True):
        assert pr_auc(CFEnsembleJointTrainer(use_class_weights=class_weights).fit(data).predict()) > 0.98


def test_3_alternation_may_raise_the_objective_it_reports(imbalanced):
    options = {"latent_dim": 3, "rho": 0.02, "init": "random"}
    history = als(aggregator_optimizer="newton", **options).fit(imbalanced[0]).history
    assert np.diff(history["loss"]).max() > 1e-3
    assert np.diff(history["reconstruction"]).max() <= 0  # while each half minimises its own
    joint = CFEnsembleJointTrainer(random_seed=0, max_iter=50, tol=0, **options).fit(imbalanced[0])
    assert np.diff(joint.history["loss"]).max() <= 0


@pytest.mark.parametrize("trainer", ["als", "joint", "torch"])
def test_5_more_factors_than_classifiers_is_a_normal_setting(imbalanced, trainer):
    data, y = imbalanced
    hidden = data.unlabeled_idx
    few = EnsembleData(data.R[:5], data.labels)
    fitted = {
        "als": lambda: als(latent_dim=20),
        "joint": lambda: CFEnsembleJointTrainer(latent_dim=20),
        "torch": lambda: CFEnsemblePyTorchTrainer(latent_dim=20, lr=0.05, max_epochs=200, random_seed=0),
    }[trainer]().fit(few)
    for factors in (fitted.X, fitted.Y):
        assert np.isfinite(factors).all()
    average = average_precision_score(y[hidden], np.nanmean(few.R, axis=0)[hidden])
    assert average_precision_score(y[hidden], fitted.predict()[hidden]) > 0.9 * average


def test_5_without_penalty_the_singular_systems_are_solved_and_counted(imbalanced):
    few = EnsembleData(imbalanced[0].R[:5], imbalanced[0].labels)
    fitted = als(latent_dim=20, lambda_reg=0, max_iter=10).fit(few)
    assert min(fitted.history["n_degenerate"]) > 0
    observed = ~np.isnan(few.R)
    weighted = observed & (np.abs(few.R - 0.5) > 1e-3)
    np.testing.assert_allclose(fitted.get_reconstruction()[weighted], few.R[weighted], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("positive_rate", [0.10, 0.05, 0.01])
@pytest.mark.parametrize("seed", range(20))
def test_class_weighted_als_keeps_up_with_the_plain_average(positive_rate, seed):
    R, labels, _, y = generate_imbalanced_ensemble_data(
        n_instances=3000, n_labeled=1500, positive_rate=positive_rate, random_state=seed
    )
    hidden = np.isnan(labels)
    p = CFEnsembleTrainer(random_seed=seed).fit(EnsembleData(R, labels)).predict()  # a collapse warning is an error
    ours = average_precision_score(y[hidden], p[hidden])
    assert ours >= 0.9 * average_precision_score(y[hidden], R.mean(axis=0)[hidden])
