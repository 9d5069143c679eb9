"""A request whose files GMI could not fetch: sent once more with uploads, once, wherever it is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.gmi.client import RequestStatus
from bot.jobs.cancellation import CancelResult
from bot.media.cdn import CdnError
from bot.models.catalog import Kind
from bot.models.jobs import Charge
from bot.models.reference_links import LinkStage, ReferencesVia
from bot.models.requests import Reference
from bot.models.states import Reason, State
from bot.polling.poller import StatusUpdate
from bot.ui.texts.jobs import explanation, heading
from fakes import media
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from tests.unit.jobs.stage import JOB, START, QuickClock, Stage, new_job, open_stage
from tests.unit.media.files import clip, picture

NOT_FETCHED = script.answer(400, {"error": "ImageDownloadFailure: https://cdn.example.invalid/fox.png?sig=x"})
FAILED = RequestStatus("req-1", State.FAILED, reason=Reason.DOWNLOAD, detail="ImageDownloadFailure")
PLACE = ("POST", "/upload-url")


def posts(gmi: GmiCloud) -> list[dict[str, Any]]:
    return [
        seen.body["payload"]
        for seen in gmi.requests_seen
        if seen.method == "POST" and seen.path.endswith("/requests")
    ]


async def fail(stage: Stage, status: RequestStatus = FAILED) -> None:
    await stage.updates.receive(StatusUpdate(JOB, status, stage.clock.now()))
    await stage.settle()


def with_files(*references: Reference) -> Any:
    return replace(new_job().request, references=references)


async def saved() -> None:
    await asyncio.gather(*(task for task in asyncio.all_tasks() if "links of" in task.get_name()))


FOX = new_job().request.references[0]


def reference(kind: Kind = Kind.VIDEO, name: str = "b.mp4") -> Reference:
    return Reference(kind, name, f"https://cdn.example.invalid/{name}", 1_000_000, 192, 144, 1.0)


@pytest.mark.parametrize("accepted", [True, False])
async def test_it_is_sent_once_more_with_uploads_and_stays_one_video(
    accepted: bool, stage: Stage, gmi: GmiCloud
) -> None:
    if accepted:
        await stage.put(State.QUEUED, request_id="req-1")
        await fail(stage)
    else:
        gmi.fault("POST", "/requests", NOT_FETCHED)
        await stage.put(waiting_until=START)
        await stage.submitter.send(JOB)
        await stage.settle()
    job = await stage.stored()
    [link] = posts(gmi)[-1]["images"]
    assert gmi.uploads.content(link) == media.picture()
    assert (job.state, job.links) == (State.QUEUED, LinkStage.UPLOADED)
    assert job.request_id == gmi.posts[0].request_id
    assert job.earlier_request_id == ("req-1" if accepted else None)
    assert (gmi.paid, len(posts(gmi)), stage.used()) == (1, 1 if accepted else 2, (1, 1))
    assert posts(gmi)[-1]["seed"] == 7
    [waiting] = [job for job in stage.delivery.shown if job.links is LinkStage.TO_UPLOAD][:1]
    assert heading(waiting) == "📤 Uploading your files"
    assert "uploading the files and will send your request once more" in explanation(waiting)
    assert "It still counts as one video" in explanation(waiting)
    # Once more is once: it fails again, and that is the end.
    await fail(stage, replace(FAILED, request_id=job.request_id or ""))
    job = await stage.stored()
    assert (job.state, job.reason, job.charge) == (State.FAILED, Reason.DOWNLOAD, Charge.REFUNDED)
    assert gmi.paid == 1


@pytest.mark.parametrize("state", [State.OVERDUE, State.UNCONFIRMED])
async def test_what_the_member_heard_the_end_of_is_not_sent_again(
    state: State, stage: Stage, gmi: GmiCloud
) -> None:
    await stage.put(state, request_id="req-1", charge=Charge.REFUNDED)
    await fail(stage)
    assert ((await stage.stored()).state, posts(gmi)) == (State.FAILED, [])


async def test_an_answer_about_the_first_request_changes_nothing_more(stage: Stage, gmi: GmiCloud) -> None:
    gmi.fault(*PLACE, script.SILENCE.repeated(None))
    await stage.put(State.QUEUED, request_id="req-1")
    await stage.updates.receive(StatusUpdate(JOB, FAILED, START))
    before = await stage.stored()
    for status in (FAILED, None, replace(FAILED, state=State.PROCESSING)):
        await stage.updates.receive(StatusUpdate(JOB, status, START))
    after = await stage.stored()
    # Its card may have been shown meanwhile.
    assert replace(after, location=before.location, revision=before.revision) == before
    assert before.state is State.SUBMITTING


async def test_it_can_be_cancelled_while_the_files_are_uploaded(stage: Stage, gmi: GmiCloud) -> None:
    gmi.fault(*PLACE, script.SILENCE)
    await stage.put(State.QUEUED, request_id="req-1")
    await stage.updates.receive(StatusUpdate(JOB, FAILED, START))
    assert await stage.cancellation.cancel(JOB, 7) is CancelResult.YES
    job = await stage.stored()
    assert (job.state, job.charge, job.in_vain, posts(gmi)) == (State.CANCELLED, Charge.REFUNDED, True, [])


async def test_who_wanted_to_cancel_gets_no_second_request(stage: Stage, gmi: GmiCloud) -> None:
    await stage.put(State.QUEUED, request_id="req-1", cancelled_by=7)
    await fail(stage)
    assert ((await stage.stored()).state, posts(gmi)) == (State.FAILED, [])


async def test_a_webp_is_re_encoded_and_a_clip_uploaded_as_it_is(stage: Stage, gmi: GmiCloud) -> None:
    stage.cdn.files |= {FOX.url: picture("WEBP"), "https://cdn.example.invalid/b.mp4": clip("mp4")}
    await stage.put(State.QUEUED, request_id="req-1", request=with_files(FOX, reference()))
    await fail(stage)
    [payload] = posts(gmi)
    assert (gmi.uploads.content(payload["images"][0]) or b"")[:2] == b"\xff\xd8"
    assert gmi.uploads.content(payload["videos"][0]) == clip("mp4")


@pytest.mark.parametrize(
    ("detail", "sent"), [("VideoDownloadFailure", False), ("ImageDownloadFailure", True), (None, True)]
)
async def test_a_mov_cannot_be_uploaded(detail: str | None, sent: bool, stage: Stage, gmi: GmiCloud) -> None:
    mov = reference(name="b.mov")
    stage.cdn.files[mov.url] = clip("mov")
    await stage.put(State.QUEUED, request_id="req-1", request=with_files(FOX, mov))
    await fail(stage, replace(FAILED, detail=detail))
    assert bool(posts(gmi)) is sent
    if sent:
        assert posts(gmi)[0]["videos"] == [mov.url]
        second = (await stage.stored()).request_id or ""
        await fail(stage, replace(FAILED, request_id=second, detail="VideoDownloadFailure"))
    job = await stage.stored()
    assert (job.state, job.reason) == (State.FAILED, Reason.MOV)


async def test_a_file_whose_link_has_died_is_read_from_the_card(stage: Stage, gmi: GmiCloud) -> None:
    fresh = SimpleNamespace(filename="reference-1.png", url="https://cdn.example.invalid/fresh.png")
    stage.cdn.files |= {FOX.url: CdnError("status 404"), fresh.url: picture("PNG")}
    stage.delivery.kept = [fresh]
    location = replace(new_job().location, keeps_references=True)
    await stage.put(State.QUEUED, request_id="req-1", location=location)
    await fail(stage)
    assert gmi.uploads.content(posts(gmi)[0]["images"][0]) == picture("PNG")


async def test_a_file_that_is_gone_ends_it_and_nothing_is_paid(stage: Stage, gmi: GmiCloud) -> None:
    stage.cdn.files[FOX.url] = CdnError("status 404")
    await stage.put(State.QUEUED, request_id="req-1")
    await fail(stage)
    job = await stage.stored()
    assert (job.state, job.reason, job.charge) == (State.FAILED, Reason.DOWNLOAD, Charge.REFUNDED)
    assert posts(gmi) == []


async def test_storage_that_is_away_for_a_while_is_waited_for(stage: Stage, gmi: GmiCloud) -> None:
    gmi.fault(*PLACE, script.CAPACITY.repeated(4))
    await stage.put(State.QUEUED, request_id="req-1")
    await fail(stage)
    assert (gmi.paid, len(stage.clock.waits)) == (1, 1)
    assert (await stage.stored()).state is State.QUEUED


@pytest.fixture(params=[ReferencesVia.AUTO, ReferencesVia.LINK, ReferencesVia.UPLOAD])
async def chosen(
    request: pytest.FixtureRequest, database_url: str, gmi: GmiCloud, quick: QuickClock
) -> AsyncIterator[tuple[Stage, ReferencesVia]]:
    async with open_stage(database_url, gmi, quick, via=request.param) as opened:
        yield opened, request.param


async def test_what_the_operator_chose(chosen: tuple[Stage, ReferencesVia], gmi: GmiCloud) -> None:
    stage, via = chosen
    policy = stage.context.link_policy
    upload = via is ReferencesVia.UPLOAD
    assert policy.first_stage() is (LinkStage.TO_UPLOAD if upload else LinkStage.GIVEN)
    assert policy.may_resend(new_job()) is (via is not ReferencesVia.LINK)
    gmi.fault(*PLACE, script.answer(404, "no such page").repeated(None))
    await stage.put(waiting_until=START, links=LinkStage.TO_UPLOAD)
    await stage.submitter.send(JOB)
    job = await stage.stored()
    if upload:
        assert (job.state, job.reason, posts(gmi)) == (State.REFUSED, Reason.NOT_UPLOADED, [])
        assert not job.in_vain
    else:
        assert (job.state, job.links, posts(gmi)[0]["images"]) == (State.QUEUED, LinkStage.GIVEN, [FOX.url])


async def test_after_several_failures_uploads_come_first_for_a_while_also_after_a_restart(
    database_url: str, gmi: GmiCloud, quick: QuickClock
) -> None:
    async with open_stage(database_url, gmi, quick) as stage:
        for _ in range(3):
            assert stage.context.link_policy.first_stage() is LinkStage.GIVEN
            stage.context.link_policy.note_failure(new_job())
        assert stage.context.link_policy.first_stage() is LinkStage.TO_UPLOAD
        await saved()
    async with open_stage(database_url, gmi, quick) as stage:
        assert stage.context.link_policy.first_stage() is LinkStage.TO_UPLOAD
        quick.advance(timedelta(hours=1))
        assert stage.context.link_policy.first_stage() is LinkStage.GIVEN
        stage.context.link_policy.note_success(new_job())
        stage.context.link_policy.note_failure(new_job())
        assert stage.context.link_policy.first_stage() is LinkStage.GIVEN
        await saved()


Call = Callable[..., Any]
# Every step that awaits: before it the process may end, and after it.
STEPS: list[tuple[str, str]] = [
    ("bot.jobs.active.ActiveJobs", "resubmit"),
    ("bot.jobs.submission.reference_files.ReferenceFiles", "upload"),
    ("bot.gmi.client.GmiCloud", "upload_place"),
    ("bot.jobs.submission.link_preparation.LinkPreparation", "_keep"),
    ("bot.jobs.submission.submitter.Submitter", "_begin"),
    ("bot.gmi.client.GmiCloud", "submit"),
    ("bot.jobs.lifecycle.Lifecycle", "accept"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "step"), STEPS, ids=[step for _, step in STEPS])
async def test_a_kill_at_any_step_pays_once_and_forgets_nothing(
    owner: str,
    step: str,
    after: bool,
    database_url: str,
    gmi: GmiCloud,
    quick: QuickClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dead = asyncio.Event()
    path, name = owner.rsplit(".", 1)
    real: Call = getattr(getattr(__import__(path, fromlist=[name]), name), step)

    async def killed(*args: Any, **options: Any) -> Any:
        if after:
            await real(*args, **options)
        dead.set()
        await asyncio.Event().wait()  # nothing of this process goes on from here

    async with open_stage(database_url, gmi, quick) as stage:
        await stage.put(State.QUEUED, request_id="req-1")
        with monkeypatch.context() as patched:
            patched.setattr(f"{owner}.{step}", killed)
            dying = asyncio.create_task(stage.updates.receive(StatusUpdate(JOB, FAILED, quick.now())))
            await asyncio.wait_for(dead.wait(), 20)
            dying.cancel()
            await stage.context.tasks.close()
    paid = gmi.paid
    async with open_stage(database_url, gmi, quick) as stage:
        await stage.recovery.load()
        stage.recovery.resume_all()
        await stage.settle()
        job = await stage.stored()
        if job.request_id == "req-1":  # nothing was written yet: GMI says the same once more
            await fail(stage)
            job = await stage.stored()
        posted = len(posts(gmi))
        if job.request_id is None:
            # The POST may have happened: it is looked for, by what it had, and never sent again.
            assert (job.state, job.waiting_until, job.links) == (State.SUBMITTING, None, LinkStage.UPLOADED)
            assert stage.poller.followed[JOB][0] is None
            assert posted <= 1
            if posted:
                assert job.payload == posts(gmi)[0]
        else:
            assert (posted, gmi.paid, job.state) == (1, 1, State.QUEUED)
        assert max(gmi.paid, paid) <= 1
        assert (job.earlier_request_id, job.charge) == ("req-1", Charge.HELD)
