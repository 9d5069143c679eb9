"""`/quota`: what moderators may allow, and what members have used."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.intake.access import check_permission
from bot.intake.answers import answer_privately
from bot.intake.budget_commands import BudgetCommands
from bot.intake.quota_commands import Person, QuotaCommands, target_of
from bot.models.quota_options import LimitOptions
from bot.models.quotas import Period
from bot.ui.texts import quota_commands as texts

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

# Sanity; more than anybody pays for.
Videos = app_commands.Range[int, 0, 100_000]
Seconds = app_commands.Range[int, 0, 1_000_000]
AtOnce = app_commands.Range[int, 1, 1_000]


@app_commands.default_permissions(moderate_members=True)
@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class Quota(
    commands.GroupCog, group_name="quota", group_description="How many videos members of this server may make"
):
    """Lets moderators set, clear, reset and look at quotas, and at the budget of their server."""

    def __init__(self, bot: ViduBot) -> None:
        super().__init__()
        self._commands = QuotaCommands(
            bot.quota_service, bot.audit_log, bot.settings.quota_running, bot.settings.price
        )
        self._budgets = BudgetCommands(bot.quota_service, bot.audit_log, bot.settings.price)

    async def interaction_check(self, interaction: discord.Interaction) -> bool:
        """Let moderators pass."""
        check_permission(interaction, "moderate_members")
        return True

    @app_commands.command(name="set", description="Set how much a member, a role or everybody may make")
    @app_commands.describe(
        member="The member this is for",
        role="The role this is for; the most generous of a member's roles counts",
        videos="How many videos; 0 blocks",
        seconds="How many seconds of video; 0 blocks",
        per="In which time (default: day)",
        unlimited="No limit on videos and seconds",
        at_once="How many videos at a time; alone, it's added to the rule that is there",
    )
    async def set_(  # noqa: PLR0917 - one parameter for each option
        self,
        interaction: discord.Interaction,
        member: Person | None = None,
        role: discord.Role | None = None,
        videos: Videos | None = None,
        seconds: Seconds | None = None,
        per: Period | None = None,
        unlimited: bool = False,
        at_once: AtOnce | None = None,
    ) -> None:
        """Set a rule."""
        if member is not None and role is not None:
            await self._answer(interaction, texts.both_targets())
            return
        options = LimitOptions(videos, seconds, per, unlimited, at_once)
        answer = await self._commands.set_rule(*_where(interaction), target_of(member, role), options)
        await self._answer(interaction, answer)

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
            await self._answer(interaction, texts.both_targets())
            return
        answer = await self._commands.clear_rule(*_where(interaction), target_of(member, role))
        await self._answer(interaction, answer)

    @app_commands.command(description="Reset what a member has used so far")
    @app_commands.describe(member="Whose usage to reset")
    async def reset(self, interaction: discord.Interaction, member: Person) -> None:
        """Forget what a member has used."""
        await self._answer(interaction, self._commands.reset(*_where(interaction), member.id))

    @app_commands.command(description="Show a member's quota, or all rules and the budget of this server")
    @app_commands.describe(member="Whose quota to show (default: all rules)")
    async def show(self, interaction: discord.Interaction, member: Person | None = None) -> None:
        """Show a member's status or the server's rules."""
        guild_id = _guild_id(interaction)
        if member is None:
            answer = self._commands.show_server(guild_id)
        else:
            answer = self._commands.show_member(guild_id, target_of(member, None))
        await self._answer(interaction, answer)

    @app_commands.command(description="Top users, and what is used of the budget of this server")
    @app_commands.describe(per="How far back to look for top users (default: day)")
    async def usage(self, interaction: discord.Interaction, per: Period = Period.DAY) -> None:
        """Show who used most."""
        await self._answer(interaction, self._commands.show_usage(_guild_id(interaction), per))

    @app_commands.command(description="Set or show how much all members of this server may make together")
    @app_commands.describe(
        videos="How many videos; 0 blocks everyone",
        seconds="How many seconds of video; 0 blocks everyone",
        per="In which time (default: day)",
        unlimited="Remove this server's budget; the limits of this bot still apply",
    )
    async def budget(
        self,
        interaction: discord.Interaction,
        videos: Videos | None = None,
        seconds: Seconds | None = None,
        per: Period | None = None,
        unlimited: bool = False,
    ) -> None:
        """Set, remove or show the server's own budget."""
        options = LimitOptions(videos, seconds, per, unlimited)
        await self._answer(interaction, self._budgets.budget(*_where(interaction), options))

    @app_commands.command(description="Stop new videos in this server; videos in progress are finished")
    async def pause(self, interaction: discord.Interaction) -> None:
        """Stop new videos."""
        await self._answer(interaction, self._budgets.pause(*_where(interaction)))

    @app_commands.command(description="Allow new videos in this server again")
    async def resume(self, interaction: discord.Interaction) -> None:
        """Let members start videos again."""
        await self._answer(interaction, self._budgets.resume(*_where(interaction)))

    async def _answer(self, interaction: discord.Interaction, answer: str | Awaitable[str]) -> None:
        """Answer a moderator, and add the warnings about budgets that none has read yet."""
        warnings = self._commands.warnings(_guild_id(interaction))  # as things were before the command
        text = answer if isinstance(answer, str) else await answer
        await answer_privately(interaction, texts.with_warnings(text, warnings))


def _guild_id(interaction: discord.Interaction) -> int:
    assert interaction.guild_id is not None, "the commands are guild_only"
    return interaction.guild_id


def _where(interaction: discord.Interaction) -> tuple[int, int]:
    """Return the server and the moderator."""
    return _guild_id(interaction), interaction.user.id


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Quota(bot))
