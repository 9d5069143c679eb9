"""One member's files never keep the others waiting, and no reader of clips outlives its limit."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.client.parts import UPLOAD_BYTES
from bot.media.inspection.inspector import CLIPS_AT_ONCE, PAUSE
from fakes.clock import until as until_real
from fakes.discord.model import Account, Slash, Upload
from fakes.discord.people import MEMBER
from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, endless_clip, picture
from fakes.process import Wire, open_wire
from fakes.world import World
from tests.acceptance.member import (
    ask,
    assert_quota_untouched,
    fields,
    press,
    private_answer,
    submit,
    until,
)
from tests.unit.media.files import children

READY = "✅ Your video is ready"
HOSTILE = 12


# --- as members see it ----------------------------------------------------------------------------


async def test_a_clip_named_like_a_picture_is_still_a_clip(world: World, cloud: GmiCloud) -> None:
    files = [("run.png", clip()), ("fox.png", picture())]
    message = await world.other.send(world.channel, attachments=files)
    opened = await world.member.context_menu(world.channel, "Make a video from this", message)

    asked = await submit(world.member, opened, prompt="run")

    await until(world, asked, READY)
    [post] = [seen for seen in cloud.requests_seen if seen.method == "POST"]
    payload = post.body["payload"]
    assert [url.rsplit("/", 1)[1] for url in payload["videos"]] == ["run.png"]
    assert [url.rsplit("/", 1)[1] for url in payload["images"]] == ["fox.png"]
    assert asked.response is not None
    kept = [attached.filename for attached in asked.response.attachments]
    assert kept[:2] == ["reference-1.png", "reference-2.png"]


async def test_references_leave_memory_with_the_first_card(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent: list[int] = []
    shows = world.bot.delivery.show

    async def looking(*given: Any) -> Any:
        lent.append(world.bot.upload_bytes.lent)
        return await shows(*given)

    monkeypatch.setattr(world.bot.delivery, "show", looking)
    asked = await ask(world, image1=("a.png", picture()), image2=("b.png", picture(400)))
    await until(world, asked, READY)
    assert lent[0] == len(picture()) + len(picture(400))
    assert lent[-1] == world.bot.upload_bytes.lent == 0


async def test_references_that_do_not_fit_into_memory_stay_off_the_card(world: World) -> None:
    assert world.bot.upload_bytes.try_take(UPLOAD_BYTES)  # as if the cards of others did not come through
    asked = await ask(world)
    text = await until(world, asked, READY)
    assert "a fox in the snow" in text
    assert asked.response is not None
    assert [attached.filename[:5] for attached in asked.response.attachments] == ["vidu-"]
    assert world.bot.upload_bytes.lent == UPLOAD_BYTES
    opened = await press(world.member, asked, "Edit")
    assert "Attach them again" in str(opened.modal)
    assert "files" in fields(opened)


@pytest.mark.parametrize(
    "options",
    [
        {"image2": ("b.png", b"no picture")},
        {"image2": ("b.png", picture(100, 100))},
        {"video1": ("a.mp4", clip(9))},
    ],
)
async def test_references_of_a_refused_request_leave_memory(options: dict[str, object], world: World) -> None:
    private_answer(await ask(world, image1=("a.png", picture()), **options))
    assert world.bot.upload_bytes.lent == 0
    assert world.bot.inspector.picture_bytes.lent == 0


async def test_references_of_a_job_that_cannot_start_leave_memory(world: World) -> None:
    await world.bot.job_service.close()
    assert "about to restart" in private_answer(await ask(world))
    assert world.bot.upload_bytes.lent == 0
    assert_quota_untouched(world)


# --- the real process -----------------------------------------------------------------------------


def words(slash: Slash) -> str:
    return "\n".join(message.text for message in slash.followups)


@pytest.mark.long
async def test_beside_twelve_members_with_hostile_clips_an_honest_picture_goes_first(tmp_path: Path) -> None:
    async with open_wire(tmp_path, VIDU_WIRE_CLIP_SECONDS="0.8") as wire:
        files: dict[str, Any] = {"video1": ("a.mp4", endless_clip()), "video2": ("b.mp4", endless_clip())}
        hostile = [
            await wire.discord.slash(Account.numbered(number), prompt="x", **files)
            for number in range(HOSTILE)
        ]
        await until_real(lambda: len(children(wire.process.pid)) == CLIPS_AT_ONCE, "the readers at work")

        honest = await wire.ask(1)
        await until_real(lambda: wire.submissions(1) == 1, lambda: f"the honest one\n{wire.process.log}")

        remove_pending_reply = [slash for slash in hostile if words(slash)]
        assert len(remove_pending_reply) < HOSTILE / 2
        await wire.posted(1)
        assert "Your video is ready" in honest.text
        await until_real(
            lambda: all(words(slash) for slash in hostile),
            lambda: f"words for all\n{[words(slash) for slash in hostile]}\n{wire.process.log}",
            60,
        )
        for slash in hostile:
            assert "took longer than 0.8 seconds to read, so I stopped" in words(slash)
        assert wire.cloud.paid == 1
        await until_real(lambda: not children(wire.process.pid), "the end of all readers")
        assert "Traceback" not in wire.process.log


async def test_a_slow_clip_has_words_and_costs_a_pause(tmp_path: Path) -> None:
    async with open_wire(tmp_path, speed=100.0, VIDU_WIRE_CLIP_SECONDS="0.5") as wire:
        slow = await wire.discord.slash(MEMBER, prompt="x", video1=("run.mp4", endless_clip()))
        await until_real(lambda: bool(words(slow)), lambda: f"words\n{wire.process.log}")
        over = wire.clock.now() + PAUSE
        assert "**run.mp4** took longer than 0.5 seconds to read, so I stopped" in words(slow)
        assert "I can read your files again <t:" in words(slow)
        assert "Nothing was sent, and this doesn't count towards your quota" in words(slow)

        paused = await wire.ask(7)
        await until_real(lambda: bool(words(paused)), lambda: f"words\n{wire.process.log}")
        assert "One of your videos took too long to read a moment ago" in words(paused)

        await until_real(lambda: wire.clock.now() > over, "the end of the pause")
        await wire.ask(8)
        await wire.posted(8)
        assert wire.cloud.paid == 1


async def test_a_stop_kills_the_reader(tmp_path: Path) -> None:
    async with open_wire(tmp_path) as wire:
        await wire.discord.slash(MEMBER, prompt="x", video1=("a.mp4", endless_clip()))
        await until_real(lambda: bool(children(wire.process.pid)), "the reader at work")
        [reader] = children(wire.process.pid)

        assert await wire.process.stop() == 0

        with pytest.raises(ProcessLookupError):
            os.kill(reader, 0)
        assert "Traceback" not in wire.process.log


async def test_a_file_larger_than_discord_said_is_not_read_whole(tmp_path: Path) -> None:
    async with open_wire(tmp_path) as wire:
        slash = await grown(wire, seed=5)

        await until_real(lambda: bool(words(slash)), lambda: f"words\n{wire.process.log}")

        assert "I couldn't get **fox.png** from Discord. Attach it again." in words(slash)
        assert wire.cloud.paid == 0


async def grown(wire: Wire, seed: int) -> Slash:
    """Run /vidu with a picture that has more bytes than its event says."""
    said = wire.discord.rest.messages.attach(Upload("fox.png", picture()))
    wire.discord.rest.messages.attachments[said.id] = replace(said, data=picture() + bytes(1))
    return await wire.ask(seed, image1=said)
