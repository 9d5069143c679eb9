"""From attachments to a started job: read, probe, name what is wrong, place the order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import stamina

from bot.cards import reference_filename
from bot.delivery import Upload
from bot.jobs import Address, Placeholder
from bot.ledger import StorageTrouble
from bot.quotas import QuotaExceeded
from bot.references import Unreadable, display_name, probe
from bot.request import Kind, Reference, VideoRequest, count_faults, length_faults, shape_faults, size_faults
from bot.runner import Closing, Duplicate, Order
from cogs import sentences
from cogs.errors import answer_privately

if TYPE_CHECKING:
    from bot.client import ViduBot

log = logging.getLogger(__name__)

TOKEN_LIFE = timedelta(minutes=15)  # [Discord]
KEEP_MAX = 24 * 1024 * 1024  # bytes of references on a card; a whole request may have 25 MiB [Discord]
PROMISE_SECONDS = 0.25  # how long the first answer may wait for the disk
READ_ATTEMPTS = 3
PARALLEL_EXAMINATIONS = 4  # requests whose files are in memory at once: nine files can have 400 MiB
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


class Intake:
    """Takes requests in, whichever way they came."""

    def __init__(self, bot: ViduBot) -> None:
        self._bot = bot
        self._examinations = asyncio.Semaphore(PARALLEL_EXAMINATIONS)

    async def check_quota(self, interaction: discord.Interaction[Any], seconds: int) -> bool:
        """Tell whether the member may ask for so many seconds; where not, they are told why."""
        user, roles = interaction.user.id, role_ids(interaction)
        try:
            self._bot.runner.check_quota(interaction.guild_id, user, roles, seconds)
        except QuotaExceeded as error:
            await answer_privately(interaction, sentences.quota_exceeded(error))
            return False
        return True

    @asynccontextmanager
    async def placeholder(
        self, interaction: discord.Interaction[Any], *, private: bool
    ) -> AsyncIterator[Address]:
        """Show a placeholder, and remember over any crash that an answer was promised."""
        runner = self._bot.runner
        assert interaction.channel_id is not None, "a command always has a channel"
        address = Address(
            channel_id=interaction.channel_id,
            guild_id=interaction.guild_id,
            token=interaction.token,
            token_expires=self._bot.clock.now() + TOKEN_LIFE,
            private=private,
            upload_limit=interaction.filesize_limit,
        )
        # Written before the placeholder shows, so that after a crash nobody looks at it for ever; but in a
        # burst the disk must not use up the 3 s that Discord gives for the answer.
        promise = asyncio.create_task(
            runner.promise(Placeholder(interaction.id, interaction.user.id, address))
        )
        await asyncio.wait({promise}, timeout=PROMISE_SECONDS)
        try:
            answer = await interaction.response.defer(ephemeral=private, thinking=True)
            await promise
            address = replace(address, message_id=answer.message_id if answer is not None else None)
            # With the message's id the promise can be kept even after the token's life.
            await runner.promise(Placeholder(interaction.id, interaction.user.id, address))
            yield address
        except Exception:
            # The failure is about to be answered; a cancellation is not: then the process ends.
            with contextlib.suppress(StorageTrouble):
                await promise
                await runner.answered(interaction.id)
            raise
        if not runner.has(interaction.id):
            await runner.answered(interaction.id)

    async def place(
        self,
        interaction: discord.Interaction[Any],
        request: VideoRequest,
        contents: Sequence[bytes],
        address: Address,
    ) -> None:
        """Start the job whose placeholder is shown already; where it cannot start the member is told why."""
        keeps = sum(map(len, contents)) <= min(interaction.filesize_limit, KEEP_MAX)
        uploads = [
            Upload(reference_filename(position, reference), content)
            for position, (reference, content) in enumerate(
                zip(request.references, contents, strict=True), start=1
            )
        ]
        order = Order(
            interaction.id,
            interaction.user.id,
            role_ids(interaction),
            address,
            request,
            uploads if keeps else [],
        )
        try:
            await self._bot.runner.start(order)
        except QuotaExceeded as error:
            await answer_privately(interaction, sentences.quota_exceeded(error))
        except Closing:
            await answer_privately(interaction, RESTARTING)
        except Duplicate:
            log.info("Interaction %s arrived twice", interaction.id)

    async def examine(self, given: Sequence[Given]) -> Examined:
        """Read and probe all files at once, and name everything that is wrong with them."""
        async with self._examinations:
            results = await asyncio.gather(*(_examine_one(one) for one in given))
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

    async def examine_briefly(self, given: Sequence[Given]) -> Examined:
        """Look into the files as far as the time for a first answer allows."""
        readable = [one for one in given if not size_faults(one.name, one.attachment.size, one.kind)]
        try:
            async with asyncio.timeout(REFUSAL_SECONDS):
                return await self.examine(readable)
        except TimeoutError:
            return Examined([], [], [])


def attachment_faults(given: Sequence[Given]) -> list[str]:
    """Return what is wrong with number and size of the files, which needs no reading."""
    images = sum(one.kind is Kind.IMAGE for one in given)
    faults = count_faults(images, len(given) - images)
    for one in given:
        faults += size_faults(one.name, one.attachment.size, one.kind)
    return faults


async def _examine_one(given: Given) -> tuple[Reference | None, bytes, str | None]:
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


async def _read(attachment: discord.Attachment) -> bytes:
    passing = (discord.DiscordServerError, aiohttp.ClientError)
    async for attempt in stamina.retry_context(on=passing, attempts=READ_ATTEMPTS, timeout=None):
        with attempt:
            return await attachment.read()
    raise AssertionError("a retry context either returns or raises")


def role_ids(interaction: discord.Interaction[Any]) -> list[int]:
    """Return the roles of the member who acts; none in a direct message."""
    user = interaction.user
    return [role.id for role in user.roles] if isinstance(user, discord.Member) else []
