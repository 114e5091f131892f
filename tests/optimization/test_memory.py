"""How much memory it takes besides the predictions themselves: nothing that grows with their number is allocated."""

import tracemalloc

import numpy as np
import pytest

from cfensemble.data import EnsembleData
from cfensemble.optimization import CFEnsembleJointTrainer, CFEnsembleTrainer

STRATEGIES = ("uniform", "certainty", "calibration", "adaptive", "noise_adaptive", "label_aware")
pytestmark = pytest.mark.usefixtures("unsettled")


def peak_of(call):
    """What `call` returns, and the most bytes of Python and NumPy that it held at a time."""
    tracemalloc.start()
    try:
        return call(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def predictions(m, n, dtype=np.float64):
    """Predictions (m, n), some of them missing, and labels of which few are known."""
    rng = np.random.default_rng(0)
    R = rng.random((m, n), dtype)
    R[0, rng.random(n) < 0.2] = np.nan
    labels = np.full(n, np.nan)
    labels[:2000] = np.arange(2000) % 2
    return R, labels


@pytest.mark.parametrize("weighted", [False, True])
def test_data_is_checked_without_a_copy_or_a_mask(weighted):
    R, labels = predictions(20, 200_000)
    C = np.where(np.isnan(R), 0.0, 1.0) if weighted else None
    budget = R.nbytes / 10  # a mask takes an eighth
    data, peak = peak_of(lambda: EnsembleData(R, labels, C))
    assert peak < budget
    _, peak = peak_of(lambda: (repr(data), data.summary()))
    assert peak < budget


@pytest.mark.parametrize("confidence", STRATEGIES)
def test_new_instances_are_folded_in_part_by_part(confidence):
    R, labels = predictions(20, 200_000)
    few = EnsembleData(R[:, :3000], labels[:3000])
    trainer = CFEnsembleTrainer(confidence=confidence, max_iter=2, on_collapse="ignore").fit(few)
    trainer.predict(R_new=R[:, :10])  # first calls import
    budget = R.nbytes / 4
    p, peak = peak_of(lambda: trainer.predict(R_new=R))
    assert peak - p.nbytes < budget
    parts = [trainer.predict(R_new=R[:, begin : begin + 7001]) for begin in range(0, R.shape[1], 7001)]
    np.testing.assert_array_equal(p, np.concatenate(parts))


@pytest.mark.parametrize(
    "options",
    [{"init": "random"}, *({"confidence": name} for name in STRATEGIES), {"use_label_aware_confidence": False}],
    ids=str,
)
def test_a_fit_takes_its_factors_and_little_more(options):
    assert_frugal(CFEnsembleTrainer(latent_dim=4, max_iter=2, on_collapse="ignore", **options))


@pytest.mark.parametrize("options", [{"init": "random"}, *({"confidence": name} for name in STRATEGIES)], ids=str)
def test_a_joint_fit_does_not_take_more(options):
    assert_frugal(CFEnsembleJointTrainer(latent_dim=4, max_iter=2, on_collapse="ignore", **options))


def assert_frugal(trainer):
    R, labels = predictions(100, 200_000, np.float32)
    data = EnsembleData(R, labels)
    trainer.fit(EnsembleData(R[:, :3000], labels[:3000]))  # first calls import
    mask = R.size  # bytes of the smallest thing of R's shape
    _, peak = peak_of(lambda: trainer.fit(data))
    assert peak < mask
