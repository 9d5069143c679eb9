"""The sentences of a job: its heading, what goes on, notes about its files, the small print, and mentions."""

from __future__ import annotations

import math
from datetime import datetime

import discord

from bot.models.jobs import Charge, Job
from bot.models.states import Reason, State
from bot.ui import formatting
from bot.ui.reason_texts import explain, unknown_code
from bot.ui.translator import N_, _, ngettext

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

_UNSENT = {Reason.RATE, Reason.CAPACITY, Reason.UNREACHABLE, Reason.NOT_SENT}

_LINK_MISSING = N_(
    "The video is finished, but the provider hasn't sent its link yet. "
    "I'll keep checking and post the video as soon as it's there; nothing to do."
)


def heading(job: Job) -> str:
    """Return symbol and words of the job's state."""
    if job.waiting_until is not None and job.reason is not None:
        return _(_WAITING)
    if job.awaits_link:
        return _(_WAITING_FOR_LINK)
    if job.state is State.REFUSED and job.reason in _UNSENT:
        return _(_NOT_SENT)
    if job.state is State.FAILED and job.reason is Reason.NO_RESULT:
        return _(_NO_LINK)
    return _(_HEADINGS[job.state])


def explanation(job: Job) -> str:
    """Return what happened to a job that did not end in a video or has to wait, and what to do about it."""
    if job.state is State.SUBMITTING:
        return _why_it_waits(job)
    if job.reason is None:
        return ""
    if job.awaits_link:
        return _(_LINK_MISSING)
    happened, to_do = explain(job, job.reason)
    return " ".join(sentence for sentence in (_(happened), _quota(job), _(to_do)) if sentence)


def message(job: Job, note: str | None = None, usual: float | None = None) -> str:
    """Return what stands below the heading: since when, why, and a note about the videos."""
    began = _began(job, usual)
    if began and not job.awaits_link:
        return began
    why = explanation(job) if job.state is not State.DELIVERED else ""
    return "\n".join(text for text in (began, why, note) if text)


def footer(job: Job) -> str:
    """Return the small print of a card."""
    parts = [
        formatting.seconds(job.request.duration),
        _("seed {seed}").format(seed=job.request.seed),
        f"<@{job.user_id}>",
    ]
    running = job.state in {State.SUBMITTING, State.QUEUED, State.PROCESSING}
    if running:
        parts.append(_("requested {when}").format(when=formatting.relative(job.created_at)))
    if code := unknown_code(job):
        parts.append(_("error code {code}").format(code=quote_prompt(code, CODE_SHOWN)))
    if job.reason in {Reason.NO_RESULT, Reason.DEADLINE} and job.request_id:
        parts.append(_("request ID {id}").format(id=quote_prompt(job.request_id, CODE_SHOWN)))
    text = "-# " + " · ".join(parts)
    if running and (job.location.private or job.location.guest):
        late = _(
            "If it takes over 15 minutes, I'll send it to you as a DM. "
            "If I can't DM you, you'll find it in `/videos`."
        )
        text += f"\n-# {late}"
    return text


def notification(job: Job) -> str:
    """Return what notifies the owner of a job that has ended: how, and why."""
    match job.state:
        case State.DELIVERED:
            text = _("{member} your video is ready.")
        case State.CANCELLED:
            text = _("{member} your video was canceled before it was made.")
        case State.OVERDUE:
            text = _("{member} your video is taking too long, but I'll keep checking.")
        case State.UNCONFIRMED:
            text = _("{member} we couldn't confirm your request, because the connection broke.")
        case _:
            text = _("{member} your video failed. {why}")
    why = _(explain(job, job.reason)[0]) if job.reason is not None else ""
    return text.format(member=f"<@{job.user_id}>", why=why).rstrip()


def too_large(size: int, limit: int, *, request_id: str | None, plays: bool, link: bool) -> str:
    """Return why a video of that many bytes is no file on its card; a place without files has limit 0."""
    if limit:
        reason = _("The file is {size}, but files here can be {limit} at most.")
    else:
        reason = _("Discord didn't accept the file ({size}).")
    reason = reason.format(size=formatting.megabytes(size), limit=formatting.megabytes(limit))
    if not link:
        return " ".join([reason, _("Its link can't be shown here either."), _look_up(request_id)])
    way = _("It plays from the provider's link instead.") if plays else _("Here's its link instead.")
    return " ".join([reason, way, _save_soon()])


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
    return " ".join(sentences)


def lost_request() -> str:
    """Return what a member reads whose request was lost before it began."""
    title = _("🔄 I restarted before I could send your request")
    text = _("Nothing was sent, and this doesn't count towards your quota. Please try again.")
    return f"### {title}\n{text}"


def about(seconds: float) -> str:
    """Return a duration in words, no finer than anybody could know."""
    if seconds < 55:
        return formatting.seconds(max(5, round(seconds / 5) * 5))
    minutes = max(1.0, round(seconds / 30) / 2)
    return ngettext("{count} minute", "{count} minutes", math.ceil(minutes)).format(count=f"{minutes:g}")


def quote_prompt(prompt: str, limit: int) -> str:
    """Return a prompt so that it cannot format, link or ping, cut at a word where it is long."""
    text = " ".join(prompt.split())
    if len(text) > limit:
        head = text[:limit]
        text = (head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head).rstrip() + "…"
    return discord.utils.escape_mentions(discord.utils.escape_markdown(text))


def _why_it_waits(job: Job) -> str:
    if job.waiting_until is None or job.reason is None:
        return ""
    why = _(_WAITS.get(job.reason, _WAITS[Reason.UNREACHABLE]))
    retry = _("I'll retry {when}; nothing to do.").format(when=formatting.relative(job.waiting_until))
    return f"{why} {retry}"


def _quota(job: Job) -> str:
    """Return whether the job counts, where a member could not know."""
    if job.charge is Charge.REFUNDED:
        return _(_NOT_COUNTED)
    return _(_COUNTED) if job.reason is Reason.NO_RESULT else ""


def _began(job: Job, usual: float | None) -> str:
    """Return since when a job is in a state that passes by itself."""
    if job.state_since is None:
        return ""
    match job.state:
        case State.QUEUED:
            # A time of day: "since 2 minutes ago" is no English. What counts on stands in the small print.
            return _("In line since {time}").format(time=discord.utils.format_dt(job.state_since, "t"))
        case State.PROCESSING:
            began = _("Started {when}").format(when=formatting.relative(job.state_since))
            if usual is not None:
                began += " · " + _("usually takes about {duration}").format(duration=about(usual))
            return began
        case State.SUCCEEDED:
            return _("Finished {when}").format(when=formatting.relative(job.state_since))
    return ""


def _save_soon() -> str:
    return _("The link won't last forever, so save the video soon.")


def _look_up(request_id: str | None) -> str:
    if not request_id:
        return _("The people who run this bot can look it up.")
    text = _("The people who run this bot can look it up: request ID {id}.")
    return text.format(id=quote_prompt(request_id, CODE_SHOWN))
