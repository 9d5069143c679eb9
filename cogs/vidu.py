"""`/vidu`: from options to a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.intake.attachments import source_of
from bot.intake.cast_choice import CHOICE_LENGTH
from bot.intake.context import Interaction, quota_guild_id
from bot.models.cast_prompts import names_in
from bot.models.catalog import Kind
from bot.models.drafts import Draft
from bot.models.requests import (
    DURATION_DEFAULT,
    DURATION_MAX,
    DURATION_MIN,
    PROMPT_MAX,
    SEED_MAX,
    SEED_MIN,
    clean_prompt,
)

if TYPE_CHECKING:
    from bot.client.bot import ViduBot


class Vidu(commands.Cog):
    """Turns images, videos and a prompt into a video."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot

    @app_commands.command(description="Make a video from your images or videos and a prompt")
    @app_commands.describe(
        prompt="What should happen in the video. Leave it out to open a form",
        cast="Saved references, with commas between them. Or write @name in the prompt",
        image1="An image the video should follow (PNG, JPEG or WebP)",
        image2="Another image",
        image3="Another image",
        image4="Another image",
        image5="Another image (5 to 7 only without videos)",
        image6="Another image",
        image7="Another image",
        video1="A video your new video should follow (MP4 or MOV, up to 8 seconds)",
        video2="A second video (then both up to 5 seconds)",
        duration=f"Length in seconds, {DURATION_MIN} to {DURATION_MAX} (default {DURATION_DEFAULT})",
        seed="The same seed, prompt and files make a similar video. Random if left out",
        private="Only you can see the request and the video",
        spoiler="The images and the video stay hidden until someone clicks them",
    )
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def vidu(  # noqa: PLR0917 - one parameter for each option
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, PROMPT_MAX] | None = None,
        cast: app_commands.Range[str, 1, CHOICE_LENGTH] | None = None,
        image1: discord.Attachment | None = None,
        image2: discord.Attachment | None = None,
        image3: discord.Attachment | None = None,
        image4: discord.Attachment | None = None,
        image5: discord.Attachment | None = None,
        image6: discord.Attachment | None = None,
        image7: discord.Attachment | None = None,
        video1: discord.Attachment | None = None,
        video2: discord.Attachment | None = None,
        duration: app_commands.Range[int, DURATION_MIN, DURATION_MAX] = DURATION_DEFAULT,
        seed: app_commands.Range[int, SEED_MIN, SEED_MAX] | None = None,
        private: bool = False,
        spoiler: bool = False,
    ) -> None:
        """Make a video from images or videos and a prompt, or ask for what is missing."""
        images = (image1, image2, image3, image4, image5, image6, image7)
        sources = [source_of(image, Kind.IMAGE) for image in images if image]
        sources += [source_of(video, Kind.VIDEO) for video in (video1, video2) if video]
        draft = Draft(
            id=interaction.id,
            user_id=interaction.user.id,
            prompt=clean_prompt(prompt or ""),
            sources=tuple(sources),
            duration=duration,
            seed=str(seed or ""),
            private=private,
            spoiler=spoiler,
            cast=cast or "",
        )
        # A name in the prompt may be all that it needs; where it isn't, a refusal says what is missing.
        if prompt is None or not (sources or cast or any(names_in(prompt))):
            await self.bot.forms.open(interaction, draft)
        else:
            await self.bot.intake.take(interaction, draft)

    @vidu.autocomplete("cast")
    async def offer_references(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Offer what the member can use here, behind what is complete already."""
        guild_id = quota_guild_id(interaction)
        found = await self.bot.cast_choice.offered(interaction.user.id, guild_id, typed)
        return [app_commands.Choice(name=offer.label, value=offer.value) for offer in found]


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Vidu(bot))
