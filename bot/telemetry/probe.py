"""Asks the bot of this machine whether it works: `python -m bot.telemetry.probe`, for the container.

It imports nothing of the bot, so that asking every half minute costs next to nothing.
"""

from __future__ import annotations

import http.client
import os
import sys

SECONDS = 5.0  # an event loop that needs longer keeps members waiting beyond Discord's 3 s
PORT = 8080  # the default of HTTP_PORT
EVERY_ADDRESS = {"", "0.0.0.0", "::"}  # noqa: S104 - addresses to listen on, not to ask


def main() -> int:
    """Return 0 if the bot works, or serves no health; 1 if it doesn't."""
    try:
        port = int(os.environ.get("HTTP_PORT", "").strip() or PORT)
    except ValueError:
        port = PORT  # with such a setting the bot doesn't even start
    if port == 0:
        return 0
    host = os.environ.get("HTTP_HOST", "").strip()
    connection = http.client.HTTPConnection(
        "127.0.0.1" if host in EVERY_ADDRESS else host, port, timeout=SECONDS
    )
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        print(answer.read(4096).decode(errors="replace").strip())
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer: {type(error).__name__}")
        return 1
    finally:
        connection.close()
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
