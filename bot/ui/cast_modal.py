"""The form that asks for a name when a message's pictures are saved."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import ui

from bot.models.cast import NAME_MAX, NAME_MIN, PICTURES_MAX
from bot.models.drafts import Source
from bot.ui import formatting
from bot.ui.custom_ids import cast_modal_id
from bot.ui.translator import _

# Names of the fields: they come back with the answer, also to forms of an older version.
NAME, USED = "name", "used"
OPTIONS_MAX = 25  # of a select [Discord]


class ReferenceModal(ui.Modal):
    """Asks for a name, and for which pictures where a message has more than a reference can have."""

    def __init__(self, draft_id: int, sources: Sequence[Source]) -> None:
        super().__init__(title=_("Save as reference"), timeout=None, custom_id=cast_modal_id(draft_id))
        self.add_item(_name())
        if len(sources) > PICTURES_MAX:
            self.add_item(_choice(sources[:OPTIONS_MAX]))
        self.stop()  # as every form: its answer is read in one place, after a restart or before


def _name() -> ui.Label[ReferenceModal]:
    field: ui.TextInput[ReferenceModal] = ui.TextInput(
        custom_id=NAME, min_length=NAME_MIN, max_length=NAME_MAX + 1, placeholder=_("Example: mia")
    )
    about = _("Letters, digits and hyphens, 2 to 24 characters. Only you can use it until you share it.")
    return ui.Label(text=_("Name"), description=about, component=field)


def _choice(sources: Sequence[Source]) -> ui.Label[ReferenceModal]:
    options = [
        discord.SelectOption(
            label=f"{position + 1}. {_plain(source.name)}"[:100],
            value=str(position),
            description=None if source.size is None else formatting.megabytes(source.size),
            default=position < PICTURES_MAX,
        )
        for position, source in enumerate(sources)
    ]
    field: ui.Select[ReferenceModal] = ui.Select(
        custom_id=USED, min_values=1, max_values=PICTURES_MAX, options=options
    )
    about = _("A reference has up to {count} pictures.").format(count=formatting.number(PICTURES_MAX))
    return ui.Label(text=_("Which pictures to save"), description=about, component=field)


def _plain(name: str) -> str:
    """Return a name for a place that knows no markdown, without what protects it elsewhere."""
    return name.replace("\\", "").replace("\u200b", "")
