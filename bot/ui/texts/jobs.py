"""The sentences of a job: its heading, what goes on, notes about its files, the small print, and mentions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import discord

from bot.models.continuations import SECONDS_MAX
from bot.models.jobs import Charge, Job
from bot.models.quotas import QuotaStatus
from bot.models.reference_links import LinkStage
from bot.models.states import FAILURES, Reason, State
from bot.ui import formatting
from bot.ui.formatting import number
from bot.ui.plain_text import plain, shorten
from bot.ui.texts.quotas import quota_left
from bot.ui.texts.reasons import explain, unknown_code
from bot.ui.translator import N_, _

CODE_SHOWN = 60  # characters of a request ID or error code: small print is one line

_HEADINGS: dict[State, str] = {
    State.SUBMITTING: N_("📨 Sending your request"),
    State.QUEUED: N_("⏳ Waiting in line"),
    State.PROCESSING: N_("🎬 Rendering"),
    State.SUCCEEDED: N_("📦 Finished, downloading the video"),
    State.DELIVERED: N_("✅ Your video is ready"),
    State.OVERDUE: N_("⌛ Taking too long"),
    State.FAILED: N_("❌ Couldn't make the video"),
    State.REFUSED: N_("❌ Not accepted"),
    State.CANCELLED: N_("🚫 Canceled"),
    State.UNCONFIRMED: N_("❔ We couldn't confirm your request"),
}
_WAITING = N_("⏳ Waiting for the provider")
_UPLOADING = N_("📤 Uploading your files")
_WAITING_FOR_LINK = N_("📦 Finished, waiting for the link")
_NOT_SENT = N_("❌ Couldn't send your request")
_NO_LINK = N_("❌ Couldn't get the video")

_NOT_COUNTED = N_("This doesn't count towards your quota.")
_COUNTED = N_("This still counts towards your quota, because the provider charged for it.")

_WAITS: dict[Reason, str] = {
    Reason.RATE: N_("The provider is rate-limiting us."),
    Reason.CAPACITY: N_("The provider has no free machines right now."),
    Reason.UNREACHABLE: N_("I can't reach the provider right now."),
}

_UNSENT = {*_WAITS, Reason.NOT_SENT, Reason.NOT_UPLOADED, Reason.CAST}
_UPLOADS_FIRST = N_(
    "I'm uploading your files to the provider first, so that it can open them. Nothing to do."
)
_UPLOADS_AGAIN = N_(
    "The provider couldn't open the links to your files, so I'm uploading the files "
    "and will send your request once more. It still counts as one video; nothing to do."
)

_LINK_MISSING = N_(
    "The video is finished, but the provider hasn't sent its link yet. "
    "I'll keep checking and post the video as soon as it's there; nothing to do."
)


@dataclass(frozen=True, slots=True)
class Extras:
    """What a card says beside what its job holds."""

    ready_at: datetime | None = None  # when its video should be ready
    late: bool = False  # that moment has passed
    quota: QuotaStatus | None = None  # its member's, where nobody else sees the card


NO_EXTRAS = Extras()


def heading(job: Job) -> str:
    """Return symbol and words of the job's state."""
    if job.waiting_until is not None and job.reason is not None:
        return _(_WAITING)
    if is_uploading(job):
        return _(_UPLOADING)
    if job.awaits_link:
        return _(_WAITING_FOR_LINK)
    if job.state is State.REFUSED and job.reason in _UNSENT:
        return _(_NOT_SENT)
    if job.state is State.FAILED and job.reason is Reason.NO_RESULT:
        return _(_NO_LINK)
    return _(_HEADINGS[job.state])


def is_uploading(job: Job) -> bool:
    """Return whether the job's files are being uploaded."""
    waits = job.state is State.SUBMITTING and job.waiting_until is not None
    return waits and job.reason is None and job.links is LinkStage.TO_UPLOAD


def explanation(job: Job) -> str:
    """Return what happened to a job that did not end in a video or has to wait, and what to do about it."""
    if job.state is State.SUBMITTING:
        return _why_it_waits(job)
    if job.reason is None:
        return ""
    if job.awaits_link:
        return _(_LINK_MISSING)
    happened, to_do = explain(job, job.reason)
    return formatting.sentences([_canceled_by(job) or _(happened), _quota(job), _(to_do)])


