"""Change the code in small ways and see whether a test notices: `make mutants ARGS="gmi polling"`.

mutmut (https://mutmut.readthedocs.io) makes the changes. It mutates the bodies of functions only: constants
of a module, decorated functions such as properties, and lines that only log stay as they are. Each package is
mutated in a copy of its own below `build/mutants`, against the tests that are about it, so that a mutant that
survives costs seconds and not minutes. What was tried is kept: only changed functions are tried again, so
after a change of the tests alone, remove the copy.
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
# The tests that are about a package. Acceptance tests are slow: only where nothing else shows what it does.
PACKAGES: dict[str, tuple[str, ...]] = {
    "gmi": ("tests/unit/gmi",),
    "polling": ("tests/unit/polling",),
    "models": ("tests/unit/models",),
    "quotas": ("tests/unit/quotas",),
    "jobs": (
        "tests/unit/jobs",
        "tests/acceptance/test_submitting.py",
        "tests/acceptance/test_card_buttons.py",
        "tests/acceptance/test_trouble.py",
        "tests/acceptance/test_odd_answers.py",
    ),
}
KILLED = ("killed", "timeout", "segfault")  # a mutant that hangs or crashes was noticed as well


def main() -> int:
    """Mutate the chosen packages, and print what became of the mutants of each."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument(
        "packages", nargs="*", metavar="package", help=f"of {', '.join(PACKAGES)}; all without"
    )
    parser.add_argument("--children", type=int, default=2, help="processes at once")
    parser.add_argument("--at-least", type=float, default=0.0, help="per cent to kill, or else it fails")
    chosen = parser.parse_args()
    unknown = set(chosen.packages) - set(PACKAGES)
    if unknown:
        parser.error(f"unknown package {sorted(unknown)[0]}: choose of {', '.join(PACKAGES)}")
    enough = True
    for package in chosen.packages or PACKAGES:
        share = _mutate(package, chosen.children)
        enough = enough and share >= chosen.at_least
    return 0 if enough else 1


def _mutate(package: str, children: int) -> float:
    """Mutate one package and print its survivors; return how many per cent were killed."""
    place = BUILD / package
    _copy(place, package)
    done = _mutmut(place, "run", "--max-children", str(children))
    if done != 0:
        sys.exit(f"bot/{package}: mutmut could not run, see above")
    _mutmut(place, "results")
    _mutmut(place, "export-cicd-stats")
    counts = json.loads((place / "mutants" / "mutmut-cicd-stats.json").read_text())
    killed, total = sum(counts[name] for name in KILLED), counts["total"] - counts["skipped"]
    share = 100 * killed / total if total else 100.0
    print(
        f"bot/{package}: {total} mutants, {killed} killed ({share:.1f} %), {counts['survived']} survived, "
        f"{counts['no_tests']} without a test. One in full: cd {place.relative_to(ROOT)} && mutmut show NAME"
    )
    return share


def _copy(place: Path, package: str) -> None:
    """Bring the copy up to date; files that did not change keep their time, so that mutmut skips them."""
    place.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        _sync(ROOT / name, place / name)
    # mutmut copies sources only once; what was made of changed or deleted ones has to go.
    for made in (place / "mutants" / "bot").rglob("*.py"):
        source = place / made.relative_to(place / "mutants")
        if not source.exists() or source.stat().st_mtime > made.stat().st_mtime:
            made.unlink()
    shutil.rmtree(place / "mutants" / "tests", ignore_errors=True)
    settings = [f'only_mutate = ["bot/{package}/*.py"]']
    tests = [path for path in PACKAGES[package] if (ROOT / path).exists()]
    settings.append(f"pytest_add_cli_args_test_selection = {json.dumps(tests)}")
    text = (ROOT / "pyproject.toml").read_text()
    text = text.replace("[tool.mutmut]\n", "\n".join(["[tool.mutmut]", *settings, ""]))
    (place / "pyproject.toml").write_text(text)


def _sync(source: Path, target: Path) -> None:
    """Copy what is new or changed, and remove what is gone."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "output")
    wanted = {path.relative_to(source) for path in source.rglob("*")}
    for path in sorted(target.rglob("*"), reverse=True) if target.exists() else []:
        if path.is_file() and path.relative_to(target) not in wanted:
            path.unlink()
    shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)


def _mutmut(place: Path, *arguments: str) -> int:
    """Run mutmut in the copy. `CI` lets hypothesis draw the same examples each time, without a deadline."""
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    return subprocess.run(command, cwd=place, env=os.environ | {"CI": "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
