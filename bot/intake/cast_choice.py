"""From the names in a request to saved references: which are meant, and what is wrong with them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.cast.links import CastLinks
from bot.cast.service import CastService
from bot.models.cast import SavedReference, name_key
from bot.models.cast_prompts import (
    BY_ID,
    SEPARATOR,
    Role,
    chosen_names,
    longest_known,
    meant_instead,
    names_in,
    prompt_to_send,
)
from bot.models.catalog import Kind
from bot.models.drafts import Draft
from bot.models.problems import Problem, ProblemCode
from bot.models.requests import PROMPT_MAX, CastUse
from bot.storage.cast import CastStore
from bot.storage.storage import StorageFault, StorageUnavailable

log = logging.getLogger(__name__)

CHOICES_MAX = 25  # that Discord shows
CHOICE_LENGTH = 100  # characters of one [Discord]


@dataclass(frozen=True, slots=True)
class Cast:
    """The saved references of a request, in the order of their pictures, and what is wrong with them."""

    references: tuple[SavedReference, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def pictures(self) -> dict[str, int]:
        """Return how many pictures each reference has, by name."""
        return {reference.name: len(reference.pictures) for reference in self.references}

    def sent_prompt(self, prompt: str, images_before: int) -> str | None:
        """Return what the provider reads, None where that is what was typed."""
        if not self.references:
            return None
        roles = [
            Role(name_key(reference.name), reference.name, len(reference.pictures))
            for reference in self.references
        ]
        return prompt_to_send(prompt, roles, images_before)

    def prompt_problems(self, prompt: str, images_before: int) -> list[Problem]:
        """Return what is wrong with the prompt once it says who is who."""
        sent = self.sent_prompt(prompt, images_before)
        if sent is None or len(sent) <= PROMPT_MAX or len(prompt) > PROMPT_MAX:
            return []
        left = PROMPT_MAX - (len(sent) - len(prompt))
        return [Problem(ProblemCode.CAST_PROMPT_TOO_LONG, {"length": len(prompt), "length_max": left})]


NO_CAST = Cast()


class CastChoice:
    """Finds the references that a member means."""

    def __init__(self, service: CastService, store: CastStore, links: CastLinks) -> None:
        self._service = service
        self._store = store
        self._links = links

    async def of(self, draft: Draft, guild_id: int | None) -> Cast:
        """Return the references that a draft names. Raises StorageUnavailable."""
        if not draft.cast and "@" not in draft.prompt:
            return NO_CAST
        usable = await self._store.usable(draft.user_id, guild_id)
        known: dict[str, SavedReference] = {}
        for reference in usable:  # a member's own come first
            known.setdefault(name_key(reference.name), reference)
        found: dict[int, SavedReference] = {}
        problems: list[Problem] = []
        for chosen in chosen_names(draft.cast):
            match = _chosen(chosen, usable, known)
            if match is None:
                problems.append(_unknown(chosen, known))
            else:
                found.setdefault(match.id, match)
        # Who was chosen is who is meant, also where somebody else has the same name.
        known |= {name_key(reference.name): reference for reference in reversed(found.values())}
        keys = dict.fromkeys(known, 0)
        for name in names_in(draft.prompt):
            if (part := longest_known(name, keys)) is not None:
                reference = known[name_key(part.typed)]
                found.setdefault(reference.id, reference)
            elif (meant := meant_instead(name, keys)) is not None:
                problems.append(_similar(name.typed, known[meant]))
        cast = Cast(tuple(found.values()), tuple(dict.fromkeys(problems)))
        images = sum(source.likely_kind is Kind.IMAGE for source in draft.used)
        return Cast(cast.references, (*cast.problems, *cast.prompt_problems(draft.prompt, images)))

    async def uses(self, cast: Cast) -> tuple[CastUse, ...]:
        """Return the references with links for the provider. Raises UploadError, StorageUnavailable."""
        return tuple([await self._links.use(reference.id, reference.name) for reference in cast.references])

    async def note(self, cast: Cast, user_id: int) -> None:
        """Let the owners see who used their references."""
        for reference in cast.references:
            try:
                await self._service.note_use(reference, user_id)
            except (StorageUnavailable, StorageFault) as trouble:
                log.warning("A use of the reference %s is not counted (%s)", reference.id, trouble)

    async def offered(self, user_id: int, guild_id: int | None, typed: str) -> list[str]:
        """Return what can be chosen after what was typed: names, behind those that are complete already."""
        before, _, last = typed.rpartition(SEPARATOR)
        complete = chosen_names(before)
        taken = {name_key(name) for name in complete}
        usable = await self._store.usable(
            user_id, guild_id, starting=last.strip().removeprefix("@"), limit=CHOICES_MAX + len(taken)
        )
        names = dict.fromkeys(reference.name for reference in usable if name_key(reference.name) not in taken)
        offered = [f"{SEPARATOR} ".join([*complete, name]) for name in names]
        return [choice for choice in offered if len(choice) <= CHOICE_LENGTH][:CHOICES_MAX]


def typed_again(uses: Sequence[CastUse]) -> str:
    """Return a job's references as a draft keeps them: by number, so that no other is meant by a name."""
    return SEPARATOR.join(f"{BY_ID}{use.reference_id}:{use.name}" for use in uses)


def _chosen(
    typed: str, usable: Sequence[SavedReference], known: dict[str, SavedReference]
) -> SavedReference | None:
    if not typed.startswith(BY_ID):
        return known.get(name_key(typed))
    number = typed.removeprefix(BY_ID).partition(":")[0]
    return next((reference for reference in usable if str(reference.id) == number), None)


def _unknown(typed: str, known: dict[str, SavedReference]) -> Problem:
    if typed.startswith(BY_ID):
        return Problem(ProblemCode.CAST_NOT_ALLOWED, {"name": typed.partition(":")[2]})
    name = next(names_in(f"@{typed}"), None)
    meant = None if name is None else meant_instead(name, dict.fromkeys(known, 0))
    if meant is not None:
        return _similar(typed, known[meant])
    return Problem(ProblemCode.CAST_UNKNOWN, {"name": typed})


def _similar(typed: str, meant: SavedReference) -> Problem:
    return Problem(ProblemCode.CAST_SIMILAR, {"name": typed, "meant": meant.name})
