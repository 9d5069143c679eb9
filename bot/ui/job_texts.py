"""The sentences of a job: headings, why there is no video, notes about files, footer, and mentions."""

from __future__ import annotations

from datetime import datetime

import discord

from bot.models.jobs import Job, Reason, State

_NOTHING_TAKEN = "Your quota has it back."

_HEADINGS: dict[State, str] = {
    State.SUBMITTING: "📨 Sending your request",
    State.QUEUED: "⏳ Waiting in line",
    State.PROCESSING: "🎬 Rendering",
    State.SUCCEEDED: "📦 Finished, fetching the video",
    State.DELIVERED: "✅ Your video is ready",
    State.OVERDUE: "⌛ Taking far too long",
    State.FAILED: "❌ No video this time",
    State.REFUSED: "❌ Not accepted",
    State.CANCELLED: "🚫 Cancelled",
    State.UNCONFIRMED: "❔ Nobody knows whether it arrived",
}

_BEGINNINGS = {
    State.QUEUED: "joined the line",
    State.PROCESSING: "started",
    State.SUCCEEDED: "finished",
}

_WAITS: dict[Reason, str] = {
    Reason.RATE: "GMI Cloud is asked too often right now and wants a pause.",
    Reason.CAPACITY: "GMI Cloud has no free machine right now.",
    Reason.UNREACHABLE: "GMI Cloud cannot be reached right now.",
}

_SENTENCES: dict[Reason, str] = {
    Reason.KEY: (
        "GMI Cloud refused this bot's key. "
        f"{_NOTHING_TAKEN} Please tell the people who run this bot: the key needs to be renewed."
    ),
    Reason.CREDIT: (
        "This bot's account at GMI Cloud has no credit left. "
        f"{_NOTHING_TAKEN} Please tell the people who run this bot, and try again later."
    ),
    Reason.RATE: (
        "GMI Cloud took no more requests for so long that I gave up; it was never sent. "
        f"{_NOTHING_TAKEN} Try again later."
    ),
    Reason.CAPACITY: (
        "GMI Cloud had no free machine for so long that I gave up; nothing was made. "
        f"{_NOTHING_TAKEN} Try again later."
    ),
    Reason.UNREACHABLE: (
        "GMI Cloud could not be reached for so long that I gave up; it was never sent. "
        f"{_NOTHING_TAKEN} Try again later."
    ),
    Reason.NOT_SENT: (
        "I could not send this in the time allowed, because I was not running or had too much to send; "
        f"it was never sent. {_NOTHING_TAKEN} Please ask again."
    ),
    Reason.POLICY: (
        "The provider's content rules do not allow this prompt or one of the references. "
        f"{_NOTHING_TAKEN} Change the prompt or use other pictures."
    ),
    Reason.REFERENCE: (
        "The provider could not fetch or read one of the references. "
        f"{_NOTHING_TAKEN} Attach the files anew, or save them as PNG, JPEG or MP4 first."
    ),
    Reason.PARAMETER: (
        "The provider did not accept this combination of prompt, references and length. "
        f"{_NOTHING_TAKEN} Try a shorter prompt or other references."
    ),
    Reason.MODEL: (
        "GMI Cloud does not know the model that this bot asks for, or does not let it in. "
        f"{_NOTHING_TAKEN} Please tell the people who run this bot."
    ),
    Reason.UNCLEAR: (
        "The connection to GMI Cloud broke while your request was on its way, and its list does not show it. "
        f"It is not sent a second time, because it could be paid for twice. {_NOTHING_TAKEN} "
        "If a video turns up after all, you still get it; otherwise ask again."
    ),
    Reason.FAILED: (
        "The provider could not make this video and gave no reason. "
        f"{_NOTHING_TAKEN} Try again, or change the prompt."
    ),
    Reason.CANCELLED: (
        f"This request was cancelled before it became a video. {_NOTHING_TAKEN} Ask again whenever you like."
    ),
    Reason.NO_RESULT: (
        "GMI Cloud says that the video is finished, but gives no link to it. "
        "Please tell the people who run this bot, they can look it up by the number below."
    ),
    Reason.DEADLINE: (
        "GMI Cloud has not finished it in the time allowed. "
        f"{_NOTHING_TAKEN} I keep looking for a day: if it is finished after all, it is posted here."
    ),
}


# Where GMI had accepted the request and its vendor gave up.
_FAILURES: dict[Reason, str] = {
    Reason.RATE: (
        "The provider had too many requests at that moment and did not make this video. "
        f"{_NOTHING_TAKEN} Try again in a few minutes."
    ),
    Reason.CAPACITY: (
        "The provider had no free machine for this video, so nothing was made. "
        f"{_NOTHING_TAKEN} Try again later."
    ),
}

_LINK_MISSING = (
    "The video is finished, but its link isn't there yet. "
    "I keep asking for it and post the video as soon as it comes; there's nothing you need to do."
)


