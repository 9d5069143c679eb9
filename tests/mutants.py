"""Change the code in small ways and see whether a test notices: `make mutants ARGS="gmi polling"`.

mutmut (https://mutmut.readthedocs.io) makes the changes. It mutates the bodies of functions only: constants
of a module, decorated functions such as properties, and lines that only log stay as they are. Each package is
mutated in a copy of its own below `build/mutants`, against the tests that are about it, so that a mutant that
survives costs seconds and not minutes. `--survivors` tries only those again that survived the last time,
with the tests of now.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "mutants"
COPIED = ("bot", "cogs", "demo", "fakes", "tests")
IGNORED = shutil.ignore_patterns("__pycache__", "output")
# The tests that are about a package. No acceptance tests: with them a run takes hours instead of minutes.
PACKAGES: dict[str, tuple[str, ...]] = {
    "gmi": ("tests/unit/gmi",),
    "polling": ("tests/unit/polling",),
    "models": ("tests/unit/models", "tests/unit/quotas/test_limiter.py", "tests/unit/quotas/test_budgets.py"),
    "quotas": ("tests/unit/quotas",),
    "jobs": ("tests/unit/jobs",),
}
KILLED = ("killed", "timeout", "segfault")  # a mutant that hangs or crashes was noticed as well


def main() -> int:
    """Mutate the chosen packages, and print what became of the mutants of each."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument(
        "packages", nargs="*", metavar="package", help=f"of {', '.join(PACKAGES)}; all without"
    )
    parser.add_argument("--children", type=int, default=2, help="processes at once")
    parser.add_argument("--survivors", action="store_true", help="only those that survived the last time")
    parser.add_argument("--at-least", type=float, default=0.0, help="per cent to kill, or else it fails")
    chosen = parser.parse_args()
    unknown = set(chosen.packages) - set(PACKAGES)
    if unknown:
        parser.error(f"unknown package {sorted(unknown)[0]}: choose of {', '.join(PACKAGES)}")
    enough = True
    for package in chosen.packages or PACKAGES:
        place = BUILD / package
        names: list[str] = []
        if chosen.survivors and place.exists():
            names = _survivors(place)
            shutil.copytree(ROOT / "tests", place / "tests", ignore=IGNORED, dirs_exist_ok=True)
        else:
            _copy(place, package)
        share = _mutate(package, place, chosen.children, names)
        enough = enough and share >= chosen.at_least
    return 0 if enough else 1


def _mutate(package: str, place: Path, children: int, names: list[str]) -> float:
    """Mutate one package, or try these mutants of it, and print the survivors; return the per cent killed."""
    if _mutmut(place, "run", "--max-children", str(children), *names).returncode != 0:
        sys.exit(f"bot/{package}: mutmut could not run, see above")
    _mutmut(place, "export-cicd-stats")
    counts = json.loads((place / "mutants" / "mutmut-cicd-stats.json").read_text())
    killed, total = sum(counts[name] for name in KILLED), counts["total"] - counts["skipped"]
    share = 100 * killed / total if total else 100.0
    print("\n".join(_survivors(place)))
    print(
        f"bot/{package}: {total} mutants, {killed} killed ({share:.1f} %), {counts['survived']} survived, "
        f"{counts['no_tests']} without a test. One in full: cd {place.relative_to(ROOT)} && mutmut show NAME"
    )
    return share


def _copy(place: Path, package: str) -> None:
    """Copy what is mutated and what tests it, with the settings for this package."""
    shutil.rmtree(place, ignore_errors=True)
    for name in COPIED:
        shutil.copytree(ROOT / name, place / name, ignore=IGNORED)
    tests = [path for path in PACKAGES[package] if (ROOT / path).exists()]
    settings = (
        "[tool.mutmut]",
        f'only_mutate = ["bot/{package}/*.py", "bot/{package}/*/*.py"]',
        f"pytest_add_cli_args_test_selection = {json.dumps(tests)}",
    )
    text = (ROOT / "pyproject.toml").read_text()
    (place / "pyproject.toml").write_text(text.replace("[tool.mutmut]\n", "\n".join([*settings, ""])))


def _survivors(place: Path) -> list[str]:
    lines = _mutmut(place, "results", capture=True).stdout.splitlines()
    named = (line.strip().split(": ") for line in lines if ": " in line)
    return [name for name, became in named if became in {"survived", "no tests"}]


def _mutmut(place: Path, *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run mutmut in the copy. `CI` lets hypothesis draw the same examples each time, without a deadline."""
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    return subprocess.run(
        command, cwd=place, env=os.environ | {"CI": "1"}, check=False, text=True, capture_output=capture
    )


if __name__ == "__main__":
    sys.exit(main())
