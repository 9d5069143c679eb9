"""Each table and column: what a member gets of it when they ask, and what becomes of it when they erase."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.models.cast import CastLimits, PictureInfo, SavedPicture, SavedReference, Share, Sharing
from bot.models.continuations import Continuation
from bot.models.drafts import Draft
from bot.models.jobs import Charge, Job, erased, transition
from bot.models.problems import FileFormat
from bot.models.quotas import LONGEST
from bot.models.reference_links import LinkStage
from bot.models.requests import CastUse
from bot.models.states import Reason, State
from bot.moderation.privacy import MOMENTS
from bot.storage.cast_tables import cast_pictures, cast_references, cast_shares, cast_uses
from bot.storage.privacy.members import ErasureRequest
from bot.storage.schema import jobs, metadata
from bot.storage.storage import Storage
from tests.unit.storage.samples import GUILD, START, new_job

ME, OTHER = 1, 2
LINK = "https://discord.com/channels/10/3/4"

EXPORTED = {
    "jobs": "videos",
    "drafts": "drafts",
    "quota_rules": "quota_rules",
    "quota_resets": "quota_resets",
    "member_blocks": "blocks",
    "cast_references": "references",
    "cast_pictures": "reference_pictures",
    "cast_shares": "reference_shares",
    "cast_uses": "reference_uses",
    "erasures": "erasures",
}
NOT_EXPORTED = {
    "placeholders": "for the moments between a command and its job, or its refusal",
    "relayed_actions": "a click on its way to another process, for an hour",
    "filter_entries": "what moderators decided for their server",
    "rule_changes": "what moderators decided for their server",
    "server_settings": "of a server",
    "server_budgets": "of a server",
    "budget_warnings": "of a server, or of the bot",
    "departures": "of a server",
    "log_entries": "which message of a server's log shows a job",
    "notes": "of the bot",
    "leases": "of processes",
    "topology": "of processes",
    "announcements": "of processes",
}
# Beside the rows as they are: keys to the bot's answers, and bytes, which come as a ZIP file.
LEFT_OUT = {"jobs": {"token", "token_expires"}, "cast_pictures": {"content", "preview"}}

ERASED = {
    *("prompt", "sent_prompt", "reference_list", "cast_list", "detail", "results"),
    *("continues", "scene", "scene_before"),
    *("message_id", "token", "token_expires", "keeps_references", "cancelled_by"),
}
FORGOTTEN_LATER = {"user_id", "channel_id", "guild_id", "quota_guild_id"}  # once no quota counts it
KEPT = {
    *("id", "revision", "created_at", "deleted_at", "erased"),
    *("state", "since", "reason", "charge", "told", "waiting_until", "refetch_until"),
    *("model", "duration", "seed", "links", "spoiler", "private", "guest", "language", "upload_limit"),
    *("request_id", "earlier_request_id", "resent_at", "shard"),  # a bill or a lost answer may name them
}


def full_job() -> Job:
    """Return an ended job in which nothing is empty."""
    job = new_job(1, ME)
    request = replace(
        job.request,
        cast=(CastUse(5, "mia", ("https://storage.example.invalid/mia.png",)),),
        sent_prompt="mia (reference image 2)",
    )
    return replace(
        job,
        request=request,
        state=State.FAILED,
        charge=Charge.REFUNDED,
        reason=Reason.DOWNLOAD,
        detail="ImageDownloadFailure",
        links=LinkStage.UPLOADED,
        request_id="req-2",
        earlier_request_id="req-1",
        resent_at=START,
        continues=Continuation(9, 3, LINK),
        results=("https://storage.example.invalid/a.mp4",),
        cancelled_by=OTHER,
        acknowledged=True,
    )


async def rows(storage: Storage, table: sa.Table) -> list[dict[str, Any]]:
    found = await storage.database.rows(sa.select(table), 20.0)
    return [dict(row._mapping) for row in found]


async def exported(storage: Storage, user_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return all that the file of an export has of a member, as it stands in the tables."""
    last = (2**62, 2**62)
    videos = await storage.members.jobs_newest_first(user_id, last, 99)
    return {"videos": videos, **await storage.members.other_rows(user_id)}


def test_of_each_table_it_is_decided_whether_a_member_gets_it() -> None:
    assert {*EXPORTED, *NOT_EXPORTED} == {*metadata.tables}
    assert not {*EXPORTED} & {*NOT_EXPORTED}


def test_moments_are_exported_as_people_write_them() -> None:
    columns = {column.name for name in EXPORTED for column in metadata.tables[name].c}
    moments = {
        name for name in columns if name.endswith(("_at", "_until")) or name in {"at", "until", "since"}
    }
    assert moments == MOMENTS


def test_of_each_column_of_a_job_it_is_decided_whether_it_is_erased() -> None:
    assert {*ERASED, *FORGOTTEN_LATER, *KEPT} == {column.name for column in jobs.c}
    assert len(ERASED) + len(FORGOTTEN_LATER) + len(KEPT) == len(jobs.c)


