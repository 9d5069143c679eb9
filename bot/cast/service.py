"""The one place where saved references are changed: storage first, then whoever has to hear of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

from bot.clock import Clock
from bot.models.cast import PEOPLE_MAX, CastLimits, SavedPicture, SavedReference, Share, Sharing, usable_by
from bot.storage.cast import CastStore, NotKept
from bot.storage.cast_shares import CastShareStore
from bot.ui.texts import cast_log as log_texts

log = logging.getLogger(__name__)

Note = Callable[[int, str], None]  # writes a text into the log of a server
Removed = Callable[[int], Awaitable[None]]  # hears which reference somebody can't use anymore


class NotShared(StrEnum):
    """Why a reference was not shared."""

    GONE = "gone"
    TOO_MANY_PEOPLE = "too_many_people"
    REMOVED_BY_MODERATORS = "removed_by_moderators"


async def _nobody(_reference_id: int) -> None:
    """Hear of nothing."""


class CastService:
    """What members do with their references, and what moderators do about those that are shared."""

    def __init__(
        self, store: CastStore, shares: CastShareStore, clock: Clock, limits: CastLimits, note: Note
    ) -> None:
        self.limits = limits
        # Called after a reference was deleted, or a share of it ended: whoever started something with it asks
        # `usable_by` again. A crash may come in between, so a start has to ask as well.
        self.on_removed: Removed = _nobody
        self._store = store
        self._shares = shares
        self._clock = clock
        self._note = note

    async def obstacle(self, owner_id: int, name: str) -> NotKept | None:
        """Return why a reference would not be kept, as far as that is known before its pictures are read."""
        if await self._store.find_own(owner_id, name) is not None:
            return NotKept.NAME_TAKEN
        count, size = await self._store.kept_by(owner_id)
        if count >= self.limits.references:
            return NotKept.TOO_MANY
        return NotKept.TOO_LARGE if size >= self.limits.size else None

    async def save(
        self, reference_id: int, owner_id: int, name: str, pictures: Sequence[SavedPicture]
    ) -> SavedReference | NotKept:
        """Keep pictures under a name that was cleaned, for nobody but their owner; or return why not."""
        infos = tuple(picture.info for picture in pictures)
        reference = SavedReference(reference_id, owner_id, name, self._clock.now(), infos)
        refused = await self._store.add(reference, pictures, self.limits)
        if refused is not None:
            return refused
        log.info("%s saved the reference %s with %d pictures", owner_id, reference_id, len(pictures))
        return reference

    async def rename(self, reference: SavedReference, name: str) -> bool:
        """Give a reference another name that was cleaned; return whether it was free."""
        return await self._store.rename(reference.id, name)

    async def delete(self, reference: SavedReference) -> None:
        """Erase a reference: nobody can use it anymore."""
        await self._store.delete(reference.id)
        log.info("%s deleted the reference %s", reference.owner_id, reference.id)
        await self._tell_removed(reference, reference.shares, reference.owner_id)

    async def share(
        self, reference_id: int, level: Sharing, target_id: int, guild_id: int | None, *, moderates: bool
    ) -> SavedReference | NotShared:
        """Let others use a reference whose owner has just said that they have the right to share it.

        Return it as it is now, or why it wasn't shared. What moderators removed only they can share again.
        """
        reference = await self._store.get(reference_id)
        if reference is None:
            return NotShared.GONE
        known = await self._shares.all(reference_id)
        same = next((one for one in known if (one.level, one.target_id) == (level, target_id)), None)
        if same is not None and same.removed_by not in {None, reference.owner_id} and not moderates:
            return NotShared.REMOVED_BY_MODERATORS
        people = [one for one in reference.shares if one.level is Sharing.PEOPLE]
        if level is Sharing.PEOPLE and same not in people and len(people) >= PEOPLE_MAX:
            return NotShared.TOO_MANY_PEOPLE
        share = Share(level, target_id, guild_id, reference.owner_id, self._clock.now())
        await self._shares.save(reference_id, share)
        log.info("%s shared the reference %s (%s %s)", reference.owner_id, reference_id, level, target_id)
        if guild_id is not None:
            self._note(guild_id, log_texts.shared(reference, share))
        return await self._store.get(reference_id) or NotShared.GONE

    async def unshare(self, reference: SavedReference, shares: Sequence[Share], by_id: int) -> None:
        """End shares: from now on nobody but the owner can use the reference through them."""
        if not shares:
            return
        await self._shares.remove(reference.id, shares, by_id, self._clock.now())
        log.info("%s ended %d shares of the reference %s", by_id, len(shares), reference.id)
        await self._tell_removed(reference, shares, by_id)

    async def allows(self, user_id: int, guild_id: int | None, reference_ids: Sequence[int]) -> bool:
        """Tell whether a member may use all of these in a server now. Raises StorageUnavailable."""
        for reference_id in reference_ids:
            reference = await self._store.get(reference_id)
            if reference is None or not usable_by(reference, user_id, guild_id):
                return False
        return True

    async def note_use(self, reference: SavedReference, user_id: int) -> None:
        """Count that a member used a reference, so that its owner sees who else does."""
        if user_id != reference.owner_id:
            await self._shares.note_use(reference.id, user_id, self._clock.now())

    async def forget_member(self, user_id: int) -> None:
        """Erase what a member saved, what others shared with them, and what they used."""
        references = await self._store.of_owner(user_id)
        await self._shares.erase_member(user_id)
        for reference in references:
            await self._tell_removed(reference, reference.shares, user_id)

    async def forget_server(self, guild_id: int) -> None:
        """End what is shared with a whole server, and forget what was shared with people there."""
        for reference_id in await self._shares.erase_server(guild_id):
            await self.on_removed(reference_id)

    async def _tell_removed(self, reference: SavedReference, shares: Sequence[Share], by_id: int) -> None:
        for share in shares:
            if share.guild_id is not None:
                self._note(share.guild_id, log_texts.removed(reference, share, by_id))
        await self.on_removed(reference.id)
