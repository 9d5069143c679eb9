"""Notes: one text for each name."""

from __future__ import annotations

from bot.storage.storage import Storage


async def test_the_latest_text_of_each_name_is_kept(storage: Storage) -> None:
    await storage.notes.save("a name", "a value")
    await storage.notes.save("another", "something else")
    await storage.notes.save("a name", "a newer value")
    assert await storage.notes.get("a name") == "a newer value"
    assert await storage.notes.get("another") == "something else"
    assert await storage.notes.get("a third") is None


async def test_an_odd_note_is_found_under_its_odd_name(storage: Storage) -> None:
    odd = "a\x00b\ud800" + "c" * 120
    await storage.notes.save(odd, odd)
    assert await storage.notes.get(odd) == odd.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
