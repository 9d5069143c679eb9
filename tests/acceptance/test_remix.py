"""Remix: Again and Edit on somebody else's public card begin a video of one's own, over a restart as well."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, picture
from fakes.world import World, components
from tests.acceptance.member import (
    ask,
    card_text,
    delete,
    fields,
    filled_in,
    press,
    presses,
    private_answer,
    submit,
    until,
)

READY = "✅ Your video is ready"


def posts(cloud: GmiCloud) -> list[dict[str, Any]]:
    return [seen.body["payload"] for seen in cloud.requests_seen if seen.method == "POST"]


def used(world: World, user_id: int) -> int:
    return world.bot.quota_service.status(world.guild.id, user_id, []).used_videos


@pytest.mark.parametrize("who", ["other", "moderator"])
@pytest.mark.parametrize(("label", "seed"), [("Again", None), ("Edit", "5")])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_stranger_makes_a_video_of_their_own(
    restart: bool, label: str, seed: str | None, who: str, world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world, seed=5, duration=3, image1=("a.png", picture()), video1=("b.mp4", clip()))
    await until(world, asked, READY)
    person = getattr(world, who)
    if restart:
        await world.restart()
    opened = await press(person, asked, label)
    assert opened.modal is not None
    assert opened.modal["title"] == "Remix this video"
    assert (filled_in(opened)["prompt"], filled_in(opened).get("seed")) == ("a fox in the snow", seed)
    assert "Leave empty to keep a.png, b.mp4" in fields(opened)["files"]["about"]
    assert cloud.paid == 1
    if restart:
        await world.restart()

    made = await submit(person, opened, prompt="a cat in the snow", duration=["2"])
    text = await until(world, made, READY)
    assert f"<@{person.id}>" in text
    assert world.member.mention not in text
    _, second = posts(cloud)
    assert (second["prompt"], second["duration"]) == ("a cat in the snow", 2)
    assert ["reference-1" in second["images"][0], "reference-2" in second["videos"][0]] == [True, True]
    assert (used(world, world.member.id), used(world, person.id)) == (1, 1)
    theirs = await person.slash(world.channel, "videos")
    assert "a cat in the snow" in card_text(theirs)
    mine = await world.member.slash(world.channel, "videos")
    assert "a cat" not in card_text(mine)
    # Its own member may delete it, and the one whose video it was made from may not.
    assert "and moderators can delete" in private_answer(await press(world.member, made, "Delete"))
    assert await delete(person, made) == "🗑️ Deleted."
    assert READY in card_text(asked)


@pytest.mark.settings(quota_videos=1)
async def test_a_remix_counts_for_whoever_makes_it(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    await until(
        world, await world.other.slash(world.channel, "vidu", prompt="x", image1=("a.png", picture())), READY
    )
    opened = await press(world.other, asked, "Again")
    refused = await submit(world.other, opened)
    assert "You've used 1 of 1 video" in private_answer(refused)
    assert cloud.paid == 2
    again = await press(world.other, refused, "Try again")
    assert again.modal is not None
    assert again.modal["title"] == "Remix this video"


@pytest.mark.parametrize("restart", [False, True])
async def test_a_spoiler_stays_a_spoiler(restart: bool, world: World) -> None:
    asked = await ask(world, spoiler=True)
    await until(world, asked, READY)
    opened = await press(world.other, asked, "Edit")
    shown = fields(opened)["extras"]
    assert [option["value"] for option in shown["options"]] == ["private"]
    assert shown["about"] == "Your video will be a spoiler, like the one it's made from."
    if restart:
        await world.restart()
    made = await submit(world.other, opened, extras=[])
    await until(world, made, READY)
    media = [item for part in components(made.response) for item in [part, *part.get("items", [])]]
    covered = [item["spoiler"] for item in media if "media" in item]
    assert len(covered) == 2
    assert all(covered)


async def test_a_spoiler_stays_one_where_the_files_were_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.intake.intake.KEEP_MAX", 10)
    asked = await ask(world, spoiler=True)
    await until(world, asked, READY)
    opened = await press(world.other, asked, "Again")
    assert fields(opened)["files"]["about"] == "I don't have the files of this video. Attach your own."
    await world.restart()
    made = await submit(world.other, opened, files=[("mine.png", picture())], extras=[])
    await until(world, made, READY)
    galleries = [part for part in components(made.response) if "items" in part]
    assert [item["spoiler"] for part in galleries for item in part["items"]] == [True]


async def test_a_private_video_is_nobody_elses(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, private=True)
    await until(world, asked, READY)
    ids = {part["label"]: part["custom_id"] for part in components(asked.response) if "custom_id" in part}
    await world.restart()
    for label in ("Again", "Edit"):
        [clicked] = await presses(world, world.other, asked, ids[label])
        assert clicked.modal is None
        assert f"This video belongs to {world.member.mention}" in private_answer(clicked)
    assert cloud.paid == 1


async def test_what_was_deleted_is_not_remixed(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    opened = await press(world.other, asked, "Again")
    for method in ("DELETE", "PATCH"):  # the card stays for now
        for route in ("/webhooks/*/*/messages/1*", "/channels/*/messages/*"):
            world.env.inject_error(method, route, status=403, code=50001, times=None)
    assert "I'll keep trying" in await delete(world.moderator, asked)
    await world.restart()
    for label in ("Again", "Edit"):
        assert private_answer(await press(world.other, asked, label)) == "🗑️ This video was deleted."
    assert opened.modal is not None
    assert cloud.paid == 1


async def test_closing_the_form_by_mistake_is_no_second_click(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    for _ in range(2):
        assert (await press(world.other, asked, "Again")).modal is not None
    assert "Only" in private_answer(await press(world.other, asked, "Delete"))
