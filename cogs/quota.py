"""`/quota`: what moderators may allow, and what members have used."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.intake.answers import answer_privately
from bot.models.quotas import Period, Rule, Scope
from bot.ui import quota_texts as sentences

if TYPE_CHECKING:
    from bot.client import ViduBot

log = logging.getLogger(__name__)

Person = discord.User | discord.Member  # who left the server is a user only; quotas go by the id

SHOWN = 15  # members or rules in one answer
VIDEOS_MAX, SECONDS_MAX = 100_000, 1_000_000  # sanity; more than anybody pays for

LEFT = " (not in this server now)"
BOTH_TARGETS = "❌ Choose a `member` or a `role`, not both. Without either, the rule is the server's default."
NO_AMOUNT = (
    "❌ Say how much: `videos`, `seconds` of video, or both. 0 blocks. To remove a rule use `/quota clear`."
)


@app_commands.default_permissions(moderate_members=True)
@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class Quota(
    commands.GroupCog, group_name="quota", group_description="How many videos members of this server may make"
):
    """Lets moderators set, clear, reset and look at quotas."""

    def __init__(self, bot: ViduBot) -> None:
        super().__init__()
        self.bot = bot

    async def interaction_check(self, interaction: discord.Interaction) -> bool:
        """Check the permission in code too: a server's settings can show the command to anyone."""
        if not interaction.permissions.moderate_members:
            raise app_commands.MissingPermissions(["moderate_members"])
        return True

    @app_commands.command(name="set", description="Set how much a member, a role or everybody may make")
    @app_commands.describe(
        member="The member this is for",
        role="The role this is for; the most generous of a member's roles counts",
        videos="How many videos; 0 blocks",
        seconds="How many seconds of video; 0 blocks",
        per="In which time (default: day)",
    )
    async def set_(  # noqa: PLR0917 - one parameter for each option
        self,
        interaction: discord.Interaction,
        member: Person | None = None,
        role: discord.Role | None = None,
        videos: app_commands.Range[int, 0, VIDEOS_MAX] | None = None,
        seconds: app_commands.Range[int, 0, SECONDS_MAX] | None = None,
        per: Period = Period.DAY,
    ) -> None:
        """Set a rule."""
        if member is not None and role is not None:
            await answer_privately(interaction, BOTH_TARGETS)
            return
        if videos is None and seconds is None:
            await answer_privately(interaction, NO_AMOUNT)
            return
        scope, target_id = _scope(member, role)
        rule = Rule(videos, seconds, per)
        guild_id = _guild_id(interaction)
        # The ledger first: a rule that is in force must survive a restart.
        await self.bot.storage.quotas.save_rule(guild_id, scope, target_id, rule)
        self.bot.quotas.set_rule(guild_id, scope, target_id, rule)
        log.info("Server %s: %s set %s %s to %s", guild_id, interaction.user.id, scope, target_id, rule)
        await answer_privately(
            interaction,
            f"✅ {_target(member, role)}{_left(member)}: {sentences.allowance(rule)}. It counts from now on.",
        )

    @app_commands.command(description="Remove a rule, back to what applies otherwise")
    @app_commands.describe(member="The member whose rule goes", role="The role whose rule goes")
    async def clear(
        self,
        interaction: discord.Interaction,
        member: Person | None = None,
        role: discord.Role | None = None,
    ) -> None:
        """Remove a rule."""
        if member is not None and role is not None:
            await answer_privately(interaction, BOTH_TARGETS)
            return
        scope, target_id = _scope(member, role)
        guild_id = _guild_id(interaction)
        await self.bot.storage.quotas.remove_rule(guild_id, scope, target_id)
        had_one = self.bot.quotas.clear_rule(guild_id, scope, target_id)
        if not had_one:
            text = f"{_target(member, role)} had no rule of their own, nothing has changed."
        elif member is not None:
            applied = self.bot.quotas.applied(guild_id, member.id, _role_ids(member))
            now_applies = f"{sentences.allowance(applied.rule)} ({sentences.reason(applied)})"
            text = f"✅ The rule is gone. For <@{member.id}> this applies now: {now_applies}."
        else:
            text = f"✅ The rule for {_target(member, role)} is gone."
        log.info("Server %s: %s cleared %s %s", guild_id, interaction.user.id, scope, target_id)
        await answer_privately(interaction, text)

    @app_commands.command(description="Forget what a member has used so far")
    @app_commands.describe(member="Who starts afresh")
    async def reset(self, interaction: discord.Interaction, member: Person) -> None:
        """Forget what a member has used."""
        guild_id, now = _guild_id(interaction), self.bot.clock.now()
        await self.bot.storage.quotas.save_reset(guild_id, member.id, now)
        self.bot.quotas.reset(guild_id, member.id, now)
        log.info("Server %s: %s reset %s", guild_id, interaction.user.id, member.id)
        await answer_privately(
            interaction,
            f"✅ <@{member.id}> starts afresh. Failed requests are forgotten too. "
            "Videos that are being made still count as running.",
        )

    @app_commands.command(description="Show a member's quota, or all rules of this server")
    @app_commands.describe(member="Whose quota; without it, all rules")
    async def show(self, interaction: discord.Interaction, member: Person | None = None) -> None:
        """Show a member's standing or the server's rules."""
        guild_id = _guild_id(interaction)
        if member is not None:
            standing = self.bot.quotas.standing(guild_id, member.id, _role_ids(member), self.bot.clock.now())
            lines = [f"📊 **Quota of** <@{member.id}>{_left(member)}", *sentences.standing_lines(standing)]
            text = "\n".join(lines)
            await answer_privately(interaction, text)
            return
        rules = self.bot.quotas.rules(guild_id)
        lines = [
            f"- {_named(applied.scope, applied.target_id)}: {sentences.allowance(applied.rule)}"
            for applied in rules[:SHOWN]
        ]
        if len(rules) > SHOWN:
            lines.append(f"- … and {len(rules) - SHOWN} more; `/quota show` with a member tells theirs.")
        if not any(applied.scope is Scope.SERVER for applied in rules):
            default = sentences.allowance(self.bot.settings.quota)
            lines.append(f"- Everybody else (this bot's default): {default}")
        await answer_privately(interaction, "\n".join(["📋 **Rules of this server**", *lines]))

    @app_commands.command(description="Who has made most lately")
    @app_commands.describe(per="Looking back how far (default: day)")
    async def usage(self, interaction: discord.Interaction, per: Period = Period.DAY) -> None:
        """Show who used most."""
        usage = self.bot.quotas.usage(_guild_id(interaction), self.bot.clock.now(), per)
        if not usage:
            await answer_privately(interaction, f"📈 Nobody has made a video in the last {per.value}.")
            return
        lines = [
            f"{position}. <@{one.user_id}>: {one.videos} {'video' if one.videos == 1 else 'videos'}, "
            f"{one.seconds} seconds" + (f", {one.running} running" if one.running else "")
            for position, one in enumerate(usage[:SHOWN], start=1)
        ]
        if len(usage) > SHOWN:
            lines.append(f"… and {len(usage) - SHOWN} more.")
        await answer_privately(interaction, "\n".join([f"📈 **Most used in the last {per.value}**", *lines]))


def _guild_id(interaction: discord.Interaction) -> int:
    assert interaction.guild_id is not None, "the commands are guild_only"
    return interaction.guild_id


def _scope(member: Person | None, role: discord.Role | None) -> tuple[Scope, int | None]:
    if member is not None:
        return Scope.MEMBER, member.id
    # The role that everybody has is the server's default by another name.
    if role is not None and not role.is_default():
        return Scope.ROLE, role.id
    return Scope.SERVER, None


def _role_ids(person: Person) -> list[int]:
    return [role.id for role in person.roles] if isinstance(person, discord.Member) else []


def _left(person: Person | None) -> str:
    return "" if person is None or isinstance(person, discord.Member) else LEFT


def _target(member: Person | None, role: discord.Role | None) -> str:
    return _named(*_scope(member, role))


def _named(scope: Scope, target_id: int | None) -> str:
    match scope:
        case Scope.MEMBER:
            return f"<@{target_id}>"
        case Scope.ROLE:
            return f"<@&{target_id}>"
        case _:
            return "Everybody (server default)"


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Quota(bot))
