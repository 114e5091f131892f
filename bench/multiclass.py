"""How well several classes are combined: MulticlassCombiner beside the baselines, 5 % of the labels shown.

    python bench/multiclass.py [--seeds 10] [--missing 0 0.3] [--labels 0.05]

Eight models are trained on 30 % of the rows, each on all columns or some of them, and predict the others; of those, a
stratified share of the labels is shown, at least two of each class, and methods are scored on the rest. Where
predictions are missing, each baseline gets the better of two imputations, by the classifier's mean and by the
instance's, knowing the answer. Printed are means over the seeds, and with how many of them cfensemble is better.
"""

import argparse
from collections.abc import Iterator
from time import perf_counter
from warnings import catch_warnings, simplefilter

import numpy as np
from printing import print_table
from sklearn.datasets import load_diabetes, load_digits, load_wine, make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from cfensemble import MulticlassCombiner
from cfensemble._typing import Float, Vector
from cfensemble.baselines import MULTICLASS_BASELINES, impute_classes
from cfensemble.evaluation import score_classes

OURS = "cfensemble"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--missing", type=float, nargs="+", default=[0.0, 0.3], help="shares of R to remove")
    parser.add_argument("--labels", type=float, default=0.05, help="share of the labels to show")
    parser.add_argument("--tasks", nargs="+", help="some of digits, digits (columns), wine, diabetes, ...")
    options = parser.parse_args()
    for task, (X, y, some_columns) in tasks().items():
        if options.tasks and task not in options.tasks:
            continue
        problems = [(*predictions(X, y, seed, some_columns), seed) for seed in range(options.seeds)]
        for share in options.missing:
            rows = [compare(remove(R, share, seed), t, show(t, options.labels, seed)) for R, t, seed in problems]
            title = f"{task}: {y.max() + 1} classes, {len(problems[0][1])} instances, {share:.0%} missing"
            print_summary(title, np.array(rows))
    print_speed()


def tasks() -> dict[str, tuple[Float, Vector, bool]]:
    digits, wine = load_digits(return_X_y=True), load_wine(return_X_y=True)
    patients, progression = load_diabetes(return_X_y=True)
    grade = np.digitize(progression, np.quantile(progression, [0.4, 0.7, 0.9]))

    def synthetic(n_classes: int, **options: object) -> tuple[Float, Vector, bool]:
        shape = {"n_samples": 3000, "n_features": 30, "n_informative": 12, "n_redundant": 6, "random_state": 1}
        return *make_classification(n_classes=n_classes, **(shape | options)), True

    return {
        "digits": (*digits, False),
        "digits, some columns": (*digits, True),
        "wine": (*wine, True),
        "diabetes": (patients, grade, True),
        "synthetic": synthetic(5, class_sep=0.8, flip_y=0.05),
        "synthetic, unequal": synthetic(3, class_sep=0.7, weights=[0.8, 0.15, 0.05]),
    }


def models(seed: int) -> list:
    def scaled(model: object) -> object:
        return make_pipeline(StandardScaler(), model)

    return [
        scaled(LogisticRegression(max_iter=1000)),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        GaussianNB(),
        scaled(KNeighborsClassifier(7)),
        DecisionTreeClassifier(max_depth=8, random_state=seed),
        RandomForestClassifier(50, random_state=seed),
        ExtraTreesClassifier(50, max_depth=6, random_state=seed),
        scaled(MLPClassifier((20,), max_iter=300, random_state=seed)),
    ]


def predictions(X: Float, y: Vector, seed: int, some_columns: bool) -> tuple[Float, Vector]:
    """R (m, K, n) of models that were trained on other rows, and the labels (n,)."""
    X_train, X_pool, y_train, y_pool = train_test_split(X, y, train_size=0.3, stratify=y, random_state=seed)
    rng = np.random.default_rng(seed)
    R = np.zeros((len(models(seed)), y.max() + 1, len(y_pool)))
    for P, model in zip(R, models(seed), strict=True):
        n_seen = max(X.shape[1] // rng.integers(1, 4), 2) if some_columns else X.shape[1]
        seen = rng.permutation(X.shape[1])[:n_seen]
        with catch_warnings():
            simplefilter("ignore")  # the network need not converge
            model.fit(X_train[:, seen], y_train)
        P[model.classes_] = model.predict_proba(X_pool[:, seen]).T
    return R, y_pool


def remove(R: Float, share: float, seed: int) -> Float:
    hidden = np.random.default_rng([seed, 9]).random((len(R), 1, R.shape[2])) < share
    return np.where(hidden, np.nan, R)


def show(y: Vector, share: float, seed: int) -> Vector:
    rng = np.random.default_rng([seed, 5])
    labels = np.full(len(y), np.nan)
    for k in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == k))
        labels[members[: max(round(share * members.size), 2)]] = k
    return labels


def compare(R: Float, y: Vector, labels: Vector) -> list[tuple[float, float, float]]:
    """Accuracy, log-loss and seconds of ours and of each baseline."""
    hidden = np.isnan(labels)

    def run(method, completed: Float) -> tuple[float, float, float]:
        begin = perf_counter()
        p = method(completed, labels)
        seconds = perf_counter() - begin
        scores = score_classes(y[hidden], p[:, hidden])
        return scores.accuracy, scores.log_loss, seconds

    found = [run(lambda R, labels: MulticlassCombiner().fit(R, labels).predict(), R)]
    for method in MULTICLASS_BASELINES.values():
        accuracy, log_loss, seconds = zip(*(run(method, completed) for completed in imputations(R)), strict=True)
        found.append((max(accuracy), min(log_loss), min(seconds)))
    return found


def imputations(R: Float) -> Iterator[Float]:
    yield impute_classes(R)
    missing = np.isnan(R)
    if missing.any():
        count = np.count_nonzero(~missing, axis=0)
        by_instance = np.where(count > 0, np.nansum(R, axis=0) / np.maximum(count, 1), 1 / R.shape[1])
        yield np.where(missing, by_instance, R)


def print_summary(title: str, rows: np.ndarray) -> None:
    """Rows (seeds, methods, 3)."""
    accuracy, log_loss, seconds = np.moveaxis(rows, 2, 0)
    print_table(
        title,
        ["method", "accuracy", "we win", "log-loss", "we win", "seconds"],
        [
            [
                name,
                f"{accuracy[:, j].mean():.4f}",
                f"{np.sum(accuracy[:, 0] > accuracy[:, j])}" if j else "",
                f"{log_loss[:, j].mean():.4f}",
                f"{np.sum(log_loss[:, 0] < log_loss[:, j])}" if j else "",
                f"{seconds[:, j].mean():.2f}",
            ]
            for j, name in enumerate([OURS, *MULTICLASS_BASELINES])
        ],
    )


def print_speed() -> None:
    m, K, n, n_labeled = 15, 10, 20_000, 1000
    rng = np.random.default_rng(0)
    y = rng.integers(0, K, n)
    signal = 3 * np.eye(K)[:, y] + rng.standard_normal((m, K, n)) * np.linspace(1, 5, m)[:, None, None]
    R = np.exp(signal) / np.exp(signal).sum(axis=1, keepdims=True)
    labels = np.where(np.arange(n) < n_labeled, y, np.nan)
    rows = []
    for share in (0.0, 0.3):
        begin = perf_counter()
        MulticlassCombiner().fit(remove(R, share, 0), labels)
        rows.append([f"{share:.0%}", f"{perf_counter() - begin:.1f}"])
    print_table(f"fit of {m} classifiers, {K} classes, {n} instances, {n_labeled} labels", ["missing", "seconds"], rows)


if __name__ == "__main__":
    main()
