"""Where the provider reads the pictures of saved references: they are uploaded, since Discord has no link."""

from __future__ import annotations

from collections.abc import Iterable

from bot.media.uploads import ReferenceUploads, UploadError
from bot.models.problems import FileFormat
from bot.models.requests import CastUse
from bot.storage.cast import CastStore

_TYPES = {FileFormat.PNG: "image/png", FileFormat.JPEG: "image/jpeg"}


class CastLinks:
    """Uploads pictures once as long as their links live, whoever uses them."""

    def __init__(self, store: CastStore, uploads: ReferenceUploads) -> None:
        self._store = store
        self._uploads = uploads

    async def use(self, reference_id: int, name: str) -> CastUse:
        """Return a reference with links that live for hours. Raises UploadError, StorageUnavailable."""
        links = []
        for picture in await self._store.pictures(reference_id):

            async def read_bytes(content: bytes = picture.content) -> bytes:
                return content

            info = picture.info
            links.append(await self._uploads.link_of(info.digest, _TYPES[info.format], read_bytes))
        if not links:
            raise UploadError(f"the reference {reference_id} has no pictures", passing=False)
        return CastUse(reference_id, name, tuple(links))

    async def renewed(self, uses: Iterable[CastUse]) -> tuple[CastUse, ...]:
        """Return references with links that live now. Raises as `use` does."""
        return tuple([await self.use(use.reference_id, use.name) for use in uses])
