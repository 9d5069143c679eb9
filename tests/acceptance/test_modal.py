"""The form: for what `/vidu` was not given, and after a refusal; also when the bot restarts meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from simcord.backend.cdn import CdnStore

from bot.storage.drafts import DraftStore
from bot.storage.storage import StorageUnavailable
from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, picture
from fakes.world import World, components
from tests.acceptance.member import (
    ask,
    assert_nothing_spent,
    fields,
    filled_in,
    press,
    private_answer,
    submit,
    until,
)

READY = "✅ Your video is ready"
RETRY = "Edit and try again"
HOUR = 3600
RESTARTS = pytest.mark.parametrize("restart", [False, True], ids=["", "restart"])


def posts(cloud: GmiCloud) -> list[dict[str, object]]:
    return [seen.body["payload"] for seen in cloud.requests_seen if seen.method == "POST"]


def names(urls: object) -> list[str]:
    assert isinstance(urls, list)
    return [str(url).rsplit("/", 1)[1] for url in urls]


async def test_it_has_a_field_for_everything(world: World) -> None:
    opened = await world.member.slash(world.channel, "vidu")
    shown = fields(opened)
    assert list(shown) == ["prompt", "files", "duration", "seed", "extras"]
    assert shown["files"]["max_values"] == 7
    assert shown["files"]["required"]
    assert [option["label"] for option in shown["duration"]["options"]][::9] == ["1 second", "10 seconds"]
    assert [option["value"] for option in shown["extras"]["options"]] == ["spoiler", "private"]
    assert filled_in(opened) == {"duration": ["5"], "extras": []}


async def test_what_the_command_was_given_is_filled_in(world: World) -> None:
    opened = await world.member.slash(
        world.channel, "vidu", prompt="a fox", duration=3, seed=7, spoiler=True, private=True
    )
    assert filled_in(opened) == {
        "prompt": "a fox",
        "duration": ["3"],
        "seed": "7",
        "extras": ["spoiler", "private"],
    }


@RESTARTS
async def test_several_files_at_once_become_a_video(restart: bool, world: World, cloud: GmiCloud) -> None:
    opened = await world.member.slash(world.channel, "vidu")
    if restart:
        await world.restart()
    files = [("a.png", picture()), ("b.mp4", clip()), ("c.jpg", picture())]
    asked = await submit(world.member, opened, prompt="a fox", files=files, duration=["2"], seed="42")
    text = await until(world, asked, READY)
    assert "2 seconds · seed 42" in text
    [payload] = posts(cloud)
    assert (names(payload["images"]), names(payload["videos"])) == (["a.png", "c.jpg"], ["b.mp4"])
    assert (payload["prompt"], payload["duration"], payload["seed"]) == ("a fox", 2, 42)


async def test_files_whose_links_have_expired_are_asked_for_again(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CdnStore.store_attachment

    def signed(self: CdnStore, *given: Any) -> dict[str, Any]:
        """Store a file under a link as Discord signs it, for one day."""
        stored = store(self, *given)
        expires = int(world.env.now().timestamp()) + 24 * HOUR
        url = f"{stored['url']}?ex={expires:x}&is={expires - 24 * HOUR:x}&hm=0"
        self._blobs[url] = self._blobs.pop(stored["url"])
        return stored | {"url": url, "proxy_url": url}

    monkeypatch.setattr(CdnStore, "store_attachment", signed)
    refused = await ask(world, prompt="a fox", image1=("my_fox.png", picture(64, 64)))
    await world.env.advance_time(20 * HOUR)
    again = await press(world.member, refused, RETRY)
    assert "my_fox.png" in fields(again)["files"]["about"]
    refused = await submit(world.member, again)
    await world.env.advance_time(20 * HOUR)
    again = await press(world.member, refused, RETRY)
    assert fields(again)["files"]["about"] == "Discord no longer has your files. Attach them again."
    assert fields(again)["files"]["required"]
    assert filled_in(again)["prompt"] == "a fox"
    await submit(world.member, again, files=[("new_fox.png", picture())])
    assert names(posts(cloud)[0]["images"])[0].startswith("new_fox.png")


@RESTARTS
async def test_files_without_a_prompt_are_kept_for_the_form(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    opened = await world.member.slash(world.channel, "vidu", image1=("my_fox.png", picture()))
    assert fields(opened)["files"]["about"] == "Leave empty to keep my_fox.png. New files replace these."
    assert not fields(opened)["files"]["required"]
    if restart:
        await world.restart()
    await submit(world.member, opened, prompt="a fox")
    assert names(posts(cloud)[0]["images"]) == ["my_fox.png"]


async def test_seven_pictures_fit_and_a_clip_beside_them_does_not(world: World, cloud: GmiCloud) -> None:
    pictures = [(f"{n}.png", picture()) for n in range(7)]
    opened = await world.member.slash(world.channel, "vidu", prompt="a fox")
    await submit(world.member, opened, files=pictures)
    assert cloud.paid == 1
    opened = await world.member.slash(world.channel, "vidu", prompt="a fox")
    asked = await submit(world.member, opened, files=[*pictures[1:], ("b.mp4", clip())])
    assert "There are 6 images, but with videos the limit is 4. Remove 2." in private_answer(asked)
    assert cloud.paid == 1


async def test_what_a_file_is_its_bytes_decide(world: World, cloud: GmiCloud) -> None:
    opened = await world.member.slash(world.channel, "vidu", prompt="a fox")
    await submit(world.member, opened, files=[("really-a-clip.png", clip()), ("picture.mp4", picture())])
    [payload] = posts(cloud)
    assert names(payload["videos"]) == ["really-a-clip.png"]
    assert names(payload["images"]) == ["picture.mp4"]
    opened = await world.member.slash(world.channel, "vidu", prompt="a fox")
    files = [(f"{n}.png", clip()) for n in range(3)] + [("note.txt", b"hello there")]
    text = private_answer(await submit(world.member, opened, files=files))
    assert "note.txt** is a text file. Attach a PNG, JPEG, WebP, MP4 or MOV instead." in text
    opened = await world.member.slash(world.channel, "vidu", prompt="a fox")
    asked = await submit(world.member, opened, files=files[:3])
    assert "There are 3 videos, but the limit is 2. Remove 1." in private_answer(asked)
    assert cloud.paid == 1


@RESTARTS
@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"prompt": "  \u200b "}, "prompt is empty"),
        ({"seed": "a seed"}, "The seed “a seed” isn't a whole number"),
        ({"seed": "0"}, "The seed 0 is out of range"),
        ({"seed": "９"}, "isn't a whole number"),
        ({"files": ("small.png", picture(64, 64))}, "small.png"),
    ],
)
async def test_after_a_refusal_nothing_typed_is_lost(
    typed: dict[str, object], told: str, restart: bool, world: World, cloud: GmiCloud
) -> None:
    opened = await world.member.slash(world.channel, "vidu")
    given: dict[str, object] = {
        "prompt": "a fox in deep snow",
        "files": [("a.png", picture()), ("b.png", picture())],
        "duration": ["7"],
        "seed": "99",
        "extras": ["spoiler"],
    }
    refused = await submit(world.member, opened, **(given | typed))
    assert told in private_answer(refused)
    assert_nothing_spent(world, cloud)
    if restart:
        await world.restart()
    again = await press(world.member, refused, RETRY)
    expected = {"prompt": "a fox in deep snow", "duration": ["7"], "seed": "99", "extras": ["spoiler"]} | {
        name: value for name, value in typed.items() if name == "seed"
    }
    if "prompt" in typed:
        del expected["prompt"]
    assert filled_in(again) == expected
    if restart:
        await world.restart()
    # Only what was wrong is typed once more; the files stay unless new ones are given.
    better = {"prompt": "a fox in deep snow", "seed": "99"}
    if "files" in typed:
        better["files"] = given["files"]  # type: ignore[assignment]
    asked = await submit(world.member, again, **better)
    assert "7 seconds · seed 99" in await until(world, asked, READY)
    assert names(posts(cloud)[0]["images"]) == ["a.png", "b.png"]


@pytest.mark.settings(quota_videos=1)
async def test_a_full_quota_keeps_what_was_typed_too(world: World, cloud: GmiCloud) -> None:
    await until(world, await ask(world), READY)
    refused = await ask(world, prompt="a second fox")
    assert "You've used 1 of 1 video" in private_answer(refused)
    await world.env.advance_time(23.9 * 3600)
    again = await press(world.member, refused, "Try again")
    await world.env.advance_time(600)
    await until(world, await submit(world.member, again), READY)
    assert posts(cloud)[1]["prompt"] == "a second fox"


async def test_after_a_day_it_says_that_it_has_forgotten(world: World) -> None:
    refused = await ask(world, image1=("a.txt", b"hello there"))
    await world.env.advance_time(25 * 3600)
    await ask(world, image1=("b.txt", b"hello there"))
    assert "I only keep what you typed for a day" in private_answer(await press(world.member, refused, RETRY))


async def test_a_form_left_open_for_days_still_keeps_what_was_typed(world: World, cloud: GmiCloud) -> None:
    opened = await world.member.slash(world.channel, "vidu", image1=("a.png", picture()))
    await world.env.advance_time(25 * 3600)
    await ask(world, image1=("b.txt", b"hello there"))
    refused = await submit(world.member, opened, prompt="a fox")
    assert "There's no image or video" in private_answer(refused)
    again = await press(world.member, refused, RETRY)
    assert filled_in(again)["prompt"] == "a fox"
    await submit(world.member, again, files=("a.png", picture()))
    assert cloud.paid == 1


async def test_two_members_type_at_the_same_time_and_neither_gets_the_others(
    world: World, cloud: GmiCloud
) -> None:
    mine = await world.member.slash(world.channel, "vidu")
    theirs = await world.other.slash(world.channel, "vidu")
    await submit(world.member, mine, prompt="a fox", files=("fox.png", picture()))
    await submit(world.other, theirs, prompt="a hen", files=("hen.png", picture()), extras=["private"])
    assert [(each["prompt"], names(each["images"])) for each in posts(cloud)] == [
        ("a fox", ["fox.png"]),
        ("a hen", ["hen.png"]),
    ]


async def test_a_blocked_member_is_told_by_the_form_too(world: World, cloud: GmiCloud) -> None:
    opened = await world.member.slash(world.channel, "vidu", prompt="a fox")
    await world.moderator.slash(world.channel, "quota set", member=world.member, videos=0)
    refused = await submit(world.member, opened, files=("fox.png", picture()))
    assert "You can't make videos here" in private_answer(refused)
    assert cloud.paid == 0


async def test_a_spoiler_covers_references_and_video(world: World) -> None:
    opened = await world.member.slash(world.channel, "vidu", prompt="a fox")
    files = [("a.png", picture()), ("b.mp4", clip())]
    asked = await submit(world.member, opened, files=files, extras=["spoiler"])
    await world.restart()
    await until(world, asked, READY)
    assert asked.response is not None
    media = [item for each in components(asked.response) for item in each.get("items", [])]
    media += [each for each in components(asked.response) if each["type"] == 11]
    assert len(media) == 2
    assert all(item["spoiler"] for item in media)


async def test_a_private_form_gives_a_private_card(world: World) -> None:
    opened = await world.member.slash(world.channel, "vidu", prompt="a fox")
    asked = await submit(world.member, opened, files=("a.png", picture()), extras=["private"])
    await until(world, asked, READY)
    assert asked.response is not None
    assert asked.response.ephemeral
    assert world.channel.last_message is None


async def test_a_disk_in_trouble_refuses_without_a_button(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise StorageUnavailable("OSError")

    monkeypatch.setattr(DraftStore, "save", fails)
    refused = await ask(world, image1=("a.txt", b"hello there"))
    assert "a.txt" in private_answer(refused)
    assert RETRY not in private_answer(refused)
    answer = await world.member.slash(world.channel, "vidu", image1=("a.png", picture()))
    assert "can't save anything right now" in private_answer(answer)


@pytest.mark.settings(quota_running=9)
async def test_a_form_submitted_twice_is_one_payment(world: World, cloud: GmiCloud) -> None:
    opened = await world.member.slash(world.channel, "vidu", prompt="a fox")
    first = await submit(world.member, opened, files=("fox.png", picture()))
    # Discord keeps a form open of which it has told its member that something went wrong.
    opened._interaction.modal_consumed = False
    second = await submit(world.member, opened, files=("fox.png", picture()))
    assert "one click is enough" in private_answer(second)
    await until(world, first, READY)
    assert cloud.paid == 1


@pytest.mark.settings(quota_running=9)
async def test_two_forms_with_different_words_are_two_videos(world: World, cloud: GmiCloud) -> None:
    for prompt in ("a fox", "a bear"):
        opened = await world.member.slash(world.channel, "vidu", prompt=prompt)
        await submit(world.member, opened, files=("fox.png", picture()))
    assert cloud.paid == 2
