"""What a moderator reads about the permissions that the bot has in a channel."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ui.formatting import labeled
from bot.ui.translator import N_, _, ngettext

# Discord's name of each permission, and what doesn't work without it.
_PERMISSIONS = {
    "view_channel": (
        N_("View Channel"),
        N_("I can't update a card here after 15 minutes, or post a video. Members get it as a DM instead."),
    ),
    "send_messages": (
        N_("Send Messages"),
        N_("I can't mention members when their video is ready, or post one that takes over 15 minutes."),
    ),
    "send_messages_in_threads": (
        N_("Send Messages in Threads"),
        N_("I can't mention members when their video is ready, or post one that takes over 15 minutes."),
    ),
    "attach_files": (
        N_("Attach Files"),
        N_("I can't post a video here that takes over 15 minutes. Members get it as a DM instead."),
    ),
    "read_message_history": (
        N_("Read Message History"),
        N_(
            "I can't mention members when their video is ready, show pictures in `/videos`, "
            "or take the files of a card for **Again**."
        ),
    ),
}


def channel_check(missing: Sequence[str], *, allowed: bool) -> str:
    """Return which permissions the bot lacks in a channel, and whether the operator allows the server."""
    lines = []
    if not allowed:
        lines.append(
            _(
                "🔒 The people who run this bot don't allow it in this server, so nobody can make videos "
                "here. Ask them to add the server."
            )
        )
    if not missing:
        lines.append(_("✅ I have every permission I need in this channel."))
        return "\n".join(lines)
    heading = ngettext(
        "⚠️ I'm missing {count} permission in this channel:",
        "⚠️ I'm missing {count} permissions in this channel:",
        len(missing),
    )
    lines.append(heading.format(count=len(missing)))
    for name in missing:
        label, consequence = _PERMISSIONS[name]
        lines.append("- " + labeled(f"**{_(label)}**", _(consequence)))
    lines.append(
        _("To fix it, open this channel's settings, choose **Permissions**, and allow my role to do it.")
    )
    return "\n".join(lines)
