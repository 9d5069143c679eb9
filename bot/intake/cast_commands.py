"""What the subcommands of `/reference` do with saved references, and what they answer."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import discord
from discord import ui

from bot.cast.service import CastService
from bot.intake.cast_pictures import BadPictures, CastPictureReader
from bot.models.cast import BadName, PictureInfo, SavedReference, clean_name, usable_by, without_at
from bot.models.drafts import Source
from bot.models.problems import FileFormat
from bot.moderation.service import ModerationService
from bot.storage.cast import CastStore, NotKept
from bot.storage.cast_shares import CastShareStore
from bot.ui.cast_cards import PAGE, Viewer, reference_card, reference_list
from bot.ui.custom_ids import number_in
from bot.ui.texts import cast as texts
from bot.ui.texts import cast_list as list_texts
from bot.ui.texts.problems import problem_list_text

log = logging.getLogger(__name__)

BY_ID = "#"  # begins a choice that Discord offered: no name has it in it
_SUFFIXES = {FileFormat.PNG: "png", FileFormat.JPEG: "jpg"}


@dataclass(frozen=True, slots=True)
class CastAnswer:
    """What a member reads: a text, or a card with pictures."""

    text: str = ""
    view: ui.View | None = None
    card: ui.LayoutView | None = None
    files: Sequence[discord.File] = ()


class CastCommands:
    """Does what members ask for with their references, and puts the answer into words."""

    def __init__(
        self,
        service: CastService,
        store: CastStore,
        shares: CastShareStore,
        pictures: CastPictureReader,
        moderation: ModerationService,
    ) -> None:
        self._service = service
        self._store = store
        self._shares = shares
        self._pictures = pictures
        self._moderation = moderation

    async def obstacle(self, user_id: int, name: str) -> CastAnswer | None:
        """Return why a reference can't be saved under this name, as far as that is known beforehand."""
        try:
            refused = await self._service.obstacle(user_id, clean_name(name))
        except BadName as error:
            return CastAnswer(texts.bad_name(error.problem))
        return None if refused is None else CastAnswer(self._not_kept(refused, clean_name(name)))

    async def save(
        self, reference_id: int, user_id: int, name: str, sources: Sequence[Source], upload_limit: int
    ) -> CastAnswer:
        """Save pictures under a name that has no obstacle."""
        try:
            pictures = await self._pictures.read(user_id, sources)
        except BadPictures as error:
            return CastAnswer(problem_list_text(error.problems, texts.nothing_saved()))
        saved = await self._service.save(reference_id, user_id, clean_name(name), pictures)
        if isinstance(saved, NotKept):
            return CastAnswer(self._not_kept(saved, clean_name(name)))
        return await self._card(saved, texts.saved(saved), texts.saved_hint(saved), upload_limit)

    async def show(self, viewer: Viewer, name: str, upload_limit: int) -> CastAnswer:
        """Show a reference with its pictures."""
        reference = await self.find(viewer, name)
        if reference is None:
            return CastAnswer(texts.not_found())
        uses = (await self._shares.uses([reference.id])).get(reference.id, ())
        about = list_texts.details(reference, viewer.user_id, viewer.guild_id, uses)
        meant = await self.find(viewer, reference.name)
        if meant is not None and meant.id == reference.id:  # else the name means one of their own
            about += f"\n-# {texts.how_to_use(reference)}"
        return await self._card(reference, f"### 🎭 {reference.name}", about, upload_limit)

    async def page(self, viewer: Viewer, page: int = 1) -> CastAnswer:
        """Show a page of what a member can use, or the nearest one that there is."""
        found = await self._store.usable(viewer.user_id, viewer.guild_id)
        pages = max(1, -(-len(found) // PAGE))
        page = max(1, min(page, pages))
        shown = found[(page - 1) * PAGE : page * PAGE]
        ids = [reference.id for reference in shown]
        previews = await self._store.previews(ids)
        files = [_file(reference, reference.pictures[0], previews.get(reference.id)) for reference in shown]
        count, size = await self._store.kept_by(viewer.user_id)
        card = reference_list(
            shown,
            viewer,
            page,
            pages,
            uses=await self._shares.uses(ids),
            files={
                reference.id: file.filename
                for reference, file in zip(shown, files, strict=True)
                if file is not None
            },
            room=list_texts.room(count, size, self._service.limits, empty=not found),
        )
        return CastAnswer(card=card, files=[file for file in files if file is not None])

    async def rename(self, viewer: Viewer, name: str, to: str) -> CastAnswer:
        """Give a member's own reference another name."""
        reference = await self.find(viewer, name)
        refusal = _not_own(reference, viewer)
        if reference is None or refusal is not None:
            return refusal or CastAnswer(texts.not_found())
        try:
            new = clean_name(to)
        except BadName as error:
            return CastAnswer(texts.bad_name(error.problem))
        if any(self._moderation.filter_hit(share.guild_id, new) for share in reference.shares):
            return CastAnswer(texts.name_refused())
        if not await self._service.rename(reference, new):
            return CastAnswer(texts.name_taken(new))
        return CastAnswer(texts.renamed(reference.name, new))

    async def delete(self, viewer: Viewer, name: str) -> CastAnswer:
        """Erase a member's own reference."""
        reference = await self.find(viewer, name)
        refusal = _not_own(reference, viewer)
        if reference is None or refusal is not None:
            return refusal or CastAnswer(texts.not_found())
        await self._service.delete(reference)
        return CastAnswer(texts.deleted(reference))

    async def find(self, viewer: Viewer, name: str) -> SavedReference | None:
        """Return the reference that a member means: by its name, or as Discord offered it."""
        if not name.startswith(BY_ID):
            return await self._store.find(viewer.user_id, viewer.guild_id, without_at(name))
        number = name.removeprefix(BY_ID)
        reference = await self._store.get(number_in(number)) if number.isdecimal() else None
        usable = reference is not None and usable_by(reference, viewer.user_id, viewer.guild_id)
        return reference if usable else None

    async def _card(self, reference: SavedReference, head: str, text: str, upload_limit: int) -> CastAnswer:
        """Return a card with the pictures of a reference, with small ones where they don't fit."""
        pictures = await self._store.pictures(reference.id)
        large = sum(picture.info.size for picture in pictures) > upload_limit
        files = [
            _file(reference, picture.info, picture.preview if large else picture.content)
            for picture in pictures
        ]
        shown = [file for file in files if file is not None]
        return CastAnswer(card=reference_card(head, text, [file.filename for file in shown]), files=shown)

    def _not_kept(self, refused: NotKept, name: str) -> str:
        match refused:
            case NotKept.NAME_TAKEN:
                return texts.name_taken(name)
            case NotKept.TOO_MANY:
                return texts.too_many(self._service.limits)
            case NotKept.TOO_LARGE:
                return texts.too_large(self._service.limits)


def _not_own(reference: SavedReference | None, viewer: Viewer) -> CastAnswer | None:
    if reference is None:
        return CastAnswer(texts.not_found())
    return CastAnswer(texts.not_owner()) if reference.owner_id != viewer.user_id else None


def _file(reference: SavedReference, info: PictureInfo, content: bytes | None) -> discord.File | None:
    """Return a picture as a file; its name is one that Discord leaves as it is."""
    if not content:
        return None
    name = f"reference-{reference.id}-{info.position}.{_SUFFIXES[info.format]}"
    return discord.File(io.BytesIO(content), name)
