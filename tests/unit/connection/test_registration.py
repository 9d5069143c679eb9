"""Commands are registered once, and again when anything about them has changed."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.connection.registration import register
from bot.models.languages import Language
from bot.ui import catalogs, command_translator
from tests.translations import command_tree


class Notes(dict[str, str]):
    """What the database keeps by name."""

    async def get(self, name: str) -> str | None:  # type: ignore[override]
        return super().get(name)

    async def save(self, name: str, value: str) -> None:
        self[name] = value


async def test_a_changed_translation_is_a_changed_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tree, translators, storage = await command_tree(), [], SimpleNamespace(notes=Notes())

    async def sync() -> list[Any]:
        translators.append(tree.translator)
        return []

    async def start() -> None:
        await register(tree, storage, SystemClock())  # type: ignore[arg-type]

    monkeypatch.setattr(tree, "sync", sync)
    await start()
    await start()
    assert [type(translator) for translator in translators] == [command_translator.CommandTranslator]
    assert tree.translator is None  # its catalogs have left memory
    changed = shutil.copytree(catalogs.FOLDER, tmp_path / "locales")
    monkeypatch.setattr(catalogs, "FOLDER", changed)
    await start()
    assert len(translators) == 1
    shutil.copyfile(catalogs.catalog_path(Language.FRENCH), catalogs.catalog_path(Language.GERMAN))
    await start()
    await start()
    assert len(translators) == 2
