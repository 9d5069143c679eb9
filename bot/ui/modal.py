"""The window in which a member types a request: how it looks, and the button that opens it again.

What a window asks for is in its id, so that its answer means the same after any restart.
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord
from discord import ui

from bot.models.drafts import Draft, Source
from bot.models.requests import (
    DURATION_MAX,
    DURATION_MIN,
    IMAGES_MAX,
    IMAGES_MAX_WITH_VIDEOS,
    PROMPT_MAX,
    SEED_MAX,
    VIDEOS_MAX,
    Kind,
)
from bot.ui import custom_ids as presses

# Names of the fields. They come back with the answer to windows of an older version: never rename one.
PROMPT, FILES, USED, DURATION, SEED, EXTRAS = "prompt", "files", "used", "duration", "seed", "extras"
SPOILER, PRIVATE = "spoiler", "private"

_ID = "vidu-window"
_NEW = "new"
_TITLE = "Make a video"
_FILES_NEEDED = (
    f"PNG, JPEG, WebP, MP4, MOV; up to {IMAGES_MAX} pictures, or {VIDEOS_MAX} clips "
    f"and {IMAGES_MAX_WITH_VIDEOS} pictures"
)
_DESCRIPTION_MAX = 100  # characters of a label's description, and of an option [Discord]
_OPTIONS_MAX = 25  # of a select [Discord]
_NOUNS = {Kind.IMAGE: "picture", Kind.VIDEO: "clip"}


class VideoModal(ui.Modal):
    """The filled window of a draft; it has the five fields that Discord allows."""

    def __init__(self, draft: Draft, *, kept: bool, about_files: str | None = None) -> None:
        super().__init__(title=_TITLE, timeout=None, custom_id=f"{_ID}:{draft.id if kept else _NEW}")
        self.add_item(_prompt(draft))
        if draft.chosen is None:
            self.add_item(_files(draft, about_files))
        elif len(draft.sources) > 1:
            self.add_item(_choice(draft))
        self.add_item(_duration(draft))
        self.add_item(_seed(draft))
        self.add_item(_extras(draft))
        # discord.py remembers no window that is finished: every answer is read in one place, after a restart
        # or before, and an odd one trips over nothing on its way there.
        self.stop()


class ReopenButton(ui.DynamicItem[ui.Button[Any]], template=rf"{_ID}:(?P<draft>[0-9]+)"):
    """A button that opens a kept draft; the cogs hear of a press as the event `window_button`."""

    def __init__(self, draft_id: int) -> None:
        label, style = "Change and try again", discord.ButtonStyle.primary
        super().__init__(ui.Button(label=label, emoji="✏️", style=style, custom_id=f"{_ID}:{draft_id}"))
        self.draft_id = draft_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button anew from its id."""
        return cls(presses.number_in(match["draft"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Tell the cogs."""
        presses.take(interaction)
        interaction.client.dispatch("window_button", interaction, self.draft_id)


def reopening(draft: Draft) -> ui.View:
    """Return the button that opens the window again, to be put below a refusal."""
    view = ui.View(timeout=None)
    view.add_item(ReopenButton(draft.id))
    return view


def is_window(custom_id: str) -> bool:
    """Tell whether this is the id of one of our windows."""
    return custom_id.startswith(f"{_ID}:")


def draft_id_of(custom_id: str) -> int | None:
    """Return which draft a window was opened with, or None if it was empty."""
    number = custom_id.partition(":")[2]
    return presses.number_in(number) if number.isdecimal() else None


def _prompt(draft: Draft) -> ui.Label[VideoModal]:
    field: ui.TextInput[VideoModal] = ui.TextInput(
        custom_id=PROMPT,
        style=discord.TextStyle.paragraph,
        max_length=PROMPT_MAX,
        placeholder="A fox runs through fresh snow, the camera follows",
        default=draft.prompt[:PROMPT_MAX] or None,
    )
    return ui.Label(text="What should happen in the video?", component=field)


def _files(draft: Draft, about: str | None) -> ui.Label[VideoModal]:
    needed = not draft.sources
    field: ui.FileUpload[VideoModal] = ui.FileUpload(
        custom_id=FILES, required=needed, min_values=int(needed), max_values=IMAGES_MAX
    )
    description = about or _FILES_NEEDED
    if draft.sources:
        names = ", ".join(_plain(source.name) for source in draft.sources)
        description = _cut(f"Leave empty to use {names}. New files take their place.", names)
    return ui.Label(text="Pictures and clips", description=description, component=field)


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
    limits = f"Up to {IMAGES_MAX} pictures, or {VIDEOS_MAX} clips and {IMAGES_MAX_WITH_VIDEOS} pictures"
    return ui.Label(text="Which files to use", description=limits, component=field)


def _duration(draft: Draft) -> ui.Label[VideoModal]:
    options = [
        discord.SelectOption(
            label="1 second" if seconds == 1 else f"{seconds} seconds",
            value=str(seconds),
            default=seconds == draft.duration,
        )
        for seconds in range(DURATION_MIN, DURATION_MAX + 1)
    ]
    return ui.Label(text="Length", component=ui.Select(custom_id=DURATION, options=options))


def _seed(draft: Draft) -> ui.Label[VideoModal]:
    longest = len(str(SEED_MAX))
    field: ui.TextInput[VideoModal] = ui.TextInput(
        custom_id=SEED,
        required=False,
        max_length=longest,
        placeholder="random",
        default=draft.seed[:longest] or None,
    )
    description = "The same seed, prompt and files give a similar video; empty for a random one"
    return ui.Label(text="Seed", description=description, component=field)


def _extras(draft: Draft) -> ui.Label[VideoModal]:
    options = [
        discord.CheckboxGroupOption(
            label="Spoiler",
            value=SPOILER,
            description="Pictures and video stay covered until somebody clicks",
            default=draft.spoiler,
        ),
        discord.CheckboxGroupOption(
            label="Private",
            value=PRIVATE,
            description="Only you see the request and the video",
            default=draft.private,
        ),
    ]
    field: ui.CheckboxGroup[VideoModal] = ui.CheckboxGroup(
        custom_id=EXTRAS, required=False, min_values=0, options=options
    )
    return ui.Label(text="Extras", component=field)


def _describe(source: Source) -> str:
    noun = _NOUNS[source.likely_kind]
    return noun if source.size is None else f"{noun}, {source.size / 1024 / 1024:.1f} MiB"


def _plain(name: str) -> str:
    """Return a name for a place that knows no markdown, without what protects it elsewhere."""
    return name.replace("\\", "").replace("\u200b", "")


def _cut(sentence: str, names: str) -> str:
    """Return the sentence with so much of the names as fits."""
    too_long = len(sentence) - _DESCRIPTION_MAX
    return sentence if too_long <= 0 else sentence.replace(names, names[: -too_long - 1].rstrip() + "…", 1)
