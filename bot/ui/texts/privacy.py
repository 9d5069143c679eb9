"""What members and moderators read about their data: what there is, and what erasing it means."""

from __future__ import annotations

from datetime import timedelta

from discord.utils import format_dt

from bot.models.privacy import Erasure, Export, StoredData
from bot.ui.formatting import number
from bot.ui.translator import _, ngettext


def stored(data: StoredData, kept_for: timedelta) -> str:
    """Return what `/privacy show` says."""
    title = _("### 🔒 What I've saved about you")
    lines = [title, *_stored_lines(data)]
    if len(lines) == 1:
        lines.append(_("Nothing."))
    if data.erasing:
        lines.append(
            _("🗑️ You asked me to erase it. I'm erasing the rest as soon as I don't need it anymore.")
        )
    lines.append("-# " + _kept_for(kept_for))
    lines.append("-# " + _("`/privacy export` gives you all of it as a file. `/privacy erase` erases it."))
    return "\n".join(lines)


def _stored_lines(data: StoredData) -> list[str]:
    lines = []
    if data.videos:
        text = ngettext(
            "🎞️ **{count} video**, with its prompt, the names and links of its files, its settings, its place "
            "in Discord, and the link to the result.",
            "🎞️ **{count} videos**, each with its prompt, the names and links of its files, its settings, its "
            "place in Discord, and the link to the result.",
            data.videos,
        )
        lines.append(text.format(count=number(data.videos)))
    if data.oldest is not None:
        lines.append(_("📅 The oldest is from {date}.").format(date=format_dt(data.oldest, "D")))
    if data.counted:
        text = ngettext(
            "📊 **{count} erased or deleted video**. I only kept its length, its time and its number at the "
            "provider, because quotas count it.",
            "📊 **{count} erased or deleted videos**. I only kept their lengths, times and numbers at the "
            "provider, because quotas count them.",
            data.counted,
        )
        lines.append(text.format(count=number(data.counted)))
    if data.drafts:
        text = ngettext(
            "✏️ **{count} draft**: something you typed but didn't send. I keep it for a day.",
            "✏️ **{count} drafts**: things you typed but didn't send. I keep them for a day.",
            data.drafts,
        )
        lines.append(text.format(count=number(data.drafts)))
    if data.references:
        text = ngettext(
            "🎭 **{count} reference**: its name and pictures, whom you share it with, and who used it.",
            "🎭 **{count} references**: their names and pictures, whom you share them with, and who used "
            "them.",
            data.references,
        )
        lines.append(text.format(count=number(data.references)))
    return lines + _moderators_lines(data)


def _moderators_lines(data: StoredData) -> list[str]:
    lines = []
    if data.rules:
        text = ngettext(
            "⚖️ **{count} quota rule** that moderators made for you.",
            "⚖️ **{count} quota rules** that moderators made for you.",
            data.rules,
        )
        lines.append(text.format(count=number(data.rules)))
    if data.blocks:
        text = ngettext(
            "⛔ **{count} server** where moderators blocked you from making videos, with the reason.",
            "⛔ **{count} servers** where moderators blocked you from making videos, with the reasons.",
            data.blocks,
        )
        lines.append(text.format(count=number(data.blocks)))
    return lines


def _kept_for(kept_for: timedelta) -> str:
    return ngettext(
        "I erase prompts, files and links by myself {count} day after you asked for a video.",
        "I erase prompts, files and links by myself {count} days after you asked for a video.",
        kept_for.days,
    ).format(count=number(kept_for.days))


def exported(export: Export) -> str:
    """Return what stands above the files of an export."""
    lines = [_("📦 Here's everything I've saved about you. Only you can see this message.")]
    left_out = export.left_out
    if export.pictures_left_out:
        lines.append(
            _(
                "🎭 The pictures of your references are too large for this message. "
                "See them with `/reference show`."
            )
        )
    if left_out:
        text = ngettext(
            "⚠️ It didn't all fit into one file, so your oldest video isn't in it. "
            "Ask the people who run this bot for the rest.",
            "⚠️ It didn't all fit into one file, so your {count} oldest videos aren't in it. "
            "Ask the people who run this bot for the rest.",
            left_out,
        )
        lines.append(text.format(count=number(left_out)))
    return "\n".join(lines)


def erase_question(data: StoredData) -> str:
    """Return what `/privacy erase` asks."""
    what = _(
        "I'll erase the prompts, files and links of all your videos, and everything you typed but didn't "
        "send. Your videos disappear from `/videos`. You can't undo this."
    )
    lines = [_("### 🗑️ Erase your data?"), what]
    if data.references:
        text = ngettext(
            "🎭 Your reference and its pictures go too, and nobody can use them anymore.",
            "🎭 Your {count} references and their pictures go too, and nobody can use them anymore.",
            data.references,
        )
        lines.append(text.format(count=number(data.references)))
    if data.running:
        lines.append(_left(data.running))
    small_print = _(
        "The cards in your channels stay: click **Delete** on a card first to remove it. For up to 30 days, "
        "I keep your user ID with the number and length of your videos, because erasing must not reset your "
        "quota. Quota rules and blocks that moderators made for you stay. "
        "The provider's own links to your videos can keep working for a while."
    )
    return "\n".join([*lines, f"-# {small_print}"])


def _left(count: int) -> str:
    return ngettext(
        "⏳ {count} video isn't done yet. You'll still get it, and I'll erase it right after that.",
        "⏳ {count} videos aren't done yet. You'll still get them, and I'll erase each one right after that.",
        count,
    ).format(count=number(count))


def erased(result: Erasure) -> str:
    """Return what takes the place of the question once everything is erased that could be."""
    lines = [_("🗑️ Erased. I don't have your prompts, files and links anymore.")]
    if result.left:
        lines = [_("🗑️ Erased."), _left(result.left)]
    return "\n".join(lines)


def kept() -> str:
    """Return what takes the place of a question where nothing is to be erased."""
    return _("👍 Nothing was erased.")


def server_question() -> str:
    """Return what `/privacy server-erase` asks."""
    what = _(
        "I'll erase everything moderators have set here: quota rules and resets, the budget, the pause, "
        "blocks, the filter, and the log's settings and list of changes. From then on, the defaults of this "
        "bot apply, and references that members share with this server aren't shared with it anymore. "
        "You can't undo this. Messages in the log's channel stay."
    )
    small_print = _(
        "The videos belong to the members: each of them can erase their own with `/privacy erase`."
    )
    return "\n".join([_("### 🗑️ Erase this server's rules?"), what, f"-# {small_print}"])


def server_erased() -> str:
    """Return what takes the place of the question once a server's rules are gone."""
    return _("🗑️ Erased. The defaults of this bot apply here now.")


def manage_server_only() -> str:
    """Return what follows a command for those who run a server that somebody else used."""
    return _("🔒 You need the Manage Server permission to do this.")


def job_erased() -> str:
    """Return what follows a button of a video whose data is erased and whose card is still there."""
    return _(
        "🗑️ I've erased what I had saved about this video, so its buttons don't work anymore. "
        "To remove its card, its owner or a moderator can click **Delete** on it."
    )
