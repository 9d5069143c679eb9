"""The message command: a video from what any message shows."""

from __future__ import annotations

import discord
import pytest
from simcord import InteractionResult

from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, picture
from fakes.world import World
from tests.acceptance.member import ask, fields, filled_in, press, private_answer, submit, until

READY = "✅ Your video is ready"
RETRY = "Edit and try again"


async def point_at(world: World, message: object) -> InteractionResult:
    return await world.member.context_menu(world.channel, "Make a video from this", message)  # type: ignore[arg-type]


def sent_files(cloud: GmiCloud, number: int = 0) -> list[str]:
    payload = [seen.body["payload"] for seen in cloud.requests_seen if seen.method == "POST"][number]
    return [url.rsplit("/", 1)[1] for url in payload.get("images", []) + payload.get("videos", [])]


@pytest.mark.parametrize("restart", [False, True])
async def test_somebody_elses_picture_becomes_my_video(restart: bool, world: World, cloud: GmiCloud) -> None:
    message = await world.other.send(world.channel, "my hen", attachments=[("hen.png", picture())])
    opened = await point_at(world, message)
    assert list(fields(opened)) == ["prompt", "duration", "seed", "extras"]
    if restart:
        await world.restart()
    asked = await submit(world.member, opened, prompt="the hen runs", duration=["2"], seed="9")
    text = await until(world, asked, READY)
    assert "the hen runs" in text
    assert f"2 seconds · seed 9 · {world.member.mention}" in text
    assert sent_files(cloud) == ["hen.png"]


async def test_a_forwarded_message_counts_too(world: World, cloud: GmiCloud) -> None:
    message = await world.other.send(world.channel, attachments=[("hen.png", picture()), ("run.mp4", clip())])
    forwarded = await world.moderator.forward(message, world.channel)
    opened = await point_at(world, forwarded)
    assert [option["label"] for option in fields(opened)["used"]["options"]] == ["1. hen.png", "2. run.mp4"]
    assert [option["description"] for option in fields(opened)["used"]["options"]] == [
        "image, 0.1 MB",
        "video, 0.1 MB",
    ]
    await submit(world.member, opened, prompt="run")
    assert sent_files(cloud) == ["hen.png", "run.mp4"]


async def test_an_embedded_picture_is_read_through_discords_own_copy(world: World, cloud: GmiCloud) -> None:
    posted = await world.other.send(world.channel, attachments=[("hen.png", picture())])
    copy = posted.attachments[0].url
    embed = discord.Embed.from_dict(
        {"image": {"url": "http://127.0.0.1:9/hen.png", "proxy_url": copy, "width": 9, "height": 9}}
    )
    webhook = world.guild.create_webhook(world.channel, "news")
    opened = await point_at(world, await webhook.send("look", embed=embed))
    await submit(world.member, opened, prompt="run")
    [post] = [seen for seen in cloud.requests_seen if seen.method == "POST"]
    assert post.body["payload"]["images"] == [copy]


async def test_a_card_of_the_bot_can_be_pointed_at(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, duration=2)
    await until(world, asked, READY)
    opened = await point_at(world, asked.response)
    labels = [option["label"] for option in fields(opened)["used"]["options"]]
    assert [label[:14] for label in labels] == ["1. reference-1", "2. vidu-" + labels[1][8:14]]
    await submit(world.member, opened, prompt="and now backwards", used=["1"])
    assert sent_files(cloud, 1)[0].startswith("vidu-")


async def test_with_more_files_than_fit_the_member_chooses(world: World, cloud: GmiCloud) -> None:
    files = [(f"{n}.png", picture()) for n in range(7)] + [(f"{n}.mp4", clip(2)) for n in range(3)]
    message = await world.other.send(world.channel, attachments=files)
    opened = await point_at(world, message)
    used = fields(opened)["used"]
    assert (used["min_values"], used["max_values"], len(used["options"])) == (1, 7, 10)
    assert filled_in(opened)["used"] == ["0", "1", "2", "3", "7", "8"]
    refused = await submit(world.member, opened, prompt="run", used=["0", "7", "8", "9"])
    assert "There are 3 videos, but the limit is 2. Remove 1." in private_answer(refused)
    await world.restart()
    again = await press(world.member, refused, RETRY)
    assert filled_in(again)["used"] == ["0", "7", "8", "9"]
    await submit(world.member, again, used=["6", "9"])
    assert sent_files(cloud) == ["6.png", "2.mp4"]


async def test_files_that_cannot_be_used_are_left_out(world: World) -> None:
    files = [("song.mp3", b"ID3" + bytes(99)), ("fox.png", picture()), ("cat.gif", b"GIF89a" + bytes(99))]
    opened = await point_at(world, await world.other.send(world.channel, attachments=files))
    assert "used" not in fields(opened)
    await submit(world.member, opened, prompt="run")


@pytest.mark.parametrize("attachments", [[], [("song.mp3", b"ID3" + bytes(99))]])
async def test_a_message_with_nothing_to_use_says_so(
    attachments: list[tuple[str, bytes]], world: World, cloud: GmiCloud
) -> None:
    message = await world.other.send(world.channel, "hello", attachments=attachments)
    assert "no image or video I can use" in private_answer(await point_at(world, message))
    assert cloud.paid == 0
