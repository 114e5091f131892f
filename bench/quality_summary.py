"""What the quality bench prints and draws."""

from pathlib import Path

import numpy as np
import pandas as pd
from printing import print_table
from quality_data import FRACTIONS
from scipy.stats import wilcoxon

PLAIN_AVERAGE = "plain average"
SHARES = [f"{fraction:.0%}" for fraction in FRACTIONS]


def per_data_set(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean of each data set: a row per method and data set, a column per fraction.

    A baseline's missing predictions are imputed in the way that is better for it in the mean of the data sets.
    """
    means = rows.groupby(["method", "imputation", "dataset", "fraction"])[metric].mean()
    overall = means.groupby(["method", "imputation", "fraction"]).mean()
    best = overall.groupby(["method", "fraction"]).agg("idxmax" if metric == "PR-AUC" else "idxmin")
    chosen = [means.xs(key, level=("method", "imputation", "fraction"), drop_level=False) for key in best]
    return pd.concat(chosen).droplevel("imputation").unstack("fraction")


def print_summary(rows: pd.DataFrame, ours: str, missing: float) -> None:
    """Print means, mean ranks, and the comparison of our method with the best baseline and the plain average."""
    print(f"\n\n{rows.dataset.nunique()} data sets, {missing:.0%} of the predictions missing")
    quality = {metric: per_data_set(rows, metric) for metric in ("PR-AUC", "log-loss")}
    methods = sorted(rows.method.unique(), key=lambda name: (not name.startswith("cfensemble"), name))
    milliseconds = 1000 * rows.groupby("method").seconds.median()
    for metric, values in quality.items():
        means = values.groupby("method").mean()
        ranks = values.groupby("dataset").rank(ascending=metric != "PR-AUC").groupby("method").mean()
        body = [
            [
                name,
                *(f"{value:.4f}" for value in means.loc[name]),
                *(f"{rank:.1f}" for rank in ranks.loc[name]),
                f"{milliseconds[name]:.0f}",
            ]
            for name in methods
        ]
        header = ["method", *SHARES, *(f"rank {share}" for share in SHARES), "median ms"]
        print_table(f"{metric}, mean and mean rank of the data sets at {', '.join(SHARES)} labels", header, body)
    for metric, values in quality.items():
        _print_comparison(values, metric, ours)


def _print_comparison(values: pd.DataFrame, metric: str, ours: str) -> None:
    sign = 1 if metric == "PR-AUC" else -1
    peers = [name for name in values.index.unique("method") if not name.startswith("cfensemble")]
    means = sign * values.groupby("method").mean()
    body, gains = [], []
    for fraction, share in zip(FRACTIONS, SHARES, strict=True):
        best = means.loc[peers, fraction].idxmax()
        gain = sign * (values.loc[ours, fraction] - values.loc[best, fraction])
        from_average = sign * (values.loc[ours, fraction] - values.loc[PLAIN_AVERAGE, fraction])
        gains.append(gain.mean())
        body.append(
            [
                share,
                best,
                f"{sign * means.loc[best, fraction]:.4f}",
                f"{sign * means.loc[ours, fraction]:.4f}",
                f"{gain.mean():+.4f}",
                f"{np.count_nonzero(gain > 0)} of {gain.size}",
                f"{wilcoxon(gain).pvalue:.4f}" if gain.any() else "1",
                f"{from_average.mean():+.4f}",
                f"{from_average.min():+.4f} ({from_average.idxmin()})",
            ]
        )
    title = f"{metric}: {ours} against the best baseline, mean gain {np.mean(gains):+.4f}, and the plain average"
    header = ["labels", "best baseline", "its mean", "ours", "gain", "wins", "Wilcoxon p", "over average", "at worst"]
    print_table(title, header, body)


def draw_curves(rows: pd.DataFrame, ours: str, file: Path) -> None:
    """Draw PR-AUC over the share of labels, a panel per share of missing predictions."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    shares = sorted(rows.missing.unique())
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "cfensemble"}):
        figure = Figure(figsize=(3.4 * len(shares), 3.6), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, len(shares), sharey=True))
        for ax, share in zip(axes, shares, strict=True):
            values = per_data_set(rows[rows.missing == share], "PR-AUC")
            means = values.groupby("method").mean()
            peers = means[~means.index.str.startswith("cfensemble")]
            ax.fill_between(FRACTIONS, peers.min(), peers.max(), color="0.9", label="all baselines")
            ax.plot(FRACTIONS, peers.max(), color="0.55", linestyle=":", label="best baseline")
            ax.plot(FRACTIONS, means.loc[PLAIN_AVERAGE], color="#0072b2", linestyle="--", label=PLAIN_AVERAGE)
            ax.plot(FRACTIONS, means.loc[ours], color="#d55e00", marker="o", label="cfensemble")
            ax.set(xscale="log", xticks=FRACTIONS, xticklabels=SHARES, xlabel="share of labels")
            ax.minorticks_off()
            ax.set_title(f"{share:.0%} of the predictions missing" if share else "complete", fontsize=10)
            ax.spines[["top", "right"]].set_visible(False)
        axes[0].set_ylabel(f"mean PR-AUC of {rows.dataset.nunique()} data sets")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
