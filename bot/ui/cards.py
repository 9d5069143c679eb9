"""What a job looks like in Discord, state by state: pure builders, no I/O.

Every state has its own symbol and words; the colour only repeats them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import discord
from discord import ui

from bot.models.jobs import Job, Reason, State
from bot.models.requests import Kind, Reference
from bot.ui.buttons import buttons

PROMPT_SHOWN = 700  # characters; a card has 4,000 in all, and a longer wall of text hides the video
GALLERY_MAX = 10  # media in one gallery [Discord]
OPEN_BUTTONS_MAX = 2  # a row has five buttons [Discord], three are ours
BUTTON_URL_MAX = 512  # characters [Discord]
ALT_TEXT_MAX = 1024  # characters of a media description [Discord]

BLUE, GREEN, RED, GREY, AMBER = 0x5865F2, 0x248046, 0xDA373C, 0x80848E, 0xE0A100

_NOTHING_TAKEN = "Your quota has it back."

_HEADINGS: dict[State, tuple[str, int]] = {
    State.SUBMITTING: ("📨 Sending your request", BLUE),
    State.QUEUED: ("⏳ Waiting in line", BLUE),
    State.PROCESSING: ("🎬 Rendering", BLUE),
    State.SUCCEEDED: ("📦 Finished, fetching the video", BLUE),
    State.DELIVERED: ("✅ Your video is ready", GREEN),
    State.OVERDUE: ("⌛ Taking far too long", AMBER),
    State.FAILED: ("❌ No video this time", RED),
    State.REFUSED: ("❌ Not accepted", RED),
    State.CANCELLED: ("🚫 Cancelled", GREY),
    State.UNCONFIRMED: ("❔ Nobody knows whether it arrived", AMBER),
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


@dataclass(frozen=True, slots=True)
class Media:
    """One finished video on a card."""

    playable: str | None  # what the card plays: "attachment://name" or a link; None: it could not be read
    link: str | None  # to the video at the provider, where people may follow it
    button: bool = True  # the link may stand behind a button

    @property
    def attached(self) -> bool:
        """Tell whether the video is part of the message."""
        return self.playable is not None and self.playable.startswith("attachment://")


def card(
    job: Job, videos: Sequence[Media] = (), note: str | None = None, usual: float | None = None
) -> ui.LayoutView:
    """Build the card of a job, with its videos once it has some, and a sentence about how they are shown.

    `usual` is how many seconds such a video takes to be rendered, where enough of them have told.
    """
    _, colour = _HEADINGS[job.state]
    parts: list[ui.Item[ui.LayoutView]] = []
    parts.append(ui.TextDisplay(f"### {heading(job)}\n{_message(job, note, usual)}".rstrip()))
    parts.extend(_videos(job, videos))
    parts.extend(_request(job))
    parts.append(ui.TextDisplay(_footer(job)))
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for button in (*buttons(job), *_open_buttons(videos)):
        row.add_item(button)
    if row.children:
        parts.append(row)
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(*parts, accent_colour=colour))
    return view


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
    return _HEADINGS[job.state][0]


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


def reference_filename(position: int, reference: Reference) -> str:
    """Return the name under which a reference (numbered from 1) is kept on the card."""
    suffix = reference.name.rsplit(".", 1)[-1].lower()
    if not (suffix.isascii() and suffix.isalnum() and len(suffix) <= 4):
        suffix = "png" if reference.kind is Kind.IMAGE else "mp4"
    return f"reference-{position}.{suffix}"


def video_filename(job: Job, position: int) -> str:
    """Return the name of a finished video (numbered from 1), after its seed."""
    return f"vidu-{job.request.seed}.mp4" if position == 1 else f"vidu-{job.request.seed}-{position}.mp4"


def _message(job: Job, note: str | None, usual: float | None) -> str:
    if job.state in _BEGINNINGS and job.state_since:
        began = f"{_BEGINNINGS[job.state]} {discord.utils.format_dt(job.state_since, 'R')}"
        if job.state is State.PROCESSING and usual is not None:
            began += f", usually takes about {about(usual)}"
        return f"{began}\n{sentence(job)}".rstrip() if job.awaits_link else began
    return "\n".join(
        text for text in (sentence(job) if job.state is not State.DELIVERED else "", note) if text
    )


def _videos(job: Job, videos: Sequence[Media]) -> list[ui.Item[ui.LayoutView]]:
    items: list[ui.Item[ui.LayoutView]] = []
    alt_text = job.request.prompt[:ALT_TEXT_MAX]
    playable = [media.playable for media in videos if media.playable][:GALLERY_MAX]
    if playable:
        gallery: ui.MediaGallery[ui.LayoutView] = ui.MediaGallery()
        for url in playable:
            gallery.add_item(media=url, description=alt_text, spoiler=job.spoiler)
        items.append(gallery)
    # What no button can open is a link in the text: too many, or too long for a button.
    links = [media.link for media in videos if media.link and not media.attached]
    if links and not _open_buttons(videos):
        lines = [f"[Open video {number}](<{link}>)" for number, link in enumerate(links, start=1)]
        items.append(ui.TextDisplay("\n".join(lines)))
    return items


def _open_buttons(videos: Sequence[Media]) -> list[ui.Button[ui.LayoutView]]:
    """Return a button for each result at the provider; it works as long as the provider keeps it."""
    links = [media.link for media in videos if media.link]
    if len(links) > OPEN_BUTTONS_MAX or not all(media.button for media in videos):
        return []
    if any(len(link) > BUTTON_URL_MAX for link in links):
        return []
    labels = ["Open"] if len(links) == 1 else [f"Open {number}" for number in range(1, len(links) + 1)]
    return [ui.Button(label=label, url=link) for label, link in zip(labels, links, strict=True)]


def lost_request_card() -> ui.LayoutView:
    """Build what takes the place of a placeholder whose request was lost before it began."""
    return _plain(
        "### 🔄 I was restarted before I could send this\n"
        "Nothing was sent and your quota is untouched. Please ask again.",
        AMBER,
    )


def notice_card(text: str) -> ui.LayoutView:
    """Build what a member reads before their request is sent."""
    return _plain(f"### 🏠 Before I send it\n{text}", BLUE)


def deleted_card(by: str) -> ui.LayoutView:
    """Build what is left of a card that somebody deleted."""
    return _plain(f"🗑️ Deleted by {by}.", GREY)


def _plain(text: str, colour: int) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(ui.TextDisplay(text), accent_colour=colour))
    return view


def _request(job: Job) -> list[ui.Item[ui.LayoutView]]:
    request = job.request
    prompt = "> " + quote_prompt(request.prompt, PROMPT_SHOWN)
    if not job.location.keeps_references:
        names = ", ".join(reference.name for reference in request.references)
        return [ui.TextDisplay(f"{prompt}\n-# From {names}")]
    pictures = [position for position, one in enumerate(request.references, 1) if one.kind is Kind.IMAGE]
    if job.state is State.DELIVERED and len(request.references) > 1 and pictures:
        # The video is what counts now: one thumbnail stands for all, and no clip looks like a second result.
        names = ", ".join(reference.name for reference in request.references)
        first = request.references[pictures[0] - 1]
        url = f"attachment://{reference_filename(pictures[0], first)}"
        thumbnail = ui.Thumbnail[ui.LayoutView](
            url, description=f"Reference {pictures[0]}: {first.name}", spoiler=job.spoiler
        )
        return [ui.Section(f"{prompt}\n-# From {names}", accessory=thumbnail)]
    media = [
        (f"attachment://{reference_filename(position, reference)}", f"Reference {position}: {reference.name}")
        for position, reference in enumerate(request.references, start=1)
    ]
    if len(media) == 1 and request.references[0].kind is Kind.IMAGE:
        url, description = media[0]
        return [ui.Section(prompt, accessory=ui.Thumbnail(url, description=description, spoiler=job.spoiler))]
    gallery: ui.MediaGallery[ui.LayoutView] = ui.MediaGallery()
    for url, description in media:
        gallery.add_item(media=url, description=description, spoiler=job.spoiler)
    return [ui.TextDisplay(prompt), gallery]


def _footer(job: Job) -> str:
    parts = [f"{job.request.duration} s", f"seed {job.request.seed}", f"<@{job.user_id}>"]
    if job.state in {State.SUBMITTING, State.QUEUED, State.PROCESSING}:
        parts.append(f"asked {discord.utils.format_dt(job.created_at, 'R')}")
        if job.location.private or job.location.guest:
            parts.append("after 15 minutes it comes by direct message, or waits in `/videos`")
    if job.reason in {Reason.NO_RESULT, Reason.DEADLINE} and job.request_id:
        parts.append(f"request {quote_prompt(job.request_id, 60)}")
    return "-# " + " · ".join(parts)
