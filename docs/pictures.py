"""The documentation's pictures, drawn from fits: `python docs/pictures.py FOLDER`. Sphinx draws them before it builds.

Colours are Okabe and Ito's, line styles differ as well, and the background is white in the dark theme, too.
"""

import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score

from cfensemble import (
    CFEnsembleJointTrainer,
    CFEnsembleTrainer,
    Combiner,
    EnsembleData,
    generate_imbalanced_ensemble_data,
    generate_simple_ensemble_data,
)
from cfensemble.baselines import plain_average

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cfensemble",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.6,
}


def draw_all(folder: Path) -> None:
    """Draw those that are not there yet."""
    folder.mkdir(exist_ok=True)
    for name, draw in {
        "collapse": collapse,
        "unseen": unseen,
        "unsettled": unsettled,
        "inductive": inductive,
        "many_factors": many_factors,
    }.items():
        file = folder / f"{name}.svg"
        if not file.exists():
            with mpl.rc_context(STYLE), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # collapse, and the like, is what they show
                draw().savefig(file, metadata={"Date": None})


def collapse() -> Figure:
    """Weights over the iterations, without class weights and with them."""
    R, labels, _, _ = generate_simple_ensemble_data(n_instances=1000, n_labeled=500, positive_rate=0.1, random_state=0)
    figure = Figure(figsize=(7, 2.8), layout="constrained")
    for ax, weighted in zip(figure.subplots(1, 2, sharey=True), (False, True), strict=True):
        trainer = CFEnsembleTrainer(use_class_weights=weighted, max_iter=50, tol=0).fit(EnsembleData(R, labels))
        weights = np.vstack([np.full(10, 0.1), trainer.history["weights"]])
        ax.plot(weights, color=BLUE if weighted else ORANGE, linewidth=1)
        ax.axhline(0, color=GREY, linewidth=0.8)
        ax.set(title="with class weights" if weighted else "without class weights", xlabel="iteration")
    figure.axes[0].set(ylabel="weight")
    return figure


def unseen() -> Figure:
    """How far the reconstruction moves when every label is flipped."""
    alphas, seeds = (0, 0.3, 1, 3, 10), range(10)
    moved = np.zeros(len(alphas))
    for seed in seeds:
        data = imbalanced_data(seed)
        flipped = EnsembleData(data.R, 1 - data.labels)
        for k, alpha in enumerate(alphas):
            options = {"latent_dim": 3, "max_iter": 50, "tol": 0, "init": "random", "random_seed": seed}
            options |= {"freeze_aggregator_iters": 50, "label_aware_alpha": alpha}
            one, other = (CFEnsembleTrainer(**options).fit(side).get_reconstruction() for side in (data, flipped))
            moved[k] += np.linalg.norm(other - one) / np.linalg.norm(one) / len(seeds)
    figure = Figure(figsize=(4.5, 2.6), layout="constrained")
    ax = figure.subplots()
    bars = ax.bar([f"{alpha:g}" for alpha in alphas], moved, color=BLUE, width=0.6)
    ax.bar_label(bars, [f"{value:.0%}" for value in moved], padding=2)
    ax.set(xlabel="alpha (0: without)", ylabel="reconstruction moved", ylim=(0, max(moved) * 1.15))
    ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, 0))
    return figure


def unsettled() -> Figure:
    """The combined objective under alternation and under the joint solver."""
    data = imbalanced_data(0)
    options = {"latent_dim": 3, "rho": 0.02, "init": "random", "random_seed": 0, "tol": 0, "max_iter": 50}
    fits = {
        "alternating": (CFEnsembleTrainer(aggregator_optimizer="newton", **options), ORANGE, "-"),
        "joint": (CFEnsembleJointTrainer(**options), BLUE, "--"),
    }
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for name, (trainer, color, style) in fits.items():
        losses = np.array(trainer.fit(data).history["loss"])
        above.plot(np.arange(1, len(losses) + 1), losses, style, color=color, label=name)
        below.bar(np.arange(2, len(losses) + 1), np.maximum(np.diff(losses), 0), color=color)
    above.set(ylabel="objective")
    above.legend(frameon=False)
    below.set(ylabel="rise", xlabel="iteration")
    return figure