def message(job: Job, note: str | None = None, extras: Extras = NO_EXTRAS) -> str:
    """Return what stands below the heading: since when, until when, why, and a note about the videos."""
    began = _began(job, extras)
    if began and not job.awaits_link:
        return began
    why = explanation(job) if job.state is not State.DELIVERED else ""
    return "\n".join(text for text in (began, why, note) if text)


def scene_before(job: Job) -> str:
    """Return which scene a video is, with a link to the one before it; nothing for one of its own."""
    if job.continues is None:
        return ""
    text = _("⏭️ Scene {number}, continues {before}")
    before = _("an earlier video")
    if job.continues.link is not None:
        before = f"[{_('the video before')}]({job.continues.link})"
    return text.format(number=number(job.scene), before=before)


def report_code(job: Job) -> str:
    """Return what says to an operator which job failed."""
    return _("report code {code}").format(code=job.report_code)


def footer(job: Job, extras: Extras = NO_EXTRAS) -> str:
    """Return the small print of a card."""
    parts = [
        formatting.seconds(job.request.duration),
        _("seed {seed}").format(seed=job.request.seed),
        f"<@{job.user_id}>",
    ]
    running = job.state in {State.SUBMITTING, State.QUEUED, State.PROCESSING}
    if running:
        parts.append(_("requested {when}").format(when=formatting.relative(job.created_at)))
    if running and job.resent_at is not None and job.links is LinkStage.UPLOADED:
        parts.append(_("sent once more, with uploaded files"))
    if code := unknown_code(job):
        parts.append(_("error code {code}").format(code=quote_prompt(code, CODE_SHOWN)))
    if job.reason in {Reason.NO_RESULT, Reason.DEADLINE} and job.request_id:
        parts.append(_("request ID {id}").format(id=quote_prompt(job.request_id, CODE_SHOWN)))
    if job.state in FAILURES:
        parts.append(report_code(job))
    if job.state is State.DELIVERED and job.results and not job.can_be_continued:
        longest = formatting.seconds(int(SECONDS_MAX))
        parts.append(_("too long for Continue ({longest} at most)").format(longest=longest))
    if extras.quota is not None and (left := quota_left(extras.quota)):
        parts.append(_("quota left: {left}").format(left=left))
    text = "-# " + " · ".join(parts)
    if running and (job.location.private or job.location.guest):
        late = _(
            "If it takes over 15 minutes, I'll send it to you as a DM. "
            "If I can't DM you, you'll find it in `/videos`."
        )
        text += f"\n-# {late}"
    if running and job.first:
        welcome = _("👋 Your first video will appear right here in this message. `/help` explains more.")
        text += f"\n-# {welcome}"
    return text


def notification(job: Job) -> str:
    """Return what notifies the owner of a job that has ended: how, and why."""
    match job.state:
        case State.DELIVERED:
            text = _("{member} your video is ready.")
        case State.CANCELLED if job.cancelled_by is not None:
            text = _("{member} a moderator ({moderator}) canceled your video before it was made.")
        case State.CANCELLED:
            text = _("{member} your video was canceled before it was made.")
        case State.OVERDUE:
            text = _("{member} your video is taking too long, but I'll keep checking.")
        case State.UNCONFIRMED:
            text = _("{member} we couldn't confirm your request, because the connection broke.")
        case _:
            text = _("{member} your video failed. {why}")
    why = _(explain(job, job.reason)[0]) if job.reason is not None else ""
    return text.format(member=f"<@{job.user_id}>", moderator=f"<@{job.cancelled_by}>", why=why).rstrip()


