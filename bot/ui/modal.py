"""The form in which a member types a request: how it looks."""

from __future__ import annotations

import discord
from discord import ui

from bot.models.cast_prompts import names_in
from bot.models.catalog import Kind
from bot.models.drafts import Draft, Source
from bot.models.requests import (
    DURATION_MAX,
    DURATION_MIN,
    IMAGES_MAX,
    IMAGES_MAX_WITH_VIDEOS,
    PROMPT_MAX,
    SEED_MAX,
    VIDEO_SECONDS_MAX,
)
from bot.ui import formatting
from bot.ui.custom_ids import modal_id
from bot.ui.translator import N_, _

# Names of the fields. They come back with the answer to forms of an older version: never rename one.
PROMPT, FILES, USED, DURATION, SEED, EXTRAS = "prompt", "files", "used", "duration", "seed", "extras"
SPOILER, PRIVATE = "spoiler", "private"

_DESCRIPTION_MAX = 100  # characters of a label's description, and of an option [Discord]
_OPTIONS_MAX = 25  # of a select [Discord]
_NOUNS = {Kind.IMAGE: N_("image"), Kind.VIDEO: N_("video")}


class VideoModal(ui.Modal):
    """The form of a draft, filled in; it has the five fields that Discord allows."""

    def __init__(self, draft: Draft, *, kept: bool, about_files: str | None = None) -> None:
        title = _title(draft)
        super().__init__(title=title, timeout=None, custom_id=modal_id(draft.id if kept else None))
        self.add_item(_prompt(draft))
        if draft.chosen is None:
            self.add_item(_files(draft, about_files))
        elif len(draft.sources) > 1:
            self.add_item(_choice(draft))
        self.add_item(_duration(draft))
        self.add_item(_seed(draft))
        self.add_item(_extras(draft))
        # discord.py remembers no form that is finished: every answer is read in one place, after a restart
        # or before, and an odd one trips over nothing on its way there.
        self.stop()


def _title(draft: Draft) -> str:
    if draft.continues is not None:
        return _("Continue this video")
    return _("Remix this video") if draft.remix else _("Make a video")


def _prompt(draft: Draft) -> ui.Label[VideoModal]:
    field: ui.TextInput[VideoModal] = ui.TextInput(
        custom_id=PROMPT,
        style=discord.TextStyle.paragraph,
        max_length=PROMPT_MAX,
        placeholder=_("Example: the fox from my image runs through fresh snow and the camera follows it"),
        default=draft.prompt[:PROMPT_MAX] or None,
    )
    question = _("What should happen in the video?")
    if draft.continues is not None:
        question = _("What should happen in the next scene?")
    return ui.Label(text=question, component=field)


def _files(draft: Draft, about: str | None) -> ui.Label[VideoModal]:
    needed = not draft.sources and not draft.cast and not any(names_in(draft.prompt))
    field: ui.FileUpload[VideoModal] = ui.FileUpload(
        custom_id=FILES, required=needed, min_values=int(needed), max_values=IMAGES_MAX
    )
    description = about or _("PNG, JPEG, WebP, MP4 or MOV. {limits}").format(limits=_limits())
    if draft.sources:
        names = formatting.listed(_plain(source.name) for source in draft.sources)
        sentence = _("Leave empty to keep {names}. New files replace these.").format(names=names)
        description = _cut(sentence, names)
    return ui.Label(text=_("Images and videos"), description=description, component=field)


def _choice(draft: Draft) -> ui.Label[VideoModal]:
    offered = draft.sources[:_OPTIONS_MAX]
    options = [
        discord.SelectOption(
            label=f"{position + 1}. {_plain(source.name)}",
            value=str(position),
            description=_describe(source),
            default=position in (draft.chosen or ()),
        )
        for position, source in enumerate(offered)
    ]
    field: ui.Select[VideoModal] = ui.Select(
        custom_id=USED, min_values=1, max_values=min(len(offered), IMAGES_MAX), options=options
    )
    limits = _limits()
    return ui.Label(text=_("Which files to use"), description=limits, component=field)


def _duration(draft: Draft) -> ui.Label[VideoModal]:
    options = [
        discord.SelectOption(
            label=formatting.seconds(seconds),
            value=str(seconds),
            default=seconds == draft.duration,
        )
        for seconds in range(DURATION_MIN, DURATION_MAX + 1)
    ]
    return ui.Label(text=_("Length"), component=ui.Select(custom_id=DURATION, options=options))


def _seed(draft: Draft) -> ui.Label[VideoModal]:
    longest = len(str(SEED_MAX))
    field: ui.TextInput[VideoModal] = ui.TextInput(
        custom_id=SEED,
        required=False,
        max_length=longest,
        placeholder=_("random"),
        default=draft.seed[:longest] or None,
    )
    description = _("The same seed, prompt and files make a similar video. Leave empty for a random one.")
    return ui.Label(text=_("Seed"), description=description, component=field)


def _extras(draft: Draft) -> ui.Label[VideoModal]:
    spoiler = discord.CheckboxGroupOption(
        label=_("Spoiler"),
        value=SPOILER,
        description=_("The images and the video stay hidden until someone clicks them"),
        default=draft.spoiler,
    )
    private = discord.CheckboxGroupOption(
        label=_("Private"),
        value=PRIVATE,
        description=_("Only you can see the request and the video"),
        default=draft.private,
    )
    field: ui.CheckboxGroup[VideoModal] = ui.CheckboxGroup(
        custom_id=EXTRAS,
        required=False,
        min_values=0,
        options=[private] if draft.stays_spoiler else [spoiler, private],
    )
    about = _("Your video will be a spoiler, like the one it's made from.") if draft.stays_spoiler else None
    return ui.Label(text=_("Extras"), description=about, component=field)


def _limits() -> str:
    alone, each = VIDEO_SECONDS_MAX
    text = _("Up to {images} images, or {fewer} plus one video (max {alone} s) or two (max {each} s each).")
    longest = {"alone": formatting.decimal(alone), "each": formatting.decimal(each)}
    return text.format(images=IMAGES_MAX, fewer=IMAGES_MAX_WITH_VIDEOS, **longest)


def _describe(source: Source) -> str:
    noun = _(_NOUNS[source.likely_kind])
    return noun if source.size is None else formatting.listed([noun, formatting.megabytes(source.size)])


def _plain(name: str) -> str:
    """Return a name for a place that knows no markdown, without what protects it elsewhere."""
    return name.replace("\\", "").replace("\u200b", "")


def _cut(sentence: str, names: str) -> str:
    """Return the sentence with so much of the names as fits."""
    too_long = len(sentence) - _DESCRIPTION_MAX
    return sentence if too_long <= 0 else sentence.replace(names, names[: -too_long - 1].rstrip() + "…", 1)
