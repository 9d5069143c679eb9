"""The real bot with one part that fails at every start: `python -m tests.process.broken`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

from bot.command_line import main
from bot.polling.poller import StatusPoller, StatusUpdate


async def _fails(self: StatusPoller) -> AsyncIterator[StatusUpdate]:
    raise RuntimeError("nothing can be polled")
    yield


if __name__ == "__main__":
    setattr(StatusPoller, "updates", _fails)  # noqa: B010 - a method cannot be assigned otherwise
    sys.exit(main())