async def test_what_somebody_wrote_or_linked_is_erased_from_a_job(storage: Storage) -> None:
    job = full_job()
    await storage.jobs.add(job)
    [before] = await rows(storage, jobs)
    assert all(before[name] for name in ERASED | FORGOTTEN_LATER), "else nothing would show"
    await storage.retention.erase_jobs([job.id], START)
    [after] = await rows(storage, jobs)
    assert not [name for name in ERASED if after[name]]
    same = FORGOTTEN_LATER | KEPT - {"revision", "deleted_at", "erased"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert await storage.jobs.get(job.id) == replace(erased(job, START), revision=job.revision + 1)
    await storage.members.forget(ErasureRequest(ME, START), START + LONGEST)
    [last] = await rows(storage, jobs)
    assert not [name for name in FORGOTTEN_LATER if last[name]]


async def saved(storage: Storage, number: int, owner_id: int, *shares: Share) -> None:
    picture = SavedPicture(PictureInfo(1, FileFormat.PNG, 4, 9, 9, "ab"), b"\x89PNG", b"p")
    reference = SavedReference(number, owner_id, "mia", START, (picture.info,))
    assert await storage.cast.add(reference, [picture], CastLimits()) is None
    for share in shares:
        await storage.cast_shares.save(number, share)


async def fill(storage: Storage) -> None:
    """Write down all that can be about references, of one member and of another."""
    for owner_id, friend in ((ME, OTHER), (OTHER, ME)):
        with_friend = Share(Sharing.PEOPLE, friend, GUILD, owner_id, START)
        with_server = Share(Sharing.SERVER, GUILD, GUILD, owner_id, START, friend, START)
        await saved(storage, owner_id, owner_id, with_friend, with_server)
        await storage.cast_shares.note_use(owner_id, friend, START)
        await storage.cast_shares.note_use(owner_id, 3, START)


async def test_a_member_gets_every_column_of_what_is_theirs(storage: Storage) -> None:
    await fill(storage)
    await storage.jobs.add(full_job())
    draft = Draft(7, ME, "a fox", cast="mia", continues=Continuation(9, 3, LINK))
    await storage.drafts.save(draft, START)
    await storage.members.request_erasure(OTHER, START)
    found = await exported(storage, ME)
    assert {*found} == {*EXPORTED.values()}
    for table in (jobs, cast_references, cast_pictures, cast_shares, cast_uses):
        columns = {column.name for column in table.c} - LEFT_OUT.get(table.name, set())
        assert found[EXPORTED[table.name]], table.name
        assert all({*row} == columns for row in found[EXPORTED[table.name]])
    [video], [kept] = found["videos"], found["drafts"]
    assert (video["continues"], video["scene"], video["scene_before"]) == (9, 3, LINK)
    assert (video["cast_list"][0]["name"], video["earlier_request_id"]) == ("mia", "req-1")
    assert (kept["content"]["cast"], kept["content"]["continues"]["link"]) == ("mia", LINK)
    assert [row["owner_id"] for row in found["references"]] == [ME]
    # What is shared with them, and what they used, is about them as well.
    theirs = [(row["reference_id"], row["level"]) for row in found["reference_shares"]]
    assert sorted(theirs) == [(ME, "people"), (ME, "server"), (OTHER, "people")]
    used = [(row["reference_id"], row["user_id"]) for row in found["reference_uses"]]
    assert sorted(used) == [(ME, OTHER), (ME, 3), (OTHER, ME)]


async def test_nothing_about_a_member_stays_of_references(storage: Storage) -> None:
    await fill(storage)
    await storage.cast_shares.erase_member(ME)
    found = await exported(storage, ME)
    assert not [name for name in found if name.startswith("reference") and found[name]]
    assert [row["owner_id"] for row in await rows(storage, cast_references)] == [OTHER]
    assert [row["reference_id"] for row in await rows(storage, cast_pictures)] == [OTHER]
    [share] = await rows(storage, cast_shares)
    # That they ended somebody's share as a moderator is about that share: nobody may undo it.
    assert (share["reference_id"], share["level"], share["removed_by"]) == (OTHER, "server", ME)
    assert [(row["reference_id"], row["user_id"]) for row in await rows(storage, cast_uses)] == [(OTHER, 3)]


@pytest.mark.parametrize("state", [State.DELIVERED, State.FAILED, State.CANCELLED, State.REFUSED])
def test_a_job_that_has_ended_leads_nobody_to_somebody_elses_pictures(state: State) -> None:
    before = {State.DELIVERED: State.SUCCEEDED, State.REFUSED: State.SUBMITTING}.get(state, State.QUEUED)
    job = replace(full_job(), state=before, charge=Charge.HELD)
    ended = transition(job, state, START + timedelta(seconds=1))
    assert ended.request.cast == (CastUse(5, "mia", ()),)
