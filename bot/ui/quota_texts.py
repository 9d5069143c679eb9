"""What members and moderators read about quotas and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from discord.utils import format_dt

from bot.models.quotas import EffectiveRule, ExceededLimit, Period, QuotaExceeded, QuotaStatus, Rule, Scope

GUEST = (
    "I am no member here, so I can change this answer for 15 minutes only. If your video takes longer, "
    "it comes by direct message; where I may not send you one, it waits in `/videos`."
)
SHOWN_FAULTS = 12  # more would hide what to do first, and a message has 2,000 characters


def faults(sentences: Sequence[str]) -> str:
    """Return one text for everything that is wrong with a request."""
    if len(sentences) == 1:
        return f"❌ {sentences[0]}\n-# Nothing was sent and your quota is untouched."
    shown = [f"- {sentence}" for sentence in sentences[:SHOWN_FAULTS]]
    if len(sentences) > SHOWN_FAULTS:
        shown.append(f"- … and {len(sentences) - SHOWN_FAULTS} more.")
    return "\n".join(
        [
            f"❌ {len(sentences)} things need a change:",
            *shown,
            "-# Nothing was sent and your quota is untouched.",
        ]
    )


def quota_exceeded(error: QuotaExceeded) -> str:
    """Return why a request does not fit, how much is used, and when it will fit."""
    standing = error.standing
    rule, source = standing.applied.rule, reason(standing.applied)
    match error.obstacle:
        case ExceededLimit.BLOCKED:
            text = f"Videos are switched off for you here ({source}). A moderator can change that."
        case ExceededLimit.RUNNING:
            many = "1 video" if standing.running == 1 else f"{standing.running} videos"
            text = (
                f"You already have {many} being made, and {standing.running_max} at once is the limit. "
                "Wait until one is finished; `/videos` shows them."
            )
        case ExceededLimit.ATTEMPTS:
            text = (
                f"{standing.attempts} of your requests in the last hour ended without a video, "
                f"and {standing.attempts_max} an hour is the limit."
            )
        case ExceededLimit.VIDEOS:
            text = f"You have used {standing.used_videos} of {rule.videos} videos {per(rule.per)} ({source})."
        case ExceededLimit.SECONDS:
            text = (
                f"You have used {standing.used_seconds} of {rule.seconds} seconds of video {per(rule.per)} "
                f"({source}); this one needs {error.needed_seconds}."
            )
    if error.frees is not None:
        text += f" There is room for it {when(error.frees)}."
    elif error.obstacle is ExceededLimit.SECONDS:
        text += " It does not fit at all: ask for a shorter video."
    return f"⏳ {text}"


def allowance(rule: Rule) -> str:
    """Return a rule in words."""
    if rule.blocks:
        return "no videos"
    parts = []
    if rule.videos is not None:
        parts.append("1 video" if rule.videos == 1 else f"{rule.videos} videos")
    if rule.seconds is not None:
        parts.append(f"{rule.seconds} seconds of video")
    return f"{' and '.join(parts)} {per(rule.per)}" if parts else "as many videos as you like"


def reason(applied: EffectiveRule) -> str:
    """Return whom a rule was set for, in words."""
    match applied.scope:
        case Scope.MEMBER:
            return f"rule for <@{applied.target_id}>"
        case Scope.ROLE:
            return f"rule for the role <@&{applied.target_id}>"
        case Scope.SERVER:
            return "this server's rule"
        case Scope.OPERATOR:
            return "this bot's default"


def per(period: Period) -> str:
    """Return a period in words."""
    return f"per {period.value}"


def when(moment: datetime) -> str:
    """Return a moment that counts on the reader's own screen."""
    return format_dt(moment, "R")


def standing_lines(standing: QuotaStatus) -> list[str]:
    """Return which rule applies and why, what is used, what is left, and when the next use frees."""
    rule = standing.applied.rule
    lines = [f"**Rule:** {allowance(rule)} ({reason(standing.applied)})"]
    if not rule.blocks:
        lines.append(f"**Used:** {_amounts(standing)}")
        left = _left(standing)
        if left:
            lines.append(f"**Left:** {left}")
    lines.append(f"**Running:** {standing.running} of {standing.running_max} at once")
    if standing.attempts and standing.attempts_max is not None:
        lines.append(f"**Without a video:** {standing.attempts} of {standing.attempts_max} in the last hour")
    if standing.next_frees is not None and not rule.blocks:
        lines.append(f"**Next frees:** {when(standing.next_frees)}")
    return lines


def _amounts(standing: QuotaStatus) -> str:
    videos = "1 video" if standing.used_videos == 1 else f"{standing.used_videos} videos"
    return f"{videos}, {standing.used_seconds} seconds"


def _left(standing: QuotaStatus) -> str:
    parts = []
    if standing.left_videos is not None:
        parts.append("1 video" if standing.left_videos == 1 else f"{standing.left_videos} videos")
    if standing.left_seconds is not None:
        parts.append(f"{standing.left_seconds} seconds")
    return ", ".join(parts)
