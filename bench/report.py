"""The figures as a table, as JSON and as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from bench.figure import Figure

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
    """Draw what has a value beside it: how many times that one it is."""
    from matplotlib import pyplot  # noqa: PLC0415 - only the bench has it, and only for this

    compared = [figure for figure in figures if figure.ratio is not None][::-1]
    if not compared:
        return
    plot, axes = pyplot.subplots(figsize=(10, 0.45 * len(compared) + 1.5), layout="constrained")
    names = [f"{figure.group}: {figure.what}" for figure in compared]
    colours = ["#b3382f" if figure.reached is False else "#2f7d4f" for figure in compared]
    bars = axes.barh(names, [figure.ratio or 0.0 for figure in compared], color=colours)
    axes.bar_label(bars, [f"{figure.ratio:.2f} × {figure.beside}" for figure in compared], padding=4)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.margins(x=0.45)
    axes.set_xlabel("times what it is compared to (medians)")
    plot.savefig(path, dpi=110)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
