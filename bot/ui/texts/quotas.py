"""What members and moderators read about quotas."""

from __future__ import annotations

from datetime import datetime

from bot.models.quotas import EffectiveRule, ExceededLimit, Period, QuotaExceeded, QuotaStatus, Rule, Scope
from bot.models.remedies import shorter_fits
from bot.ui import formatting
from bot.ui.translator import N_, _, ngettext

GUEST = N_(
    "I'm not in this server or group, so I can only update this message for 15 minutes. "
    "If your video takes longer, I'll send it to you as a DM. "
    "If I can't DM you, you'll find it in `/videos`."
)
PARAGRAPH = ""  # a line that ends a list: what follows a list at once is shown as a part of its last item
_PERIODS = {
    Period.HOUR: N_("per hour"),
    Period.DAY: N_("per day"),
    Period.WEEK: N_("per week"),
    Period.MONTH: N_("per month"),
}


def quota_exceeded(error: QuotaExceeded) -> str:
    """Return why a request does not fit, how much is used, and when it will fit."""
    sentences = [_exceeded(error)]
    if error.frees is not None:
        if error.exceeded is ExceededLimit.SECONDS and (seconds := shorter_fits(error)) is not None:
            sentences.append(left_for_shorter(seconds))
        sentences.append(_("You can make another {when}.").format(when=when(error.frees)))
    elif error.exceeded is ExceededLimit.SECONDS:
        sentences.append(_longest(error.status))
    return "⏳ " + formatting.sentences(sentences)


def _exceeded(error: QuotaExceeded) -> str:
    standing = error.status
    rule, source = standing.effective.rule, reason(standing.effective)
    match error.exceeded:
        case ExceededLimit.BLOCKED:
            if standing.effective.scope is Scope.OPERATOR:
                text = _(
                    "You can't make videos here ({source}). "
                    "Ask a moderator of your server or the people who run this bot."
                )
            else:
                text = _("You can't make videos here ({source}). A moderator can change that.")
            return text.format(source=source)
        case ExceededLimit.RUNNING:
            text = _(
                "You already have {videos} in progress, and the limit is {limit} at a time. "
                "Wait until a video is finished. You can see yours in `/videos`."
            )
            limit = formatting.number(standing.running_max)
            return text.format(videos=formatting.videos(standing.running), limit=limit)
        case ExceededLimit.ATTEMPTS:
            text = _(
                "{count} of your requests in the last hour ended without a video. "
                "The limit is {limit} per hour."
            )
            limit = formatting.number(standing.attempts_max or 0)
            return text.format(count=formatting.number(standing.attempts), limit=limit)
        case ExceededLimit.VIDEOS:
            text = _("You've used {used} of {limit} {period} ({source}).")
            used, limit = formatting.number(standing.used_videos), formatting.videos(rule.videos or 0)
            return text.format(used=used, limit=limit, period=per(rule.per), source=source)
        case ExceededLimit.SECONDS:
            text = _("You've used {used} of {limit} {period} ({source}), and this video needs {needed}.")
            return text.format(
                used=formatting.number(standing.used_seconds),
                limit=seconds_of_video(rule.seconds or 0),
                period=per(rule.per),
                source=source,
                needed=formatting.seconds(error.needed_seconds),
            )


def left_for_shorter(seconds: int) -> str:
    """Return how much is left for a video that is shorter than what was asked for."""
    text = ngettext(
        "There's {count} second left for a shorter video.",
        "There are {count} seconds left for a shorter video.",
        seconds,
    )
    return text.format(count=formatting.number(seconds))


def _longest(standing: QuotaStatus) -> str:
    """Return what fits instead of a video that is longer than its rule ever allows."""
    if standing.left_seconds:
        text = _("The longest video that fits is {length}.")
        return text.format(length=formatting.seconds(standing.left_seconds))
    text = _("A video can be {length} at most.")
    return text.format(length=formatting.seconds(standing.effective.rule.seconds or 0))


def allowance(rule: Rule) -> str:
    """Return a rule in words."""
    if rule.blocks:
        return _("no videos")
    if rule.at_once is None:
        return _amounts(rule)
    at_once = formatting.number(rule.at_once)
    return _("{amounts}, {count} at a time").format(amounts=_amounts(rule), count=at_once)


def _amounts(rule: Rule) -> str:
    parts = []
    if rule.videos is not None:
        parts.append(formatting.videos(rule.videos))
    if rule.seconds is not None:
        parts.append(seconds_of_video(rule.seconds))
    if not parts:
        return _("unlimited videos")
    amounts = _("{videos} and {seconds}").format(videos=parts[0], seconds=parts[1]) if parts[1:] else parts[0]
    return _("{amount} {period}").format(amount=amounts, period=per(rule.per))


def reason(applied: EffectiveRule) -> str:
    """Return whom a rule was set for, in words."""
    match applied.scope:
        case Scope.MEMBER:
            return _("rule for {member}").format(member=f"<@{applied.target_id}>")
        case Scope.ROLE:
            return _("rule for the role {role}").format(role=f"<@&{applied.target_id}>")
        case Scope.SERVER:
            return _("this server's rule")
        case Scope.OPERATOR:
            return _("this bot's default")


def allowance_and_reason(applied: EffectiveRule) -> str:
    """Return a rule, and whom it was set for."""
    return formatting.bracketed(allowance(applied.rule), reason(applied))


def per(period: Period) -> str:
    """Return a period in words."""
    return _(_PERIODS[period])


def when(moment: datetime) -> str:
    """Return a moment that counts on the reader's own screen."""
    return formatting.relative(moment)


def standing_lines(standing: QuotaStatus) -> list[str]:
    """Return which rule applies and why, what is used, what is left, and when the next use frees."""
    rule = standing.effective.rule
    lines = [_line(_("Rule"), allowance_and_reason(standing.effective))]
    if not rule.blocks:
        used = [formatting.videos(standing.used_videos), formatting.seconds(standing.used_seconds)]
        lines.append(_line(_("Used"), formatting.listed(used)))
        if left := quota_left(standing):
            lines.append(_line(_("Left"), left))
    lines.append(
        _line(_("Running"), _of(standing.running, standing.running_max, _("{count} of {limit} at a time")))
    )
    if standing.attempts and standing.attempts_max is not None:
        attempts = _of(standing.attempts, standing.attempts_max, _("{count} of {limit} in the last hour"))
        lines.append(_line(_("Ended without a video"), attempts))
    if standing.next_slot is not None and rule.limits and not rule.blocks:
        lines.append(_line(_("Next slot"), when(standing.next_slot)))
    return lines


def _line(name: str, value: str) -> str:
    return _("**{name}:** {value}").format(name=name, value=value)


def _of(count: int, limit: int, text: str) -> str:
    return text.format(count=formatting.number(count), limit=formatting.number(limit))


def quota_left(standing: QuotaStatus) -> str:
    """Return what is left of a quota, nothing where it is not limited."""
    parts = []
    if standing.left_videos is not None:
        parts.append(formatting.videos(standing.left_videos))
    if standing.left_seconds is not None:
        parts.append(formatting.seconds(standing.left_seconds))
    return formatting.listed(parts)


def seconds_of_video(count: int) -> str:
    """Return a number of seconds of video in words."""
    text = ngettext("{count} second of video", "{count} seconds of video", count)
    return text.format(count=formatting.number(count))
