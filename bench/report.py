"""The figures as a table, as JSON and as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.figure import Figure

DRAWN = "median 60 s, σ 0.4"  # the kind of job in the picture
HIDDEN = ("fixed 0.5 s", "the exact optimum within the same limits")  # they lie under another one
GREEN, GREY = "#2f7d4f", "#8a9099"
SAME = 1.1  # times: what is measured again differs by as much
# What is written at a point in place of its name in the table, where to it, and how it is aligned there.
LABELS = {
    "the learned hazard, c = 0.1": ("this bot", (-12, -4), "right"),
    "the exact optimum without limits": ("the best possible", (9, 6), "left"),
    "fixed 0.5 s": ("every 0.5 s", (9, 4), "left"),
    "fixed 2 s": ("every 2 s", (9, 4), "left"),
    "fixed 5 s": ("every 5 s", (9, -10), "left"),
    "genblaze-gmicloud (5 s, doubling)": ("genblaze-gmicloud (5 s, doubling)", (9, -12), "left"),
    "fal-client (0.1 s)": ("fal-client (0.1 s)", (-10, -4), "right"),
}
# What a bar says in place of its name in the table.
BARS = {
    "answer: p99 of the first answer, 200 at once": "slowest 1 % of first answers, 200 at once",
    "answer: longest pause of the loop in that burst": "longest pause of the event loop meanwhile",
    "posting: from success to posted, 2 MB": "from GMI's success to the posted video, 2 MB",
    "posting: from success to posted, 8 MB": "from GMI's success to the posted video, 8 MB",
    "posting: from success to posted, 25 MB": "from GMI's success to the posted video, 25 MB",
    "idle: CPU from import to ready": "CPU of a start",
    "idle: idle memory": "memory while nothing happens",
    "idle: wake-ups a minute": "wake-ups while nothing happens",
}
MARKS = {True: "yes", False: "NO", None: ""}


def table(figures: Sequence[Figure]) -> str:
    """Return one line for each figure, with what it is compared to."""
    rows = [("what", "median", "spread", "beside", "ratio", "goal", "reached")]
    for figure in figures:
        low, high = figure.spread
        beside = f"{_number(median(figure.beside_runs))} {figure.beside}" if figure.beside_runs else ""
        rows.append(
            (
                f"{figure.group}: {figure.what}",
                f"{_number(figure.median)} {figure.unit}",
                f"{_number(low)} - {_number(high)}" if len(figure.runs) > 1 else "",
                beside,
                f"{figure.ratio:.2f}" if figure.ratio is not None else "",
                figure.goal,
                MARKS[figure.reached] + (f": {figure.reason}" if figure.reason else ""),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def write_json(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures with their medians and ratios."""
    found = [asdict(figure) | {"median": figure.median, "ratio": figure.ratio} for figure in figures]
    path.write_text(json.dumps(found, indent=1) + "\n")


def draw(figures: Sequence[Figure], path: Path) -> None:
    """Draw what each way of asking costs, and how many times its comparison everything else is."""
    from matplotlib import pyplot  # noqa: PLC0415 - only the bench has it, and only for this

    plot, (left, right) = pyplot.subplots(1, 2, figsize=(16, 7), layout="constrained")
    _draw_asking(left, figures)
    _draw_ratios(right, [each for each in figures if each.ratio is not None and each.group != "asking"][::-1])
    plot.savefig(path, dpi=90)
    pyplot.close(plot)


def _draw_asking(axes: Any, figures: Sequence[Figure]) -> None:
    """Draw status requests against delay: nearer to the corner is better."""
    values = {figure.what: figure.median for figure in figures if figure.group == "asking"}
    prefix = f"{DRAWN}: polls a job, "
    for name in (what.removeprefix(prefix) for what in values if what.startswith(prefix)):
        polls, delay = values[prefix + name], values[f"{DRAWN}: mean delay, {name}"]
        if name in HIDDEN:
            continue
        ours, best = "learned" in name, "optimum" in name
        colour = GREEN if ours or best else GREY
        axes.scatter(polls, delay, s=110 if ours else 45, color="none" if best else colour, edgecolors=colour)
        text, offset, align = LABELS.get(name, (name, (9, 4), "left"))
        axes.annotate(
            text,
            (polls, delay),
            textcoords="offset points",
            xytext=offset,
            ha=align,
            fontsize=10,
            color=GREEN if ours else "black",
            fontweight="bold" if ours else "normal",
        )
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("status requests for each video")
    axes.set_ylabel("seconds until a finished video is noticed (mean)")
    axes.set_title("Asking GMI Cloud whether a video is ready\n(videos take about 60 s: median 60 s, σ 0.4)")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.3, y=0.15)
    axes.annotate(
        "better",
        xy=(0.03, 0.03),
        xytext=(0.16, 0.16),
        xycoords="axes fraction",
        textcoords="axes fraction",
        color=GREEN,
        fontsize=12,
        arrowprops={"arrowstyle": "->", "color": GREEN, "linewidth": 2},
    )


def _draw_ratios(axes: Any, compared: Sequence[Figure]) -> None:
    """Draw bars that are green where this bot costs no more than what it is compared with."""
    names = [f"{figure.group}: {figure.what}" for figure in compared]
    names = [BARS.get(name, name) for name in names]
    ratios = [figure.ratio or 0.0 for figure in compared]
    bars = axes.barh(names, ratios, color=[GREEN if ratio <= SAME else GREY for ratio in ratios])
    axes.bar_label(bars, [_comparison(figure) for figure in compared], padding=4, fontsize=9)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set(xlim=(0, max(ratios, default=1.0) * 2.4))
    axes.set_xlabel("times as much as what it is compared with: 1 is the same, shorter is better")
    axes.set_title(f"Everything else\n(green: as good or better, within {SAME - 1:.0%}; grey: more)")


def _comparison(figure: Figure) -> str:
    beside = f"{_number(median(figure.beside_runs))} {figure.unit}"
    missed = f"\ngoal missed: {figure.goal}" if figure.reached is False else ""
    return f"{_number(figure.median)} {figure.unit}; {figure.beside}: {beside}{missed}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
