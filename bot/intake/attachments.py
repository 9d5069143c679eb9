"""Files in Discord: find those that can be references, read them, and name what is wrong with them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import discord

from bot.media.byte_budget import ByteBudget
from bot.media.cdn import Cdn, CdnError, LargerThanAllowed
from bot.media.filenames import display_name
from bot.media.inspection.inspector import Inspector, NotNow
from bot.media.inspection.unreadable import Unreadable
from bot.models.catalog import Kind
from bot.models.drafts import Source
from bot.models.jobs import Job
from bot.models.problems import Problem, ProblemCode
from bot.models.requests import (
    IMAGE_BYTES_MAX,
    VIDEO_BYTES_MAX,
    Reference,
    count_problems,
    length_problems,
    shape_problems,
    size_problems,
)
from bot.ui.cards import reference_filename, video_filename

log = logging.getLogger(__name__)


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
class InspectedFiles:
    """What the files turned out to be."""

    references: list[Reference]
    contents: list[bytes]  # of all references, or of none; lent by the budget of uploads
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one file turned out to be."""

    reference: Reference | None = None
    problem: Problem | None = None


LATER = _Finding()  # a clip that looked like a picture: it is read again in its turn


class AttachmentReader:
    """Reads and probes files."""

    def __init__(self, inspector: Inspector, cdn: Cdn, upload_bytes: ByteBudget) -> None:
        self._inspector = inspector
        self._cdn = cdn
        self._upload_bytes = upload_bytes

    async def examine(self, user_id: int, sources: Sequence[Source], keep_max: int = 0) -> InspectedFiles:
        """Read and probe all files of a member, and name everything that is wrong with them.

        Their contents are kept where they have no more bytes than `keep_max` and memory allows: whoever
        gets them returns them to the budget of uploads.
        """
        keeper = _Keeper(self._upload_bytes, keep_max, sources)
        try:
            async with self._inspector.turn(user_id):
                findings = await self._examine_all(user_id, sources, keeper)
        except NotNow as error:
            keeper.drop()
            return InspectedFiles([], [], [error.problem])
        except BaseException:
            keeper.drop()
            raise
        references: list[Reference] = []
        problems: list[Problem] = []
        for finding in findings:
            if finding.problem is not None:
                problems.append(finding.problem)
            elif finding.reference is not None:
                references.append(finding.reference)
                problems += shape_problems(finding.reference)
        clips = [reference for reference in references if reference.kind is Kind.VIDEO]
        if not problems and references:
            # Only now is it known what they are: a clip may have been named like a picture.
            problems += count_problems(len(references) - len(clips), len(clips))
        given_clips = sum(source.kind is Kind.VIDEO for source in sources)
        problems += length_problems(clips, max(given_clips, len(clips)))
        if problems:
            keeper.drop()
        return InspectedFiles(references, keeper.contents(), problems)

    async def examine_briefly(
        self, user_id: int, sources: Sequence[Source], limit: asyncio.Timeout
    ) -> InspectedFiles:
        """Look into the files of a refusal, which is certain anyway, as far as the time allows."""
        readable = [
            source
            for source in sources
            if source.size is None or not size_problems(source.name, source.size, source.likely_kind)
        ]
        try:
            async with limit:
                return await self.examine(user_id, readable)
        except TimeoutError:
            return InspectedFiles([], [], [])

    async def _examine_all(self, user_id: int, sources: Sequence[Source], keeper: _Keeper) -> list[_Finding]:
        """Look into the clips, then into the pictures, then into clips that looked like pictures.

        One file after the other: a request with many takes no more memory, nor more places in a line.
        """
        findings = [LATER] * len(sources)

        async def look(position: int, as_clip: bool) -> None:
            findings[position], content = await self._examine_one(user_id, sources[position], as_clip)
            if findings[position].reference is not None:
                keeper.keep(position, content)

        async def look_at_clips(positions: Sequence[int]) -> None:
            if positions:
                async with self._inspector.clip_turn():
                    for position in positions:
                        await look(position, True)

        kinds = [source.likely_kind for source in sources]
        pictures = [position for position, kind in enumerate(kinds) if kind is Kind.IMAGE]
        await look_at_clips([position for position, kind in enumerate(kinds) if kind is Kind.VIDEO])
        for position in pictures:
            await look(position, False)
        await look_at_clips([position for position in pictures if findings[position] is LATER])
        return findings

    async def _examine_one(self, user_id: int, source: Source, as_clip: bool) -> tuple[_Finding, bytes]:
        """Read one file and look into it; what turns out to be a clip only then has to wait its turn."""
        inspector, limit = self._inspector, _limit(source, as_clip)
        # A clip's turn is its share of memory as well.
        share = contextlib.nullcontext() if as_clip else inspector.picture_bytes.lend(limit)
        async with share:
            try:
                content = await self._cdn.read(source.url, limit)
                given = source.name, source.url, content, source.kind
                if as_clip:
                    return _Finding(await inspector.clip(user_id, *given)), content
                picture = await inspector.picture(*given)
                return (LATER, b"") if picture is None else (_Finding(picture), content)
            except CdnError as error:
                log.info("A file could not be read (%s)", error)
                problem = Problem(ProblemCode.FILE_NOT_READ, {"name": source.name})
            except LargerThanAllowed as error:
                problems = size_problems(source.name, error.size, source.likely_kind)
                problem = (problems or [Problem(ProblemCode.FILE_NOT_READ, {"name": source.name})])[0]
            except Unreadable as error:
                problem = error.problem
        return _Finding(problem=problem), b""


