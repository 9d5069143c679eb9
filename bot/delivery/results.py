"""What is posted of finished videos: a file where it fits, its link where it does not, and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import discord

from bot.delivery.fetcher import Result
from bot.models.jobs import Job
from bot.ui.cards import ALT_TEXT_MAX, Media, video_filename
from bot.ui.texts import jobs as job_texts


class Links(IntEnum):
    """How much a card does with links: less where Discord does not accept one."""

    PLAYED = 0  # embedded, and behind a button
    TEXT = 1
    NONE = 2


@dataclass(frozen=True, slots=True)
class Place:
    """What a place takes of results."""

    limit: int  # bytes a file may have
    links: Links = Links.PLAYED
    refetch_until: datetime | None = None  # until when the file may still come in a link's place


@dataclass(frozen=True, slots=True)
class Shown:
    """What a card shows of results."""

    media: list[Media]
    note: str | None
    files: list[discord.File]


def choose_files(job: Job, results: Sequence[Result], place: Place) -> Shown:
    """Decide for each result whether it is a file or a link in this place, and why."""
    media: list[Media] = []
    files: list[discord.File] = []
    sentences: dict[str, None] = {}  # in order, each once
    for position, result in enumerate(results, start=1):
        name = video_filename(job, position)
        link = result.link if place.links is not Links.NONE else None
        button = place.links is Links.PLAYED
        if result.on_card:
            media.append(Media(f"attachment://{name}", link, button))
        elif result.file is None:
            text = job_texts.not_downloaded(
                request_id=job.request_id, link=link is not None, refetch_until=place.refetch_until
            )
            sentences[text] = None
            media.append(Media(None, link, button))
        elif result.file.path is None or result.file.size > place.limit:
            text = job_texts.too_large(
                result.file.size, place.limit, request_id=job.request_id, plays=button, link=link is not None
            )
            sentences[text] = None
            media.append(Media(link if button else None, link, button))
        else:
            alt_text = job.request.prompt[:ALT_TEXT_MAX]
            files.append(discord.File(result.file.path, filename=name, description=alt_text))
            media.append(Media(f"attachment://{name}", link, button))
    return Shown(media, " ".join(sentences) or None, files)
