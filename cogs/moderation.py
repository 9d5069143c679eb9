"""`/moderation`: who may make videos in a server, and what they may ask for."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.intake.access import check_permission
from bot.intake.answers import answer_privately
from bot.intake.buttons import AnsweredButton
from bot.intake.context import Interaction
from bot.intake.moderation_commands import Answer, ModerationCommands
from bot.intake.quota_commands import Person
from bot.models.moderation import ENTRY_MAX, REASON_MAX, AgeRule
from bot.models.requests import PROMPT_MAX
from bot.ui.custom_ids import MODERATION_PAGE, ModerationList, number_in
from bot.ui.texts import answers as answer_texts
from bot.ui.texts.quota_commands import with_warnings

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

Entry = app_commands.Range[str, 1, ENTRY_MAX]
Reason = app_commands.Range[str, 1, REASON_MAX]
HOURS = {"1 hour": 1, "6 hours": 6, "1 day": 24, "3 days": 72, "1 week": 168, "30 days": 720}
LENGTHS = [app_commands.Choice(name=name, value=hours) for name, hours in HOURS.items()]
AGE_RULES = [
    app_commands.Choice(name="Shown, as everywhere", value=AgeRule.SHOWN.value),
    app_commands.Choice(name="Covered until someone clicks them", value=AgeRule.COVERED.value),
    app_commands.Choice(name="Refused", value=AgeRule.REFUSED.value),
]
CHOICES_MAX = 25  # that Discord shows
MODERATORS, MANAGERS = "moderate_members", "manage_guild"
WHOLE_SERVER = {"permission": MANAGERS}  # the `extras` of a command that concerns everybody
LIST_PERMISSIONS = {
    ModerationList.BLOCKED: MODERATORS,
    ModerationList.FILTER: MANAGERS,
    ModerationList.CHANGES: MANAGERS,
}


@app_commands.default_permissions(moderate_members=True)
@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class Moderation(
    commands.GroupCog, group_name="moderation", group_description="Who may make videos here, and of what"
):
    """Lets moderators decide who may make videos in their server."""

    def __init__(self, bot: ViduBot) -> None:
        super().__init__()
        self._commands = ModerationCommands(bot.moderation, bot.audit_log)

    async def interaction_check(self, interaction: Interaction) -> bool:
        """Let those pass who have the permission that the command needs."""
        command = interaction.command
        assert isinstance(command, app_commands.Command), "a group has no context menus"
        check_permission(interaction, command.extras.get("permission", MODERATORS))
        return True

    @app_commands.command(description="Stop a member from making videos in this server")
    @app_commands.describe(
        member="The member to block",
        reason="Why; the member can read it",
        duration="For how long (default: until a moderator unblocks them)",
    )
    @app_commands.choices(duration=LENGTHS)
    async def block(
        self,
        interaction: Interaction,
        member: Person,
        reason: Reason | None = None,
        duration: int | None = None,
    ) -> None:
        """Block a member."""
        length = None if duration is None else timedelta(hours=duration)
        guild_id, by = _where(interaction)
        await self._answer(
            interaction, await self._commands.block(guild_id, by, member, reason or "", length)
        )

    @app_commands.command(description="Let a blocked member make videos again")
    @app_commands.describe(member="The member to unblock")
    async def unblock(self, interaction: Interaction, member: Person) -> None:
        """End a block."""
        await self._answer(interaction, await self._commands.unblock(*_where(interaction), member.id))

    @app_commands.command(description="Show who can't make videos in this server, and why")
    async def blocked(self, interaction: Interaction) -> None:
        """List the blocked members."""
        guild_id, _by = _where(interaction)
        await self._answer(interaction, await self._commands.show(ModerationList.BLOCKED, guild_id))

    @app_commands.command(
        description="Choose how videos show outside age-restricted channels", extras=WHOLE_SERVER
    )
    @app_commands.describe(videos="What happens there (leave it out to see what applies now)")
    @app_commands.choices(videos=AGE_RULES)
    async def age(self, interaction: Interaction, videos: str | None = None) -> None:
        """Set or show the age rule."""
        rule = None if videos is None else AgeRule(videos)
        await self._answer(interaction, await self._commands.set_age(*_where(interaction), rule))

    filter_group = app_commands.Group(name="filter", description="Words and patterns that no prompt may have")

    @filter_group.command(
        name="add", description="Refuse prompts with a word or a pattern", extras=WHOLE_SERVER
    )
    @app_commands.describe(
        word="A word, or several in a row; it's found in any spelling, but not inside other words",
        pattern="A regular expression (Google RE2); it's found anywhere",
    )
    async def filter_add(
        self, interaction: Interaction, word: Entry | None = None, pattern: Entry | None = None
    ) -> None:
        """Add an entry to the filter."""
        await self._answer(interaction, await self._commands.add_entry(*_where(interaction), word, pattern))

    @filter_group.command(name="remove", description="Remove a word or a pattern", extras=WHOLE_SERVER)
    @app_commands.describe(entry="The word or the pattern, as the list shows it")
    async def filter_remove(self, interaction: Interaction, entry: Entry) -> None:
        """Remove an entry from the filter."""
        await self._answer(interaction, await self._commands.remove_entry(*_where(interaction), entry))

    @filter_remove.autocomplete("entry")
    async def offer_entries(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Offer what the filter has; to nobody who may not see the filter."""
        if interaction.guild_id is None or not getattr(interaction.permissions, MANAGERS):
            return []
        found = self._commands.entries_like(interaction.guild_id, typed)
        return [app_commands.Choice(name=text, value=text) for text in found[:CHOICES_MAX]]

    @filter_group.command(name="list", description="Show the words and patterns", extras=WHOLE_SERVER)
    async def filter_list(self, interaction: Interaction) -> None:
        """List the entries of the filter."""
        guild_id, _by = _where(interaction)
        await self._answer(interaction, await self._commands.show(ModerationList.FILTER, guild_id))

    @filter_group.command(
        name="test", description="Check what a text has that's refused", extras=WHOLE_SERVER
    )
    @app_commands.describe(text="The text to check; nothing is sent")
    async def filter_test(
        self, interaction: Interaction, text: app_commands.Range[str, 1, PROMPT_MAX]
    ) -> None:
        """Try the filter out."""
        guild_id, _by = _where(interaction)
        await self._answer(interaction, self._commands.test_text(guild_id, text))

    log_group = app_commands.Group(name="log", description="What the log of this bot says, and where")

    @log_group.command(
        name="channel", description="Choose the channel that gets requests and changes", extras=WHOLE_SERVER
    )
    @app_commands.describe(
        channel="Only moderators should be able to see it", off="Turn the log off; what was written stays"
    )
    async def log_channel(
        self, interaction: Interaction, channel: discord.TextChannel | None = None, off: bool = False
    ) -> None:
        """Choose where the log goes, or show it."""
        guild_id, by = _where(interaction)
        if channel is None and not off:
            await self._answer(interaction, self._commands.show_log(guild_id))
            return
        await interaction.response.defer(ephemeral=True)  # the channel is tried out first
        reads = channel is not None and channel.permissions_for(channel.guild.default_role).view_channel
        chosen = None if off or channel is None else channel.id
        answer = await self._commands.set_log(guild_id, by, chosen, everyone_reads=reads)
        await self._answer(interaction, answer)

    @log_group.command(
        name="changes", description="Show who changed which rule of this server", extras=WHOLE_SERVER
    )
    async def log_changes(self, interaction: Interaction) -> None:
        """List the changes of rules."""
        guild_id, _by = _where(interaction)
        await self._answer(interaction, await self._commands.show(ModerationList.CHANGES, guild_id))

    async def _answer(self, interaction: Interaction, answer: Answer) -> None:
        """Answer a moderator, and say what they have to know about their log."""
        guild_id, _by = _where(interaction)
        text = with_warnings(answer.text, self._commands.trouble(guild_id))
        if interaction.response.is_done():
            await interaction.edit_original_response(content=text, view=answer.view)
        else:
            await answer_privately(interaction, text, view=answer.view)


