"""`/privacy`: a member sees, takes along and erases what is stored about them, and nobody else's."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import discord
import pytest
import sqlalchemy as sa
from simcord import InteractionResult, MemberActor

from bot.models.moderation import AgeRule, FilterEntry
from bot.models.quotas import Period, Rule, Scope
from bot.moderation import retention
from bot.storage.schema import erasures, jobs
from fakes.gmi.cloud import GmiCloud
from fakes.media import picture
from fakes.world import World
from tests.acceptance.member import ask, card_text, press, private_answer, until

READY = "✅ Your video is ready"
ERASED = "🗑️ I've erased what I had saved about this video"
HOUR, DAY = 3600, 24 * 3600


async def rows(world: World, table: sa.Table = jobs) -> list[Any]:
    async with world.bot.storage.database.transaction(reads=True) as connection:
        return list((await connection.execute(sa.select(table))).all())


async def privacy(world: World, who: MemberActor, command: str) -> InteractionResult:
    asked = await who.slash(world.channel, f"privacy {command}")
    assert asked.response is not None
    assert asked.response.ephemeral
    return asked


async def erase(world: World, who: MemberActor, *, restart: bool = False) -> str:
    asked = await privacy(world, who, "erase")
    if restart:
        await world.restart()
    await press(who, asked, "Erase")
    return card_text(asked)


async def exported(world: World, who: MemberActor) -> dict[str, Any]:
    asked = await privacy(world, who, "export")
    assert asked.response is not None
    (file,) = asked.response.attachments
    assert file.filename.startswith("vidu-data-")
    assert file.filename.endswith(".json")
    found: dict[str, Any] = json.loads(world.cdn(file.url))
    return found


def used(world: World, who: MemberActor) -> tuple[int, int]:
    status = world.bot.quota_service.status(world.guild.id, who.id, [])
    return status.used_videos, status.used_seconds


async def test_show_says_in_words_and_numbers_what_there_is(world: World) -> None:
    text = card_text(await privacy(world, world.member, "show"))
    assert "What I've saved about you" in text
    assert "Nothing." in text
    assert "30 days after you asked for a video" in text
    for _ in range(2):
        await until(world, await ask(world), READY)
    await ask(world, prompt="a draft", seed=5, image1=("empty.png", b""))
    await world.bot.quota_service.set_rule(world.guild.id, Scope.MEMBER, world.member.id, Rule(9, None))
    await world.restart()
    text = card_text(await privacy(world, world.member, "show"))
    for part in ("**2 videos**, each with its prompt", "**1 draft**", "**1 quota rule**", "The oldest is"):
        assert part in text
    assert "Nothing." in card_text(await privacy(world, world.other, "show"))


async def test_export_is_everything_of_a_member_and_no_secret(world: World) -> None:
    await until(world, await ask(world), READY)
    await ask(world, prompt="an owl in a draft", seed=5, image1=("empty.png", b""))
    await world.restart()
    found = await exported(world, world.member)
    (video,), (draft,) = found["videos"], found["drafts"]
    assert found["user_id"] == world.member.id
    assert (video["prompt"], video["reference_list"][0]["name"]) == ("a fox in the snow", "fox.png")
    assert video["created_at"].startswith("2026-01-01T")
    assert len(video["results"]) == 1
    assert draft["content"]["prompt"] == "an owl in a draft"
    (row,) = await rows(world)
    assert row.token is not None
    assert "token" not in video
    assert row.token not in json.dumps(found)
    assert (await exported(world, world.other))["videos"] == []


@pytest.mark.parametrize("restart", [False, True])
async def test_erase_asks_once_and_erases_everything_but_what_counts(restart: bool, world: World) -> None:
    asked = await ask(world, duration=3)
    await until(world, asked, READY)
    theirs = await world.other.slash(world.channel, "vidu", prompt="an owl", image1=("owl.png", picture()))
    await until(world, theirs, READY)
    await ask(world, prompt="a draft", seed=5, image1=("empty.png", b""))
    question = card_text(await privacy(world, world.member, "erase"))
    for part in ("Erase your data?", "prompts, files and links", "erasing must not reset your quota"):
        assert part in question
    text = await erase(world, world.member, restart=restart)
    assert text == "🗑️ Erased. I don't have your prompts, files and links anymore."
    mine, other = sorted(await rows(world), key=lambda row: row.id)
    assert (mine.prompt, mine.reference_list, mine.results, mine.token) == ("", [], [], None)
    assert (mine.user_id, mine.duration, mine.state) == (world.member.id, 3, "delivered")
    assert other.prompt == "an owl"
    assert used(world, world.member) == (1, 3)
    await world.restart()
    assert used(world, world.member) == (1, 3)
    assert (await exported(world, world.member))["drafts"] == []
    assert "None yet." in card_text(await world.member.slash(world.channel, "videos"))
    shown = card_text(await privacy(world, world.member, "show"))
    assert "**1 erased or deleted video**" in shown
    assert "with its prompt" not in shown


async def test_keep_keeps_everything(world: World) -> None:
    await until(world, await ask(world), READY)
    asked = await privacy(world, world.member, "erase")
    await world.restart()
    await press(world.member, asked, "Keep")
    assert card_text(asked) == "👍 Nothing was erased."
    assert [row.prompt for row in await rows(world)] == ["a fox in the snow"]
    assert await rows(world, erasures) == []


@pytest.mark.parametrize("restart", [False, True])
async def test_what_runs_is_delivered_first_and_erased_then(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world)
    await until(world, asked, "🎬 Rendering")
    text = await erase(world, world.member)
    assert "1 video isn't done yet. You'll still get it" in text
    if restart:
        await world.restart()
    await until(world, asked, READY)
    assert cloud.paid == 1
    await world.env.advance_time(180)
    (row,) = await rows(world)
    assert (row.prompt, row.reference_list, row.results, row.erased) == ("", [], [], True)
    # What is made afterwards is no part of it.
    await until(world, await ask(world, prompt="a new fox"), READY)
    await world.env.advance_time(2 * HOUR)
    assert [row.prompt for row in await rows(world)] == ["", "a new fox"]


@pytest.fixture
def looking_daily(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for what is old once a day: a month has many hours."""
    monkeypatch.setattr(retention, "EVERY", timedelta(days=1))


