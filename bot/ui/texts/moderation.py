"""What `/moderation` answers, and what members read whom a server's rules refuse."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models.moderation import AgeRule, Block
from bot.ui import formatting
from bot.ui.plain_text import plain, shorten
from bot.ui.translator import N_, _

REASON_SHOWN = 100  # characters in a list
_AGE_NAMES = {
    AgeRule.SHOWN: N_("shown"),
    AgeRule.COVERED: N_("covered"),
    AgeRule.REFUSED: N_("refused"),
}
_AGE_SENTENCES = {
    AgeRule.SHOWN: N_("Videos are shown in all channels. Effective now."),
    AgeRule.COVERED: N_(
        "Outside age-restricted channels, new videos are covered until someone clicks them. Effective now."
    ),
    AgeRule.REFUSED: N_("Members can only make videos in age-restricted channels. Effective now."),
}
_NOTHING_SENT = N_("Nothing was sent, and this doesn't count towards your quota.")


def blocked(block: Block) -> str:
    """Return for a member why they can't make videos in this server, and until when."""
    if block.until is None:
        first = _("A moderator has blocked you from making videos in this server.")
    else:
        text = _("A moderator has blocked you from making videos in this server. The block ends {when}.")
        first = text.format(when=formatting.relative(block.until))
    lines = ["🚫 " + formatting.sentences([first, _(_NOTHING_SENT)])]
    if block.reason:
        lines.insert(1, _("**Reason:** {reason}").format(reason=plain(block.reason)))
    if block.until is None:
        lines.append(_("If you have questions, ask a moderator of this server."))
    return "\n".join(lines)


def only_in_age_restricted() -> str:
    """Return for a member that videos are made elsewhere in this server."""
    first = _("This server only allows videos in age-restricted channels. Use one of those instead.")
    return "🔞 " + formatting.sentences([first, _(_NOTHING_SENT)])


def prompt_refused(*, by_server: bool) -> str:
    """Return for a member that a filter refuses their prompt; not for which word, or it would teach a way."""
    if by_server:
        first = _("This server's rules don't allow this prompt. Change it and try again.")
    else:
        first = _("The people who run this bot don't allow this prompt. Change it and try again.")
    return "🚫 " + formatting.sentences([first, _(_NOTHING_SENT)])


def member_blocked(block: Block, before: Block | None) -> str:
    """Return for a moderator that a member is blocked now, and what was so before."""
    text = _("{member} can't make videos in this server {until}. Videos in progress will be finished.")
    lines = ["🚫 " + text.format(member=f"<@{block.user_id}>", until=_until(block))]
    if block.reason:
        lines.append(_("They'll read this reason: {reason}").format(reason=plain(block.reason)))
    if before is not None:
        lines.append(_("Before: blocked {until}.").format(until=_until(before)))
    return "\n".join(lines)


def bots_make_no_videos(user_id: int) -> str:
    """Return for a moderator that there is nothing to block."""
    return "🤖 " + _("{member} is a bot, and bots can't make videos.").format(member=f"<@{user_id}>")


def member_unblocked(user_id: int) -> str:
    """Return for a moderator that a member may make videos again."""
    text = _("{member} isn't blocked anymore. Their quota still applies.")
    return "✅ " + text.format(member=f"<@{user_id}>")


def not_blocked(user_id: int) -> str:
    """Return for a moderator that there was no block to end."""
    return _("{member} isn't blocked. Nothing has changed.").format(member=f"<@{user_id}>")


def block_list(blocks: Sequence[Block]) -> tuple[str, list[str]]:
    """Return a title, and a line for each blocked member."""
    if not blocks:
        return "✅ " + _("Nobody is blocked in this server."), []
    return "🚫 " + _("**Blocked in this server**"), [_block_line(block) for block in blocks]


def block_state(block: Block) -> str:
    """Return until when somebody is blocked, for the log."""
    return _("blocked {until}").format(until=_until(block))


def age_name(rule: AgeRule) -> str:
    """Return an age rule in a few words."""
    return _(_AGE_NAMES[rule])


def age_shown(rule: AgeRule) -> str:
    """Return which age rule applies."""
    return "🔞 " + _("Outside age-restricted channels, videos are **{rule}**.").format(rule=age_name(rule))


def age_set(rule: AgeRule, before: AgeRule) -> str:
    """Return that an age rule was set, and what was so before."""
    lines = ["✅ " + _(_AGE_SENTENCES[rule]), before_line(age_name(before))]
    if rule is AgeRule.COVERED:
        lines.append("-# " + _("Videos that are there already stay as they are."))
    return "\n".join(lines)


def before_line(before: str) -> str:
    """Return what was so before a change."""
    return _("Before: {before}.").format(before=before)


def page_title(title: str, page: int, pages: int) -> str:
    """Return a title that says which page of a list this is, where there are several."""
    if pages == 1:
        return title
    text = _("{title} · page {page} of {pages}")
    return text.format(title=title, page=formatting.number(page), pages=formatting.number(pages))


def _block_line(block: Block) -> str:
    text = _("- {member}, {until}, by {moderator} {when}")
    line = text.format(
        member=f"<@{block.user_id}>",
        until=_until(block),
        moderator=f"<@{block.by_id}>",
        when=formatting.relative(block.at),
    )
    if not block.reason:
        return line
    return formatting.labeled(line, plain(shorten(block.reason, REASON_SHOWN)))


def _until(block: Block) -> str:
    if block.until is None:
        return _("until a moderator unblocks them")
    return _("until {when}").format(when=formatting.moment(block.until))
