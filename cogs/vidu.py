"""`/vidu`: from options to a checked request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.request import (
    DURATION_DEFAULT,
    DURATION_MAX,
    DURATION_MIN,
    PROMPT_MAX,
    SEED_MAX,
    SEED_MIN,
    Kind,
    VideoRequest,
    clean_prompt,
    option_faults,
    prompt_faults,
    random_seed,
)
from cogs import sentences
from cogs.errors import answer_privately
from cogs.intake import Given, Intake, attachment_faults

if TYPE_CHECKING:
    from bot.client import ViduBot


class Vidu(commands.Cog):
    """Turns pictures, clips and a prompt into a video."""

    def __init__(self, bot: ViduBot) -> None:
        self.intake = Intake(bot)

    @app_commands.command(description="Make a video from your pictures or clips and a prompt")
    @app_commands.describe(
        prompt="What should happen in the video",
        image1="A picture the video should follow (PNG, JPEG or WebP)",
        image2="Another picture",
        image3="Another picture",
        image4="Another picture",
        image5="Another picture (5 to 7 only without clips)",
        image6="Another picture",
        image7="Another picture",
        video1="A clip the video should follow (MP4 or MOV, up to 8 s)",
        video2="A second clip (then both up to 5 s)",
        duration=f"Length in seconds, {DURATION_MIN} to {DURATION_MAX} (default {DURATION_DEFAULT})",
        seed="The same seed, prompt and references give a similar video; random if left out",
        private="Only you see the request and the video",
    )
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    async def vidu(  # noqa: PLR0917 - one parameter for each option
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, PROMPT_MAX],
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
    ) -> None:
        """Make a video from pictures or clips and a prompt."""
        images = (image1, image2, image3, image4, image5, image6, image7)
        given = [Given(image, Kind.IMAGE) for image in images if image]
        given += [Given(video, Kind.VIDEO) for video in (video1, video2) if video]
        prompt = clean_prompt(prompt)
        faults = prompt_faults(prompt) + option_faults(duration, seed) + attachment_faults(given)
        if faults:
            faults += (await self.intake.examine_briefly(given)).faults
            await answer_privately(interaction, sentences.faults(list(dict.fromkeys(faults))))
            return
        if not await self.intake.check_quota(interaction, duration):
            return
        async with self.intake.placeholder(interaction, private=private) as address:
            examined = await self.intake.examine(given)
            if examined.faults:
                await answer_privately(interaction, sentences.faults(examined.faults))
                return
            request = VideoRequest(prompt, tuple(examined.references), duration, seed or random_seed())
            await self.intake.place(interaction, request, examined.contents, address)


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Vidu(bot))
