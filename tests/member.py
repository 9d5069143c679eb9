"""What a member does and sees, for tests."""

from __future__ import annotations

from simcord import InteractionResult

from demo.gmi_cloud import GmiCloud
from demo.world import World, texts
from tests.media import picture


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
    standing = world.bot.quotas.standing(world.guild.id, world.member.id, [], world.env.now())
    assert (standing.used_videos, standing.used_seconds, standing.running) == (0, 0, 0)


async def until(world: World, asked: InteractionResult, words: str, seconds: float = 120) -> str:
    """Let time pass until the card says these words."""
    for _ in range(int(seconds * 2)):
        if words in card_text(asked):
            return card_text(asked)
        await world.env.advance_time(0.5)
    raise AssertionError(f"{words!r} never came; the card says {card_text(asked)!r}")
