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

    plot, (left, right) = pyplot.subplots(1, 2, figsize=(15, 6), layout="constrained")
    _draw_asking(left, figures)
    _draw_ratios(right, [each for each in figures if each.ratio is not None and each.group != "asking"][::-1])
    plot.savefig(path, dpi=90)
    pyplot.close(plot)


def _draw_asking(axes: Any, figures: Sequence[Figure]) -> None:
    """Draw polls against delay: nearer to the corner is better."""
    values = {figure.what: figure.median for figure in figures if figure.group == "asking"}
    prefix = f"{DRAWN}: polls a job, "
    for name in (what.removeprefix(prefix) for what in values if what.startswith(prefix)):
        polls, delay = values[prefix + name], values[f"{DRAWN}: mean delay, {name}"]
        if name in HIDDEN:
            continue
        ours = "learned" in name
        axes.scatter(polls, delay, color="#2f7d4f" if ours else "#5865f2", s=80 if ours else 40)
        beside = {"xytext": (-8, -4), "ha": "right"} if ours else {"xytext": (8, 4)}
        axes.annotate(name, (polls, delay), textcoords="offset points", fontsize=8, **beside)
    axes.set(xscale="log", yscale="log", xlabel="polls a job", ylabel="mean delay in seconds", title=DRAWN)
    axes.margins(x=0.3)


def _draw_ratios(axes: Any, compared: Sequence[Figure]) -> None:
    names = [f"{figure.group}: {figure.what}" for figure in compared]
    colours = ["#b3382f" if figure.reached is False else "#2f7d4f" for figure in compared]
    bars = axes.barh(names, [figure.ratio or 0.0 for figure in compared], color=colours)
    axes.bar_label(bars, [f"{figure.ratio:.2f} × {figure.beside}" for figure in compared], padding=4)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set(xlim=(0, 7), xlabel="times what it is compared to (medians)")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