def sentence(job: Job) -> str:
    """Return what a member reads about a job that did not end in a video, or that has to wait."""
    if job.state is State.SUBMITTING:
        if job.waiting_until is None or job.reason is None:
            return ""
        why = _WAITS.get(job.reason, _WAITS[Reason.UNREACHABLE])
        return (
            f"{why} I try again {discord.utils.format_dt(job.waiting_until, 'R')}; you need not do anything."
        )
    if job.reason is None:
        return ""
    if job.awaits_link:
        return _LINK_MISSING
    if job.state is State.FAILED and job.reason in _FAILURES:
        return _FAILURES[job.reason]
    if job.reason is Reason.FAILED and job.detail:
        return (
            f"The provider could not make this video and names the reason “{job.detail}”. "
            f"{_NOTHING_TAKEN} Try again, or change the prompt."
        )
    return _SENTENCES[job.reason]


def heading(job: Job) -> str:
    """Return symbol and words of the job's state."""
    if job.waiting_until is not None and job.reason is not None:
        return "⏳ Waiting for GMI Cloud"
    if job.awaits_link:
        return "📦 Finished, waiting for its link"
    return _HEADINGS[job.state]


def about(seconds: float) -> str:
    """Return a duration in words, no finer than anybody could promise."""
    if seconds < 55:
        return f"{max(5, round(seconds / 5) * 5)} seconds"
    minutes = max(1.0, round(seconds / 30) / 2)
    return "1 minute" if minutes == 1 else f"{minutes:g} minutes"


def quote_prompt(prompt: str, limit: int) -> str:
    """Return a prompt so that it cannot format, link or ping, cut at a word where it is long."""
    text = " ".join(prompt.split())
    if len(text) > limit:
        head = text[:limit]
        text = (head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head).rstrip() + "…"
    return discord.utils.escape_mentions(discord.utils.escape_markdown(text))


def message(job: Job, note: str | None = None, usual: float | None = None) -> str:
    """Return what stands below the heading: since when, why, and a note about the videos."""
    if job.state in _BEGINNINGS and job.state_since:
        began = f"{_BEGINNINGS[job.state]} {discord.utils.format_dt(job.state_since, 'R')}"
        if job.state is State.PROCESSING and usual is not None:
            began += f", usually takes about {about(usual)}"
        return f"{began}\n{sentence(job)}".rstrip() if job.awaits_link else began
    return "\n".join(
        text for text in (sentence(job) if job.state is not State.DELIVERED else "", note) if text
    )


def footer(job: Job) -> str:
    """Return the small print of a card."""
    parts = [f"{job.request.duration} s", f"seed {job.request.seed}", f"<@{job.user_id}>"]
    if job.state in {State.SUBMITTING, State.QUEUED, State.PROCESSING}:
        parts.append(f"asked {discord.utils.format_dt(job.created_at, 'R')}")
        if job.location.private or job.location.guest:
            parts.append("after 15 minutes it comes by direct message, or waits in `/videos`")
    if job.reason in {Reason.NO_RESULT, Reason.DEADLINE} and job.request_id:
        parts.append(f"request {quote_prompt(job.request_id, 60)}")
    return "-# " + " · ".join(parts)


def notification(job: Job) -> str:
    """Return what notifies the owner of a job that has ended."""
    words = "your video is ready." if job.state is State.DELIVERED else "there is news about your video."
    return f"<@{job.user_id}> {words}"


def too_large(size: int, limit: int, *, request_id: str | None, plays: bool, link: bool) -> str:
    """Return why a video of that many bytes is no file on its card; a place without files has limit 0."""
    taken = (
        f"this place takes files up to {limit // 1024 // 1024} MiB" if limit else "Discord did not take it"
    )
    reason = f"The file has {size / 1024 / 1024:.1f} MiB and {taken}"
    if not link:
        return f"{reason}, and its link can't be shown here. {_look_up(request_id)}"
    way = "it plays from GMI Cloud's link" if plays else "here is its link"
    return f"{reason}, so {way}. The link does not last for ever: save the video soon."


def not_downloaded(*, request_id: str | None, link: bool, refetch_until: datetime | None) -> str:
    """Return what a card says of a video that could not be downloaded, and until when that is tried."""
    if not link:
        text = (
            "I could not download the video, and its link can't be shown here. "
            f"Press Show in `/videos` to try again. {_look_up(request_id)}"
        )
    else:
        text = (
            "I could not download the video, so here is its link. "
            "It does not last for ever: save the video soon."
        )
    if refetch_until is None:
        return text
    until = discord.utils.format_dt(refetch_until, "t")
    return f"{text} I'll keep trying until {until} and put the video here."


def _look_up(request_id: str | None) -> str:
    text = "The people who run this bot can look it up"
    return f"{text}: request {quote_prompt(request_id, 60)}." if request_id else f"{text}."


def lost_request() -> str:
    """Return what a member reads whose request was lost before it began."""
    return (
        "### 🔄 I was restarted before I could send this\n"
        "Nothing was sent and your quota is untouched. Please ask again."
    )
