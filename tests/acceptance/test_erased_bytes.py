"""What was erased is in none of the database's files any more: not in free pages, and not in the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.storage.schema import drafts, jobs
from fakes.media import picture
from fakes.world import World
from tests.acceptance.member import ask, delete, press, until

READY = "✅ Your video is ready"
HOUR, DAY = 3600, 24 * 3600
PROMPT, DRAFT = "a quokka on a unicycle", "a pangolin in a teacup"
FILE, DRAFT_FILE = "quokka-holiday.png", "pangolin-portrait.png"


@pytest.fixture(autouse=True)
def _no_secure_delete() -> Iterator[None]:
    """Let SQLite leave deleted bytes where they are, as most builds of it do."""

    def switch_off(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA secure_delete=OFF").close()

    sa.event.listen(sa.Engine, "connect", switch_off)
    yield
    sa.event.remove(sa.Engine, "connect", switch_off)


def database(world: World) -> Path:
    return Path(world.settings.database_url.get_secret_value().removeprefix("sqlite+aiosqlite:///"))


def on_disk(world: World) -> bytes:
    """Return everything that is in the database's files."""
    path = database(world)
    files = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    return b"".join(file.read_bytes() for file in files if file.exists())


async def rows(world: World, table: sa.Table) -> list[Any]:
    async with world.bot.storage.database.transaction(reads=True) as connection:
        return list((await connection.execute(sa.select(table))).all())


async def all_that_was_typed(world: World) -> list[str]:
    """Return everything that is stored of a member's words, files, links and tokens."""
    found = [PROMPT, FILE]
    for job in await rows(world, jobs):
        assert job.token
        found += [job.token, *job.results, *(reference["url"] for reference in job.reference_list)]
    for draft in await rows(world, drafts):
        found += [DRAFT, DRAFT_FILE, *(source["url"] for source in draft.content["sources"])]
    assert len(found) >= 5
    return found


def still_there(world: World, typed: list[str], kept: str = "vidu-q2-pro-r2v") -> list[str]:
    content = on_disk(world)
    assert kept.encode() in content  # it does look into the rows
    return [text for text in typed if text.encode() in content]


async def make(world: World) -> Any:
    asked = await ask(world, prompt=PROMPT, image1=(FILE, picture()))
    await until(world, asked, READY)
    return asked


async def draft(world: World) -> None:
    await ask(world, prompt=DRAFT, seed=5, image1=(DRAFT_FILE, b""))


async def test_before_anything_is_erased_it_is_all_there(world: World) -> None:
    await make(world)
    await draft(world)
    typed = await all_that_was_typed(world)
    assert still_there(world, typed) == typed


@pytest.mark.parametrize("restart", [False, True])
async def test_nothing_is_left_after_the_delete_button(restart: bool, world: World) -> None:
    asked = await make(world)
    typed = await all_that_was_typed(world)
    await press(world.member, asked, "Delete")  # brings another token
    typed = sorted({*typed, *await all_that_was_typed(world)})
    if restart:
        await world.restart()
    assert await delete(world.member, asked) == "🗑️ Deleted."
    await world.env.advance_time(5)
    assert still_there(world, typed) == []


async def test_a_stop_right_after_delete_leaves_nothing_either(world: World) -> None:
    asked = await make(world)
    typed = await all_that_was_typed(world)
    await delete(world.member, asked)
    await world.restart()
    await world.env.advance_time(120)
    assert still_there(world, typed) == []


async def test_nothing_is_left_after_erase(world: World) -> None:
    for _ in range(2):
        await make(world)
    await draft(world)
    typed = await all_that_was_typed(world)
    asked = await world.member.slash(world.channel, "privacy erase")
    await press(world.member, asked, "Erase")
    await world.env.advance_time(5)
    assert still_there(world, typed) == []


@pytest.mark.settings(retention_days=2)
async def test_nothing_is_left_after_its_time(world: World) -> None:
    await make(world)
    await draft(world)
    typed = await all_that_was_typed(world)
    await world.env.advance_time(3 * HOUR)
    (job,) = await rows(world, jobs)
    assert not set(still_there(world, typed)) & {value for value in typed if "simcord_interaction" in value}
    assert job.token is None
    assert PROMPT in still_there(world, typed)
    await world.env.advance_time(2 * DAY)
    assert still_there(world, typed) == []


async def test_a_draft_that_another_one_pushed_out_leaves_the_file_too(world: World) -> None:
    await draft(world)
    typed = [DRAFT, DRAFT_FILE]
    await world.env.advance_time(DAY + 60)
    await ask(world, prompt="something else", seed=5, image1=("empty.png", b""))
    await world.env.advance_time(2 * HOUR)
    assert still_there(world, typed, kept="something else") == []
