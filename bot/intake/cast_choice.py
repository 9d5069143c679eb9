"""From the names in a request to saved references: which are meant, and what is offered meanwhile."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.cast.links import CastLinks
from bot.cast.service import CastService
from bot.models.cast import AT, SavedReference, name_key, usable_by
from bot.models.cast_prompts import BY_ID, SEPARATOR, last_chosen
from bot.models.casting import Cast, cast_of, unknown_names
from bot.models.catalog import Kind
from bot.models.drafts import Draft
from bot.models.requests import CastUse
from bot.storage.cast import CastStore
from bot.storage.storage import StorageFault, StorageUnavailable
from bot.ui.texts.cast_list import choices

log = logging.getLogger(__name__)

CHOICES_MAX = 25  # that Discord shows
CHOICE_LENGTH = 100  # characters of one [Discord]
LOOKED_AT_MAX = 100  # references while somebody types

NO_CAST = Cast()


@dataclass(frozen=True, slots=True)
class Offer:
    """References that can be chosen: what Discord shows, and what it sends."""

    label: str
    value: str


class CastChoice:
    """Finds the references that a member means."""

    def __init__(self, service: CastService, store: CastStore, links: CastLinks) -> None:
        self._service = service
        self._store = store
        self._links = links

    async def of(self, draft: Draft, guild_id: int | None) -> Cast:
        """Return the references that a draft names. Raises StorageUnavailable."""
        if not draft.cast and not any(sign in draft.prompt for sign in AT):
            return NO_CAST
        usable = await self._store.usable(draft.user_id, guild_id)
        offers = _offers(usable, draft.user_id, guild_id)
        labels = {offers[reference.id].label: reference.id for reference in usable}
        cast = cast_of(usable, draft.user_id, draft.cast, draft.prompt, labels)
        images = sum(source.likely_kind is Kind.IMAGE for source in draft.used)
        problems = [*cast.problems, *cast.prompt_problems(draft.prompt, images)]
        if not (cast.references or cast.problems or draft.used):
            problems += unknown_names(draft.prompt)
        return replace(cast, problems=tuple(problems))

    async def uses(self, cast: Cast) -> tuple[CastUse, ...]:
        """Return the references with links for the provider. Raises UploadError, StorageUnavailable."""
        named = zip(cast.references, cast.names, strict=True)
        return tuple([await self._links.use(reference.id, name) for reference, name in named])

    async def images_of(
        self, uses: Sequence[CastUse], user_id: int, guild_id: int | None
    ) -> list[tuple[CastUse, int]]:
        """Return a job's references that a member can use here, and how many images each has now.

        Raises StorageUnavailable.
        """
        found = [(use, await self._store.get(use.reference_id)) for use in uses]
        return [
            (use, len(reference.pictures))
            for use, reference in found
            if reference is not None and usable_by(reference, user_id, guild_id)
        ]

    async def note(self, cast: Cast, user_id: int) -> None:
        """Let the owners see who used their references."""
        for reference in cast.references:
            try:
                await self._service.note_use(reference, user_id)
            except (StorageUnavailable, StorageFault) as trouble:
                log.warning("A use of the reference %s is not counted (%s)", reference.id, trouble)

    async def offered(self, user_id: int, guild_id: int | None, typed: str) -> list[Offer]:
        """Return what can be chosen after what was typed: names, behind those that are complete already."""
        complete, last = last_chosen(typed)
        before: list[Offer] = []
        if complete:
            usable = await self._store.usable(user_id, guild_id)
            offers = _offers(usable, user_id, guild_id)
            before = [_complete(name, usable, offers) for name in complete]
        usable = await self._store.usable(user_id, guild_id, starting=last, limit=LOOKED_AT_MAX)
        offers = _offers(usable, user_id, guild_id)
        together = [_joined([*before, offer]) for offer in offers.values() if offer not in before]
        fitting = [one for one in together if max(len(one.label), len(one.value)) <= CHOICE_LENGTH]
        return fitting[:CHOICES_MAX]


def typed_again(uses: Sequence[CastUse]) -> str:
    """Return a job's references as a draft keeps them: by number, so that no other is meant by a name."""
    return SEPARATOR.join(_by_number(use.reference_id, use.name) for use in uses)


def _by_number(reference_id: int, name: str) -> str:
    return f"{BY_ID}{reference_id}:{name}"


def _offers(usable: Sequence[SavedReference], user_id: int, guild_id: int | None) -> dict[int, Offer]:
    """Return how each reference is offered; where several have the same name, those of others by number."""
    names = Counter(name_key(reference.name) for reference in usable)
    offers: dict[int, Offer] = {}
    for reference, label in zip(usable, choices(usable, user_id, guild_id), strict=True):
        name = reference.name
        alone = names[name_key(name)] == 1 or label == name
        offers[reference.id] = Offer(name, name) if alone else Offer(label, _by_number(reference.id, name))
    return offers


def _complete(typed: str, usable: Sequence[SavedReference], offers: dict[int, Offer]) -> Offer:
    """Return what was chosen before: by what Discord showed, by what it sent, or as somebody typed it."""
    for reference in usable:
        offer = offers[reference.id]
        if typed in {offer.label, offer.value}:
            return offer
    same = (offers[one.id] for one in usable if name_key(one.name) == name_key(typed))
    return next(same, Offer(typed, typed))


def _joined(offers: Sequence[Offer]) -> Offer:
    """Return several references as one that can be chosen."""
    between = f"{SEPARATOR} "
    return Offer(between.join(one.label for one in offers), between.join(one.value for one in offers))
