"""How the process ends: one number for each way, for whoever starts it again or looks into its log."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The codes; their numbers never change, because restart policies and alarms hold them."""

    STOPPED = 0
    FAILED = 1
    MISCONFIGURED = 2
    LOST_SLOT = 3
    CHECK_FOUND_FAULTS = 4

    @property
    def meaning(self) -> str:
        """Return in one sentence what happened, and what to do."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.STOPPED: "It was told to stop, or `--check` found no fault: nothing to do.",
    ExitCode.FAILED: "It could not go on: the last line of the log says why. Start it again.",
    ExitCode.MISCONFIGURED: "A setting is missing or wrong: correct it first, a restart alone won't help.",
    ExitCode.LOST_SLOT: "Another process may have taken over. Start it again: it waits while one works.",
    ExitCode.CHECK_FOUND_FAULTS: "`--check` found a fault: its lines say what to do.",
}
