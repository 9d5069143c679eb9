"""What a job looks like in Discord, state by state: pure builders, no I/O.

Every state has its own symbol and words; the colour only repeats them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discord import ui

from bot.models.catalog import Kind
from bot.models.jobs import Job
from bot.models.requests import Reference
from bot.models.states import State
from bot.ui import job_texts
from bot.ui.buttons import buttons, stateless
from bot.ui.translator import _

PROMPT_SHOWN = 700  # characters; a card has 4,000 in all, and a longer wall of text hides the video
GALLERY_MAX = 10  # media in one gallery [Discord]
OPEN_BUTTONS_MAX = 2  # a row has five buttons [Discord], three are ours
BUTTON_URL_MAX = 512  # characters [Discord]
ALT_TEXT_MAX = 1024  # characters of a media description [Discord]

BLUE, GREEN, RED, GREY, AMBER = 0x5865F2, 0x248046, 0xDA373C, 0x80848E, 0xE0A100

_COLOURS: dict[State, int] = {
    State.SUBMITTING: BLUE,
    State.QUEUED: BLUE,
    State.PROCESSING: BLUE,
    State.SUCCEEDED: BLUE,
    State.DELIVERED: GREEN,
    State.OVERDUE: AMBER,
    State.FAILED: RED,
    State.REFUSED: RED,
    State.CANCELLED: GREY,
    State.UNCONFIRMED: AMBER,
}


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
    parts: list[ui.Item[ui.LayoutView]] = []
    parts.append(
        ui.TextDisplay(f"### {job_texts.heading(job)}\n{job_texts.message(job, note, usual)}".rstrip())
    )
    parts.extend(_videos(job, videos))
    parts.extend(_request(job))
    parts.append(ui.TextDisplay(job_texts.footer(job)))
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for button in (*buttons(job), *_open_buttons(videos)):
        row.add_item(button)
    if row.children:
        parts.append(row)
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(*parts, accent_colour=_COLOURS[job.state]))
    return stateless(view)


def reference_filename(position: int, reference: Reference) -> str:
    """Return the name under which a reference (numbered from 1) is kept on the card."""
    suffix = reference.name.rsplit(".", 1)[-1].lower()
    if not (suffix.isascii() and suffix.isalnum() and len(suffix) <= 4):
        suffix = "png" if reference.kind is Kind.IMAGE else "mp4"
    return f"reference-{position}.{suffix}"


def video_filename(job: Job, position: int) -> str:
    """Return the name of a finished video (numbered from 1), after its seed."""
    return f"vidu-{job.request.seed}.mp4" if position == 1 else f"vidu-{job.request.seed}-{position}.mp4"


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
        label = _("Open video {number}")
        lines = [f"[{label.format(number=number)}](<{link}>)" for number, link in enumerate(links, start=1)]
        items.append(ui.TextDisplay("\n".join(lines)))
    return items


def _open_buttons(videos: Sequence[Media]) -> list[ui.Button[ui.LayoutView]]:
    """Return a button for each result at the provider; it works as long as the provider keeps it."""
    links = [media.link for media in videos if media.link]
    if len(links) > OPEN_BUTTONS_MAX or not all(media.button for media in videos):
        return []
    if any(len(link) > BUTTON_URL_MAX for link in links):
        return []
    if len(links) == 1:
        labels = [_("Open")]
    else:
        labels = [_("Open {number}").format(number=number) for number in range(1, len(links) + 1)]
    return [ui.Button(label=label, url=link) for label, link in zip(labels, links, strict=True)]


def lost_request_card() -> ui.LayoutView:
    """Build what takes the place of a placeholder whose request was lost before it began."""
    return _plain(job_texts.lost_request(), AMBER)


def notice_card(text: str) -> ui.LayoutView:
    """Build what a member reads before their request is sent; the text is a constant that was marked."""
    title = _("🏠 Before I send this")
    return _plain(f"### {title}\n{_(text)}", BLUE)


def deleted_card(by: str) -> ui.LayoutView:
    """Build what is left of a card that somebody deleted."""
    return _plain(_("🗑️ Deleted by {name}.").format(name=by), GREY)


def _plain(text: str, colour: int) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(ui.TextDisplay(text), accent_colour=colour))
    return view


def _request(job: Job) -> list[ui.Item[ui.LayoutView]]:
    request = job.request
    prompt = "> " + job_texts.quote_prompt(request.prompt, PROMPT_SHOWN)
    names = ", ".join(reference.name for reference in request.references)
    with_names = f"{prompt}\n-# " + _("From {names}").format(names=names)
    if not job.location.keeps_references:
        return [ui.TextDisplay(with_names)]
    media = [
        (f"attachment://{reference_filename(position, reference)}", _alt_text(position, reference))
        for position, reference in enumerate(request.references, start=1)
    ]
    kinds = [reference.kind for reference in request.references]
    if len(media) == 1 and kinds == [Kind.IMAGE]:
        return [ui.Section(prompt, accessory=_thumbnail(media[0], job))]
    if job.state is State.DELIVERED and len(media) > 1 and Kind.IMAGE in kinds:
        # The video is what counts now: one thumbnail stands for all, and no clip looks like a second result.
        return [ui.Section(with_names, accessory=_thumbnail(media[kinds.index(Kind.IMAGE)], job))]
    gallery: ui.MediaGallery[ui.LayoutView] = ui.MediaGallery()
    for url, description in media:
        gallery.add_item(media=url, description=description, spoiler=job.spoiler)
    return [ui.TextDisplay(prompt), gallery]


def _thumbnail(media: tuple[str, str], job: Job) -> ui.Thumbnail[ui.LayoutView]:
    url, description = media
    return ui.Thumbnail(url, description=description, spoiler=job.spoiler)


def _alt_text(position: int, reference: Reference) -> str:
    return _("Reference {number}: {name}").format(number=position, name=reference.name)
