"""How saved references stand in their tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.models.cast import OthersUse, PictureInfo, SavedPicture, SavedReference, Share, Sharing, name_key
from bot.models.problems import FileFormat
from bot.storage.cast_tables import cast_pictures
from bot.storage.columns import optional_micros, optional_moment, to_micros, to_moment

BYTES = {"content", "preview"}
INFO = [column for column in cast_pictures.c if column.name not in {"reference_id", *BYTES}]


def reference_row(reference: SavedReference) -> dict[str, Any]:
    """Return the row of a reference, without its pictures and shares."""
    return {
        "id": reference.id,
        "owner_id": reference.owner_id,
        "name": reference.name,
        "name_key": name_key(reference.name),
        "created_at": to_micros(reference.created_at),
    }


def row_to_reference(row: sa.Row[Any]) -> SavedReference:
    """Return the reference of a row, without its pictures and shares."""
    return SavedReference(row.id, row.owner_id, row.name, to_moment(row.created_at))


def picture_row(reference_id: int, picture: SavedPicture) -> dict[str, Any]:
    """Return the row of a picture."""
    info = picture.info
    return {
        "reference_id": reference_id,
        "position": info.position,
        "kind": info.format.value,
        "size": info.size,
        "width": info.width,
        "height": info.height,
        "digest": info.digest,
        "preview": picture.preview,
        "content": picture.content,
    }


def row_to_info(row: sa.Row[Any]) -> PictureInfo:
    """Return what a row says of a picture, without its bytes."""
    return PictureInfo(
        row.position,
        FileFormat(row.kind),
        row.size,
        row.width,
        row.height,
        row.digest,
    )


def row_to_picture(row: sa.Row[Any]) -> SavedPicture:
    """Return the picture of a row."""
    return SavedPicture(row_to_info(row), row.content, row.preview)


def share_values(share: Share) -> dict[str, Any]:
    """Return the row of a share, without its key."""
    return {
        "guild_id": share.guild_id,
        "agreed_by": share.agreed_by,
        "agreed_at": to_micros(share.agreed_at),
        "removed_by": share.removed_by,
        "removed_at": optional_micros(share.removed_at),
    }


def row_to_share(row: sa.Row[Any]) -> Share:
    """Return the share of a row."""
    return Share(
        Sharing(row.level),
        row.target_id,
        row.guild_id,
        row.agreed_by,
        to_moment(row.agreed_at),
        row.removed_by,
        optional_moment(row.removed_at),
    )


def row_to_use(row: sa.Row[Any]) -> OthersUse:
    """Return how often somebody used a reference."""
    return OthersUse(row.reference_id, row.user_id, row.times, to_moment(row.last_at))
