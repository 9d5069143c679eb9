"""A server's log: batches, entries that stay right, and trouble that stays with one server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from bot.models.jobs import without_content
from bot.models.moderation import ChangeKind
from bot.models.shards import ALL, Share, share_of
from bot.models.states import State
from bot.moderation.audit_log import AuditLog
from bot.moderation.languages import ServerLanguages
from bot.moderation.log_writer import LogUnavailable, LogUnwritable
from bot.moderation.service import ModerationService
from bot.storage.storage import Storage
from tests.unit.storage.faults import full_disk
from tests.unit.storage.samples import GUILD, FixedClock, new_job

CHANNEL, MODERATOR = 77, 9


@dataclass
class Channels:
    """Discord's channels: what stands in each message, and what goes wrong next."""

    said: dict[int, str] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)

    async def post(self, channel_id: int, text: str, *, reported: int | None = None) -> int:
        self._fail()
        self.said[len(self.said) + 1] = text
        return len(self.said)

    async def edit(self, channel_id: int, message_id: int, text: str) -> None:
        self._fail()
        self.said[message_id] = text

    def _fail(self) -> None:
        if self.faults:
            raise self.faults.pop(0)


@pytest.fixture
def channels() -> Channels:
    return Channels()


@pytest.fixture
async def moderation(storage: Storage) -> ModerationService:
    service = ModerationService(storage.moderation, storage.servers, FixedClock())
    await service.set_log_channel(GUILD, CHANNEL)
    return service


@pytest.fixture
def audit(storage: Storage, moderation: ModerationService, channels: Channels) -> AuditLog:
    return new_log(storage, moderation, channels)


def new_log(
    storage: Storage, moderation: ModerationService, channels: Channels, share: Share = ALL
) -> AuditLog:
    return AuditLog(
        moderation=moderation,
        store=storage.moderation_log,
        jobs=storage.jobs,
        poster=channels,
        clock=FixedClock(),
        price=None,
        languages=ServerLanguages(moderation, lambda _: "en-US"),
        share=share,
    )


async def test_a_batch_is_a_message_and_the_rest_comes_later(audit: AuditLog, channels: Channels) -> None:
    for number in range(7):
        audit.note(GUILD, f"note {number}")
    audit.note(GUILD + 1, "of a server without a log")
    assert await audit.batches.write()
    assert channels.said == {1: "\n\n".join(f"note {number}" for number in range(5))}
    assert await audit.batches.write()
    assert channels.said[2] == "note 5\n\nnote 6"
    await audit.batches.close()
    assert len(channels.said) == 2


async def test_an_entry_follows_its_job_also_over_a_restart(
    audit: AuditLog, storage: Storage, moderation: ModerationService, channels: Channels
) -> None:
    jobs = [new_job(1), new_job(2)]
    jobs = [replace(job, location=replace(job.location, private=False, guest=False)) for job in jobs]
    for job in jobs:
        await storage.jobs.add(job)
        audit.job_changed(job)
    await audit.batches.write()
    assert channels.said[1].count("⏳ In progress") == 2
    failed = replace(jobs[0], state=State.FAILED, revision=1)
    await storage.jobs.save(failed, previous=0)  # and the process ends before it is written
    again = new_log(storage, moderation, channels)
    await again.load()
    await again.batches.write()
    assert (channels.said[1].count("❌ No video"), channels.said[1].count("⏳ In progress")) == (1, 1)
    await storage.jobs.save(replace(without_content(failed, FixedClock().now()), revision=2), previous=1)
    later = new_log(storage, moderation, channels)
    await later.load()
    await later.batches.write()
    assert channels.said[1].startswith("🗑️ <@1> · deleted · 5 seconds")
    assert channels.said[1].count("a fox") == 1
    last = new_log(storage, moderation, channels)
    await last.load()
    channels.said.clear()
    await last.batches.write()
    assert channels.said == {}


async def test_what_discord_cannot_take_now_is_written_later(
    audit: AuditLog, storage: Storage, channels: Channels
) -> None:
    job = new_job(1)
    await storage.jobs.add(job)
    audit.note(GUILD, "a note")
    audit.job_changed(job)
    channels.faults = [LogUnavailable("503")]
    assert not await audit.batches.write()
    channels.faults = []
    assert await audit.batches.write()
    assert channels.said[1] == "a note"
    assert channels.said[2].startswith("🔒 <@1> · private · 5 seconds")
    channels.faults = [LogUnavailable("503")]
    audit.job_changed(job)
    assert not await audit.batches.write()
    assert await audit.batches.write()


async def test_a_channel_that_is_closed_is_reported_and_nothing_is_kept(
    audit: AuditLog, channels: Channels
) -> None:
    assert audit.trouble(GUILD) == []
    audit.note(GUILD, "what somebody typed")
    channels.faults = [LogUnwritable("403")]
    assert await audit.batches.write()
    assert ["couldn't write the log in <#77>" in line for line in audit.trouble(GUILD)] == [True]
    audit.note(GUILD, "a new note")
    await audit.batches.write()
    assert channels.said == {1: "a new note"}
    assert audit.trouble(GUILD) == []


async def test_trouble_that_nobody_expected_stays_with_its_server(
    audit: AuditLog, moderation: ModerationService, channels: Channels
) -> None:
    await moderation.set_log_channel(GUILD + 1, CHANNEL)
    audit.note(GUILD, "first")
    audit.note(GUILD + 1, "second")
    channels.faults = [RuntimeError("a bug")]
    assert await audit.batches.write()
    assert await audit.batches.write()
    assert len(channels.said) == 1


async def test_an_entry_whose_message_is_gone_is_forgotten(
    audit: AuditLog, storage: Storage, channels: Channels
) -> None:
    job = new_job(1)
    await storage.jobs.add(job)
    audit.job_changed(job)
    await audit.batches.write()
    audit.job_changed(job)
    channels.faults = [LogUnwritable("404")]
    await audit.batches.write()
    assert await storage.moderation_log.entries([1]) == []
    assert audit.trouble(GUILD) == []


async def test_a_change_that_cannot_be_kept_is_written_all_the_same(
    audit: AuditLog, storage: Storage, channels: Channels
) -> None:
    with full_disk():
        await audit.record(GUILD, MODERATOR, ChangeKind.BUDGET, after="5 videos per day")
    await audit.record(GUILD, MODERATOR, ChangeKind.USAGE, target="<@1>")
    assert [change.kind for change in await audit.changes(GUILD)] == [ChangeKind.USAGE]
    await audit.batches.write()
    assert channels.said[1] == (
        "⚙️ <@9> changed Budget of this server: nothing → 5 videos per day\n\n⚙️ <@9> reset Used quota (<@1>)"
    )


async def test_of_several_processes_the_one_of_a_server_brings_its_log_up_to_date(
    audit: AuditLog, storage: Storage, moderation: ModerationService, channels: Channels
) -> None:
    job = replace(new_job(1), location=replace(new_job(1).location, private=False, guest=False))
    await storage.jobs.add(job)
    audit.job_changed(job)
    assert await audit.batches.write()
    await storage.jobs.save(replace(job, state=State.FAILED, revision=1), previous=0)
    before = dict(channels.said)
    for slot in (1, 0):  # the server has the first shard
        log = new_log(storage, moderation, channels, share_of(slot, 2, 2))
        await log.load()
        assert await log.batches.write()
        assert (channels.said != before) is (slot == 0)
