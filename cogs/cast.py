"""`/reference`: pictures under a name, to use again and to share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.intake.access import EVERYWHERE
from bot.intake.attachments import source_of
from bot.intake.buttons import AnsweredButton
from bot.intake.cast_commands import BY_ID
from bot.intake.cast_saving import send
from bot.intake.cast_sharing import Sharer
from bot.intake.context import Interaction
from bot.intake.quota_commands import Person
from bot.models.cast import NAME_MAX, NAME_MIN, SavedReference, Sharing, name_key, without_at
from bot.models.catalog import Kind
from bot.ui.custom_ids import CAST_PAGE, CONSENT_BUTTON, Consent, number_in
from bot.ui.texts import cast as texts
from bot.ui.texts.cast_list import choices

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

CHOICES_MAX = 25  # that Discord offers while somebody types
NewName = app_commands.Range[str, NAME_MIN, NAME_MAX + 1]  # an `@` may stand before it
LEVELS = [
    app_commands.Choice(name="Only me", value=Sharing.PRIVATE.value),
    app_commands.Choice(name="People I choose", value=Sharing.PEOPLE.value),
    app_commands.Choice(name="This server", value=Sharing.SERVER.value),
]
Choices = list[app_commands.Choice[str]]


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class References(
    commands.GroupCog, group_name="reference", group_description="Pictures under a name, to use again"
):
    """Keeps what members save, and lets them share it. Nobody else sees the answers."""

    def __init__(self, bot: ViduBot) -> None:
        super().__init__()
        self.bot = bot

    async def _usable(self, interaction: Interaction, typed: str) -> Choices:
        """Offer what a member can use, their own first."""
        viewer = Sharer.of(interaction).viewer
        starting = without_at(typed)
        found = await self.bot.storage.cast.usable(viewer.user_id, viewer.guild_id, starting=starting)
        return _choices(interaction, found)

    async def _own(self, interaction: Interaction, typed: str) -> Choices:
        """Offer what is a member's own."""
        found = await self.bot.storage.cast.of_owner(interaction.user.id)
        return _choices(interaction, _starting(found, typed))

    async def _endable(self, interaction: Interaction, typed: str) -> Choices:
        """Offer what somebody can end the sharing of."""
        found = await self.bot.cast_sharing.endable(Sharer.of(interaction))
        return _choices(interaction, _starting(found, typed))

    @app_commands.command(description="Save up to 3 pictures under a name")
    @app_commands.describe(
        name="Letters, digits and hyphens, 2 to 24 characters",
        image1="A PNG, JPEG or WebP",
        image2="Another view of the same person, character or thing",
        image3="And one more view",
    )
    async def save(
        self,
        interaction: Interaction,
        name: NewName,
        image1: discord.Attachment,
        image2: discord.Attachment | None = None,
        image3: discord.Attachment | None = None,
    ) -> None:
        """Save attachments."""
        given = [source_of(image, Kind.IMAGE) for image in (image1, image2, image3) if image is not None]
        await self.bot.cast_saving.save(interaction, name, given)

    @app_commands.command(
        name="list", description="See your references, and those you can use here", extras=EVERYWHERE
    )
    async def list_references(self, interaction: Interaction) -> None:
        """Show the first page."""
        await interaction.response.defer(ephemeral=True)
        await send(interaction, await self.bot.cast_commands.page(Sharer.of(interaction).viewer))

    @app_commands.command(
        description="See the pictures of a reference, and who can use it", extras=EVERYWHERE
    )
    @app_commands.describe(name="The reference")
    @app_commands.autocomplete(name=_usable)
    async def show(self, interaction: Interaction, name: str) -> None:
        """Show one."""
        await interaction.response.defer(ephemeral=True)
        viewer = Sharer.of(interaction).viewer
        await send(interaction, await self.bot.cast_commands.show(viewer, name, interaction.filesize_limit))

    @app_commands.command(description="Give a reference another name")
    @app_commands.describe(name="The reference", to="Its new name")
    @app_commands.autocomplete(name=_own)
    async def rename(self, interaction: Interaction, name: str, to: NewName) -> None:
        """Rename one."""
        await send(interaction, await self.bot.cast_commands.rename(Sharer.of(interaction).viewer, name, to))

    @app_commands.command(description="Delete a reference with its pictures", extras=EVERYWHERE)
    @app_commands.describe(name="The reference")
    @app_commands.autocomplete(name=_own)
    async def delete(self, interaction: Interaction, name: str) -> None:
        """Delete one."""
        await send(interaction, await self.bot.cast_commands.delete(Sharer.of(interaction).viewer, name))

    @app_commands.command(description="Let others use a reference; asks once")
    @app_commands.describe(
        name="The reference", level="Who can use it", member="The person, for “People I choose”"
    )
    @app_commands.choices(level=LEVELS)
    @app_commands.autocomplete(name=_own)
    async def share(
        self, interaction: Interaction, name: str, level: str, member: Person | None = None
    ) -> None:
        """Ask before one is shared."""
        sharer = Sharer.of(interaction)
        await send(interaction, await self.bot.cast_sharing.ask(sharer, name, Sharing(level), member))

    @app_commands.command(description="Stop sharing a reference", extras=EVERYWHERE)
    @app_commands.describe(name="The reference", member="Only stop sharing it with this person")
    @app_commands.autocomplete(name=_endable)
    async def unshare(self, interaction: Interaction, name: str, member: Person | None = None) -> None:
        """End shares; moderators end those of others in their server."""
        sharer = Sharer.of(interaction)
        await send(interaction, await self.bot.cast_sharing.unshare(sharer, name, member))