class ListPageButton(AnsweredButton, template=MODERATION_PAGE):
    """A button that turns a moderators' list to another page."""

    def __init__(self, item: ui.Item[Any], which: ModerationList, page: int) -> None:
        super().__init__(item)
        self.which = which
        self.page = page

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read from the id which page of which list it leads to."""
        return cls(item, ModerationList(match["list"]), number_in(match["page"]))

    async def act(self, interaction: Interaction) -> None:
        """Turn to another page, unless its reader is no moderator any more."""
        needed = LIST_PERMISSIONS[self.which]
        if not getattr(interaction.permissions, needed):
            refusal = answer_texts.no_permission(manage_server=needed == MANAGERS)
            await answer_privately(interaction, refusal)
            return
        guild_id, _by = _where(interaction)
        bot: ViduBot = interaction.client
        lists = ModerationCommands(bot.moderation, bot.audit_log)
        shown = await lists.show(self.which, guild_id, self.page)
        await interaction.response.edit_message(content=shown.text, view=shown.view)


def _where(interaction: discord.Interaction[Any]) -> tuple[int, int]:
    """Return the server and the moderator."""
    assert interaction.guild_id is not None, "the commands are guild_only"
    return interaction.guild_id, interaction.user.id


async def setup(bot: ViduBot) -> None:
    """Add the cog and its button; called by `load_extension`."""
    bot.add_dynamic_items(ListPageButton)
    await bot.add_cog(Moderation(bot))
