"""The buttons of a card: cancel, again, open, delete; for whom, and after a restart."""

from __future__ import annotations

from typing import Any

import pytest
from simcord import InteractionResult

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.media import clip, picture
from fakes.world import World, components, texts
from tests.acceptance.member import (
    ask,
    assert_quota_untouched,
    card_text,
    fields,
    filled_in,
    press,
    presses,
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
    assert labels(asked) == []
    await until(world, asked, READY)
    assert labels(asked) == ["Again", "Edit", "Continue", "Delete", "Open"]


@pytest.mark.parametrize("restart", [False, True])
async def test_cancel_in_line_is_cancelled_and_refunded(restart: bool, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world)
    if restart:
        await world.restart()
    answer = await press(world.member, asked, "Cancel")
    assert "🚫 Canceled. This doesn't count towards your quota." in private_answer(answer)
    assert "🚫 Canceled" in card_text(asked)
    assert_quota_untouched(world)
    assert labels(asked) == ["Again", "Edit", "Delete"]


def button_id(asked: InteractionResult, label: str) -> str:
    [button] = [each for each in components(asked.response) if each.get("label") == label]
    return str(button["custom_id"])


def calls(cloud: GmiCloud, method: str) -> int:
    return len([seen for seen in cloud.requests_seen if seen.method == method])


async def test_cancel_while_it_is_rendered_is_too_late_and_deletes_nothing(
    world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world)
    await world.env.advance_time(3.2)
    assert "⏳ Waiting in line" in card_text(asked)
    # GMI has begun to render, and the card does not show it yet.
    assert "Too late to cancel" in private_answer(await press(world.member, asked, "Cancel"))
    assert "🎬 Rendering" in card_text(asked)
    assert labels(asked) == []
    await until(world, asked, READY)
    assert (calls(cloud, "DELETE"), cloud.paid) == (0, 1)


@pytest.mark.parametrize(
    ("state", "told"), [("🎬 Rendering", "Too late to cancel"), (READY, "already ended")]
)
@pytest.mark.parametrize("restart", [False, True])
async def test_cancel_on_an_old_list_deletes_nothing(
    restart: bool, state: str, told: str, world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world)
    old = await world.member.slash(world.channel, "videos")
    await until(world, asked, state)
    if restart:
        await world.restart()
    assert told in private_answer(await press(world.member, old, "Cancel"))
    await until(world, asked, READY)
    assert (calls(cloud, "DELETE"), cloud.paid) == (0, 1)


async def test_rendering_cannot_be_cancelled_from_the_list(world: World) -> None:
    await until(world, await ask(world), "🎬 Rendering")
    assert labels(await world.member.slash(world.channel, "videos")) == []


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/requests/req-*"), ("DELETE", "/requests/req-*")], ids=["GET", "DELETE"]
)
async def test_cancel_tells_where_gmi_does_not(method: str, path: str, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world)
    cloud.fault(method, path, script.HTML_PAGE.repeated(2))
    text = private_answer(await press(world.member, asked, "Cancel"))
    assert ("hasn't said" if method == "GET" else "didn't cancel it") in text
    assert calls(cloud, "DELETE") == (method == "DELETE")
    await until(world, asked, READY)


async def test_an_unknown_status_is_not_cancelled(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(working_word="warming_up", delay=-3))
    asked = await ask(world)
    assert "hasn't said" in private_answer(await press(world.member, asked, "Cancel"))
    assert calls(cloud, "DELETE") == 0


async def test_cancel_while_it_waits_to_be_sent_never_sends_it(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.rate_limited(60000))
    asked = await ask(world)
    assert "🚫 Canceled" in private_answer(await press(world.moderator, asked, "Cancel"))
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
    assert "and moderators can delete" in private_answer(await press(world.other, asked, "Delete"))
    assert READY in card_text(asked)


