"""What "Report this video" answers, and what moderators read of it."""

from __future__ import annotations

from bot.ui.translator import _


def report(by_id: int, owner_id: int, link: str) -> str:
    """Return who reported which video; what it shows stands on its card only, so that it goes with that."""
    text = _("🚩 {who} reported a video of {owner}. [View]({link})")
    return text.format(who=f"<@{by_id}>", owner=f"<@{owner_id}>", link=link)


def reported() -> str:
    """Return that the moderators know."""
    return _("🚩 Thanks. The moderators of this server can see your report now, and that it's from you.")


def already_reported() -> str:
    """Return what follows the same report again."""
    return _("🚩 You already reported this video. The moderators of this server can see it.")


def no_video() -> str:
    """Return what follows a report of a message that is no card of a video in this server."""
    return _(
        "🤷 That isn't a video of mine that I can report. "
        "Open the menu of a message where I posted a finished video, then choose **Apps**."
    )


def already_gone() -> str:
    """Return what follows a report of a video that was deleted."""
    return _("🗑️ This video was deleted already.")


def no_log() -> str:
    """Return whom to ask where the bot has no place for reports."""
    return _(
        "📭 This server has no place for reports yet, so nobody was told. "
        "Write to a moderator of this server, and send them the link to the message."
    )


def not_written() -> str:
    """Return whom to ask where the report could not be written."""
    return _(
        "⚠️ I couldn't send your report just now, so nobody was told. Try again in a minute, "
        "or write to a moderator of this server and send them the link to the message."
    )
