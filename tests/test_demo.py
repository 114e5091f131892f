import numpy as np
import pytest
from matplotlib import image

from cfensemble.demo import LABELLED_SHARE, MISSING_SHARE, build_demo, draw
from cfensemble.evaluation import score


@pytest.fixture(scope="module")
def demo():
    return build_demo(seed=0)


def test_the_task_is_imbalanced_and_few_labels_are_kept(demo):
    known = ~np.isnan(demo.table.labels)
    assert known.sum() == round(LABELLED_SHARE * demo.y.size)
    np.testing.assert_array_equal(demo.table.labels[known], demo.y[known])
    assert 0.05 < demo.y.mean() < 0.15
    assert demo.y[known].mean() == pytest.approx(demo.y.mean(), abs=0.01)


def test_about_the_stated_share_of_the_predictions_is_missing(demo):
    assert np.isnan(demo.table.R).mean() == pytest.approx(MISSING_SHARE, abs=0.01)


def test_the_classifiers_are_many_better_than_chance_and_of_mixed_quality(demo):
    quality = []
    for row in demo.table.R:
        seen = ~np.isnan(row)
        quality.append(score(demo.y[seen], row[seen]).pr_auc)
    assert len(quality) == len(demo.table.classifiers) >= 8
    assert min(quality) > 1.5 * demo.y.mean()
    assert max(quality) - min(quality) > 0.3


def test_the_same_seed_builds_the_same_table_and_another_one_another(demo):
    again, other = build_demo(seed=0), build_demo(seed=1)
    np.testing.assert_array_equal(again.table.R, demo.table.R)
    np.testing.assert_array_equal(again.table.labels, demo.table.labels)
    assert not np.array_equal(np.isnan(other.table.labels), np.isnan(demo.table.labels))


def test_the_figure_is_a_png_with_something_on_it(tmp_path):
    rng = np.random.default_rng(0)
    y = (rng.random(60) < 0.2).astype(float)
    predictions = {f"method {i}": rng.random(60) for i in range(8)}
    path = tmp_path / "figure.png"
    draw(path, y, predictions, np.array([0.3, -0.1, 0.8]), ["a", "b", "c"])
    pixels = image.imread(path)
    assert pixels.shape[1] > pixels.shape[0] > 500
    assert pixels[..., :3].std() > 0.05
