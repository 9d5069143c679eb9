"""Where the operator allows the bot: elsewhere nothing is spent, and what was paid for still arrives."""

from __future__ import annotations

import logging

import pytest
from simcord import InteractionResult, UserHandle

from bot.intake.access import log_access
from bot.models.access import AccessRule
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.media import picture
from fakes.world import World
from tests.acceptance.member import ask, assert_nothing_spent, card_text, press, private_answer, submit, until

READY = "✅ Your video is ready"
REFUSED = "The people who run this bot don't allow this here, so nothing was sent."
ELSEWHERE = 123456789012345678  # the only server that is allowed, and not the one that the tests act in
NOT_HERE = pytest.mark.settings(allowed_servers=frozenset({ELSEWHERE}))
EVERY_QUOTA_COMMAND = ("quota set", "quota clear", "quota reset", "quota show", "quota usage")


async def leave_out(world: World) -> None:
    """Take the server of the tests off the list."""
    await world.restart(allowed_servers=frozenset({ELSEWHERE}))


async def ask_directly(user: UserHandle) -> InteractionResult:
    asked: InteractionResult = await user.slash(
        "vidu", prompt="a fox in the snow", image1=("fox.png", picture())
    )
    return asked


def posts(cloud: GmiCloud) -> int:
    return sum(seen.method == "POST" for seen in cloud.requests_seen)


async def test_in_a_server_on_the_list_everything_works_and_elsewhere_nothing_is_spent(
    world: World, cloud: GmiCloud
) -> None:
    await world.restart(allowed_servers=frozenset({ELSEWHERE, world.guild.id}))
    other_guild = world.env.create_guild("Another server")
    other_channel = other_guild.create_text_channel("videos")
    stranger = other_guild.add_member(world.env.create_user("zoe"))
    await until(world, await ask(world), READY)
    refused = await stranger.slash(other_channel, "vidu", prompt="a fox", image1=("fox.png", picture()))
    assert REFUSED in private_answer(refused)
    assert cloud.paid == posts(cloud) == 1


@pytest.mark.parametrize("typed", [{"prompt": "a fox"}, {"image1": ("fox.png", picture())}, {}])
@NOT_HERE
async def test_no_form_opens_where_the_bot_is_not_allowed(
    typed: dict[str, object], world: World, cloud: GmiCloud
) -> None:
    refused = await world.member.slash(world.channel, "vidu", **typed)
    assert refused.modal is None
    assert REFUSED in private_answer(refused)
    assert_nothing_spent(world, cloud)


@NOT_HERE
async def test_the_message_command_is_refused_as_well(world: World, cloud: GmiCloud) -> None:
    message = await world.other.send(world.channel, attachments=[("hen.png", picture())])
    refused = await world.member.context_menu(world.channel, "Make a video from this", message)
    assert refused.modal is None
    assert REFUSED in private_answer(refused)


@NOT_HERE
@pytest.mark.parametrize("command", EVERY_QUOTA_COMMAND)
async def test_moderators_of_another_server_set_no_quotas(command: str, world: World) -> None:
    options: dict[str, object] = {"member": world.member} if command == "quota reset" else {}
    refused = await world.moderator.slash(
        world.channel, command, **options, **({"videos": 9} if command == "quota set" else {})
    )
    assert REFUSED in private_answer(refused)
    assert not world.bot.quota_service.rules(world.guild.id)


@pytest.mark.parametrize(
    ("servers", "direct", "allowed"),
    [
        (frozenset(), None, True),
        (frozenset(), False, False),
        (frozenset({ELSEWHERE}), None, False),
        (frozenset({ELSEWHERE}), True, True),
    ],
)
async def test_direct_messages_are_allowed_as_the_operator_says(
    servers: frozenset[int], direct: bool | None, allowed: bool, world: World, cloud: GmiCloud
) -> None:
    await world.restart(allowed_servers=servers, allow_direct=direct)
    user = world.env.create_user("zoe")
    asked = await ask_directly(user)
    if allowed:
        await until(world, asked, READY)
    else:
        assert REFUSED in private_answer(asked)
    assert cloud.paid == int(allowed)
    listed = await user.slash("videos")
    assert REFUSED not in private_answer(listed)


