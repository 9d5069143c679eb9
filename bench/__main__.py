"""Measure what members and operators pay for: `make bench`, or some groups with `ARGS="answer idle"`."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import sys
from pathlib import Path

from bench.figure import Figure
from bench.report import draw, table, write_json

GROUPS = {
    "asking": "bench.polling",
    "answer": "bench.answering",
    "posting": "bench.posting",
    "holding": "bench.holding",
    "idle": "bench.idling",
    "storage": "bench.storage",
    "machines": "bench.machines",
}
RESULTS = Path(__file__).parent.parent / "docs" / "bench"


def main() -> int:
    """Measure the chosen groups, print the table, and write JSON and picture."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of {', '.join(GROUPS)}; all without")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions where a figure has a spread")
    chosen = parser.parse_args()
    unknown = set(chosen.groups) - set(GROUPS)
    if unknown:
        parser.error(f"unknown group {sorted(unknown)[0]}: choose of {', '.join(GROUPS)}")
    # A list that fails on purpose is no news here.
    logging.getLogger("bot.polling").setLevel(logging.ERROR)
    figures: list[Figure] = []
    for group in chosen.groups or GROUPS:
        print(f"measuring {group} ...", file=sys.stderr, flush=True)
        figures += importlib.import_module(GROUPS[group]).figures(chosen.repeat)
    RESULTS.mkdir(parents=True, exist_ok=True)
    figures = _with_others(figures, set(chosen.groups or GROUPS))
    write_json(figures, RESULTS / "bench.json")
    (RESULTS / "bench.txt").write_text(table(figures) + "\n")
    draw(figures, RESULTS / "bench.png")
    print(table(figures))
    return 0


def _with_others(figures: list[Figure], measured: set[str]) -> list[Figure]:
    """Keep what an earlier run measured of the groups that this one left out."""
    path = RESULTS / "bench.json"
    if not path.exists():
        return figures
    kept = []
    for found in json.loads(path.read_text()):
        if found["group"] not in measured:
            values = {name: value for name, value in found.items() if name not in {"median", "ratio"}}
            kept.append(
                Figure(
                    **{
                        **values,
                        "runs": tuple(values["runs"]),
                        "beside_runs": tuple(values["beside_runs"]),
                    }
                )
            )
    order = list(GROUPS)
    return sorted(kept + figures, key=lambda figure: order.index(figure.group))


if __name__ == "__main__":
    sys.exit(main())