def inductive() -> Figure:
    """PR-AUC of fits to all rows and to the labelled rows alone."""
    counts, seeds = (20, 50, 100, 300), range(10)
    scores = {"all rows": np.zeros(len(counts)), "labelled rows alone": np.zeros(len(counts))}
    for seed in seeds:
        R, labels, _, y = generate_imbalanced_ensemble_data(n_instances=1000, n_labeled=max(counts), random_state=seed)
        R[np.random.default_rng(seed).random(R.shape) < 0.3] = np.nan
        hidden = np.isnan(labels)
        for k, count in enumerate(counts):
            few = np.full_like(labels, np.nan)
            for code in (0, 1):
                members = np.flatnonzero(labels == code)
                few[members[: round(count * len(members) / max(counts))]] = code
            known = ~np.isnan(few)
            alone = Combiner().fit(EnsembleData(R[:, known], few[known])).predict(R_new=R)
            together = Combiner().fit(EnsembleData(R, few)).predict()
            for name, p in (("all rows", together), ("labelled rows alone", alone)):
                scores[name][k] += average_precision_score(y[hidden], p[hidden]) / len(seeds)
    figure = Figure(figsize=(4.8, 2.8), layout="constrained")
    ax = figure.subplots()
    for (name, values), color, style in zip(scores.items(), (BLUE, ORANGE), ("o-", "s--"), strict=True):
        ax.plot(counts, values, style, color=color, label=name)
    ax.set(xscale="log", xlabel="labels", ylabel="PR-AUC")
    ax.set_xticks(counts, [str(count) for count in counts], minor=False)
    ax.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    ax.legend(frameon=False)
    return figure


def many_factors() -> Figure:
    """PR-AUC over the number of factors, with and without a penalty, of five classifiers."""
    dims, penalties, seeds = (1, 2, 3, 5, 10, 20), (0.01, 0.1, 0.0), range(10)
    scores, average = np.zeros((len(penalties), len(dims))), 0.0
    for seed in seeds:
        R, labels, _, y = generate_imbalanced_ensemble_data(5, 600, 300, random_state=seed)
        R[np.random.default_rng(seed).random(R.shape) < 0.2] = np.nan
        data, hidden = EnsembleData(R, labels), np.isnan(labels)
        average += average_precision_score(y[hidden], plain_average(R, labels)[hidden]) / len(seeds)
        for row, lambda_reg in zip(scores, penalties, strict=True):
            for k, dim in enumerate(dims):
                options = {"latent_dim": dim, "lambda_reg": lambda_reg, "max_iter": 50, "tol": 0, "random_seed": seed}
                p = CFEnsembleTrainer(**options).fit(data).predict()
                row[k] += average_precision_score(y[hidden], p[hidden]) / len(seeds)
    figure = Figure(figsize=(4.8, 2.8), layout="constrained")
    ax = figure.subplots()
    for values, lambda_reg, style in zip(scores, penalties, ("o-", "s--", "^:"), strict=True):
        color = {0.01: BLUE, 0.1: "#009E73", 0.0: ORANGE}[lambda_reg]
        ax.plot(dims, values, style, color=color, label=f"lambda = {lambda_reg:g}")
    ax.axhline(average, color=GREY, linewidth=0.8, label="plain average")
    ax.set(xscale="log", xlabel="factors", ylabel="PR-AUC")
    ax.set_xticks(dims, [str(dim) for dim in dims], minor=False)
    ax.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    ax.legend(frameon=False)
    return figure


def imbalanced_data(seed: int) -> EnsembleData:
    """15 classifiers, 600 instances, 10 % positives, half of the labels and 20 % of the predictions missing."""
    R, labels, _, _ = generate_imbalanced_ensemble_data(n_instances=600, n_labeled=300, random_state=seed)
    R[np.random.default_rng(seed).random(R.shape) < 0.2] = np.nan
    return EnsembleData(R, labels)


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]))
