"""What a server's log says about shared references."""

from __future__ import annotations

from bot.models.cast import SavedReference, Share, Sharing
from bot.ui.translator import _


def shared(reference: SavedReference, share: Share) -> str:
    """Return that somebody shared a reference, and with whom."""
    owner = f"<@{reference.owner_id}>"
    if share.level is Sharing.SERVER:
        text = _("🤝 {owner} shared the reference **{name}** with this server")
        return text.format(owner=owner, name=reference.name)
    text = _("🤝 {owner} shared the reference **{name}** with {person}")
    return text.format(owner=owner, name=reference.name, person=f"<@{share.target_id}>")


def removed(reference: SavedReference, share: Share, by_id: int) -> str:
    """Return that somebody can't use a reference anymore, and who ended that."""
    who, owner = f"<@{by_id}>", f"<@{reference.owner_id}>"
    if share.level is Sharing.SERVER:
        text = _("🚷 {who} stopped sharing {owner}'s reference **{name}** with this server")
        return text.format(who=who, owner=owner, name=reference.name)
    text = _("🚷 {who} stopped sharing {owner}'s reference **{name}** with {person}")
    return text.format(who=who, owner=owner, name=reference.name, person=f"<@{share.target_id}>")
