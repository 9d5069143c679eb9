"""The storage beside the stand-in's queue: signed links for uploads, and what was uploaded."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from fakes.gmi.checks import UPLOAD_TYPES

VALID = timedelta(seconds=899)


@dataclass(slots=True)
class Upload:
    """One place for a file."""

    content_type: str
    signature: str
    expires: datetime
    public_url: str
    content: bytes | None = None


class Uploads:
    """What was uploaded, by name."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._places: dict[str, Upload] = {}

    def content(self, url: str) -> bytes | None:
        """Return what was uploaded to be public at this link, or None."""
        return next((each.content for each in self._places.values() if each.public_url == url), None)

    async def create(self, request: web.Request) -> web.Response:
        """Sign a link for one file."""
        try:
            file_type = (await request.json())["file_type"]
            content_type = UPLOAD_TYPES[file_type]
        except (ValueError, TypeError, KeyError):
            return web.json_response({"error": f"file_type must be one of {list(UPLOAD_TYPES)}"}, status=400)
        name, signature = f"{secrets.token_hex(8)}.{file_type}", secrets.token_hex(8)
        public = str(request.url.origin() / "uploads" / name)
        self._places[name] = Upload(content_type, signature, self._now() + VALID, public)
        return web.json_response({"upload_url": f"{public}?signature={signature}", "public_url": public})

    async def put(self, request: web.Request) -> web.Response:
        """Take a file, if link and headers are those that were signed."""
        place = self._places.get(request.match_info["name"])
        if place is None or request.query.get("signature") != place.signature:
            return web.Response(status=403, text="SignatureDoesNotMatch")
        # Storage takes one credential only, and the signature already is one.
        if "Authorization" in request.headers:
            return web.Response(status=400, text="InvalidArgument: two ways to authenticate")
        if request.headers.get("Content-Type") != place.content_type:
            return web.Response(status=403, text="SignatureDoesNotMatch: Content-Type")
        if self._now() >= place.expires:
            return web.Response(status=400, text="ExpiredToken")
        place.content = await request.read()
        return web.Response()

    async def get(self, request: web.Request) -> web.Response:
        """Give an uploaded file to anybody."""
        place = self._places.get(request.match_info["name"])
        if place is None or place.content is None:
            return web.Response(status=404)
        return web.Response(body=place.content, headers={"Content-Type": place.content_type})