def too_large(size: int, limit: int, *, request_id: str | None, plays: bool, link: bool) -> str:
    """Return why a video of that many bytes is no file on its card; a place without files has limit 0."""
    if limit:
        reason = _("The file is {size}, but files here can be {limit} at most.")
    else:
        reason = _("Discord didn't accept the file ({size}).")
    reason = reason.format(size=formatting.megabytes(size), limit=formatting.megabytes(limit))
    if not link:
        no_link = _("Its link can't be shown here either.")
        return formatting.sentences([reason, no_link, _look_up(request_id)])
    way = _("It plays from the provider's link instead.") if plays else _("Here's its link instead.")
    return formatting.sentences([reason, way, _save_soon()])


def not_downloaded(*, request_id: str | None, link: bool, refetch_until: datetime | None) -> str:
    """Return what a card says of a video that could not be downloaded, and until when that is tried."""
    if link:
        sentences = [_("I couldn't download the video, so here's its link."), _save_soon()]
    else:
        sentences = [
            _("I couldn't download the video, and its link can't be shown here."),
            _("Use **Show** in `/videos` to try again."),
            _look_up(request_id),
        ]
    if refetch_until is not None:
        trying = _("I'll keep trying until {time}, and put the video here if it works.")
        sentences.append(trying.format(time=discord.utils.format_dt(refetch_until, "t")))
    return formatting.sentences(sentences)


def lost_request() -> str:
    """Return what a member reads whose request was lost before it began."""
    title = _("🔄 I restarted before I could send your request")
    text = _("Nothing was sent, and this doesn't count towards your quota. Please try again.")
    return f"### {title}\n{text}"


def unknown_request() -> str:
    """Return what a member reads whose request was on its way when the backup was made that is used now."""
    title = _("🔄 I can't tell what became of your request")
    text = _("I had to be restored from a backup. If you didn't get a video, please try again.")
    return f"### {title}\n{text}"


def quote_prompt(prompt: str, limit: int) -> str:
    """Return a prompt as nothing but text, cut at a word where it is long."""
    return plain(shorten(prompt, limit))


def _why_it_waits(job: Job) -> str:
    if is_uploading(job):
        return _(_UPLOADS_FIRST if job.resent_at is None else _UPLOADS_AGAIN)
    if job.waiting_until is None or job.reason is None:
        return ""
    why = _(_WAITS.get(job.reason, _WAITS[Reason.UNREACHABLE]))
    retry = _("I'll retry {when}; nothing to do.").format(when=formatting.relative(job.waiting_until))
    return formatting.sentences([why, retry])


def _canceled_by(job: Job) -> str:
    """Return who canceled a job, where that is known."""
    if job.state is not State.CANCELLED or job.cancelled_by is None:
        return ""
    who = f"<@{job.cancelled_by}>"
    if job.cancelled_by_owner:
        return _("{member} canceled this before the video was made.").format(member=who)
    return _("A moderator ({moderator}) canceled this before the video was made.").format(moderator=who)


def _quota(job: Job) -> str:
    """Return whether the job counts, where a member could not know."""
    if job.charge is Charge.REFUNDED:
        return _(_NOT_COUNTED)
    return _(_COUNTED) if job.reason is Reason.NO_RESULT else ""


def _began(job: Job, extras: Extras) -> str:
    """Return since when a job is in a state that passes by itself, and when its video should be ready."""
    if job.state_since is None:
        return ""
    match job.state:
        case State.QUEUED:
            # A time of day: "since 2 minutes ago" is no English. What counts on stands in the small print.
            began = _("In line since {time}").format(time=discord.utils.format_dt(job.state_since, "t"))
        case State.PROCESSING:
            began = _("Started {when}").format(when=formatting.relative(job.state_since))
        case State.SUCCEEDED:
            return _("Finished {when}").format(when=formatting.relative(job.state_since))
        case _:
            return ""
    if extras.late:
        return " · ".join([began, _("taking longer than usual")])
    if extras.ready_at is not None:
        ready = _("should be ready {when}").format(when=formatting.relative(extras.ready_at))
        return f"{began} · {ready}"
    return began


def _save_soon() -> str:
    return _("The link won't last forever, so save the video soon.")


def _look_up(request_id: str | None) -> str:
    if not request_id:
        return _("The people who run this bot can look it up.")
    text = _("The people who run this bot can look it up: request ID {id}.")
    return text.format(id=quote_prompt(request_id, CODE_SHOWN))