async def test_again_next_week_with_a_new_seed(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, seed=5, duration=3, image1=("a.png", picture()), video1=("b.mp4", clip()))
    await until(world, asked, READY)
    await world.env.advance_time(7 * 24 * 3600)
    await world.restart()
    again = await press(world.member, asked, "Again")
    text = await until(world, again, READY)
    assert "a fox in the snow" in text
    assert "References: a.png, b.mp4" in text
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
    await until(world, asked, "❌ Couldn't make the video")
    again = await press(world.member, asked, "Again")
    await until(world, again, READY)


@pytest.mark.settings(quota_videos=1)
async def test_again_counts_like_any_other(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    assert "You've used 1 of 1 video" in private_answer(await press(world.member, asked, "Again"))
    assert cloud.paid == 1


async def test_where_the_references_were_too_large_to_keep_it_is_told(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.intake.intake.KEEP_MAX", 10)
    asked = await ask(world, seed=5)
    await until(world, asked, READY)
    assert "Reference: fox.png" in card_text(asked)
    for label, seed in (("Again", None), ("Edit", "5")):
        opened = await press(world.member, asked, label)
        assert "couldn't get the files" in fields(opened)["files"]["about"]
        assert fields(opened)["files"]["required"]
        assert filled_in(opened)["prompt"] == "a fox in the snow"
        assert filled_in(opened).get("seed") == seed
    assert cloud.paid == 1


async def test_a_cancelled_card_cannot_be_cancelled_again(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world)
    await press(world.member, asked, "Cancel")
    assert "🚫 Canceled" in card_text(asked)
    assert labels(asked) == ["Again", "Edit", "Delete"]
    assert "\n".join(texts(asked.response)).count("Canceled") == 1


ONE_CLICK = "one click is enough"


@pytest.mark.settings(quota_running=9)
@pytest.mark.parametrize("restart", [False, True])
async def test_again_pressed_several_times_at_once_is_one_payment(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    if restart:
        await world.restart()
    pressed = await presses(world, world.member, asked, button_id(asked, "Again"), times=5)
    [again] = [each for each in pressed if each.response is not None and not each.response.ephemeral]
    for other in pressed:
        assert other is again or ONE_CLICK in private_answer(other)
    await until(world, again, READY)
    assert cloud.paid == 2


@pytest.mark.settings(quota_running=9)
async def test_again_pressed_twice_within_moments_is_one_payment_and_later_another(
    world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    await press(world.member, asked, "Again")
    await world.env.advance_time(4)
    assert ONE_CLICK in private_answer(await press(world.member, asked, "Again"))
    assert cloud.paid == 2
    await world.env.advance_time(1)
    await until(world, await press(world.member, asked, "Again"), READY)
    assert cloud.paid == 3


async def test_cancel_pressed_twice_is_one_deletion(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world)
    pressed = await presses(world, world.member, asked, button_id(asked, "Cancel"), times=2)
    done, repeated = sorted(map(private_answer, pressed), reverse=True)
    assert "🚫 Canceled" in done
    assert ONE_CLICK in repeated
    assert calls(cloud, "DELETE") == 1


async def test_two_people_press_the_same_button(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world)
    mine = await world.member.slash(world.channel, "videos")
    cancel = button_id(asked, "Cancel")
    assert "Only" in private_answer((await presses(world, world.other, asked, cancel))[0])
    assert "Only" in private_answer((await presses(world, world.other, asked, cancel))[0])
    assert "🚫 Canceled" in private_answer((await presses(world, world.moderator, asked, cancel))[0])
    assert "already ended" in private_answer(await press(world.member, mine, "Cancel"))


async def test_edit_opens_again_at_once_for_it_spends_nothing(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    for _ in range(2):
        assert filled_in(await press(world.member, asked, "Edit"))["prompt"] == "a fox in the snow"


async def test_a_press_that_discord_sends_twice_is_answered_once(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    seen: list[Any] = []
    world.env.backend.subscribers.append(lambda event, payload: seen.append((event, payload)))
    again = await press(world.member, asked, "Again")
    world.env.backend.subscribers.pop()
    [payload] = [payload for event, payload in seen if event == "INTERACTION_CREATE"]
    world.env.backend.emit("INTERACTION_CREATE", payload)
    await world.env.settle()
    await until(world, again, READY)
    assert again.followups == []
    assert cloud.paid == 2
