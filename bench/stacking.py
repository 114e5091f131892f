"""Stacking with few labels: CFStackingClassifier against scikit-learn's StackingClassifier.

On data that comes with scikit-learn, 5 % of the rows are labelled. StackingClassifier and soft voting train on those;
CFStackingClassifier sees the other rows, too, without labels. All have the same base models and are scored by PR-AUC on
the rows without labels.
"""

import argparse
import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from cfensemble import CFStackingClassifier

METHODS = ("CFStackingClassifier", "StackingClassifier", "soft voting")


def tasks() -> dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Features and labels by the task's name."""
    digits, digit = load_digits(return_X_y=True)
    wine, cultivar = load_wine(return_X_y=True)
    return {
        "breast cancer": load_breast_cancer(return_X_y=True),
        "digits, odd": (digits, digit % 2),
        "digits, eight": (digits, (digit == 8).astype(int)),
        "wine, second": (wine, (cultivar == 1).astype(int)),
    }


def base_models(seed: int) -> list[tuple[str, object]]:
    """Six models of different kinds."""
    return [
        ("logistic", make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))),
        ("svm", make_pipeline(StandardScaler(), SVC())),
        ("neighbours", make_pipeline(StandardScaler(), KNeighborsClassifier(3))),
        ("bayes", GaussianNB(var_smoothing=1e-3)),
        ("tree", DecisionTreeClassifier(max_depth=4, random_state=seed)),
        ("forest", RandomForestClassifier(100, random_state=seed)),
    ]


def run(X: NDArray[np.float64], y: NDArray[np.int64], share: float, seed: int) -> dict[str, tuple[float, float]]:
    """PR-AUC and log-loss of each method on the rows without labels."""
    known, unknown = train_test_split(np.arange(len(y)), train_size=share, stratify=y, random_state=seed)
    models = base_models(seed)
    few = np.full(len(y), -1)
    few[known] = y[known]
    folds = StratifiedKFold(int(min(5, np.bincount(y[known]).min())))
    voters = [(name, model) for name, model in models if hasattr(model, "predict_proba")]
    fitted = {
        "CFStackingClassifier": CFStackingClassifier(models).fit(X, few),
        "StackingClassifier": StackingClassifier(models, cv=folds).fit(X[known], y[known]),
        "soft voting": VotingClassifier(voters, voting="soft").fit(X[known], y[known]),
    }
    scores = {}
    for name, model in fitted.items():
        p = model.predict_proba(X[unknown])[:, 1]
        scores[name] = average_precision_score(y[unknown], p), log_loss(y[unknown], np.clip(p, 1e-6, 1 - 1e-6))
    return scores


def main() -> None:
    """Print a table of means over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.05, help="share of the rows that is labelled")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", "The least populated class", UserWarning)
    print(f"PR-AUC / log-loss on unlabelled rows, {arguments.share:.0%} labelled, mean of {arguments.seeds} seeds")
    print(f"{'':16}" + "".join(f"{method:>24}" for method in METHODS) + "   wins over StackingClassifier")
    rows = []
    for task, (X, y) in tasks().items():
        scores = [run(X, y, arguments.share, seed) for seed in range(arguments.seeds)]
        values = np.array([[score[method] for method in METHODS] for score in scores])  # (seeds, methods, 2)
        rows.append(values)
        show(task, values)
    show("mean", np.concatenate(rows))


def show(name: str, values: NDArray[np.float64]) -> None:
    """Print a line of means over the runs (runs, methods, 2)."""
    cells = "".join(f"{pr_auc:>15.4f} / {loss:.4f}" for pr_auc, loss in values.mean(axis=0))
    wins = np.count_nonzero(values[:, 0, 0] > values[:, 1, 0])
    print(f"{name:16}{cells}   {wins} of {len(values)}", flush=True)


if __name__ == "__main__":
    main()
