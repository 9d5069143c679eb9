"""The pages say what is so: files, tests, classes and states named there exist, and nothing is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from PIL import Image

from bot.models.languages import Language
from bot.models.states import TRANSITIONS
from demo.camera import BYTES_MAX, PICTURES
from demo.language_pictures import PROMPTS
from tests.unit.test_imports import ORDER

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "docs" / "architecture.md",
    *sorted({*(ROOT / "docs").rglob("*.md")} - {ROOT / "docs" / "architecture.md"}),
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")),
]
ARCHITECTURE = PAGES[0].read_text()
MAPPED = ("bot", "cogs", "fakes")  # whose files the map names one by one
WHOLE = ("bot/storage/migrations", "fakes/discord", "fakes/gmi", "fakes/patch")  # named as a whole
FILES = [
    path for folder in ("bot", "cogs", "fakes", "tests") for path in sorted((ROOT / folder).rglob("*.py"))
]
SOURCES = "\n".join(path.read_text() for path in FILES)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def quoted(page: Path) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", page.read_text()))


def section(title: str) -> str:
    """Return what stands below a heading, up to the next one."""
    found = re.search(rf"^#+ {title}\n(.*?)(?=^#+ |\Z)", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {title!r}"
    return found[1]


def mapped() -> set[str]:
    """Return the paths that the map names, folders with a slash at their end."""
    block = re.search(r"```\n(.*?)```", section("Packages"), re.DOTALL)
    assert block
    found: set[str] = set()
    folders: list[tuple[int, str]] = [(-1, "")]  # that stand open, by their indentation
    for line in block[1].splitlines():
        name = line.split()[0]
        depth = len(line) - len(line.lstrip())
        while folders[-1][0] >= depth:
            folders.pop()
        path = folders[-1][1] + name
        found.add(path)
        if name.endswith("/"):
            folders.append((depth, path))
    return found


def strings(folder: str) -> list[str]:
    """Return every text in the code below a folder, put together where it is written in parts."""
    nodes = (
        node
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
    )
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_what_troubleshooting_says_to_look_for_is_what_the_bot_says() -> None:
    table = (ROOT / "docs" / "troubleshooting.md").read_text()
    words = re.findall(r'"([^"\n]+)"', "\n".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE)))
    said = strings("bot")
    assert len(words) >= 10
    for part in (part for quote in words for part in quote.split("…")):
        assert any(part in text.replace("{size}", "").replace("{limit}", "") for text in said), part


@each_page
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    tests = set(re.findall(r"def (test_\w+)", SOURCES)) | {path.name for path in FILES}
    assert {name for name in quoted(page) if re.fullmatch(r"test_\w+(\.py)?", name)} <= tests


@each_page
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    folders = ("bench", "bot", "cogs", "demo", "deploy", "docs", "fakes", "tests")
    named = {name for name in quoted(page) if re.fullmatch(rf"({'|'.join(folders)})/[\w./-]*", name)}
    named |= {link for link in re.findall(r"\]\(([\w./-]+)\)", page.read_text()) if "://" not in link}
    made = {"demo/output"}  # by the demo
    for name in named - made:
        place = ROOT if name.split("/")[0] in folders else page.parent
        assert (place / name).exists() or (place / f"{name}.py").exists(), name


def test_translators_see_the_same_card_in_every_language() -> None:
    page = (ROOT / "docs" / "translating.md").read_text()
    pictures = sorted(re.findall(r"\(pictures/language-(\w+)\.png\)", page))
    assert pictures == sorted(Language) == sorted(PROMPTS)
    paths = [PICTURES / f"language-{language}.png" for language in pictures]
    sizes = set()
    for path in paths:
        with Image.open(path) as picture:
            sizes.add(picture.width)
        assert path.stat().st_size <= BYTES_MAX
    assert len(sizes) == 1


def test_the_map_names_every_file_and_no_other() -> None:
    named = mapped()
    for path in named:
        assert (ROOT / path).exists(), path
        assert (ROOT / path).is_dir() == path.endswith("/"), path
    files = {path.relative_to(ROOT) for folder in MAPPED for path in (ROOT / folder).rglob("*.py")}
    expected = {
        str(path)
        for path in files
        if path.name != "__init__.py" and not str(path).startswith(tuple(f"{whole}/" for whole in WHOLE))
    }
    assert {path for path in named if path.startswith(MAPPED) and path.endswith(".py")} == expected


def test_the_order_of_imports_is_the_one_that_is_tested() -> None:
    block = re.search(r"```\n(.*?)```", section("Who may import whom"), re.DOTALL)
    assert block
    written = [{place.replace("/", ".") for place in line.split(", ")} for line in block[1].splitlines()]
    assert written == ORDER


def test_the_table_of_states_is_the_one_in_the_code() -> None:
    rows = [line.split("|") for line in section("States").splitlines() if line.startswith("| `")]
    written = {row[1].strip(" `"): set(re.findall(r"`(\w+)`", row[3])) for row in rows}
    assert written == {str(state): {str(state) for state in after} for state, after in TRANSITIONS.items()}


def test_every_class_that_the_glossary_names_exists() -> None:
    named = set(re.findall(r"`((?:[A-Z][a-z]+){2,})`", ARCHITECTURE))
    assert named
    assert named <= set(re.findall(r"^class (\w+)", SOURCES, re.MULTILINE))
