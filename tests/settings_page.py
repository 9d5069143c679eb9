"""Write docs/settings.md from `.env.example` and the settings themselves: `make docs`."""

from __future__ import annotations

import re
from pathlib import Path

from bot.settings import Settings

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / ".env.example"
PAGE = ROOT / "docs" / "settings.md"

HEAD = """# Settings

Environment variables override `.env`. An empty value counts as not set. After a change, run
`docker compose up -d`. The bot refuses to start with a setting that it can't understand, and names it. This
page is made by `make docs` from [.env.example](../.env.example).

| setting | default | meaning |
| --- | --- | --- |
"""


def page() -> str:
    """Return the page with every setting, in the order of the example."""
    return HEAD + "".join(_row(*setting) for setting in _settings())


def _settings() -> list[tuple[str, str, str]]:
    """Return each setting's name, default and meaning, as the example tells them."""
    found: list[tuple[str, str, str]] = []
    for block in EXAMPLE.read_text().split("\n\n")[1:]:
        match = re.fullmatch(r"((?:# .+\n)+)#?([A-Z_]+)=(.*)\n*", block)
        assert match, block
        meaning = " ".join(line.removeprefix("# ") for line in match[1].splitlines())
        found.append((match[2], match[3], meaning))
    return found


def _row(name: str, default: str, meaning: str) -> str:
    if Settings.model_fields[name.lower()].is_required():
        shown = "required"
    else:
        shown = f"`{default}`" if default else "none"
    return f"| `{name}` | {shown} | {meaning.replace('|', '/')} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
