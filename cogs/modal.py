"""The window: what a member typed becomes a draft, whether or not this process opened it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.intake.answers import answer_failed, answer_privately
from bot.intake.context import await_answer, is_first
from bot.intake.intake import Intake
from bot.intake.repeats import RecentPresses
from bot.media.filenames import display_name
from bot.models.drafts import Draft, Source
from bot.models.requests import DURATION_DEFAULT, clean_prompt
from bot.ui.modal import (
    DURATION,
    EXTRAS,
    FILES,
    PRIVATE,
    PROMPT,
    SEED,
    SPOILER,
    USED,
    draft_id_of,
    is_window,
)

if TYPE_CHECKING:
    from bot.client import ViduBot

FORGOTTEN = "⌛ I keep what you typed for a day, and that is over. Start anew with `/vidu`."
EXPIRED = "Discord no longer has your files: please attach them again."
NAMELESS = "file"
DIGITS_MAX = 4  # of a position or a duration; int() refuses thousands of digits
NOT_YOURS = "🙂 This one is somebody else's. With `/vidu` you can make your own."


@dataclass(frozen=True, slots=True)
class ModalAnswers:
    """What was typed into a window, by the names of its fields."""

    texts: Mapping[str, str]
    choices: Mapping[str, list[str]]
    files: tuple[Source, ...]

    @property
    def what(self) -> str:
        """Return what makes the same answer the same; files get new links each time."""
        choices = {name: chosen for name, chosen in self.choices.items() if name != FILES}
        return repr((dict(self.texts), choices, [(file.name, file.size) for file in self.files]))


class ModalSubmissions(commands.Cog):
    """Takes in what members type into windows."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot
        self.intake = Intake(bot)
        self.submitted = RecentPresses()

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Hear every answer to a window: discord.py forgets its own windows when the process ends."""
        data = _mapping(interaction.data)
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is not discord.InteractionType.modal_submit or not is_window(custom_id):
            return
        await_answer(interaction)
        try:
            draft = await self._begun(interaction, draft_id_of(custom_id))
            if draft.user_id != interaction.user.id:
                await answer_privately(interaction, NOT_YOURS)
                return
            answers = read_answers(data)
            # Discord lets a member submit again what it said had failed; it may have arrived all the same.
            if await is_first(interaction, self.submitted, f"{custom_id} {answers.what}"):
                await self.intake.take(interaction, filled(draft, answers))
        except Exception as error:
            await answer_failed(interaction, "The answer to a window", error)

    @commands.Cog.listener()
    async def on_window_button(self, interaction: discord.Interaction[ViduBot], draft_id: int) -> None:
        """Open a refused request again, with everything that was typed."""
        try:
            draft = await self.bot.storage.drafts.get(draft_id)
            if draft is None:
                await answer_privately(interaction, FORGOTTEN)
            elif draft.user_id != interaction.user.id:
                await answer_privately(interaction, NOT_YOURS)
            else:
                fresh = replace(draft, id=interaction.id).without_expired(self.bot.clock.now())
                lost = draft.sources and not fresh.sources
                await self.intake.open_window(interaction, fresh, EXPIRED if lost else None)
        except Exception as error:
            await answer_failed(interaction, "The button of a refusal", error)

    async def _begun(self, interaction: discord.Interaction[Any], draft_id: int | None) -> Draft:
        """Return what the window was opened with; its files, for the rest comes with the answer."""
        kept = None if draft_id is None else await self.bot.storage.drafts.get(draft_id)
        return kept or Draft(interaction.id, interaction.user.id)


def read_answers(data: Mapping[str, Any]) -> ModalAnswers:
    """Return what a window's answer holds, from the interaction as Discord sends it; what is odd is left out.

    A file of which not enough is known stays as one that cannot be read: a video must not begin without it.
    """
    texts: dict[str, str] = {}
    choices: dict[str, list[str]] = {}
    for field in _fields(data.get("components")):
        name, value, values = field.get("custom_id"), field.get("value"), field.get("values")
        if not isinstance(name, str):
            continue
        if isinstance(values, list):
            choices[name] = [each for each in values if isinstance(each, str)]
        elif isinstance(value, str):
            texts[name] = value
    attachments = _mapping(_mapping(data.get("resolved")).get("attachments"))
    files = tuple(_source(_mapping(attachments.get(each))) for each in choices.get(FILES, ()))
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
        numbers = dict.fromkeys(_small_number(each) for each in used)
        chosen = tuple(each for each in numbers if each is not None and each < len(draft.sources))
    seconds = [_small_number(each) for each in answers.choices.get(DURATION, ())]
    duration = next((each for each in seconds if each is not None), DURATION_DEFAULT)
    extras = answers.choices.get(EXTRAS, ())
    return replace(
        draft,
        prompt=clean_prompt(answers.texts.get(PROMPT, "")),
        sources=answers.files or draft.sources,
        chosen=None if answers.files else chosen,
        duration=duration,
        seed=answers.texts.get(SEED, "").strip(),
        spoiler=SPOILER in extras,
        private=PRIVATE in extras,
    )


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(ModalSubmissions(bot))
