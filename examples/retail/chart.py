"""Draws revenue by season, category and region: a heat map for each region.

A cell's number is revenue; its colour says whether the season is a good one for that category in
that region: above its average season, or below. Bars at the edges carry the sums.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure

SEASONS = ("winter", "spring", "summer", "autumn")
INK, QUIET, BAR, PAPER = "#22303c", "#6b7a88", "#5b7c99", "#fbfaf7"
BELOW_ABOVE = LinearSegmentedColormap.from_list(
    "below-above", ["#2f6690", "#9dbfd6", "#f4f1ea", "#f3b671", "#c8553d"]
)


SCALE = TwoSlopeNorm(vmin=0.25, vcenter=1.0, vmax=2.0)


class Figures:
    """Revenue by region, category and season, and what a reader wants to know of it."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._cells: dict[tuple[str, str, str], float] = defaultdict(float)
        for row in rows:
            key = (row["region"], row["category"], row["season"])
            self._cells[key] += float(row["revenue"])
        self.regions = self._by_revenue(0)
        self.categories = self._by_revenue(1)
        self.unit, self._size = ("millions", 1e6) if self.sum() >= 5e7 else ("thousands", 1e3)

    def sum(
        self, region: str | None = None, category: str | None = None, season: str | None = None
    ) -> float:
        """Revenue of what is named."""
        wanted = (region, category, season)
        return sum(
            value
            for key, value in self._cells.items()
            if all(want in (None, part) for want, part in zip(wanted, key, strict=True))
        )

    def index(self, region: str | None, category: str, season: str) -> float:
        """Revenue as a multiple of the average season of the category (in the region)."""
        average = self.sum(region, category) / len(SEASONS)
        return self.sum(region, category, season) / average if average else 1.0

    def show(self, value: float) -> str:
        """The value in the figure's unit."""
        scaled = value / self._size
        return f"{scaled:,.0f}" if scaled >= 99.5 else f"{scaled:.1f}"

    def _by_revenue(self, part: int) -> list[str]:
        sums: dict[str, float] = defaultdict(float)
        for key, value in self._cells.items():
            sums[key[part]] += value
        return sorted(sums, key=lambda name: -sums[name])


def draw(rows: Iterable[dict[str, Any]], years: str, folder: Path) -> list[Path]:
    """Draw rows with `region`, `category`, `season`, `revenue`; the SVG and PNG files."""
    figures = Figures(rows)
    style = {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "text.color": INK,
        "svg.hashsalt": "millpond",
    }
    with mpl.rc_context(style):
        figure = plt.figure(figsize=(15.5, 7.4), facecolor=PAPER)
        grid = figure.add_gridspec(
            2,
            len(figures.regions) + 1,
            width_ratios=[1] * len(figures.regions) + [0.8],
            height_ratios=[1, 5.4],
            left=0.085,
            right=0.965,
            top=0.775,
            bottom=0.075,
            wspace=0.07,
            hspace=0.03,
        )
        highest = max(figures.sum(r, season=s) for r in figures.regions for s in SEASONS)
        for column, region in enumerate(figures.regions):
            _draw_seasons(figure.add_subplot(grid[0, column]), figures, region, highest)
            axes = figure.add_subplot(grid[1, column])
            _draw_region(axes, figures, region)
            if column == 0:
                axes.set_yticks(
                    range(len(figures.categories)), figures.categories, fontsize=11.5, color=INK
                )
        _draw_categories(figure.add_subplot(grid[1, -1]), figures)
        _write_titles(figure, figures, years)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / "revenue.svg", folder / "revenue.png"]
        for path in paths:
            metadata = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(path, dpi=150, facecolor=PAPER, metadata=metadata)
        plt.close(figure)
    return paths


