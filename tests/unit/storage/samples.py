"""What the tests of storage write down."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bot.models.catalog import Kind
from bot.models.jobs import CardLocation, Job
from bot.models.languages import Language
from bot.models.requests import Reference, VideoRequest

START = datetime(2026, 1, 1, tzinfo=UTC)
GUILD, MEMBERS = 10, (1, 2)


def new_job(job_id: int, user_id: int = 1, seconds: int = 5, now: datetime = START) -> Job:
    reference = Reference(Kind.IMAGE, "fox.png", "https://cdn.example.invalid/fox.png", 1000, 320, 240)
    request = VideoRequest("a fox 🦊\nin the snow", (reference,), seconds, 7)
    expires = now + timedelta(minutes=15)
    location = CardLocation(
        3, GUILD, 4, "fake-token", expires, True, True, 10_000_000, guest=True, language=Language.GERMAN
    )
    return Job(
        job_id,
        user_id,
        location,
        request,
        "vidu-q2-pro-r2v",
        now,
        quota_guild_id=GUILD,
        state_since=now,
        spoiler=True,
    )


class FixedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        raise AssertionError("nothing here has to wait")
