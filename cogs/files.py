"""Files in Discord: find those that can be references, read them, and name what is wrong with them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import discord
import stamina

from bot.drafts import Source
from bot.references import Unreadable, display_name, probe
from bot.request import Kind, Reference, count_faults, length_faults, shape_faults, size_faults

if TYPE_CHECKING:
    from bot.client import ViduBot

log = logging.getLogger(__name__)

READ_ATTEMPTS = 3
READ_SECONDS = 120.0  # for all attachments together; the token outlives it by far
# A refusal that is certain anyway still looks into the files, to name all faults at once within 3 s.
REFUSAL_SECONDS = 1.5

FAILED_READ = "**{name}** could not be read from Discord. Attach it again."

_TYPES = {  # what Discord says that a file is, as far as it can be a reference
    "image/png": Kind.IMAGE,
    "image/jpeg": Kind.IMAGE,
    "image/webp": Kind.IMAGE,
    "video/mp4": Kind.VIDEO,
    "video/quicktime": Kind.VIDEO,
}
_SUFFIXES = {
    "png": Kind.IMAGE,
    "jpg": Kind.IMAGE,
    "jpeg": Kind.IMAGE,
    "webp": Kind.IMAGE,
    "mp4": Kind.VIDEO,
    "m4v": Kind.VIDEO,
    "mov": Kind.VIDEO,
}


@dataclass(frozen=True, slots=True)
class Examined:
    """What the files turned out to be."""

    references: list[Reference]
    contents: list[bytes]
    faults: list[str]


class Files:
    """Reads and probes files."""

    def __init__(self, bot: ViduBot) -> None:
        self._bot = bot

    async def examine(self, sources: Sequence[Source]) -> Examined:
        """Read and probe all files at once, and name everything that is wrong with them."""
        async with self._bot.examinations:
            results = await asyncio.gather(*(self._examine_one(source) for source in sources))
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
        if not faults and references:
            # Only now is it known what they are: a clip may have been named like a picture.
            faults += count_faults(len(references) - len(clips), len(clips))
        given_clips = sum(source.kind is Kind.VIDEO for source in sources)
        return Examined(references, contents, faults + length_faults(clips, max(given_clips, len(clips))))

    async def examine_briefly(self, sources: Sequence[Source]) -> Examined:
        """Look into the files as far as the time for a first answer allows."""
        readable = [
            source
            for source in sources
            if source.size is None or not size_faults(source.name, source.size, source.likely_kind)
        ]
        try:
            async with asyncio.timeout(REFUSAL_SECONDS):
                return await self.examine(readable)
        except TimeoutError:
            return Examined([], [], [])

    async def _examine_one(self, source: Source) -> tuple[Reference | None, bytes, str | None]:
        try:
            async with asyncio.timeout(READ_SECONDS):
                content = await self._read(source.url)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            log.info("A file could not be read (%s)", type(error).__name__)
            return None, b"", FAILED_READ.format(name=source.name)
        try:
            probed = await asyncio.to_thread(probe, source.name, source.url, content, source.kind)
        except Unreadable as error:
            return None, b"", error.sentence
        return probed, content, None

    async def _read(self, url: str) -> bytes:
        passing = (discord.DiscordServerError, aiohttp.ClientError)
        async for attempt in stamina.retry_context(on=passing, attempts=READ_ATTEMPTS, timeout=None):
            with attempt:
                # What `Attachment.read` calls; the links of a kept draft have no attachment any more.
                return await self._bot.http.get_from_cdn(url)
        raise AssertionError("a retry context either returns or raises")


def source_of(attachment: discord.Attachment, kind: Kind | None = None) -> Source:
    """Return an attachment as a file that nobody has looked into yet."""
    return Source(display_name(attachment.filename), attachment.url, attachment.size, kind)


def sources_in(message: discord.Message) -> list[Source]:
    """Return the pictures and clips that a message shows, each once, in its order."""
    found: dict[str, Source] = {}
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for shown in parts:
        for source in _shown_in(shown):
            found.setdefault(urlsplit(source.url).path, source)
    return list(found.values())


def _shown_in(message: discord.Message | discord.MessageSnapshot) -> Iterator[Source]:
    for attachment in message.attachments:
        if _kind(attachment.content_type, attachment.filename) is not None:
            yield source_of(attachment)
    for component in message.components:
        yield from _in_component(component)
    for embed in message.embeds:
        for media in (embed.image, embed.thumbnail):
            # Discord's copy, never the address itself: that could be anything in the operator's network.
            if media.proxy_url and media.url:
                name = _name(media.url)
                if _kind(None, name) is Kind.VIDEO:
                    continue
                yield Source(display_name(name), media.proxy_url, None, None)


def _in_component(component: Any) -> Iterator[Source]:
    for child in getattr(component, "children", ()):
        yield from _in_component(child)
    if isinstance(component, discord.SectionComponent):
        yield from _in_component(component.accessory)
    media = [item.media for item in getattr(component, "items", ())]
    if isinstance(component, discord.ThumbnailComponent):
        media.append(component.media)
    for one in media:
        url = one.url if one.attachment_id else one.proxy_url
        if url and _kind(one.content_type, _name(one.url)) is not None:
            yield Source(display_name(_name(one.url)), url, None, None)


def _kind(content_type: str | None, filename: str) -> Kind | None:
    if content_type:
        return _TYPES.get(content_type.partition(";")[0].strip().lower())
    return _SUFFIXES.get(filename.rsplit(".", 1)[-1].lower())


def _name(url: str) -> str:
    return urlsplit(url).path.rsplit("/", 1)[-1] or "picture"
