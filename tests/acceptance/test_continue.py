"""Continue: the next scene begins with the video before, over a restart as well, and the chain shows."""

from __future__ import annotations

import pytest

from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, picture
from fakes.world import World, components
from tests.acceptance.member import (
    ask,
    card_text,
    fields,
    filled_in,
    press,
    presses,
    private_answer,
    submit,
    until,
)
from tests.acceptance.test_references import said, save

READY = "✅ Your video is ready"


async def test_a_video_is_continued_scene_after_scene(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, duration=3, image1=("a.png", picture()), video1=("b.mp4", clip()))
    await until(world, asked, READY)
    assert asked.response is not None
    opened = await press(world.member, asked, "Continue")
    assert opened.modal is not None
    assert opened.modal["title"] == "Continue this video"
    assert fields(opened)["prompt"]["label"] == "What should happen in the next scene?"
    about = fields(opened)["files"]["about"]
    assert "Leave empty to keep vidu-" in about
    assert "a.png" in about
    assert "b.mp4" not in about  # a request has one clip of up to 8 seconds: the video before
    assert filled_in(opened) == {"duration": ["3"], "extras": []}
    await world.restart()
    made = await submit(world.member, opened, prompt="the fox goes home")
    text = await until(world, made, READY)
    link = f"https://discord.com/channels/{world.guild.id}/{world.channel.id}/{asked.response.id}"
    assert f"⏭️ Scene 2, continues [the video before]({link})" in text
    payload = cloud.posts[-1].payload
    assert (len(payload["images"]), len(payload["videos"])) == (1, 1)
    assert world.cdn(payload["videos"][0])[4:8] == b"ftyp"

    third = await submit(world.member, await press(world.member, made, "Continue"), prompt="it sleeps")
    assert "Scene 3, continues" in await until(world, third, READY)
    listed = card_text(await world.member.slash(world.channel, "videos"))
    assert listed.index("Scene 3") < listed.index("Scene 2")
    assert listed.count("continues [the video before]") == 2


async def test_references_are_carried_over_as_far_as_they_fit_beside_the_clip(
    world: World, cloud: GmiCloud
) -> None:
    for name, count in (("mia", 3), ("fox", 2), ("owl", 1)):
        await save(world, world.member, name, count)
    asked = await world.member.slash(world.channel, "vidu", prompt="@mia, @fox and @owl meet", duration=3)
    await until(world, asked, READY)
    assert len(cloud.posts[-1].payload["images"]) == 6
    assert "Deleted **owl**" in await said(world, world.member, "delete", name="owl")
    made = await submit(world.member, await press(world.member, asked, "Continue"), prompt="@mia waves")
    text = await until(world, made, READY)
    assert "-# 🎭 @mia\n" in text
    payload = cloud.posts[-1].payload
    assert (len(payload["images"]), len(payload["videos"])) == (3, 1)
    assert payload["prompt"] == "mia (reference images 1, 2 and 3) waves"


async def test_another_member_continues_a_public_video(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, spoiler=True)
    await until(world, asked, READY)
    opened = await press(world.other, asked, "Continue")
    made = await submit(world.other, opened, prompt="and then", extras=[])
    text = await until(world, made, READY)
    assert f"<@{world.other.id}>" in text
    assert "Scene 2" in text
    media = [item for part in components(made.response) for item in [part, *part.get("items", [])]]
    assert all(item["spoiler"] for item in media if "media" in item)


async def test_files_of_ones_own_make_it_a_video_of_its_own(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    opened = await press(world.member, asked, "Continue")
    made = await submit(world.member, opened, prompt="a cat", files=[("cat.png", picture())])
    assert "Scene" not in await until(world, made, READY)
    assert "videos" not in cloud.posts[-1].payload


@pytest.mark.parametrize("seconds", [8, 9])
async def test_only_what_fits_into_a_request_is_continued(seconds: int, world: World) -> None:
    asked = await ask(world, duration=seconds)
    text = await until(world, asked, READY)
    labels = {part["label"]: part["custom_id"] for part in components(asked.response) if "custom_id" in part}
    assert ("Continue" in labels) is (seconds == 8)
    assert ("too long for Continue (8 seconds at most)" in text) is (seconds == 9)


async def test_a_private_video_is_continued_by_nobody_else(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, private=True)
    await until(world, asked, READY)
    ids = {part["label"]: part["custom_id"] for part in components(asked.response) if "custom_id" in part}
    [clicked] = await presses(world, world.other, asked, ids["Continue"])
    assert "This video belongs to" in private_answer(clicked)
    made = await submit(world.member, await press(world.member, asked, "Continue"), prompt="more")
    assert "Scene 2, continues an earlier video" in await until(world, made, READY)