async def test_a_form_that_was_open_when_its_server_was_taken_off_starts_nothing(
    world: World, cloud: GmiCloud
) -> None:
    opened = await world.member.slash(world.channel, "vidu", image1=("fox.png", picture()))
    await leave_out(world)
    assert REFUSED in private_answer(await submit(world.member, opened, prompt="a fox"))
    assert_nothing_spent(world, cloud)


async def test_a_refused_draft_is_not_reopened_after_its_server_was_taken_off(
    world: World, cloud: GmiCloud
) -> None:
    refused = await ask(world, prompt="   ")
    await leave_out(world)
    reopened = await press(world.member, refused, "Edit and try again")
    assert reopened.modal is None
    assert REFUSED in private_answer(reopened)
    assert_nothing_spent(world, cloud)


@pytest.mark.parametrize("label", ["Again", "Edit"])
async def test_the_buttons_that_make_videos_are_refused_after_the_server_was_taken_off(
    label: str, world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    await leave_out(world)
    refused = await press(world.member, asked, label)
    assert refused.modal is None
    assert REFUSED in private_answer(refused)
    assert cloud.paid == posts(cloud) == 1


async def test_what_was_paid_for_arrives_and_can_be_shown_after_the_server_was_taken_off(
    world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(script.Outcome(delay=60))
    asked = await ask(world)
    await leave_out(world)
    await until(world, asked, READY)
    listed = await world.member.slash(world.channel, "videos")
    assert "a fox in the snow" in card_text(listed)
    assert REFUSED not in card_text(listed)
    shown = await press(world.member, listed, "Show")
    assert READY in card_text(shown)


async def test_the_pages_of_my_videos_turn_after_the_server_was_taken_off(world: World) -> None:
    await world.restart(quota_videos=99)
    for _ in range(6):
        await until(world, await ask(world), READY)
    await leave_out(world)
    listed = await world.member.slash(world.channel, "videos")
    await press(world.member, listed, "Older")
    assert "page 2 of 2" in card_text(listed)


async def test_cancel_and_delete_work_after_the_server_was_taken_off(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.Outcome(delay=600))
    asked = await ask(world)
    done = await ask(world)
    await until(world, done, READY)
    await leave_out(world)
    assert "🚫 Canceled" in private_answer(await press(world.member, asked, "Cancel"))
    await press(world.member, done, "Delete")
    assert READY not in card_text(done)


@pytest.mark.parametrize(
    ("access", "public", "warned"),
    [
        (AccessRule(), True, True),
        (AccessRule(direct=False), True, True),
        (AccessRule(), False, False),
        (AccessRule(), None, False),
        (AccessRule(frozenset({ELSEWHERE})), True, False),
    ],
)
def test_the_operator_is_warned_of_strangers(
    access: AccessRule, public: bool | None, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "bot"):
        log_access(access, public=public)
    [in_force, *warnings] = caplog.records
    assert str(access) in in_force.getMessage()
    assert [record.levelno for record in warnings] == [logging.WARNING] * warned
    assert all("turn Public Bot off" in record.getMessage() for record in warnings)
    assert all("set ALLOWED_SERVERS" in record.getMessage() for record in warnings)


async def test_at_the_start_the_log_tells_of_a_public_bot_that_anyone_may_use(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "bot"):
        await world.restart()
        assert "Anyone can add this bot to their server and make videos at your cost" in caplog.text
        caplog.clear()
        await leave_out(world)
    assert f"Members may use the bot in these servers: {ELSEWHERE}" in caplog.text
    assert "Anyone can add this bot" not in caplog.text
