"""Every card that a job can have: Discord takes it, and a member understands it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from discord import ui

from bot.media.filenames import display_name
from bot.models.catalog import Kind
from bot.models.jobs import CardLocation, Charge, Job
from bot.models.quotas import EffectiveRule, QuotaStatus, Rule, Scope
from bot.models.requests import PROMPT_MAX, SEED_MAX, Reference, VideoRequest
from bot.models.states import Reason, State
from bot.ui.cards import (
    GALLERY_MAX,
    Media,
    card,
    deleted_card,
    lost_request_card,
    notice_card,
    reference_filename,
    removed_copy_card,
)
from bot.ui.texts import answers as answer_texts
from bot.ui.texts import jobs as job_texts
from bot.ui.texts import quotas as quota_texts
from bot.ui.texts.jobs import Extras
from tests.unit.ui.wording import assert_reads_well

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT_MAX, COMPONENTS_MAX = 4000, 40  # of a message [Discord]
ALT_TEXT_MAX = 1024  # characters [Discord]
LINK = "https://cdn.example.invalid/a.mp4"
PUBLIC = CardLocation(3, 4, 5, "token", NOW + timedelta(minutes=14))
PLACES = {
    "public": PUBLIC,
    "private": replace(PUBLIC, private=True),
    "guest": replace(PUBLIC, guest=True),
}
DETAILS = (None, "TaskTimeout", "SystemThrottling", "BadWeather")
ENDS = (State.FAILED, State.REFUSED, State.CANCELLED, State.OVERDUE, State.UNCONFIRMED)


def reference(kind: Kind, name: str) -> Reference:
    return Reference(kind, display_name(name), "https://cdn.example.invalid/x", 1, 640, 480, 2.0)


PICTURE, CLIP = reference(Kind.IMAGE, "fox.png"), reference(Kind.VIDEO, "run.mp4")
LONG = tuple(reference(Kind.IMAGE, f"{number}{'_' * 300}.png") for number in range(7))
REQUESTS = (
    VideoRequest("a fox in the snow", (PICTURE,), 1, 7),
    VideoRequest("a fox in the snow", (PICTURE, CLIP), 5, 7),
    VideoRequest("*@everyone" * (PROMPT_MAX // 10), LONG, 10, SEED_MAX),
)


def new_job(state: State, reason: Reason | None = None) -> Job:
    return Job(
        1,
        2,
        PUBLIC,
        REQUESTS[0],
        "vidu-q2-pro-r2v",
        NOW,
        state=state,
        state_since=NOW,
        reason=reason,
        charge=Charge.REFUNDED if state in ENDS else Charge.HELD,
    )


def variants(state: State, reason: Reason | None, location: CardLocation) -> Iterator[Job]:
    """Return a job as it may be in this state, with all that changes its card."""
    job = new_job(state, reason)
    for request, keeps, detail, spoiler in product(REQUESTS, (True, False), DETAILS, (True, False)):
        yield replace(
            job,
            request=request,
            location=replace(location, keeps_references=keeps),
            detail=detail,
            spoiler=spoiler,
            request_id="req-" + "x" * 200 if detail else None,
            results=(LINK,) if state is State.DELIVERED else (),
            waiting_until=NOW if state is State.SUBMITTING and detail else None,
        )


def components(view: ui.LayoutView) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def walk(children: list[dict[str, Any]]) -> None:
        for component in children:
            found.append(component)
            walk(component.get("components", []))
            walk([component["accessory"]] if "accessory" in component else [])

    walk(view.to_components())  # type: ignore[no-untyped-call]
    return found


def words(view: ui.LayoutView) -> str:
    return "\n".join(
        component[key]
        for component in components(view)
        for key in ("content", "label")
        if isinstance(component.get(key), str)
    )


def alt_texts(view: ui.LayoutView) -> list[str]:
    media = [component for component in components(view) if "media" in component]
    media += [item for component in components(view) for item in component.get("items", [])]
    return [item["description"] for item in media if item.get("description")]


def assert_discord_takes(view: ui.LayoutView) -> None:
    assert sum(len(c["content"]) for c in components(view) if "content" in c) <= TEXT_MAX
    assert len(components(view)) <= COMPONENTS_MAX
    assert all(len(text) <= ALT_TEXT_MAX for text in alt_texts(view))


@pytest.mark.repeating
@pytest.mark.parametrize(
    "place", ["public", *(pytest.param(place, marks=pytest.mark.long) for place in ("private", "guest"))]
)
@pytest.mark.parametrize("state", State)
def test_every_card_fits_into_a_message_and_reads_well(state: State, place: str) -> None:
    media = [Media(LINK, LINK)] if state is State.DELIVERED else []
    for reason in (None, *Reason):
        for job in variants(state, reason, PLACES[place]):
            view = card(job, media, None, Extras(NOW, late=job.spoiler))
            assert_discord_takes(view)
            assert_reads_well(words(view))
            assert_reads_well(job_texts.heading(job))


@pytest.mark.parametrize("spoiler", [True, False])
def test_a_spoiler_covers_every_picture_and_video_of_a_card(spoiler: bool) -> None:
    for state, request in product((State.QUEUED, State.DELIVERED), REQUESTS):
        location = replace(PUBLIC, keeps_references=True)
        job = replace(new_job(state), request=request, location=location, spoiler=spoiler)
        view = card(job, [Media("attachment://vidu-7.mp4", LINK)] if state is State.DELIVERED else [])
        media = [component for component in components(view) if {"media", "file"} & component.keys()]
        media += [item for component in components(view) for item in component.get("items", [])]
        assert media
        assert {item["spoiler"] for item in media} == {spoiler}


@pytest.mark.parametrize("count", [1, 2, 3, GALLERY_MAX])
@pytest.mark.parametrize("link", [None, LINK, LINK + "?" + "x" * 600])
def test_a_card_has_all_videos_or_their_links(count: int, link: str | None) -> None:
    job = replace(new_job(State.DELIVERED), request=REQUESTS[2])
    note = job_texts.not_downloaded(request_id="req-1", link=link is not None, refetch_until=NOW)
    attached = [Media(f"attachment://vidu-7-{number}.mp4", link) for number in range(count)]
    view = card(job, attached, note)
    assert_discord_takes(view)
    assert len([text for text in alt_texts(view) if "everyone" in text]) == count
    if link and count <= 3:
        shown = card(replace(job, request=REQUESTS[0]), [Media(None, link)] * count, note)
        assert_discord_takes(shown)
        urls = [component["url"] for component in components(shown) if "url" in component]
        assert len(urls) + words(shown).count(f"(<{link}>)") == count
        assert_reads_well(words(shown).replace(link, ""))


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("reason", Reason)
def test_every_end_says_what_happened_whether_it_counts_and_what_to_do(state: State, reason: Reason) -> None:
    for detail in DETAILS:
        job = replace(new_job(state, reason), detail=detail)
        text = job_texts.explanation(job)
        assert_reads_well(text)
        happened, _, to_do = text.partition(" This doesn't count towards your quota. ")
        assert happened.endswith(".")
        assert to_do.endswith(".")
        assert_reads_well(job_texts.notification(job))


def test_a_video_that_was_billed_counts_and_the_card_says_so() -> None:
    job = replace(new_job(State.FAILED, Reason.NO_RESULT), charge=Charge.SETTLED, request_id="req-1")
    text = words(card(job))
    assert "❌ Couldn't get the video" in text
    assert "This still counts towards your quota, because the provider charged for it." in text
    assert "doesn't count" not in text
    assert "request ID req-1" in text


@pytest.mark.parametrize("reason", [Reason.RATE, Reason.CAPACITY, Reason.UNREACHABLE, Reason.NOT_SENT])
def test_a_request_that_was_given_up_before_it_was_sent_is_not_called_refused(reason: Reason) -> None:
    assert job_texts.heading(new_job(State.REFUSED, reason)) == "❌ Couldn't send your request"
    assert job_texts.heading(new_job(State.REFUSED, Reason.POLICY)) == "❌ Not accepted"


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("TaskTimeout", "The provider timed out."),
        ("InternalServiceFailure", "The provider had an internal error."),
        ("QuotaExceeded", "The provider was overloaded."),
        (None, "The provider couldn't make this video and didn't say why."),
    ],
)
def test_a_known_code_of_the_vendor_is_a_sentence(detail: str | None, told: str) -> None:
    job = replace(new_job(State.FAILED, Reason.FAILED), detail=detail)
    text = words(card(job))
    assert told in text
    assert "error code" not in text
    assert job_texts.notification(job) == f"<@2> your video failed. {told}"


def test_an_unknown_code_of_the_vendor_stands_in_the_small_print_only() -> None:
    job = replace(new_job(State.FAILED, Reason.FAILED), detail="BadWeather")
    small_print = [line for line in words(card(job)).splitlines() if "BadWeather" in line]
    assert small_print == [
        f"-# 1 second · seed 7 · <@2> · error code BadWeather · report code {job.report_code}"
    ]


@pytest.mark.parametrize("state", State)
def test_a_failed_card_has_a_code_to_report_it_by(state: State) -> None:
    job = new_job(state)
    reported = state in {State.FAILED, State.REFUSED, State.OVERDUE, State.UNCONFIRMED}
    assert (f"report code {job.report_code}" in words(card(job))) is reported


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (Rule(5, None), " · quota left: 3 videos"),
        (Rule(3, 11), " · quota left: 1 video, 1 second"),
        (Rule(2, None), " · quota left: 0 videos"),
        (Rule(None, None), ""),
    ],
)
def test_the_small_print_says_what_is_left_of_a_quota(rule: Rule, told: str) -> None:
    quota = QuotaStatus(EffectiveRule(rule, Scope.OPERATOR, None), 2, 10, 1, 2, None)
    small_print = words(card(new_job(State.DELIVERED), extras=Extras(quota=quota))).splitlines()
    assert f"-# 1 second · seed 7 · <@2>{told}" in small_print


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.DELIVERED, "<@2> your video is ready."),
        (State.CANCELLED, "<@2> your video was canceled before it was made."),
        (State.OVERDUE, "<@2> your video is taking too long, but I'll keep checking."),
        (State.UNCONFIRMED, "<@2> we couldn't confirm your request, because the connection broke."),
    ],
)
def test_a_notification_says_how_it_ended(state: State, told: str) -> None:
    assert job_texts.notification(new_job(state, Reason.CANCELLED)) == told


def test_a_moderators_cancel_is_said_to_be_one() -> None:
    job = replace(new_job(State.CANCELLED, Reason.CANCELLED), cancelled_by=9)
    told = "<@2> a moderator (<@9>) canceled your video before it was made."
    assert job_texts.notification(job) == told
    text = job_texts.explanation(job)
    assert text.startswith("A moderator (<@9>) canceled this before the video was made. ")
    mine = job_texts.explanation(replace(job, cancelled_by=2))
    assert mine.startswith("<@2> canceled this before the video was made. This doesn't count")
    for sentence in (told, text, mine):
        assert_reads_well(sentence)


@pytest.mark.parametrize(
    ("state", "began"), [(State.QUEUED, "In line since <t:{0}:t>"), (State.PROCESSING, "Started <t:{0}:R>")]
)
def test_a_card_says_when_its_video_should_be_ready_until_that_is_past(state: State, began: str) -> None:
    since, ready_at = int(NOW.timestamp()), NOW + timedelta(seconds=46)
    job = new_job(state)
    lines = [words(card(job, extras=Extras(ready_at, late=late))).splitlines()[1] for late in (False, True)]
    assert lines == [
        f"{began.format(since)} · should be ready <t:{since + 46}:R>",
        f"{began.format(since)} · taking longer than usual",
    ]
    assert words(card(job)).splitlines()[1] == began.format(since)


@pytest.mark.parametrize("state", [state for state in State if state not in {State.QUEUED, State.PROCESSING}])
def test_no_other_card_names_such_a_moment(state: State) -> None:
    for late in (False, True):
        text = words(card(new_job(state), extras=Extras(NOW, late=late)))
        assert "should be ready" not in text
        assert "longer than usual" not in text


@pytest.mark.parametrize(("plays", "link"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("limit", [0, 25 * 1024**2])
def test_why_there_is_no_file_reads_well(limit: int, plays: bool, link: bool) -> None:
    for request_id in (None, "req-1"):
        text = job_texts.too_large(26 * 1024**2, limit, request_id=request_id, plays=plays, link=link)
        assert_reads_well(text)
        assert "26 MB" in text
        assert ("25 MB" in text) is bool(limit)
        assert ("save the video soon" in text) is link
        assert ("can look it up" in text) is not link


def test_every_other_card_reads_well() -> None:
    for view in (lost_request_card(), notice_card(quota_texts.GUEST), deleted_card(), removed_copy_card()):
        assert_discord_takes(view)
        assert_reads_well(words(view))


def test_a_kept_reference_has_a_plain_name() -> None:
    odd = replace(PICTURE, name="fox.äöü")
    assert reference_filename(1, odd) == "reference-1.png"
    assert reference_filename(2, CLIP) == "reference-2.mp4"


@pytest.mark.parametrize("owner", [None, "<@2>"])
@pytest.mark.parametrize("video", [True, False])
def test_what_delete_asks_and_answers_reads_well(owner: str | None, video: bool) -> None:
    question = answer_texts.delete_question(owner, video=video)
    assert ("can keep working for a while" in question) is video
    assert ("the video" in question) is video
    assert (owner or ("this video" if video else "this request")) in question
    answers = (
        answer_texts.deleted,
        answer_texts.deleted_but_card,
        answer_texts.deleted_out_of_reach,
        answer_texts.delete_too_early,
        answer_texts.kept,
    )
    for text in (question, *(answer() for answer in answers)):
        assert_reads_well(text)
