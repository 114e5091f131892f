"""The table of ALS iterations as a bar chart."""

from collections.abc import Sequence
from pathlib import Path

from records import Record, quantity

OURS, OURS_ELSE, OTHERS = "#c2410c", "#f3a683", "#94a3b8"


def draw_chart(path: Path, records: Sequence[Record], highlighted: str, processor: str) -> None:
    """Draw a panel per shape with a bar per contender, this package's coloured and one of them strongly; save it."""
    from matplotlib.figure import Figure

    shapes = list(dict.fromkeys(record.shape for record in records if record.shape is not None))
    n_bars = max(sum(record.shape == shape for record in records) for shape in shapes)
    columns = min(len(shapes), 2)
    rows = -(-len(shapes) // columns)
    figure = Figure(figsize=(6.5 * columns, rows * (0.24 * n_bars + 1.1)), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat[len(shapes) :]:
        ax.set_visible(False)
    for ax, shape in zip(axes.flat, shapes, strict=False):
        bars = sorted((record for record in records if record.shape == shape), key=lambda record: -record.milliseconds)
        names = [record.name for record in bars]
        milliseconds = [record.milliseconds for record in bars]
        drawn = ax.barh(names, milliseconds, color=[_color(name, highlighted) for name in names], height=0.75)
        ax.bar_label(drawn, [quantity(value) for value in milliseconds], padding=3, fontsize=8)
        ax.set_xscale("log")
        ax.set_xlim(min(milliseconds) / 2, max(milliseconds) * 2.5)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.margins(y=0.01)
        ax.tick_params(axis="x", labelsize=8)
        ax.tick_params(axis="y", labelsize=8, length=0)
        for label, name in zip(ax.get_yticklabels(), names, strict=True):
            label.set_fontweight("bold" if name == highlighted else "normal")
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.set_title("{} classifiers, {} factors, {:,} instances".format(*shape), fontsize=10, loc="left")
        ax.set_xlabel("ms", fontsize=8)
    figure.suptitle(f"One weighted ALS iteration, {processor}; float64, 2 threads unless named otherwise")
    figure.savefig(path, dpi=150)


def _color(name: str, highlighted: str) -> str:
    if name == highlighted:
        return OURS
    return OURS_ELSE if name.startswith("cfensemble") else OTHERS