@pytest.mark.usefixtures("looking_daily")
async def test_the_members_id_goes_once_no_quota_counts_anything(world: World) -> None:
    await until(world, await ask(world), READY)
    await erase(world, world.member)
    await world.restart()
    await world.env.advance_time(29 * DAY)
    assert [row.user_id for row in await rows(world)] == [world.member.id]
    await world.env.advance_time(2 * DAY)
    assert [row.user_id for row in await rows(world)] == [0]
    assert await rows(world, erasures) == []
    assert "Nothing." in card_text(await privacy(world, world.member, "show"))


async def test_the_buttons_of_an_erased_card_answer_in_words(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    listed = await world.member.slash(world.channel, "videos")
    await press(world.member, asked, "Delete")
    await erase(world, world.member)
    await world.restart()
    for label in ("Again", "Edit"):
        assert private_answer(await press(world.member, asked, label)).startswith(ERASED)
    assert private_answer(await press(world.member, listed, "Show")).startswith(ERASED)
    assert private_answer(await press(world.other, asked, "Delete")).startswith(ERASED)
    assert READY in card_text(asked)  # a stranger removes nothing
    await press(world.moderator, asked, "Delete")
    assert card_text(asked) == "🗑️ This video was deleted."


@pytest.mark.settings(retention_days=2)
async def test_what_is_old_goes_by_itself_and_quotas_go_on(world: World) -> None:
    await world.bot.quota_service.set_rule(world.guild.id, Scope.SERVER, None, Rule(3, None, Period.WEEK))
    asked = await ask(world)
    await until(world, asked, READY)
    await world.env.advance_time(DAY)
    assert [row.token for row in await rows(world)] == [None]
    assert READY in card_text(asked)
    assert [row.prompt for row in await rows(world)] == ["a fox in the snow"]
    await world.restart()
    await world.env.advance_time(DAY + 2 * HOUR)
    (row,) = await rows(world)
    assert (row.prompt, row.reference_list, row.results, row.erased) == ("", [], [], True)
    assert (row.user_id, row.state, row.request_id is not None) == (world.member.id, "delivered", True)
    assert private_answer(await press(world.member, asked, "Again")).startswith(ERASED)
    assert used(world, world.member) == (1, 5)


async def test_a_draft_goes_after_a_day_although_nobody_saves_another(world: World) -> None:
    refused = await ask(world, prompt="an owl in a draft", seed=5, image1=("empty.png", b""))
    await world.env.advance_time(DAY + 2 * HOUR)
    assert (await exported(world, world.member))["drafts"] == []
    assert "I only keep what you typed for a day" in private_answer(
        await press(world.member, refused, "Edit and try again")
    )


async def test_it_all_works_in_direct_messages_also_where_the_operator_allows_none(world: World) -> None:
    await world.restart(allow_direct=False)
    zoe = world.env.create_user("zoe")
    for command in ("show", "export", "erase"):
        asked = await zoe.slash(f"privacy {command}")
        assert asked.response is not None
        assert asked.response.ephemeral
        assert "don't allow" not in card_text(asked)
    await zoe.click(asked.response, label="Erase")
    assert card_text(asked).startswith("🗑️ Erased.")
    assert "only works in a server" in card_text(await zoe.slash("privacy server-erase"))


async def set_everything(world: World) -> None:
    quotas, guild_id = world.bot.quota_service, world.guild.id
    await quotas.set_rule(guild_id, Scope.SERVER, None, Rule(3, None))
    await quotas.set_budget(guild_id, Rule(4, None))
    await quotas.set_paused(guild_id, True)
    await quotas.reset(guild_id, world.member.id)
    await world.bot.moderation.block(guild_id, world.moderator.id, world.moderator.id, reason="for this test")
    await world.bot.moderation.add_entry(guild_id, FilterEntry("lynx"), world.moderator.id)
    await world.bot.moderation.set_age(guild_id, AgeRule.COVERED)


def is_default(world: World) -> bool:
    quotas, guild_id = world.bot.quota_service, world.guild.id
    moderation = world.bot.moderation
    return not (
        quotas.rules(guild_id)
        or quotas.budget(guild_id).paused
        or quotas.budget(guild_id).rule.videos
        or moderation.blocks(guild_id)
        or moderation.entries(guild_id)
        or moderation.has_settings(guild_id)
    )


@pytest.mark.parametrize("restart", [False, True])
async def test_whoever_manages_the_server_erases_its_rules(restart: bool, world: World) -> None:
    manager = world.guild.add_member(
        world.env.create_user("kim"),
        roles=[world.guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))],
    )
    await until(world, await ask(world), READY)
    await set_everything(world)
    assert used(world, world.member) == (0, 0)
    for stranger in (world.member, world.moderator):
        assert "Manage Server permission" in card_text(await privacy(world, stranger, "server-erase"))
    asked = await privacy(world, manager, "server-erase")
    assert "quota rules and resets, the budget, the pause, blocks, the filter" in card_text(asked)
    if restart:
        await world.restart()
    await press(manager, asked, "Erase")
    assert card_text(asked) == "🗑️ Erased. The defaults of this bot apply here now."
    assert is_default(world)
    assert used(world, world.member) == (1, 5)
    await world.restart()
    assert is_default(world)
    assert used(world, world.member) == (1, 5)
    assert [row.prompt for row in await rows(world)] == ["a fox in the snow"]


