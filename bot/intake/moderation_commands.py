"""What the subcommands of `/moderation` do, and what they answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from discord import ui

from bot.intake.quota_commands import Person
from bot.models.moderation import AgeRule, ChangeKind, EntryKind, FilterEntry
from bot.moderation.audit_log import AuditLog
from bot.moderation.content_filter import BadEntry
from bot.moderation.log_writer import LogUnavailable, LogUnwritable
from bot.moderation.service import ModerationService, TooManyEntries
from bot.ui.buttons import moderation_pages
from bot.ui.custom_ids import ModerationList
from bot.ui.texts import moderation as texts
from bot.ui.texts import moderation_filter as filter_texts
from bot.ui.texts import moderation_log as log_texts

CHOICE_MAX = 100  # characters of what can be chosen while typing [Discord]

log = logging.getLogger(__name__)

PAGE_LINES, PAGE_LENGTH = 10, 1800  # lines and characters; a text has 2,000 [Discord], with its title


@dataclass(frozen=True, slots=True)
class Answer:
    """What a moderator reads, with buttons where there is more than a page."""

    text: str
    view: ui.View | None = None


class ModerationCommands:
    """Does what moderators ask for, and puts the answer into words. `by` is who asks."""

    def __init__(self, moderation: ModerationService, audit_log: AuditLog) -> None:
        self._moderation = moderation
        self._audit_log = audit_log

    async def block(
        self, guild_id: int, by: int, member: Person, reason: str, length: timedelta | None
    ) -> Answer:
        """Let a member make no videos."""
        if member.bot:
            return Answer(texts.bots_make_no_videos(member.id))
        reason = " ".join(reason.split())
        before, block = await self._moderation.block(guild_id, member.id, by, reason=reason, length=length)
        log.info("Server %s: %s blocked %s until %s", guild_id, by, member.id, block.until)
        await self._audit_log.record(
            guild_id,
            by,
            ChangeKind.BLOCK,
            target=f"<@{member.id}>",
            before="" if before is None else texts.block_state(before),
            after=texts.block_state(block),
        )
        return Answer(texts.member_blocked(block, before))

    async def unblock(self, guild_id: int, by: int, user_id: int) -> Answer:
        """Let a member make videos again."""
        before = await self._moderation.unblock(guild_id, user_id)
        if before is None:
            return Answer(texts.not_blocked(user_id))
        log.info("Server %s: %s unblocked %s", guild_id, by, user_id)
        await self._audit_log.record(
            guild_id, by, ChangeKind.BLOCK, target=f"<@{user_id}>", before=texts.block_state(before)
        )
        return Answer(texts.member_unblocked(user_id))

    async def add_entry(self, guild_id: int, by: int, word: str | None, pattern: str | None) -> Answer:
        """Refuse prompts with a word or a pattern in them."""
        if (word is None) is (pattern is None):
            return Answer(filter_texts.word_or_pattern())
        entry = FilterEntry(word or "") if pattern is None else FilterEntry(pattern, EntryKind.PATTERN)
        try:
            kept, is_new = await self._moderation.add_entry(guild_id, entry, by)
        except BadEntry as error:
            return Answer(filter_texts.bad_entry(entry, str(error)))
        except TooManyEntries:
            return Answer(filter_texts.filter_full())
        if is_new:
            log.info("Server %s: %s added to its filter", guild_id, by)  # what, only its managers need to see
            after = filter_texts.entry_text(kept)
            await self._audit_log.record(guild_id, by, ChangeKind.FILTER, after=after)
        return Answer(filter_texts.entry_added(kept, is_new=is_new))

    async def remove_entry(self, guild_id: int, by: int, text: str) -> Answer:
        """Let prompts have a word or a pattern in them again."""
        removed = await self._moderation.remove_entry(guild_id, text)
        if not removed:
            return Answer(filter_texts.no_such_entry())
        log.info("Server %s: %s removed from its filter", guild_id, by)
        for entry in removed:
            before = filter_texts.entry_text(entry)
            await self._audit_log.record(guild_id, by, ChangeKind.FILTER, before=before)
        return Answer(filter_texts.entry_removed(removed))

    def entries_like(self, guild_id: int, typed: str) -> list[str]:
        """Return the words and patterns with this in them that are short enough to choose from a menu."""
        texts = (entry.text for entry in self._moderation.entries(guild_id))
        return sorted(text for text in texts if typed.lower() in text.lower() and len(text) <= CHOICE_MAX)

    def test_text(self, guild_id: int, text: str) -> Answer:
        """Say what in a text the filter refuses."""
        return Answer(filter_texts.text_tested(self._moderation.filter_hit(guild_id, text)))

    async def set_log(
        self, guild_id: int, by: int, channel_id: int | None, *, everyone_reads: bool
    ) -> Answer:
        """Choose the channel that the log goes to, or turn it off."""
        if channel_id is not None:
            try:
                await self._audit_log.try_out(channel_id, log_texts.log_begins(by))
            except LogUnwritable:
                return Answer(log_texts.channel_refused(channel_id))
            except LogUnavailable:
                return Answer(log_texts.discord_in_trouble())
        before = (await self._moderation.set_log_channel(guild_id, channel_id)).log_channel_id
        if before != channel_id:
            names = ["" if channel is None else f"<#{channel}>" for channel in (before, channel_id)]
            await self._audit_log.record(guild_id, by, ChangeKind.LOG, before=names[0], after=names[1])
        log.info("Server %s: %s set its log to %s", guild_id, by, channel_id)
        if channel_id is None:
            return Answer(log_texts.channel_off())
        return Answer(log_texts.channel_set(channel_id, everyone_reads=everyone_reads))

    async def set_age(self, guild_id: int, by: int, rule: AgeRule | None) -> Answer:
        """Choose how videos are shown outside of age-restricted channels, or show what was chosen."""
        if rule is None:
            return Answer(texts.age_shown(self._moderation.settings(guild_id).age))
        before = await self._moderation.set_age(guild_id, rule)
        log.info("Server %s: %s set its age rule to %s", guild_id, by, rule)
        if before is not rule:
            old, new = texts.age_name(before), texts.age_name(rule)
            await self._audit_log.record(guild_id, by, ChangeKind.AGE, before=old, after=new)
        return Answer(texts.age_set(rule, before))

    def show_log(self, guild_id: int) -> Answer:
        """Show where the log goes."""
        return Answer(log_texts.channel_shown(self._moderation.settings(guild_id).log_channel_id))

    def trouble(self, guild_id: int) -> list[str]:
        """Return what the moderator who runs any command has to know."""
        return self._audit_log.trouble(guild_id)

    async def show(self, which: ModerationList, guild_id: int, page: int = 1) -> Answer:
        """Show a page of a list, or the nearest one that there is."""
        match which:
            case ModerationList.BLOCKED:
                title, lines = texts.block_list(self._moderation.blocks(guild_id))
            case ModerationList.FILTER:
                title, lines = filter_texts.entry_list(self._moderation.entries(guild_id))
            case ModerationList.CHANGES:
                title, lines = log_texts.change_list(await self._audit_log.changes(guild_id))
        return _page(which, title, lines, page)


def _page(which: ModerationList, title: str, lines: Sequence[str], page: int) -> Answer:
    pages = _split(lines)
    page = max(1, min(page, len(pages)))
    text = "\n".join([texts.page_title(title, page, len(pages)), *pages[page - 1]])
    return Answer(text, moderation_pages(which, page, len(pages)))


def _split(lines: Sequence[str]) -> list[list[str]]:
    """Return the lines of each page; there is always one."""
    pages: list[list[str]] = [[]]
    for line in lines:
        if len(pages[-1]) == PAGE_LINES or len("\n".join([*pages[-1], line])) > PAGE_LENGTH:
            pages.append([])
        pages[-1].append(line)
    return pages
