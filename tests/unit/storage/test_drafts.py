"""Drafts: they come back whole for a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.models.catalog import Kind
from bot.models.drafts import Draft, Source
from bot.storage.storage import Storage
from tests.unit.storage.samples import START

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
SOURCES = (
    Source("fox.png", "https://cdn.example.invalid/fox.png", 1000, Kind.IMAGE),
    Source("seen.mp4", "https://cdn.example.invalid/seen.mp4"),
)


async def test_a_draft_comes_back_as_it_was_saved(storage: Storage) -> None:
    draft = Draft(5, 1, "a fox 🦊", SOURCES, (1,), 8, "7", private=True, spoiler=True)
    empty = Draft(6, 2)
    await storage.drafts.save(draft, START)
    await storage.drafts.save(empty, START)
    assert await storage.drafts.get(5) == draft
    assert await storage.drafts.get(6) == empty
    assert await storage.drafts.get(7) is None


async def test_a_draft_replaces_the_one_before(storage: Storage) -> None:
    await storage.drafts.save(Draft(5, 1, "a fox"), START)
    await storage.drafts.save(Draft(5, 1, "a cat"), START)
    assert await storage.drafts.get(5) == Draft(5, 1, "a cat")


async def test_a_draft_is_kept_for_a_day(storage: Storage) -> None:
    await storage.drafts.save(Draft(5, 1, "a fox"), START)
    await storage.drafts.save(Draft(6, 1), START + DAY)
    assert await storage.drafts.get(5) is not None
    await storage.drafts.save(Draft(7, 1), START + DAY + INSTANT)
    assert await storage.drafts.get(5) is None
    assert await storage.drafts.get(6) is not None


async def test_an_odd_draft_is_stored_and_a_senseless_row_left_out(storage: Storage) -> None:
    odd, clean = "a\x00b\ud800", "a\ufffdb\ufffd"
    draft = Draft(5, 1, odd, (Source(odd, odd, 2**70),), seed=odd)
    await storage.drafts.save(draft, START)
    expected = replace(draft, prompt=clean, seed=clean, sources=(Source(clean, clean, 2**70),))
    assert await storage.drafts.get(5) == expected
    async with storage.database.transaction() as connection:
        await connection.exec_driver_sql("UPDATE drafts SET content = '{\"sources\": 7}'")
    assert await storage.drafts.get(5) is None
