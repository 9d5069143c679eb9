"""What a member typed into a form, from the interaction as Discord sends it; what is odd is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.intake.context import Interaction
from bot.media.filenames import display_name
from bot.models.drafts import Draft, Source
from bot.models.requests import DURATION_DEFAULT, clean_prompt
from bot.ui.modal import DURATION, EXTRAS, FILES, PRIVATE, PROMPT, SEED, SPOILER, USED

NAMELESS = "file"
DIGITS_MAX = 4  # of a position or a duration; int() refuses thousands of digits


@dataclass(frozen=True, slots=True)
class ModalAnswers:
    """What was typed into a form, by the names of its fields."""

    texts: Mapping[str, str]
    choices: Mapping[str, list[str]]
    files: tuple[Source, ...]

    @property
    def what(self) -> str:
        """Return what makes the same answer the same; files get new links each time."""
        choices = {name: chosen for name, chosen in self.choices.items() if name != FILES}
        return repr((dict(self.texts), choices, [(file.name, file.size) for file in self.files]))


def custom_id_of(interaction: Interaction) -> str:
    """Return the id of the form or button that an interaction comes from; empty where it names none."""
    return str(_mapping(interaction.data).get("custom_id", ""))


def read_answers(data: Any) -> ModalAnswers:
    """Return what a form's answer holds, from the interaction as Discord sends it; what is odd is left out.

    A file of which not enough is known stays as one that cannot be read: a video must not begin without it.
    """
    texts: dict[str, str] = {}
    choices: dict[str, list[str]] = {}
    data = _mapping(data)
    for field in _fields(data.get("components")):
        name, value, values = field.get("custom_id"), field.get("value"), field.get("values")
        if not isinstance(name, str):
            continue
        if isinstance(values, list):
            choices[name] = [text for text in values if isinstance(text, str)]
        elif isinstance(value, str):
            texts[name] = value
    attachments = _mapping(_mapping(data.get("resolved")).get("attachments"))
    files = tuple(_source(_mapping(attachments.get(number))) for number in choices.get(FILES, ()))
    return ModalAnswers(texts, choices, files)


def _fields(components: Any) -> Iterator[Mapping[str, Any]]:
    for component in components if isinstance(components, list) else ():
        if isinstance(component, Mapping):
            yield component
            yield from _fields([component.get("component")])
            yield from _fields(component.get("components"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _source(attachment: Mapping[str, Any]) -> Source:
    name, url, size = (attachment.get(key) for key in ("filename", "url", "size"))
    return Source(
        display_name(name if isinstance(name, str) and name else NAMELESS),
        url if isinstance(url, str) else "",
        size if isinstance(size, int) else None,
    )


def _small_number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= DIGITS_MAX else None


def filled(draft: Draft, answers: ModalAnswers) -> Draft:
    """Return the draft with what was typed; new files take the place of the old ones."""
    used = answers.choices.get(USED)
    chosen = draft.chosen
    if used is not None:
        positions = dict.fromkeys(_small_number(text) for text in used)
        chosen = tuple(
            position for position in positions if position is not None and position < len(draft.sources)
        )
    lengths = [_small_number(text) for text in answers.choices.get(DURATION, ())]
    duration = next((length for length in lengths if length is not None), DURATION_DEFAULT)
    extras = answers.choices.get(EXTRAS, ())
    return replace(
        draft,
        prompt=clean_prompt(answers.texts.get(PROMPT, "")),
        sources=answers.files or draft.sources,
        chosen=None if answers.files else chosen,
        continues=None if answers.files else draft.continues,  # new files take the place of its clip too
        duration=duration,
        seed=answers.texts.get(SEED, "").strip(),
        spoiler=SPOILER in extras or draft.stays_spoiler,
        private=PRIVATE in extras,
    )