class CastPageButton(AnsweredButton, template=CAST_PAGE):
    """A button that turns the list to another page."""

    everywhere = True  # as `/reference list` itself

    def __init__(self, item: ui.Item[Any], page: int) -> None:
        super().__init__(item)
        self.page = page

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read from the id which page it leads to."""
        return cls(item, number_in(match["page"]))

    async def act(self, interaction: Interaction) -> None:
        """Turn to another page; the list is its reader's own, nobody else can click there."""
        await interaction.response.defer()
        bot: ViduBot = interaction.client
        await send(interaction, await bot.cast_commands.page(Sharer.of(interaction).viewer, self.page))


class ConsentButton(AnsweredButton, template=CONSENT_BUTTON):
    """An answer to the question whether somebody has the right to share a likeness."""

    def __init__(self, item: ui.Item[Any], match: re.Match[str]) -> None:
        super().__init__(item)
        self.answer = Consent(match["answer"])
        self.reference_id = number_in(match["reference"])
        self.level = Sharing(match["level"])
        self.target_id = number_in(match["target"])

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read from the id what is to be shared with whom."""
        return cls(item, match)

    async def act(self, interaction: Interaction) -> None:
        """Share after a yes; the answer takes the place of the question."""
        text = texts.not_shared()
        if self.answer is Consent.YES:
            bot: ViduBot = interaction.client
            text = await bot.cast_sharing.share(
                Sharer.of(interaction), self.reference_id, self.level, self.target_id
            )
        await interaction.response.edit_message(content=text, view=None)


def _starting(references: Sequence[SavedReference], typed: str) -> list[SavedReference]:
    """Return those whose name begins with what was typed."""
    key = name_key(without_at(typed))
    return [reference for reference in references if name_key(reference.name).startswith(key)]


def _choices(interaction: Interaction, references: Sequence[SavedReference]) -> Choices:
    """Return references as Discord offers them; the id tells apart those of the same name."""
    viewer = Sharer.of(interaction).viewer
    offered = references[:CHOICES_MAX]
    labels = choices(offered, viewer.user_id, viewer.guild_id)
    return [
        app_commands.Choice(name=label, value=f"{BY_ID}{reference.id}")
        for label, reference in zip(labels, offered, strict=True)
    ]


async def setup(bot: ViduBot) -> None:
    """Add the cog and its buttons; called by `load_extension`."""
    bot.add_dynamic_items(CastPageButton, ConsentButton)
    await bot.add_cog(References(bot))
