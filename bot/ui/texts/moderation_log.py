"""What a server's log says, and what `/moderation log` answers."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models.budgets import Price
from bot.models.jobs import Job
from bot.models.moderation import ChangeKind, FilterHit, RuleChange
from bot.models.states import State
from bot.ui import formatting
from bot.ui.plain_text import plain, shorten
from bot.ui.texts.budgets import cost
from bot.ui.texts.jobs import quote_prompt
from bot.ui.texts.moderation_filter import entries_text
from bot.ui.translator import N_, _, ngettext

PROMPT_SHOWN = 120  # characters; escaped they may be twice as many
NAMES_SHOWN = 60  # characters of the names of all references
VALUE_SHOWN = 80  # characters of what a rule was or is
_ENDED = {
    State.DELIVERED: N_("✅ Ready"),
    State.CANCELLED: N_("🚫 Canceled"),
}
_NO_VIDEO = N_("❌ No video")
_KINDS = {
    ChangeKind.QUOTA: N_("Quota"),
    ChangeKind.USAGE: N_("Used quota"),
    ChangeKind.BUDGET: N_("Budget of this server"),
    ChangeKind.PAUSE: N_("Pause"),
    ChangeKind.BLOCK: N_("Block"),
    ChangeKind.FILTER: N_("Filter"),
    ChangeKind.LOG: N_("Log channel"),
    ChangeKind.AGE: N_("Age rule"),
    ChangeKind.LANGUAGE: N_("Language"),
}


def joined(lines: Sequence[str]) -> str:
    """Return the entries of one message."""
    return "\n\n".join(lines)


def job_entry(job: Job, price: Price | None) -> str:
    """Return what moderators see of a request; of a private one that is who and how much."""
    member = f"<@{job.user_id}>"
    if job.deleted_at is not None:
        return _("🗑️ {member} · deleted · {cost}").format(member=member, cost=_cost(job, price))
    if job.location.private:
        return _("🔒 {member} · private · {cost}").format(member=member, cost=_cost(job, price))
    state = _("⏳ In progress") if job.is_open else _(_ENDED.get(job.state, _NO_VIDEO))
    head = f"{state} · {member} · {_cost(job, price)}"
    names = formatting.listed(reference.name for reference in job.request.references)
    text = ngettext("Reference: {names}", "References: {names}", len(job.request.references))
    details = [text.format(names=plain(shorten(names, NAMES_SHOWN)))]
    if link := _link(job):
        view = _("View")
        details.insert(0, f"[{view}]({link})")
    return f"{head}\n> {quote_prompt(job.request.prompt, PROMPT_SHOWN)}\n-# {' · '.join(details)}"


def change_line(change: RuleChange) -> str:
    """Return who changed what, from what to what."""
    name = _(_KINDS[change.kind])
    what = formatting.bracketed(name, change.target) if change.target else name
    if not change.before and not change.after:
        return _("⚙️ {who} reset {what}").format(who=f"<@{change.by_id}>", what=what)
    text = _("⚙️ {who} changed {what}: {before} → {after}")
    nothing = _("nothing")
    return text.format(
        who=f"<@{change.by_id}>",
        what=what,
        before=shorten(change.before, VALUE_SHOWN) or nothing,
        after=shorten(change.after, VALUE_SHOWN) or nothing,
    )


def change_list(changes: Sequence[RuleChange]) -> tuple[str, list[str]]:
    """Return a title, and a line for each change."""
    if not changes:
        return _("Nobody has changed a rule of this server yet."), []
    lines = [f"- {formatting.relative(change.at)} {change_line(change)}" for change in changes]
    return "📋 " + _("**Changes of this server's rules**"), lines


def filter_hit(user_id: int, prompt: str | None, hit: FilterHit) -> str:
    """Return whose prompt was refused and why; a private prompt stays private."""
    if hit.entries:
        entries = entries_text(hit.entries)
        head = _("🧹 {member} · prompt refused: {entries}").format(member=f"<@{user_id}>", entries=entries)
    else:
        text = _("🧹 {member} · prompt refused by the people who run this bot")
        head = text.format(member=f"<@{user_id}>")
    return head if prompt is None else f"{head}\n> {quote_prompt(prompt, PROMPT_SHOWN)}"


def log_begins(by_id: int) -> str:
    """Return what is written first into a log channel."""
    text = _("📋 {who} chose this channel for the log of this bot: requests, rule changes and reports.")
    return text.format(who=f"<@{by_id}>")


def channel_set(channel_id: int, *, everyone_reads: bool) -> str:
    """Return where the log goes now, and a warning where it tells everybody."""
    lines = ["✅ " + _("The log of this bot goes to {channel} now.").format(channel=f"<#{channel_id}>")]
    if everyone_reads:
        lines.append(
            "⚠️ "
            + _(
                "Everyone in this server can read that channel, so everyone can see all requests. "
                "Better choose a channel that only moderators can see."
            )
        )
    return "\n".join(lines)


def channel_refused(channel_id: int) -> str:
    """Return that a channel can't be the log."""
    text = _(
        "I can't write in {channel}, so nothing has changed. "
        "Allow me to see it and to send messages there, then try again."
    )
    return "❌ " + text.format(channel=f"<#{channel_id}>")


def discord_in_trouble() -> str:
    """Return that a channel could not be tried out."""
    return "⚠️ " + _("Discord has a problem right now, so nothing has changed. Try again in a minute.")


def channel_off() -> str:
    """Return that there is no log any more."""
    return "✅ " + _("The log is off. What was written stays where it is.")


def channel_shown(channel_id: int | None) -> str:
    """Return where the log goes."""
    if channel_id is None:
        return _("This server has no log channel. To set one, add `channel` to the command.")
    text = _("The log of this bot goes to {channel}. To turn it off, use `off`.")
    return "📋 " + text.format(channel=f"<#{channel_id}>")


def log_broken(channel_id: int) -> str:
    """Return for the moderator who runs the next command that the log can't be written."""
    text = _(
        "I couldn't write the log in {channel}. Allow me to see it and to send messages there, "
        "or choose another one with `/moderation log channel`."
    )
    return "⚠️ " + text.format(channel=f"<#{channel_id}>")


def _cost(job: Job, price: Price | None) -> str:
    length = formatting.seconds(job.request.duration)
    if not job.may_be_billed:
        return _("{length}, not billed").format(length=length)
    if price is None:
        return length
    amount = cost(price.of(job.request.duration), price.currency)
    return _("{length}, about {cost}").format(length=length, cost=amount)


def _link(job: Job) -> str | None:
    location = job.location
    if location.message_id is None or location.guest:
        return None
    place = location.guild_id or "@me"
    return f"https://discord.com/channels/{place}/{location.channel_id}/{location.message_id}"
