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
from bot.ui import formatting
from bot.ui.buttons import buttons, stateless
from bot.ui.texts import answers as answer_texts
from bot.ui.texts import jobs as job_texts
from bot.ui.texts.jobs import NO_EXTRAS, Extras
from bot.ui.translator import _, ngettext

PROMPT_SHOWN = 700  # characters; a card has 4,000 in all, and a longer wall of text hides the video
GALLERY_MAX = 10  # media in one gallery [Discord]
OPEN_BUTTONS_MAX = 1  # a row has five buttons [Discord], four are ours
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
_BEING_MADE = {State.SUBMITTING, State.QUEUED, State.PROCESSING}


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
    job: Job, videos: Sequence[Media] = (), note: str | None = None, extras: Extras = NO_EXTRAS
) -> ui.LayoutView:
    """Build the card of a job, with its videos once it has some, and a sentence about how they are shown."""
    parts: list[ui.Item[ui.LayoutView]] = []
    parts.append(
        ui.TextDisplay(f"### {job_texts.heading(job)}\n{job_texts.message(job, note, extras)}".rstrip())
    )
    if shown := _videos(job, videos):
        parts.extend([*shown, ui.Separator()])
    parts.extend(_request(job))
    parts.append(ui.TextDisplay(job_texts.footer(job, extras)))
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
    return [ui.Button(label=_("Open"), url=link) for link in links]


def lost_request_card() -> ui.LayoutView:
    """Build what takes the place of a placeholder whose request was lost before it began."""
    return _plain(job_texts.lost_request(), AMBER)


def unknown_request_card() -> ui.LayoutView:
    """Build what a member reads whose request nobody knows anything of after a restored backup."""
    return _plain(job_texts.unknown_request(), AMBER)


def notice_card(text: str) -> ui.LayoutView:
    """Build what a member reads before their request is sent; the text is a constant that was marked."""
    title = _("🏠 Before I send this")
    return _plain(f"### {title}\n{_(text)}", BLUE)


def deleted_card() -> ui.LayoutView:
    """Build what is left of a deleted card whose message could not be removed."""
    return _plain(answer_texts.job_deleted(), GREY)


def removed_copy_card() -> ui.LayoutView:
    """Build what is left of a copy that its member deleted."""
    return _plain(answer_texts.copy_removed(), GREY)


def not_yet_shown_card() -> ui.LayoutView:
    """Build what takes the place of a placeholder in which a card may still appear."""
    return _plain(answer_texts.owner_unheard(), GREY)


def _plain(text: str, colour: int) -> ui.LayoutView:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(ui.TextDisplay(text), accent_colour=colour))
    return view


def _request(job: Job) -> list[ui.Item[ui.LayoutView]]:
    """Return what was asked for: the prompt, and the references so small that none looks like a result."""
    references = job.request.references
    text = f"> {job_texts.quote_prompt(job.request.prompt, PROMPT_SHOWN)}"
    if references:
        names = ngettext("Reference: {names}", "References: {names}", len(references)).format(
            names=formatting.listed(reference.name for reference in references)
        )
        text += f"\n-# {names}"
    if job.request.cast:
        cast = formatting.listed(f"@{use.name}" for use in job.request.cast)
        text += f"\n-# 🎭 {cast}"
    if before := job_texts.scene_before(job):
        text += f"\n-# {before}"
    if not job.location.keeps_references:
        return [ui.TextDisplay(text)]
    media = [
        (f"attachment://{reference_filename(position, reference)}", _alt_text(position, reference))
        for position, reference in enumerate(references, start=1)
    ]
    images = [shown for shown, of in zip(media, references, strict=True) if of.kind is Kind.IMAGE]
    clips = [url for (url, _), of in zip(media, references, strict=True) if of.kind is Kind.VIDEO]
    if job.state not in _BEING_MADE:
        clips, images = [], images[:1]  # its names say the rest: what counts now is the video, or why not
    items: list[ui.Item[ui.LayoutView]] = []
    if len(images) == 1:
        items.append(ui.Section(text, accessory=_thumbnail(images[0], job)))
    else:
        items.append(ui.TextDisplay(text))
    if len(images) > 1:
        gallery: ui.MediaGallery[ui.LayoutView] = ui.MediaGallery()
        for url, description in images:
            gallery.add_item(media=url, description=description, spoiler=job.spoiler)
        items.append(gallery)
    # A clip in a gallery is a player as large as that of a result; Discord takes no clip as a thumbnail.
    return [*items, *(ui.File(url, spoiler=job.spoiler) for url in clips)]


def _thumbnail(media: tuple[str, str], job: Job) -> ui.Thumbnail[ui.LayoutView]:
    url, description = media
    return ui.Thumbnail(url, description=description, spoiler=job.spoiler)


def _alt_text(position: int, reference: Reference) -> str:
    return _("Reference {number}: {name}").format(number=position, name=reference.name)
