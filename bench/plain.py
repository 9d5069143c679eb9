"""Download a link to disk and upload it to Discord, as plainly as it can be done; print when it began."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

CHUNK = 256 * 1024  # bytes


async def main(link: str, message: str, target: str) -> None:
    """Fetch the link and post it to the target; the message is only read, to open the connection."""
    async with aiohttp.ClientSession() as session:
        async with session.get(message) as warm:  # the bot's connections are open already
            await warm.read()
        print(time.monotonic(), flush=True)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "video.mp4")
            with path.open("wb") as file:
                async with session.get(link) as response:
                    async for chunk in response.content.iter_chunked(CHUNK):
                        file.write(chunk)
            form = aiohttp.FormData()
            form.add_field(
                "payload_json", json.dumps({"attachments": [{"id": "0", "filename": "vidu-0.mp4"}]})
            )
            with path.open("rb") as file:
                form.add_field("files[0]", file, filename="vidu-0.mp4")
                async with session.post(target, data=form) as response:
                    await response.read()
                    response.raise_for_status()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
