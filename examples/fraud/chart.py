"""Draws a run of the fraud job: the latency of its alerts, and how many there were, over time."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from examples.fraud.desk import Second, percentile

INK, QUIET, PAPER = "#22303c", "#6b7a88", "#fbfaf7"
HALF, MOST, COUNT = "#5b7c99", "#c8553d", "#9dbfd6"


def draw(seconds: Mapping[int, Second], title: str, folder: Path) -> list[Path]:
    """Draw latency percentiles and alerts by second; the SVG and PNG files."""
    times = sorted(second for second in seconds if seconds[second].latencies_ms)
    sorted_ms = [sorted(seconds[second].latencies_ms) for second in times]
    style = {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "text.color": INK,
        "axes.edgecolor": QUIET,
        "axes.labelcolor": INK,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "svg.hashsalt": "millpond",
    }
    with mpl.rc_context(style):
        figure, (above, below) = plt.subplots(
            2, 1, sharex=True, figsize=(9, 5), height_ratios=(2, 1), facecolor=PAPER
        )
        for share, colour, name in ((0.5, HALF, "half of them"), (1.0, MOST, "the slowest")):
            values = [percentile(values, share) for values in sorted_ms]
            above.plot(times, values, color=colour, linewidth=1.6)
            if times:
                above.annotate(
                    name, (times[-1], values[-1]), (6, 0), textcoords="offset points",
                    color=colour, va="center", fontsize=9,
                )  # fmt: skip
        above.set_ylim(bottom=0)
        above.set_ylabel("ms from transaction to alert")
        above.set_title(title, loc="left", fontsize=12)
        below.bar(times, [len(values) for values in sorted_ms], width=1.0, color=COUNT)
        below.set_ylabel("alerts a second")
        below.set_xlabel("seconds")
        for axes in (above, below):
            axes.set_facecolor(PAPER)
            axes.spines[["top", "right"]].set_visible(False)
        figure.subplots_adjust(right=0.86, left=0.09, top=0.92, bottom=0.1)
        files = [folder / f"fraud.{kind}" for kind in ("svg", "png")]
        for file in files:
            figure.savefig(
                file, facecolor=PAPER, metadata={"Date": None} if file.suffix == ".svg" else None
            )
        plt.close(figure)
    return files
