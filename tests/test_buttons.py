"""The buttons of a card: cancel, again, open, delete; for whom, and after a restart."""

from __future__ import annotations

import pytest
from simcord import InteractionResult

from demo import gmi_script as script
from demo.gmi_cloud import GmiCloud
from demo.gmi_script import Outcome
from demo.world import World, components, texts
from tests.media import clip, picture
from tests.member import (
    ask,
    assert_quota_untouched,
    card_text,
    fields,
    filled_in,
    press,
    private_answer,
    until,
)

READY = "✅ Your video is ready"


def labels(asked: InteractionResult) -> list[str]:
    return [each["label"] for each in components(asked.response) if each["type"] == 2]


async def test_each_state_has_the_buttons_that_make_sense(world: World) -> None:
    asked = await ask(world)
    assert labels(asked) == ["Cancel"]
    await until(world, asked, "🎬 Rendering")
    assert labels(asked) == ["Cancel"]
    await until(world, asked, READY)
    assert labels(asked) == ["Again", "Edit", "Delete", "Open"]


@pytest.mark.parametrize("restart", [False, True])
async def test_cancel_in_line_is_cancelled_and_refunded(restart: bool, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world)
    if restart:
        await world.restart()
    answer = await press(world.member, asked, "Cancel")
    assert "🚫 Cancelled. Your quota has it back." in private_answer(answer)
    assert "🚫 Cancelled" in card_text(asked)
    assert_quota_untouched(world)
    assert labels(asked) == ["Again", "Edit", "Delete"]


async def test_cancel_while_it_is_rendered_is_too_late_and_the_video_still_comes(
    world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world)
    await until(world, asked, "🎬 Rendering")
    assert "Too late to cancel" in private_answer(await press(world.member, asked, "Cancel"))
    await until(world, asked, READY)
    assert cloud.paid == 1


async def test_cancel_while_it_waits_to_be_sent_never_sends_it(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.rate_limited(60000))
    asked = await ask(world)
    assert "🚫 Cancelled" in private_answer(await press(world.moderator, asked, "Cancel"))
    await world.env.advance_time(600)
    assert cloud.paid == 0
    assert len([seen for seen in cloud.requests_seen if seen.method == "POST"]) == 1
    assert_quota_untouched(world)


async def test_strangers_get_a_kind_sentence(world: World) -> None:
    asked = await ask(world)
    assert f"Only {world.member.mention} and moderators can cancel" in private_answer(
        await press(world.other, asked, "Cancel")
    )
    await until(world, asked, READY)
    for label, told in (("Delete", "and moderators can delete"), ("Again", "With `/vidu` you can make")):
        assert told in private_answer(await press(world.other, asked, label))
    assert "With `/vidu`" in private_answer(await press(world.moderator, asked, "Again"))
    assert READY in card_text(asked)


@pytest.mark.parametrize("who", ["member", "moderator"])
async def test_delete_leaves_who_did_it(who: str, world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    person = getattr(world, who)
    await world.restart()
    await press(person, asked, "Delete")
    assert card_text(asked) == f"🗑️ Deleted by {person.mention}."
    assert asked.response is not None
    assert asked.response.attachments == []


async def test_again_next_week_with_a_new_seed(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, seed=5, duration=3, image1=("a.png", picture()), video1=("b.mp4", clip()))
    await until(world, asked, READY)
    await world.env.advance_time(7 * 24 * 3600)
    await world.restart()
    again = await press(world.member, asked, "Again")
    text = await until(world, again, READY)
    assert "a fox in the snow" in text
    assert "From a.png, b.mp4" in text
    first, second = [seen.body["payload"] for seen in cloud.requests_seen if seen.method == "POST"]
    assert first["seed"] == 5
    assert second["seed"] != 5
    assert (second["prompt"], second["duration"]) == (first["prompt"], 3)
    assert second["images"][0] != first["images"][0]
    assert "reference-1" in second["images"][0]
    assert READY in card_text(asked)


async def test_again_after_a_failure(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.failed("TaskTimeout"))
    asked = await ask(world)
    await until(world, asked, "❌ No video")
    again = await press(world.member, asked, "Again")
    await until(world, again, READY)


@pytest.mark.settings(quota_videos=1)
async def test_again_counts_like_any_other(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    assert "You have used 1 of 1 videos" in private_answer(await press(world.member, asked, "Again"))
    assert cloud.paid == 1


async def test_where_the_references_were_too_large_to_keep_it_is_told(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.intake.KEEP_MAX", 10)
    asked = await ask(world, seed=5)
    await until(world, asked, READY)
    assert "From fox.png" in card_text(asked)
    for label, seed in (("Again", None), ("Edit", "5")):
        opened = await press(world.member, asked, label)
        assert "could not keep the files" in fields(opened)["files"]["about"]
        assert fields(opened)["files"]["required"]
        assert filled_in(opened)["prompt"] == "a fox in the snow"
        assert filled_in(opened).get("seed") == seed
    assert cloud.paid == 1


async def test_a_cancelled_card_cannot_be_cancelled_again(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world)
    await press(world.member, asked, "Cancel")
    assert "🚫 Cancelled" in card_text(asked)
    assert labels(asked) == ["Again", "Edit", "Delete"]
    assert "\n".join(texts(asked.response)).count("Cancelled") == 1
