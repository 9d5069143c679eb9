"""How jobs stand in their table."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from bot.models.catalog import Kind
from bot.models.continuations import Continuation
from bot.models.jobs import CardLocation, Charge, Job
from bot.models.languages import stored_language
from bot.models.reference_links import LinkStage
from bot.models.requests import CastUse, Reference, VideoRequest
from bot.models.states import Reason, State
from bot.storage.columns import optional_micros, optional_moment, to_micros, to_moment


def job_to_row(job: Job) -> dict[str, Any]:
    """Return a job as a row of `jobs`."""
    # Long, because every column is named.
    location, request = job.location, job.request
    return {
        "id": job.id,
        "revision": job.revision,
        "state": job.state.value,
        "since": optional_micros(job.state_since),
        "charge": job.charge.value,
        "told": job.acknowledged,
        "user_id": job.user_id,
        "guild_id": location.guild_id,
        "shard": job.shard,
        "quota_guild_id": job.quota_guild_id,
        "channel_id": location.channel_id,
        "message_id": location.message_id,
        "token": location.token,
        "token_expires": optional_micros(location.token_expires),
        "private": location.private,
        "guest": location.guest,
        "language": location.language.value,
        "keeps_references": location.keeps_references,
        "upload_limit": location.upload_limit,
        "spoiler": job.spoiler,
        "model": job.model,
        "prompt": request.prompt,
        "reference_list": [asdict(reference) for reference in request.references],
        "cast_list": [asdict(use) for use in request.cast],
        "sent_prompt": request.sent_prompt,
        "duration": request.duration,
        "seed": request.seed,
        "created_at": to_micros(job.created_at),
        "request_id": job.request_id,
        "waiting_until": optional_micros(job.waiting_until),
        "reason": job.reason.value if job.reason else None,
        "detail": job.detail,
        "links": job.links.value,
        "resent_at": optional_micros(job.resent_at),
        "earlier_request_id": job.earlier_request_id,
        "continues": job.continues and job.continues.job_id,
        "scene": job.continues and job.continues.scene,
        "scene_before": job.continues and job.continues.link,
        "results": list(job.results),
        "refetch_until": optional_micros(job.refetch_until),
        "cancelled_by": job.cancelled_by,
        "deleted_at": optional_micros(job.deleted_at),
        "erased": job.erased,
    }


def _continuation(row: sa.Row[Any]) -> Continuation | None:
    return None if row.continues is None else Continuation(row.continues, row.scene or 2, row.scene_before)


def _row_to_cast(row: sa.Row[Any]) -> tuple[CastUse, ...]:
    return tuple(CastUse(**{**use, "links": tuple(use["links"])}) for use in row.cast_list)


def row_to_job(row: sa.Row[Any]) -> Job:
    """Return the job of a row of `jobs`."""
    # Long, because every field is named.
    references = tuple(
        Reference(**{**reference, "kind": Kind(reference["kind"])}) for reference in row.reference_list
    )
    location = CardLocation(
        channel_id=row.channel_id,
        guild_id=row.guild_id,
        message_id=row.message_id,
        token=row.token,
        token_expires=optional_moment(row.token_expires),
        private=row.private,
        guest=row.guest,
        language=stored_language(row.language),
        keeps_references=row.keeps_references,
        upload_limit=row.upload_limit,
    )
    return Job(
        id=row.id,
        user_id=row.user_id,
        shard=row.shard,
        quota_guild_id=row.quota_guild_id,
        location=location,
        request=VideoRequest(
            row.prompt, references, row.duration, row.seed, _row_to_cast(row), row.sent_prompt
        ),
        model=sys.intern(row.model),  # one text for all of many open jobs
        spoiler=row.spoiler,
        created_at=to_moment(row.created_at),
        state=State(row.state),
        state_since=optional_moment(row.since),
        request_id=row.request_id,
        waiting_until=optional_moment(row.waiting_until),
        reason=Reason(row.reason) if row.reason else None,
        detail=row.detail,
        links=LinkStage(row.links),
        resent_at=optional_moment(row.resent_at),
        earlier_request_id=row.earlier_request_id,
        continues=_continuation(row),
        results=tuple(row.results),
        refetch_until=optional_moment(row.refetch_until),
        cancelled_by=row.cancelled_by,
        deleted_at=optional_moment(row.deleted_at),
        erased=row.erased,
        charge=Charge(row.charge),
        acknowledged=row.told,
        revision=row.revision,
    )