@pytest.mark.usefixtures("looking_daily")
@pytest.mark.parametrize("back", [False, True])
async def test_the_rules_go_a_month_after_the_bot_was_removed_unless_it_comes_back(
    back: bool, world: World
) -> None:
    await set_everything(world)
    world.bot.dispatch("guild_remove", discord.Object(world.guild.id))
    await world.env.advance_time(10 * DAY)
    assert not is_default(world)
    if back:
        world.bot.dispatch("guild_join", discord.Object(world.guild.id))
    await world.env.advance_time(21 * DAY)
    assert is_default(world) is not back


@pytest.mark.usefixtures("looking_daily")
async def test_a_server_that_is_gone_after_a_restart_is_noticed(world: World) -> None:
    await world.bot.quota_service.set_rule(999, Scope.SERVER, None, Rule(3, None))
    await set_everything(world)
    await world.restart()
    await world.env.advance_time(29 * DAY)
    assert len(world.bot.quota_service.rules(999)) == 1
    await world.restart()
    await world.env.advance_time(2 * DAY)
    assert world.bot.quota_service.rules(999) == []
    assert not is_default(world)
    await world.restart()
    assert world.bot.quota_service.rules(999) == []


async def test_help_names_the_command(world: World) -> None:
    shown = await world.member.slash(world.channel, "help")
    assert "`/privacy` shows, exports and erases what I've saved." in card_text(shown)
