"""What `/reference share` and `unshare` do: the question, the answer to it, and the end of a share."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cast.service import CastService, NotShared
from bot.intake.cast_commands import BY_ID, CastAnswer, CastCommands
from bot.intake.context import Interaction, quota_guild_id
from bot.intake.quota_commands import Person
from bot.models.cast import SavedReference, Share, Sharing, name_key, without_at
from bot.moderation.service import ModerationService
from bot.storage.cast import CastStore
from bot.ui.buttons import consent_view
from bot.ui.cast_cards import Viewer
from bot.ui.texts import cast as texts
from bot.ui.texts.answers import server_only
from bot.ui.texts.moderation import blocked


@dataclass(frozen=True, slots=True)
class Sharer:
    """Who shares or ends a share, and whether they moderate the server where they do it."""

    viewer: Viewer
    moderates: bool

    @classmethod
    def of(cls, interaction: Interaction) -> Sharer:
        """Return who acts; where the bot isn't a member, it's nobody's server."""
        guild_id, may = quota_guild_id(interaction), interaction.permissions
        moderates = guild_id is not None and (may.manage_guild or may.moderate_members)
        return cls(Viewer(interaction.user.id, guild_id), moderates)


class CastSharing:
    """Shares references whose owners said that they may, and ends that again."""

    def __init__(
        self,
        service: CastService,
        store: CastStore,
        commands: CastCommands,
        moderation: ModerationService,
    ) -> None:
        self._service = service
        self._store = store
        self._commands = commands
        self._moderation = moderation

    async def ask(self, sharer: Sharer, name: str, level: Sharing, member: Person | None) -> CastAnswer:
        """Ask an owner whether they have the right to share a reference; nothing is shared yet."""
        if level is Sharing.PRIVATE:
            return await self.unshare(sharer, name, None)
        viewer = sharer.viewer
        reference = await self._commands.find(viewer, name)
        if reference is None:
            return CastAnswer(texts.not_found())
        if level is Sharing.PEOPLE and member is None:
            return CastAnswer(texts.choose_person())
        if level is Sharing.PEOPLE and member is not None and member.bot:
            return CastAnswer(texts.not_with_bots())
        target_id = viewer.guild_id if level is Sharing.SERVER else member.id if member else None
        if target_id is None:
            return CastAnswer(server_only())
        if refusal := self._refusal(sharer, reference, level, target_id):
            return CastAnswer(refusal)
        question = texts.share_question(reference, level, target_id)
        return CastAnswer(question, view=consent_view(reference.id, level, target_id))

    async def share(self, sharer: Sharer, reference_id: int, level: Sharing, target_id: int) -> str:
        """Share a reference after a yes, and return what takes the place of the question."""
        reference = await self._store.get(reference_id)
        if reference is None:
            return texts.not_found()
        guild_id = sharer.viewer.guild_id
        if level is Sharing.SERVER and target_id != guild_id:
            return server_only()
        if refusal := self._refusal(sharer, reference, level, target_id):
            return refusal
        result = await self._service.share(
            reference_id, level, target_id, guild_id, moderates=sharer.moderates
        )
        match result:
            case SavedReference():
                return texts.shared(result, level, target_id)
            case NotShared.GONE:
                return texts.not_found()
            case NotShared.TOO_MANY_PEOPLE:
                return texts.too_many_people()
            case NotShared.REMOVED_BY_MODERATORS:
                return texts.removed_by_moderators()

    async def unshare(self, sharer: Sharer, name: str, member: Person | None) -> CastAnswer:
        """End shares of an own reference, or as a moderator those of another member's in this server."""
        viewer = sharer.viewer
        reference = await self._find(sharer, name)
        if reference is None:
            return CastAnswer(texts.not_found())
        own = reference.owner_id == viewer.user_id
        if not own and not sharer.moderates:
            return CastAnswer(texts.not_owner())
        shares = [
            share
            for share in reference.shares
            if (own or share.guild_id == viewer.guild_id)
            and (member is None or (share.level is Sharing.PEOPLE and share.target_id == member.id))
        ]
        if not shares:
            return CastAnswer(texts.nothing_to_unshare(reference))
        await self._service.unshare(reference, shares, viewer.user_id)
        if own:
            return CastAnswer(texts.unshared(reference, everything=len(shares) == len(reference.shares)))
        return CastAnswer(texts.unshared_by_moderator(reference))

    async def endable(self, sharer: Sharer) -> list[SavedReference]:
        """Return what somebody can end the sharing of: their own, and as a moderator the server's."""
        viewer = sharer.viewer
        found = [one for one in await self._store.of_owner(viewer.user_id) if one.shares]
        if sharer.moderates and viewer.guild_id is not None:
            here = await self._store.shared_in(viewer.guild_id)
            found += [one for one in here if one.owner_id != viewer.user_id]
        return found

    async def _find(self, sharer: Sharer, name: str) -> SavedReference | None:
        """Return what somebody means: a moderator also what is shared here with others than them."""
        found = await self._commands.find(sharer.viewer, name)
        if found is not None:
            return found
        key = name_key(without_at(name))
        for one in await self.endable(sharer):
            if name == f"{BY_ID}{one.id}" or name_key(one.name) == key:
                return one
        return None

    def _refusal(
        self, sharer: Sharer, reference: SavedReference, level: Sharing, target_id: int
    ) -> str | None:
        """Return why a reference may not be shared like this, None where it may."""
        viewer = sharer.viewer
        if reference.owner_id != viewer.user_id:
            return texts.not_owner()
        if level is Sharing.PEOPLE and target_id == viewer.user_id:
            return texts.not_with_yourself()
        if _is_shared(reference.shares, level, target_id):
            return texts.already_shared()
        if viewer.guild_id is None:
            return None
        if block := self._moderation.block_of(viewer.guild_id, viewer.user_id):
            return blocked(block)
        if self._moderation.filter_hit(viewer.guild_id, reference.name):
            return texts.name_refused()
        return None


def _is_shared(shares: tuple[Share, ...], level: Sharing, target_id: int) -> bool:
    return any(share.level is level and share.target_id == target_id for share in shares)