class _Keeper:
    """Keeps the contents of a request's files for its card: all of them, or none."""

    def __init__(self, budget: ByteBudget, size_max: int, sources: Sequence[Source]) -> None:
        self._budget = budget
        self._size_max = size_max
        self._lent = 0
        self._contents: dict[int, bytes] = {}
        # Where it is known already that they are too many, none is kept even for a moment.
        self._keeps = sum(source.size or 0 for source in sources) <= size_max

    def keep(self, position: int, content: bytes) -> None:
        """Keep one more file, unless that would be too much: then all are dropped."""
        size = len(content)
        if not self._keeps or self._lent + size > self._size_max or not self._budget.try_take(size):
            self.drop()
            return
        self._lent += size
        self._contents[position] = content

    def drop(self) -> None:
        """Keep nothing, now and later."""
        self._keeps = False
        self._contents.clear()
        self._budget.give_back(self._lent)
        self._lent = 0

    def contents(self) -> list[bytes]:
        """Return what is kept in the order of the files."""
        return [self._contents[position] for position in sorted(self._contents)]


def _limit(source: Source, as_clip: bool) -> int:
    """Return how many bytes of a file are read at most: what Discord said, or what a request may have."""
    if source.size is not None:
        return source.size
    return VIDEO_BYTES_MAX if as_clip else IMAGE_BYTES_MAX


def source_of(attachment: discord.Attachment, kind: Kind | None = None) -> Source:
    """Return an attachment as a file that nobody has looked into yet."""
    return Source(display_name(attachment.filename), attachment.url, attachment.size, kind)


def sources_on_card(job: Job, attachments: Sequence[discord.Attachment]) -> tuple[Source, ...]:
    """Return the references of a job that its card has kept, or nothing if one is missing."""
    by_name = {attachment.filename: attachment for attachment in attachments}
    sources = []
    for position, reference in enumerate(job.request.references, start=1):
        attachment = by_name.get(reference_filename(position, reference))
        if attachment is None:
            return ()
        # The links on the card's message are fresh, those of the command have long died; its names stay.
        sources.append(Source(reference.name, attachment.url, attachment.size, reference.kind))
    return tuple(sources)


def video_on_card(job: Job, attachments: Sequence[discord.Attachment]) -> Source | None:
    """Return the finished video that a card shows, None where it isn't there as a file."""
    name = video_filename(job, 1)
    found = (attachment for attachment in attachments if attachment.filename == name)
    return next((source_of(attachment, Kind.VIDEO) for attachment in found), None)


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
    for item in media:
        url = item.url if item.attachment_id else item.proxy_url
        if url and _kind(item.content_type, _name(item.url)) is not None:
            yield Source(display_name(_name(item.url)), url, None, None)


def _kind(content_type: str | None, filename: str) -> Kind | None:
    if content_type:
        return _TYPES.get(content_type.partition(";")[0].strip().lower())
    return _SUFFIXES.get(filename.rsplit(".", 1)[-1].lower())


def _name(url: str) -> str:
    return urlsplit(url).path.rsplit("/", 1)[-1] or "picture"
