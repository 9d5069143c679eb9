"""What is posted of finished videos: a file where it fits, its link where it does not, and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import discord

from bot.cards import ALT_TEXT_MAX, Media, video_filename
from bot.downloads import Download
from bot.jobs import Job


@dataclass(frozen=True, slots=True)
class Result:
    """A finished video: its link, and its bytes where they could be fetched."""

    url: str
    file: Download | None  # None: it could not be fetched


def present(
    job: Job, results: Sequence[Result], limit: int
) -> tuple[list[Media], str | None, list[discord.File]]:
    """Decide for each result whether it is a file or a link where files may have so many bytes, and why."""
    media: list[Media] = []
    files: list[discord.File] = []
    too_large: list[int] = []
    unread = False
    for position, result in enumerate(results, start=1):
        if result.file is None:
            unread = True
            media.append(Media(result.url, playable=False))
        elif result.file.path is None or result.file.size > limit:
            too_large.append(result.file.size)
            media.append(Media(result.url))
        else:
            name = video_filename(job, position)
            files.append(
                discord.File(result.file.path, filename=name, description=job.request.prompt[:ALT_TEXT_MAX])
            )
            media.append(Media(f"attachment://{name}"))
    return media, _note(too_large, unread, limit), files


def _note(too_large: Sequence[int], unread: bool, limit: int) -> str | None:
    sentences = []
    if too_large:
        size = f"{max(too_large) / 1024 / 1024:.1f} MiB"
        taken = (
            f"this place takes files up to {limit // 1024 // 1024} MiB"
            if limit
            else "Discord did not take it"
        )
        sentences.append(
            f"The file has {size} and {taken}, so it plays from GMI Cloud's link. "
            "The link does not last for ever: save the video soon."
        )
    if unread:
        sentences.append(
            "I could not download the video, so here is its link. "
            "It does not last for ever: save the video soon."
        )
    return " ".join(sentences) or None
