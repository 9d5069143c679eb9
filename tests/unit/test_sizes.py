"""The size of what one reads at once: a file, a class, a function. What is longer gives its reason.

The reason stands in the first comment, as `# Long, because every column is named.`
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("bot", "cogs", "fakes", "demo", "bench")
MIGRATIONS = ROOT / "bot" / "storage" / "migrations" / "versions"  # never changed, so never split either
FILES = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if MIGRATIONS not in path.parents
)
LINES_MAX = {"file": 300, "class": 150, "function": 40}
REASON = "# Long, because "

Part = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def too_long(source: str, name: str) -> Iterator[str]:
    """Yield a sentence for each part of a file that is too long and gives no reason."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, Part):
            continue
        kind, begins, ends = extent(node, lines)
        if ends - begins + 1 > LINES_MAX[kind] and not has_reason(node, lines):
            what = name if isinstance(node, ast.Module) else f"{node.name} in {name}"
            yield (
                f"The {kind} {what} has {ends - begins + 1} lines, more than {LINES_MAX[kind]}: part what it "
                f"does, or say why it is better whole in its first comment, which begins with {REASON!r}."
            )


def extent(node: Part, lines: list[str]) -> tuple[str, int, int]:
    """Return what a part is, and its first and last line, counted from 1."""
    if isinstance(node, ast.Module):
        return "file", 1, len(lines)
    assert node.end_lineno is not None
    return "class" if isinstance(node, ast.ClassDef) else "function", node.lineno, node.end_lineno


def has_reason(node: Part, lines: list[str]) -> bool:
    """Tell whether a reason stands above the first statement that is no docstring."""
    begins = extent(node, lines)[1]
    has_docstring = ast.get_docstring(node) is not None
    statements = node.body[1:] if has_docstring else node.body
    before = lines[begins - 1 : statements[0].lineno - 1] if statements else []
    first = next((line.strip() for line in before if line.strip().startswith("#")), "")
    return first.startswith(REASON) and len(first) > len(REASON)


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_is_longer_than_one_reads_at_once(folder: str) -> None:
    found = [path for path in FILES if path.is_relative_to(ROOT / folder)]
    assert found
    faults = [fault for path in found for fault in too_long(path.read_text(), str(path.relative_to(ROOT)))]
    assert not faults, "\n".join(faults)


def function(lines: int, comment: str = "", docstring: str = '    """Count."""') -> str:
    head = [line for line in ("def count() -> None:", docstring, comment) if line]
    return "\n".join([*head, *["    print()"] * (lines - len(head))])


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (function(40), []),
        (function(41), ["The function count in x.py has 41 lines, more than 40"]),
        (function(41, "    # Long, because it counts."), []),
        (function(41, "    # Long, because it counts.", docstring=""), []),
        (function(41, "    # It counts."), ["The function count in x.py has 41 lines"]),
        (function(41, "    # Long, because "), ["The function count in x.py has 41 lines"]),
        (function(41, docstring="    print()  # Long, because it counts."), ["The function count in x.py"]),
        ("class A:\n" + "    a = 1\n" * 149, []),
        ("class A:\n" + "    a = 1\n" * 150, ["The class A in x.py has 151 lines, more than 150"]),
        ('class A:\n    """A."""\n\n    # Long, because it is.\n' + "    a = 1\n" * 150, []),
        ("a = 1\n" * 300, []),
        ("a = 1\n" * 301, ["The file x.py has 301 lines, more than 300"]),
    ],
)
def test_the_rule(source: str, says: list[str]) -> None:
    found = list(too_long(source, "x.py"))
    assert len(found) == len(says)
    assert all(fault.startswith(said) for fault, said in zip(found, says, strict=True))
