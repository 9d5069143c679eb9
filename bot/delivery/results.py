"""What is posted of finished videos: a file where it fits, its link where it does not, and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import discord

from bot.delivery.fetcher import Result
from bot.models.jobs import Job
from bot.ui.cards import ALT_TEXT_MAX, Media, quote_prompt, video_filename


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


def present(job: Job, results: Sequence[Result], place: Place) -> Shown:
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
            sentences[_unread(job, link, place)] = None
            media.append(Media(None, link, button))
        elif result.file.path is None or result.file.size > place.limit:
            sentences[_too_large(job, result.file.size, link, place)] = None
            media.append(Media(link if button else None, link, button))
        else:
            alt_text = job.request.prompt[:ALT_TEXT_MAX]
            files.append(discord.File(result.file.path, filename=name, description=alt_text))
            media.append(Media(f"attachment://{name}", link, button))
    return Shown(media, " ".join(sentences) or None, files)


def _too_large(job: Job, size: int, link: str | None, place: Place) -> str:
    taken = (
        f"this place takes files up to {place.limit // 1024 // 1024} MiB"
        if place.limit
        else "Discord did not take it"
    )
    reason = f"The file has {size / 1024 / 1024:.1f} MiB and {taken}"
    if link is None:
        return f"{reason}, and its link can't be shown here. {_look_up(job)}"
    way = "it plays from GMI Cloud's link" if place.links is Links.PLAYED else "here is its link"
    return f"{reason}, so {way}. The link does not last for ever: save the video soon."


def _unread(job: Job, link: str | None, place: Place) -> str:
    if link is None:
        text = (
            "I could not download the video, and its link can't be shown here. "
            f"Press Show in `/videos` to try again. {_look_up(job)}"
        )
    else:
        text = (
            "I could not download the video, so here is its link. "
            "It does not last for ever: save the video soon."
        )
    if place.refetch_until is None:
        return text
    until = discord.utils.format_dt(place.refetch_until, "t")
    return f"{text} I'll keep trying until {until} and put the video here."


def _look_up(job: Job) -> str:
    text = "The people who run this bot can look it up"
    return f"{text}: request {quote_prompt(job.request_id, 60)}." if job.request_id else f"{text}."