def _draw_region(axes: Axes, figures: Figures, region: str) -> None:
    for y, category in enumerate(figures.categories):
        for x, season in enumerate(SEASONS):
            index = figures.index(region, category, season)
            shade = BELOW_ABOVE(float(SCALE(min(max(index, SCALE.vmin), SCALE.vmax))))
            axes.add_patch(
                plt.Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=shade, edgecolor=PAPER, lw=2)
            )
            axes.text(
                x,
                y,
                figures.show(figures.sum(region, category, season)),
                ha="center",
                va="center",
                fontsize=9.5,
                color="white" if index > 1.65 or index < 0.45 else INK,
                fontweight="bold" if index > 1.4 else "normal",
            )
    axes.set_xlim(-0.5, len(SEASONS) - 0.5)
    axes.set_ylim(len(figures.categories) - 0.5, -0.5)
    axes.set_xticks(range(len(SEASONS)), SEASONS, fontsize=9, color=QUIET)
    axes.set_yticks([])
    _strip(axes)


def _draw_seasons(axes: Axes, figures: Figures, region: str, highest: float) -> None:
    sums = [figures.sum(region, season=season) for season in SEASONS]
    axes.bar(range(len(SEASONS)), sums, width=0.86, color=BAR)
    for x, value in enumerate(sums):
        text = figures.show(value)
        axes.text(x, value + highest * 0.05, text, ha="center", fontsize=9, color=QUIET)
    axes.set_xlim(-0.5, len(SEASONS) - 0.5)
    axes.set_ylim(0, highest * 1.02)
    axes.set_xticks([])
    axes.set_yticks([])
    above = highest * 1.4
    axes.text(-0.45, above, region, fontsize=13.5, fontweight="bold")
    axes.text(
        3.45, above, figures.show(figures.sum(region)), fontsize=13.5, color=QUIET, ha="right"
    )
    _strip(axes)


def _draw_categories(axes: Axes, figures: Figures) -> None:
    sums = [figures.sum(category=category) for category in figures.categories]
    axes.barh(range(len(sums)), sums, height=0.86, color=BAR)
    for y, value in enumerate(sums):
        text = f"{figures.show(value)}  {value / sum(sums):.0%}"
        axes.text(value + max(sums) * 0.04, y, text, va="center", fontsize=10, color=QUIET)
    axes.set_xlim(0, max(sums) * 1.75)
    axes.set_ylim(len(sums) - 0.5, -0.5)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title("All regions", loc="left", fontsize=13.5, fontweight="bold", pad=8)
    _strip(axes)


def _write_titles(figure: Figure, figures: Figures, years: str) -> None:
    figure.text(0.0185, 0.945, _headline(figures), fontsize=18.5, fontweight="bold", va="center")
    figure.text(
        0.0185,
        0.895,
        f"Revenue by season, category and region, {years}, in {figures.unit}: "
        f"{figures.show(figures.sum())} in all. Colour compares a season with the category's "
        "average season in that region.",
        fontsize=11.5,
        color=QUIET,
        va="center",
    )
    bar = figure.add_axes((0.856, 0.8, 0.112, 0.018))
    mappable = plt.cm.ScalarMappable(norm=SCALE, cmap=BELOW_ABOVE)
    colours = figure.colorbar(mappable, cax=bar, orientation="horizontal")
    colours.outline.set_visible(False)
    colours.set_ticks([SCALE.vmin, 1.0, SCALE.vmax], labels=["−75%", "average", "+100%"])
    colours.ax.tick_params(length=0, labelsize=9, labelcolor=QUIET, pad=3)


def _headline(figures: Figures) -> str:
    """What the figures say most loudly, in one line."""
    best = max(SEASONS, key=lambda season: figures.sum(season=season))
    share = figures.sum(season=best) / figures.sum()
    category, season, peak = max(
        (
            (category, season, figures.index(None, category, season))
            for category in figures.categories
            for season in SEASONS
        ),
        key=lambda found: found[2],
    )
    return (
        f"{best.capitalize()} brings in {share:.0%} of the year; {category} swings the most, "
        f"with {peak:.1f} times its average in {season}"
    )


def _strip(axes: Axes) -> None:
    axes.set_facecolor(PAPER)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
