"""What a member does and sees, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from discord import ComponentType, InteractionType
from simcord import InteractionResult, MemberActor, interactions
from simcord.backend import serializers

from fakes.gmi.cloud import GmiCloud
from fakes.media import picture
from fakes.world import World, texts


async def ask(world: World, **options: object) -> InteractionResult:
    """Run /vidu with a picture and a prompt unless the test says otherwise."""
    defaults: dict[str, object] = {"prompt": "a fox in the snow"}
    if not any(name.startswith(("image", "video")) for name in options):
        defaults["image1"] = ("fox.png", picture())
    return await world.member.slash(world.channel, "vidu", **(defaults | options))


def card_text(asked: InteractionResult) -> str:
    assert asked.response is not None
    return "\n".join(texts(asked.response))


def private_answer(asked: InteractionResult) -> str:
    """Return the one ephemeral text that a refused member reads; nothing public may be left."""
    if asked.response is not None:
        assert asked.response.ephemeral
        return "\n".join(texts(asked.response))
    assert len(asked.followups) == 1
    assert asked.followups[0].ephemeral
    return "\n".join(texts(asked.followups[0]))


def assert_nothing_spent(world: World, cloud: GmiCloud) -> None:
    assert cloud.paid == 0
    assert_quota_untouched(world)


def assert_quota_untouched(world: World) -> None:
    standing = world.bot.quota_service.status(world.guild.id, world.member.id, [])
    assert (standing.used_videos, standing.used_seconds, standing.running) == (0, 0, 0)


async def until(world: World, asked: InteractionResult, words: str, seconds: float = 120) -> str:
    """Let time pass until the card says these words."""
    deadline = world.env.now() + timedelta(seconds=seconds)
    while words not in card_text(asked):
        now = world.env.now()
        assert now < deadline, f"{words!r} never came; the card says {card_text(asked)!r}"
        # Straight to the next moment at which the bot does something.
        step = min(deadline, world.clock.next_end or deadline) - now
        await world.env.advance_time(max(step.total_seconds(), 0.001))
    return card_text(asked)


def fields(opened: InteractionResult) -> dict[str, dict[str, Any]]:
    """Return the fields of the window that an answer opened, with the words beside them, by name."""
    assert opened.modal is not None, "no window was opened"
    found = {}
    for label in opened.modal["components"]:
        field = label["component"]
        found[field["custom_id"]] = field | {"label": label["label"], "about": label.get("description", "")}
    return found


def filled_in(opened: InteractionResult) -> dict[str, object]:
    """Return what a window already holds, as a member would submit it unchanged."""
    values: dict[str, object] = {}
    for name, field in fields(opened).items():
        if "options" in field:
            chosen = [option["value"] for option in field["options"] if option.get("default")]
            values[name] = chosen
        elif field.get("value"):
            values[name] = field["value"]
    return values


async def submit(who: MemberActor, opened: InteractionResult, **typed: object) -> InteractionResult:
    """Submit a window with what it holds, changed by what is typed."""
    return await who.submit_modal(opened, filled_in(opened) | typed)


async def press(who: MemberActor, asked: InteractionResult, label: str) -> InteractionResult:
    """Press a button of an answer: of the card, or of the private answer that took its place."""
    message = asked.response or asked.followups[0]
    return await who.click(message, label=label)


async def presses(
    world: World, who: MemberActor, asked: InteractionResult, custom_id: str, times: int = 1
) -> list[InteractionResult]:
    """Press a button so many times at the same moment, also one that the message has lost meanwhile."""
    return await press_at_once(world, [(who, asked, custom_id)] * times)


async def press_at_once(
    world: World, clicks: Sequence[tuple[MemberActor, InteractionResult, str]]
) -> list[InteractionResult]:
    """Let members press buttons, each of an answer and by its id, all at the same moment."""
    backend = world.env.backend
    records = []
    for who, asked, custom_id in clicks:
        assert asked.response is not None
        stored = backend.messages[world.channel.id][asked.response.id]
        record, payload = interactions.base_payload(
            backend,
            type=InteractionType.component.value,
            channel_id=world.channel.id,
            guild_id=world.guild.id,
            user_id=who.id,
            data={"custom_id": custom_id, "component_type": ComponentType.button.value},
        )
        record.source_message_id = stored.id
        backend.emit(
            "INTERACTION_CREATE", payload | {"message": serializers.message_payload(backend, stored)}
        )
        records.append(record)
    await world.env.settle()
    return [InteractionResult(world.env, record) for record in records]
