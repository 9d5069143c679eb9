"""`/vidu`: from options to a checked request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp
import discord
import stamina
from discord import app_commands
from discord.ext import commands

from bot.cards import reference_filename
from bot.delivery import Upload
from bot.jobs import Address
from bot.quotas import QuotaExceeded
from bot.references import Unreadable, display_name, probe
from bot.request import (
    DURATION_DEFAULT,
    DURATION_MAX,
    DURATION_MIN,
    PROMPT_MAX,
    SEED_MAX,
    SEED_MIN,
    Kind,
    Reference,
    VideoRequest,
    clean_prompt,
    count_faults,
    length_faults,
    option_faults,
    prompt_faults,
    random_seed,
    shape_faults,
    size_faults,
)
from bot.runner import Closing, Duplicate, Order
from cogs import sentences
from cogs.errors import answer_privately

if TYPE_CHECKING:
    from bot.client import ViduBot

log = logging.getLogger(__name__)

TOKEN_LIFE = timedelta(minutes=15)  # [Discord]
KEEP_MAX = 24 * 1024 * 1024  # bytes of references on a card; a whole request may have 25 MiB [Discord]
READ_ATTEMPTS = 3
READ_SECONDS = 120.0  # for all attachments together; the token outlives it by far
# A refusal that is certain anyway still looks into the files, to name all faults at once within 3 s.
REFUSAL_SECONDS = 1.5

RESTARTING = "🔄 I am about to restart. Nothing was sent; please ask again in a minute."
FAILED_READ = "**{name}** could not be read from Discord. Attach it again."


@dataclass(frozen=True, slots=True)
class Given:
    """An attachment and what its option expects it to be."""

    attachment: discord.Attachment
    kind: Kind

    @property
    def name(self) -> str:
        """Return the file's name, safe to show."""
        return display_name(self.attachment.filename)


@dataclass(frozen=True, slots=True)
class Examined:
    """What the files turned out to be."""

    references: list[Reference]
    contents: list[bytes]
    faults: list[str]


class Vidu(commands.Cog):
    """Turns pictures, clips and a prompt into a video."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot

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
        faults = prompt_faults(prompt) + option_faults(duration, seed) + _attachment_faults(given)
        if faults:
            faults += (await self._examine_briefly(given)).faults
            await answer_privately(interaction, sentences.faults(list(dict.fromkeys(faults))))
            return
        try:
            self.bot.runner.check_quota(
                interaction.guild_id, interaction.user.id, _roles(interaction), duration
            )
        except QuotaExceeded as error:
            await answer_privately(interaction, sentences.quota_exceeded(error))
            return
        answer = await interaction.response.defer(ephemeral=private)
        examined = await self._examine(given)
        if examined.faults:
            await answer_privately(interaction, sentences.faults(examined.faults))
            return
        message_id = answer.message_id if answer is not None else None
        request = VideoRequest(prompt, tuple(examined.references), duration, seed or random_seed())
        await self._start(interaction, request, examined.contents, message_id, private=private)

    async def _start(
        self,
        interaction: discord.Interaction,
        request: VideoRequest,
        contents: Sequence[bytes],
        message_id: int | None,
        *,
        private: bool,
    ) -> None:
        keeps = sum(map(len, contents)) <= min(interaction.filesize_limit, KEEP_MAX)
        assert interaction.channel_id is not None, "a command always has a channel"
        address = Address(
            channel_id=interaction.channel_id,
            guild_id=interaction.guild_id,
            message_id=message_id,
            token=interaction.token,
            token_expires=self.bot.clock.now() + TOKEN_LIFE,
            private=private,
            upload_limit=interaction.filesize_limit,
        )
        uploads = [
            Upload(reference_filename(position, reference), content)
            for position, (reference, content) in enumerate(
                zip(request.references, contents, strict=True), start=1
            )
        ]
        order = Order(
            interaction.id,
            interaction.user.id,
            _roles(interaction),
            address,
            request,
            uploads if keeps else [],
        )
        try:
            await self.bot.runner.start(order)
        except QuotaExceeded as error:
            await answer_privately(interaction, sentences.quota_exceeded(error))
        except Closing:
            await answer_privately(interaction, RESTARTING)
        except Duplicate:
            log.info("Interaction %s arrived twice", interaction.id)

    async def _examine(self, given: Sequence[Given]) -> Examined:
        """Read and probe all files at once, and name everything that is wrong with them."""
        results = await asyncio.gather(*(self._examine_one(one) for one in given))
        references: list[Reference] = []
        contents: list[bytes] = []
        faults: list[str] = []
        for reference, content, sentence in results:
            if sentence is not None:
                faults.append(sentence)
            elif reference is not None:
                references.append(reference)
                contents.append(content)
                faults += shape_faults(reference)
        clips = [reference for reference in references if reference.kind is Kind.VIDEO]
        given_clips = sum(one.kind is Kind.VIDEO for one in given)
        return Examined(references, contents, faults + length_faults(clips, given_clips))

    async def _examine_one(self, given: Given) -> tuple[Reference | None, bytes, str | None]:
        try:
            async with asyncio.timeout(READ_SECONDS):
                content = await _read(given.attachment)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.info("An attachment could not be read (%s)", type(error).__name__)
            return None, b"", FAILED_READ.format(name=given.name)
        try:
            probed = await asyncio.to_thread(
                probe, given.attachment.filename, given.attachment.url, content, given.kind
            )
        except Unreadable as error:
            return None, b"", error.sentence
        return probed, content, None

    async def _examine_briefly(self, given: Sequence[Given]) -> Examined:
        """Look into the files as far as the time for a first answer allows."""
        readable = [one for one in given if not size_faults(one.name, one.attachment.size, one.kind)]
        try:
            async with asyncio.timeout(REFUSAL_SECONDS):
                return await self._examine(readable)
        except TimeoutError:
            return Examined([], [], [])


def _attachment_faults(given: Sequence[Given]) -> list[str]:
    images = sum(one.kind is Kind.IMAGE for one in given)
    faults = count_faults(images, len(given) - images)
    for one in given:
        faults += size_faults(one.name, one.attachment.size, one.kind)
    return faults


async def _read(attachment: discord.Attachment) -> bytes:
    passing = (discord.DiscordServerError, aiohttp.ClientError)
    async for attempt in stamina.retry_context(on=passing, attempts=READ_ATTEMPTS, timeout=None):
        with attempt:
            return await attachment.read()
    raise AssertionError("a retry context either returns or raises")


def _roles(interaction: discord.Interaction) -> list[int]:
    user = interaction.user
    return [role.id for role in user.roles] if isinstance(user, discord.Member) else []


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Vidu(bot))
