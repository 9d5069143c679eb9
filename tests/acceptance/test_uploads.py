"""References that reach the provider: by Discord's links, and uploaded where those can't be read."""

from __future__ import annotations

import pytest

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, picture
from fakes.world import World
from tests.acceptance.member import ask, card_text, until

READY = "✅ Your video is ready"
DISCORD = ("cdn.simcord.invalid",)


def used(world: World) -> int:
    return world.bot.quota_service.status(world.guild.id, world.member.id, []).used_videos


@pytest.mark.parametrize("restart", [False, True])
async def test_files_that_the_provider_cannot_fetch_are_uploaded_and_sent_once_more(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    cloud.unreadable = DISCORD
    if restart:
        cloud.fault("POST", "/upload-url", script.CAPACITY.repeated(None))
    asked = await ask(world, image1=("a.png", picture()), video1=("b.mp4", clip()))
    if restart:
        assert "I'll retry" in await until(world, asked, "⏳ Waiting for the provider")
        cloud.heal()
        await world.restart()
    await until(world, asked, READY)
    first, second = (request.payload for request in cloud.posts)
    assert (first["seed"], first["prompt"]) == (second["seed"], second["prompt"])
    assert cloud.uploads.content(second["images"][0]) == picture()
    assert cloud.uploads.content(second["videos"][0]) == clip()
    assert (cloud.paid, used(world)) == (2, 1)


async def test_the_second_request_is_found_where_its_answer_is_lost(world: World, cloud: GmiCloud) -> None:
    cloud.unreadable = DISCORD
    asked = await ask(world)
    await until(world, asked, "⏳ Waiting in line")
    cloud.fault("POST", "/requests", script.RESET_AFTER)
    await until(world, asked, READY)
    assert (cloud.paid, used(world)) == (2, 1)


@pytest.mark.settings(references_via="link")
async def test_links_only(world: World, cloud: GmiCloud) -> None:
    cloud.unreadable = DISCORD
    asked = await ask(world)
    text = await until(world, asked, "❌ Couldn't make the video")
    assert "The provider couldn't open one of your files." in text
    assert (cloud.paid, used(world)) == (1, 0)


@pytest.mark.settings(references_via="upload")
async def test_uploads_always_first(world: World, cloud: GmiCloud) -> None:
    cloud.unreadable = DISCORD
    asked = await ask(world)
    await until(world, asked, READY)
    assert cloud.uploads.content(cloud.posts[0].payload["images"][0]) == picture()
    assert (cloud.paid, used(world)) == (1, 1)
    cloud.fault("POST", "/upload-url", script.answer(404, "no such page"))
    refused = await ask(world, image1=("c.png", picture(400)))
    text = await until(world, refused, "❌ Couldn't send your request")
    assert "I couldn't upload your files to the provider, so I didn't send your request." in text
    assert "📤" not in card_text(asked)
    assert (cloud.paid, used(world)) == (1, 1)


async def test_after_several_failures_uploads_come_first(world: World, cloud: GmiCloud) -> None:
    cloud.unreadable = DISCORD
    for _ in range(3):
        await until(world, await ask(world), READY)
    assert cloud.paid == 6
    await world.restart()
    await until(world, await ask(world), READY)
    assert (cloud.paid, used(world)) == (7, 4)


@pytest.mark.settings(references_via="upload")
async def test_a_mov_is_given_as_a_link_and_the_sentence_says_why_not_more(
    world: World, cloud: GmiCloud
) -> None:
    cloud.unreadable = DISCORD
    asked = await ask(world, image1=("a.png", picture()), video1=("b.mov", clip(suffix=".mov")))
    text = await until(world, asked, "❌ Couldn't make the video")
    assert "a MOV can't be uploaded to it. Save the video as MP4, and try again." in text.replace(
        "This doesn't count towards your quota. ", ""
    )
    assert used(world) == 0
