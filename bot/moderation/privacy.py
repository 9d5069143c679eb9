"""What a member may ask about their data: what there is, all of it in a file, and to have it erased."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from bot.clock import Clock
from bot.models.privacy import Erasure, Export, StoredData
from bot.moderation.retention import Retention
from bot.storage.columns import BIGGEST, to_moment
from bot.storage.privacy.members import ErasureRequest
from bot.storage.storage import Storage

BATCH = 200  # jobs that are read at once
MOMENTS = {
    *("since", "created_at", "waiting_until", "refetch_until", "resent_at", "deleted_at", "saved_at"),
    *("at", "until", "agreed_at", "removed_at", "last_at"),
}
ZIP_ENTRY = 400  # bytes around a file in a ZIP: its name twice, and what is said about it


class Privacy:
    """Answers members about what is stored about them, and erases it."""

    def __init__(
        self,
        storage: Storage,
        retention: Retention,
        clock: Clock,
        forget_cast: Callable[[int], Awaitable[None]],
    ) -> None:
        self._cast = storage.cast
        self._forget_cast = forget_cast
        self._members = storage.members
        self._compaction = storage.compaction
        self._retention = retention
        self._clock = clock

    async def count(self, user_id: int) -> StoredData:
        """Return how much is stored about a member. Raises StorageUnavailable."""
        return await self._members.count(user_id)

    async def export(self, user_id: int, size_max: int) -> Export:
        """Return all that is stored about a member as JSON; the oldest videos are left out beyond that size.

        Tokens are left out: they are keys to the bot's answers. Raises StorageUnavailable.
        """
        other = await self._members.other_rows(user_id)
        head: dict[str, Any] = {"user_id": user_id, "exported_at": self._clock.now().isoformat()}
        head |= {name: [_readable(row) for row in rows] for name, rows in other.items()}
        size = len(_dump(head)) + BATCH  # and what stands around the list
        videos: list[dict[str, Any]] = []
        place, left_out = (BIGGEST, BIGGEST), 0
        while rows := await self._members.jobs_newest_first(user_id, place, BATCH):
            place = rows[-1]["created_at"], rows[-1]["id"]
            for row in rows:
                video = _readable(row)
                size += len(_dump([video]))
                if size > size_max:
                    left_out += 1
                else:
                    videos.append(video)
        content = _dump(head | {"videos": videos})
        pictures = await self._pictures(user_id, size_max - len(content))
        return Export(content, left_out, pictures or b"", pictures_left_out=pictures is None)

    async def _pictures(self, user_id: int, size_max: int) -> bytes | None:
        """Return the pictures of a member's references as a ZIP file; None if it's too large."""
        references = await self._cast.of_owner(user_id)
        entries = sum(len(reference.pictures) for reference in references)
        size = sum(reference.size for reference in references) + entries * ZIP_ENTRY
        if not entries or size > size_max:
            return None if entries else b""
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:  # stored as they are: pictures hardly get smaller
            for reference in references:
                for picture in await self._cast.pictures(reference.id):
                    name = f"{reference.name}-{picture.info.position}.{picture.info.format}"
                    archive.writestr(name, picture.content)
        return file.getvalue()

    async def erase(self, user_id: int) -> Erasure:
        """Erase what a member typed, sent and got so far; what runs ends first, also after a restart.

        Raises StorageUnavailable; what was erased until then stays so, and the rest follows.
        """
        request = ErasureRequest(user_id, self._clock.now())
        await self._forget_cast(user_id)
        await self._members.request_erasure(request.user_id, request.at)
        self._compaction.request()
        return await self._retention.fulfil(request)


def _readable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its moments as people write them."""
    return {
        name: to_moment(value).isoformat() if name in MOMENTS and isinstance(value, int) else value
        for name, value in row.items()
    }


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode(errors="replace")


def file_name(now: datetime) -> str:
    """Return what the file of an export is called."""
    return f"vidu-data-{now:%Y-%m-%d}.json"


def pictures_name(now: datetime) -> str:
    """Return what the file with the pictures of an export is called."""
    return f"vidu-references-{now:%Y-%m-%d}.zip"
