"""`/quota`: what moderators may allow, and what members have used."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.intake.answers import answer_privately
from bot.models.quotas import Period, Rule, Scope
from bot.ui import quota_command_texts as texts

if TYPE_CHECKING:
    from bot.client import ViduBot

log = logging.getLogger(__name__)

Person = discord.User | discord.Member  # who left the server is a user only; quotas go by the id

VIDEOS_MAX, SECONDS_MAX = 100_000, 1_000_000  # sanity; more than anybody pays for


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
            await answer_privately(interaction, texts.both_targets())
            return
        if videos is None and seconds is None:
            await answer_privately(interaction, texts.no_amount())
            return
        guild_id, (scope, target_id) = _guild_id(interaction), _target(member, role)
        rule = Rule(videos, seconds, per)
        await self.bot.quota_service.set_rule(guild_id, scope, target_id, rule)
        log.info("Server %s: %s set %s %s to %s", guild_id, interaction.user.id, scope, target_id, rule)
        await answer_privately(interaction, texts.rule_set(scope, target_id, rule, left=_has_left(member)))

    @app_commands.command(description="Remove a rule, back to what applies otherwise")
    @app_commands.describe(member="The member whose rule to remove", role="The role whose rule to remove")
    async def clear(
        self,
        interaction: discord.Interaction,
        member: Person | None = None,
        role: discord.Role | None = None,
    ) -> None:
        """Remove a rule."""
        if member is not None and role is not None:
            await answer_privately(interaction, texts.both_targets())
            return
        guild_id, (scope, target_id) = _guild_id(interaction), _target(member, role)
        existed = await self.bot.quota_service.clear_rule(guild_id, scope, target_id)
        log.info("Server %s: %s cleared %s %s", guild_id, interaction.user.id, scope, target_id)
        if not existed:
            text = texts.no_rule(scope, target_id)
        elif member is not None:
            effective = self.bot.quota_service.effective(guild_id, member.id, _role_ids(member))
            text = texts.member_rule_removed(member.id, effective)
        else:
            text = texts.rule_removed(scope, target_id)
        await answer_privately(interaction, text)

    @app_commands.command(description="Reset what a member has used so far")
    @app_commands.describe(member="Whose usage to reset")
    async def reset(self, interaction: discord.Interaction, member: Person) -> None:
        """Forget what a member has used."""
        guild_id = _guild_id(interaction)
        await self.bot.quota_service.reset(guild_id, member.id)
        log.info("Server %s: %s reset %s", guild_id, interaction.user.id, member.id)
        await answer_privately(interaction, texts.usage_reset(member.id))

    @app_commands.command(description="Show a member's quota, or all rules of this server")
    @app_commands.describe(member="Whose quota to show (default: all rules)")
    async def show(self, interaction: discord.Interaction, member: Person | None = None) -> None:
        """Show a member's status or the server's rules."""
        guild_id = _guild_id(interaction)
        if member is None:
            rules = self.bot.quota_service.rules(guild_id)
            text = texts.server_rules(rules, self.bot.settings.quota)
        else:
            status = self.bot.quota_service.status(guild_id, member.id, _role_ids(member))
            text = texts.member_quota(member.id, status, left=_has_left(member))
        await answer_privately(interaction, text)

    @app_commands.command(description="Top users of this server")
    @app_commands.describe(per="How far back to look (default: day)")
    async def usage(self, interaction: discord.Interaction, per: Period = Period.DAY) -> None:
        """Show who used most."""
        usage = self.bot.quota_service.usage(_guild_id(interaction), per)
        await answer_privately(interaction, texts.top_users(usage, per))


def _guild_id(interaction: discord.Interaction) -> int:
    assert interaction.guild_id is not None, "the commands are guild_only"
    return interaction.guild_id


def _target(member: Person | None, role: discord.Role | None) -> tuple[Scope, int | None]:
    if member is not None:
        return Scope.MEMBER, member.id
    # The role that everybody has is the server's default by another name.
    if role is not None and not role.is_default():
        return Scope.ROLE, role.id
    return Scope.SERVER, None


def _role_ids(person: Person) -> list[int]:
    return [role.id for role in person.roles] if isinstance(person, discord.Member) else []


def _has_left(person: Person | None) -> bool:
    return person is not None and not isinstance(person, discord.Member)


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Quota(bot))
