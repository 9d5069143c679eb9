"""What the library cannot read costs one event: the process goes on, and a member who waits is told."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import discord
import pytest
import pytest_asyncio
from discord.ext import commands

from bot.connection.event_guard import EventGuard
from fakes import media
from fakes.clock import until
from fakes.discord import payloads
from fakes.discord.model import CHANNEL_ID, EPHEMERAL, GUILD_ID, Account, Json, Slash
from fakes.process import Wire, open_wire

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "words-that-nobody-may-log"
_seeds = itertools.count(9001)

CHANNEL = payloads.channel()
THREAD = {"id": "77", "guild_id": str(GUILD_ID), "parent_id": str(CHANNEL_ID), "type": 11, "name": SECRET}
ODD_EVENTS: list[tuple[str, Any]] = [
    ("CHANNEL_UPDATE", {name: value for name, value in CHANNEL.items() if name != "position"}),
    ("CHANNEL_CREATE", {**CHANNEL, "type": "text"}),
    ("THREAD_CREATE", THREAD),
    ("THREAD_LIST_SYNC", {"guild_id": str(GUILD_ID), "threads": None}),
    ("GUILD_CREATE", {"id": "2002", "name": SECRET, "unavailable": False, "roles": [None]}),
    ("GUILD_UPDATE", {"id": str(GUILD_ID), "name": SECRET}),
    ("GUILD_ROLE_UPDATE", [SECRET]),
    ("GUILD_DELETE", None),
    ("INTERACTION_CREATE", [SECRET]),
    ("INTERACTION_CREATE", {"id": SECRET, "token": 5}),
    ("MESSAGE_CREATE", 7),
    ("A_THING_OF_TOMORROW", {"content": SECRET}),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    async with open_wire(tmp_path_factory.mktemp("events")) as running:
        yield running
        assert SECRET not in running.process.logs


@pytest_asyncio.fixture(loop_scope="module")
async def wire(shared: Wire) -> AsyncIterator[Wire]:
    if not shared.process.running:
        await shared.start()
    yield shared
    assert shared.process.running, shared.process.log


async def remove_pending_reply(slash: Slash, wire: Wire) -> str:
    """Wait for the private sentence that answers an interaction."""
    await until(lambda: slash.text != "", lambda: f"an answer\n{wire.process.log}", seconds=5)
    assert slash.original is not None
    assert slash.original.flags & EPHEMERAL
    return slash.text


async def test_events_that_cannot_be_read_stop_nothing_and_are_logged_once_a_kind(wire: Wire) -> None:
    seed, pid = next(_seeds), wire.process.pid
    slash = await wire.ask(seed)
    for _ in range(3):
        for name, data in ODD_EVENTS:
            await wire.discord.gateway.dispatch(name, data)

    await wire.posted(seed)

    assert "Your video is ready" in slash.text
    assert wire.process.pid == pid
    assert wire.process.log.count("An event CHANNEL_UPDATE of Discord could not be read (KeyError") == 1
    assert wire.process.log.count("An event GUILD_ROLE_UPDATE of Discord could not be read (TypeError") == 1
    assert '"error", "logger": "bot.connection.event_guard", "event": "An event INT' in wire.process.log
    assert "Traceback" not in wire.process.log


@pytest.mark.parametrize("cut", ["closed", "session gone"])
async def test_a_new_line_is_guarded_too(wire: Wire, cut: str) -> None:
    gateway, seed = wire.discord.gateway, next(_seeds)
    before = gateway.resumed + gateway.identified
    if cut == "closed":
        await gateway.drop(4000)
    else:
        await gateway.invalidate(resumable=False)
    await until(lambda: gateway.resumed + gateway.identified > before, "a new line")
    await gateway.dispatch(*ODD_EVENTS[0])

    await wire.ask(seed)
    await wire.posted(seed)


def without_name(event: Json) -> None:
    del event["member"]["user"]["username"]


def of_today(event: Json) -> None:
    event["channel"] = [SECRET]


async def test_a_member_whose_command_cannot_be_read_is_told_so(wire: Wire) -> None:
    seed = next(_seeds)
    fine = await wire.ask(seed)
    for change in (without_name, of_today):
        odd = await wire.discord.odd(fine, change)
        assert "in a form I can't read, so nothing was started" in await remove_pending_reply(odd, wire)
    await wire.posted(seed)
    assert wire.submissions(seed) == 1


async def test_a_session_that_cannot_be_read_at_all_is_begun_anew(wire: Wire) -> None:
    gateway, seed = wire.discord.gateway, next(_seeds)
    for frame in ("READY", "RESUMED"):
        identified = gateway.identified
        await gateway.dispatch(frame, [SECRET])
        await until(lambda: gateway.identified > identified, "a new session")  # noqa: B023
    await wire.ask(seed)
    await wire.posted(seed)
    assert "a new session begins" in wire.process.log


async def test_open_jobs_go_on_although_the_greeting_cannot_be_read(wire: Wire) -> None:
    seed = next(_seeds)
    await wire.ask(seed)
    await until(lambda: wire.submissions(seed) == 1, "the request at GMI Cloud")
    wire.discord.gateway.ready_without = {"user"}
    try:
        await wire.restart()
        await wire.posted(seed)
    finally:
        wire.discord.gateway.ready_without = set()
        await wire.restart()


def changed(**changes: Any) -> Callable[[Json], None]:
    """Change the data of an interaction; None removes a key."""

    def change(event: Json) -> None:
        for name, value in changes.items():
            if value is None:
                del event["data"][name]
            else:
                event["data"][name] = value

    return change


def file_without(*names: str) -> Callable[[Json], None]:
    def change(event: Json) -> None:
        for file in event["data"]["resolved"]["attachments"].values():
            for name in names:
                del file[name]

    return change


def data_is_a_list(event: Json) -> None:
    event["data"] = [SECRET]


ANSWERS: list[tuple[Callable[[Json], None], str]] = [
    (changed(components=None), "can't read"),
    (changed(components=[]), "prompt is empty"),
    (changed(components={"custom_id": "prompt"}), "prompt is empty"),
    (changed(components=[None, 5, {"component": [1]}]), "prompt is empty"),
    (changed(resolved=None), "from Discord. Attach it again."),
    (changed(resolved=[SECRET]), "from Discord. Attach it again."),
    (file_without("url"), "from Discord. Attach it again."),
    (file_without("filename", "url", "size"), "from Discord. Attach it again."),
    (changed(custom_id=None), "can't read"),
    (changed(custom_id="a window of tomorrow"), "what this belongs to"),
    (data_is_a_list, "can't read"),
]


@pytest.mark.parametrize(("change", "told"), ANSWERS)
async def test_an_odd_answer_to_a_form_ends_in_a_sentence(
    wire: Wire, change: Callable[[Json], None], told: str
) -> None:
    paid = len(wire.cloud.requests)
    opened = await wire.discord.slash(Account.numbered(paid), "vidu")
    await until(lambda: opened.modal is not None, "a form")
    asked = await wire.discord.submit(
        opened,
        [("a.png", media.picture())],
        Account.numbered(paid),
        prompt="a fox in the snow",
        seed=str(paid + 1),
    )
    await until(lambda: asked.original is not None, "the card")
    paid = await settled(wire, paid + 1)

    # By somebody else each time: the same answer twice within moments counts as one.
    odd = await wire.discord.odd(asked, change, Account.numbered(1000 + paid))

    await until(
        lambda: told in odd.text or any(told in each.text for each in odd.followups),
        lambda: f"{told!r}, the answer is {odd.text!r}\n{wire.process.log}",
    )
    assert len(wire.cloud.requests) == paid


async def settled(wire: Wire, paid: int) -> int:
    """Wait until so many requests have been paid for."""
    await until(lambda: len(wire.cloud.requests) == paid, "the request at GMI Cloud")
    return paid


async def test_a_form_may_have_a_number_that_nothing_has(wire: Wire) -> None:
    opened = await wire.discord.slash(command="vidu")
    await until(lambda: opened.modal is not None, "a form")
    assert opened.modal is not None
    for digits in (30, 400, 5000):
        opened.modal["custom_id"] = f"vidu-window:{'9' * digits}"
        asked = await wire.discord.submit(opened, prompt="a fox in the snow")
        assert "There's no image or video" in await remove_pending_reply(asked, wire)


def without_message(event: Json) -> None:
    del event["message"]


def without_components(event: Json) -> None:
    event["message"]["components"] = []


@pytest.mark.parametrize("change", [without_message, without_components])
async def test_a_press_whose_button_cannot_be_found_is_answered(
    wire: Wire, change: Callable[[Json], None]
) -> None:
    seed = next(_seeds)
    asked = await wire.ask(seed)
    await wire.posted(seed)
    assert asked.original is not None
    pressed = await wire.discord.press(asked.original, f"vidu:edit:{asked.id}")
    await until(lambda: pressed.modal is not None, "the form of Edit")

    odd = await wire.discord.odd(pressed, change)

    assert "what this belongs to" in await remove_pending_reply(odd, wire)


@pytest.mark.parametrize(
    ("custom_id", "told"),
    [
        (f"vidu:cancel:{'9' * 30}", "I don't have this video anymore"),
        (f"vidu:again:{'9' * 400}", "I don't have this video anymore"),
        (f"vidu:delete:{'9' * 5000}", "I don't have this video anymore"),
        (f"vidu:show:{2**63}", "I don't have this video anymore"),
        (f"vidu-window:{'9' * 400}", "I only keep what you typed for a day"),
        ("vidu:polish:5", "what this belongs to"),
        ("", "what this belongs to"),
    ],
)
async def test_a_button_with_an_odd_id_is_answered(wire: Wire, custom_id: str, told: str) -> None:
    seed = next(_seeds)
    asked = await wire.ask(seed)
    await wire.posted(seed)
    card = asked.original
    assert card is not None
    row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "?", "custom_id": custom_id}]}
    card.components = [*card.components, row]

    pressed = await wire.discord.press(card, custom_id)

    assert told in await remove_pending_reply(pressed, wire)


@pytest.mark.parametrize("page", ["0", "9" * 30, "9" * 5000])
async def test_a_page_that_is_none_shows_one_all_the_same(wire: Wire, page: str) -> None:
    listed = await wire.discord.slash(command="videos")
    await until(lambda: "Your videos" in listed.text, "the list")
    shown = listed.original
    assert shown is not None
    custom_id, edits = f"vidu-videos:{page}", shown.edits
    row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "?", "custom_id": custom_id}]}
    shown.components = [*shown.components, row]

    pressed = await wire.discord.press(shown, custom_id)

    await until(lambda: shown.edits == edits + 1, lambda: f"a page\n{wire.process.log}")
    assert "### 🎞️ Your videos" in pressed.text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (changed(name="a command of yesterday"), "This command was just updated"),
        (file_without("url"), "Something went wrong"),
        (changed(name=None), "Something went wrong"),
        (data_is_a_list, "Something went wrong"),
    ],
)
async def test_a_command_with_odd_data_ends_in_a_sentence(
    wire: Wire, change: Callable[[Json], None], told: str
) -> None:
    seed = next(_seeds)
    fine = await wire.ask(seed)
    await wire.posted(seed)

    odd = await wire.discord.odd(fine, change)

    assert told in await remove_pending_reply(odd, wire)
    assert wire.submissions(seed) == 1


@pytest.mark.parametrize("kind", [commands.Bot, commands.AutoShardedBot])
async def test_the_parsers_of_any_bot_can_be_guarded(
    kind: type[commands.Bot] | type[commands.AutoShardedBot], caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[str, Any]] = []
    client = kind("!", intents=discord.Intents(guilds=True))
    guard = EventGuard(lambda name, data: seen.append((name, data)))
    guard.protect(client._connection.parsers)

    with caplog.at_level(logging.INFO):
        for _ in range(2):
            client._connection.parsers["GUILD_CREATE"]({"name": SECRET})
        client._connection.parsers["GUILD_CREATE"]([SECRET])
        client._connection.parsers["GUILD_DELETE"]([SECRET])

    assert [name for name, _ in seen] == ["GUILD_CREATE"] * 3 + ["GUILD_DELETE"]
    assert guard.unreadable == {
        ("GUILD_CREATE", "KeyError"): 2,
        ("GUILD_CREATE", "AttributeError"): 1,
        ("GUILD_DELETE", "TypeError"): 1,
    }
    assert len(caplog.records) == 3
    assert SECRET not in caplog.text
