"""Saved references in lists and on cards: whose they are, who can use them, and who did."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count

from bot.models.cast import CastLimits, OthersUse, SavedReference, Share, Sharing, share_for
from bot.ui.formatting import listed, megabytes, number, relative
from bot.ui.translator import _, ngettext

USES_SHOWN = 3  # people who used a reference


def list_title(page: int, pages: int, *, empty: bool) -> str:
    """Return what stands above a page of references."""
    if empty:
        return _(
            "### 🎭 References\nYou have none yet. Save pictures with `/reference save`, or with "
            "**Apps > Save as reference** on a message."
        )
    if pages == 1:
        return _("### 🎭 References")
    text = _("### 🎭 References · page {page} of {pages}")
    return text.format(page=number(page), pages=number(pages))


def room(count: int, size: int, limits: CastLimits, *, empty: bool) -> str:
    """Return how much a member keeps, of how much they may, and how to use what is listed."""
    text = _("-# You've saved {count} of {count_max} references, {size} of {size_max}.")
    kept = text.format(
        count=number(count),
        count_max=number(limits.references),
        size=megabytes(size),
        size_max=megabytes(limits.size),
    )
    return kept if empty else "-# " + _("To use one, write @ and its name in a prompt.") + f"\n{kept}"


def entry(reference: SavedReference, user_id: int, guild_id: int | None, uses: Sequence[OthersUse]) -> str:
    """Return a reference in a list: its owner also reads who used it."""
    lines = [f"**{reference.name}**", f"{_pictures(reference)} · {_who(reference, user_id, guild_id)}"]
    if reference.owner_id == user_id:
        lines += _uses(uses)
    return "\n".join(lines)


def details(reference: SavedReference, user_id: int, guild_id: int | None, uses: Sequence[OthersUse]) -> str:
    """Return what stands below the pictures of a reference: its owner also reads whom they shared it with."""
    saved = _("saved {when}").format(when=relative(reference.created_at))
    lines = [f"{_pictures(reference)} · {saved}"]
    if reference.owner_id != user_id:
        return "\n".join([*lines, _who(reference, user_id, guild_id)])
    if reference.sharing is Sharing.PRIVATE:
        lines.append(_("🔒 Only you can use it."))
    lines += [_share_line(share, guild_id) for share in reference.shares]
    return "\n".join([*lines, *_uses(uses)])


def choice(reference: SavedReference, user_id: int, guild_id: int | None) -> str:
    """Return a reference as Discord offers it while its name is typed; that place knows no mentions."""
    if reference.owner_id == user_id:
        return reference.name
    share = share_for(reference, user_id, guild_id)
    if share is not None and share.level is Sharing.SERVER:
        return _("{name} (shared with this server)").format(name=reference.name)
    if share is not None:
        return _("{name} (shared with you)").format(name=reference.name)
    return _("{name} (shared between members)").format(name=reference.name)


def choices(references: Sequence[SavedReference], user_id: int, guild_id: int | None) -> list[str]:
    """Return references as Discord offers them, no two the same: several may share one of the same name."""
    labels: dict[str, None] = {}
    for reference in references:
        label = choice(reference, user_id, guild_id)
        numbered = (f"{label} {later}" for later in count(2))
        labels[next(one for one in chain([label], numbered) if one not in labels)] = None
    return list(labels)


def _pictures(reference: SavedReference) -> str:
    text = ngettext("{count} picture, {size}", "{count} pictures, {size}", len(reference.pictures))
    return text.format(count=number(len(reference.pictures)), size=megabytes(reference.size))


def _who(reference: SavedReference, user_id: int, guild_id: int | None) -> str:
    """Return who can use a reference, in a few words; to others, who let them."""
    if reference.owner_id != user_id:
        share = share_for(reference, user_id, guild_id)
        with_server = share is not None and share.level is Sharing.SERVER
        text = _("{owner} shares it with this server") if with_server else _("{owner} shares it with you")
        return text.format(owner=f"<@{reference.owner_id}>")
    servers = [share.target_id for share in reference.shares if share.level is Sharing.SERVER]
    people = sum(share.level is Sharing.PEOPLE for share in reference.shares)
    parts = []
    if guild_id in servers:
        parts.append(_("shared with this server"))
        servers.remove(guild_id)
    if servers:
        text = ngettext("shared with {count} other server", "shared with {count} other servers", len(servers))
        parts.append(text.format(count=number(len(servers))))
    if people:
        text = ngettext("shared with {count} person", "shared with {count} people", people)
        parts.append(text.format(count=number(people)))
    return listed(parts) or _("only you can use it")


def _share_line(share: Share, guild_id: int | None) -> str:
    when = relative(share.agreed_at)
    if share.level is Sharing.PEOPLE:
        text = _("🤝 Shared with {person}. You said {when} that you have the right to share it.")
        return text.format(person=f"<@{share.target_id}>", when=when)
    if share.target_id == guild_id:
        text = _("🤝 Shared with this server. You said {when} that you have the right to share it.")
    else:
        text = _("🤝 Shared with another server. You said {when} that you have the right to share it.")
    return text.format(when=when)


def _uses(uses: Sequence[OthersUse]) -> list[str]:
    lines = [
        "-# "
        + ngettext(
            "{person} used it {count} time, {when}",
            "{person} used it {count} times, last {when}",
            use.times,
        ).format(person=f"<@{use.user_id}>", count=number(use.times), when=relative(use.last_at))
        for use in uses[:USES_SHOWN]
    ]
    more = len(uses) - USES_SHOWN
    if more > 0:
        text = ngettext("{count} other person used it too", "{count} other people used it too", more)
        lines.append("-# " + text.format(count=number(more)))
    return lines
