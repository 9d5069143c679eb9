"""The message command "Report this video": it reaches the moderators of the server."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import discord

from bot.intake.context import Interaction
from bot.intake.message_commands import MessageCommandCog
from bot.models.jobs import Job
from bot.moderation.log_writer import LogUnavailable, LogUnwritable
from bot.ui.custom_ids import CARD_BUTTON, number_in
from bot.ui.texts import moderation_report as texts

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

log = logging.getLogger(__name__)

NAME = "Report this video"
REMEMBERED_MAX = 10_000  # reports; the same one twice only costs moderators a look


class ReportCommand(MessageCommandCog):
    """Takes reports of videos."""

    def __init__(self, bot: ViduBot) -> None:
        super().__init__(bot.tree, NAME, self.report, everywhere=False)
        self.bot = bot
        self._reported: set[tuple[int, int]] = set()  # who reported which job

    async def report(self, interaction: Interaction, message: discord.Message) -> None:
        """Tell the moderators of a video, or the member whom to ask instead."""
        await interaction.response.defer(ephemeral=True)
        await interaction.edit_original_response(content=await self._report(interaction, message))

    async def _report(self, interaction: Interaction, message: discord.Message) -> str:
        """Write a report into the server's log, and return what its member reads."""
        job = await self._job_of(message)
        guild_id = interaction.guild_id
        if job is None or guild_id is None or job.quota_guild_id != guild_id:
            return texts.no_video()
        if job.deleted_at is not None:
            return texts.already_gone()
        this = interaction.user.id, job.id
        if this in self._reported:
            return texts.already_reported()
        with self.bot.audit_log.speaking(guild_id):
            text = texts.report(interaction.user.id, job.user_id, message.jump_url)
        try:
            written = await self.bot.audit_log.report(guild_id, text, job.id)
        except (LogUnwritable, LogUnavailable) as error:
            log.warning("Server %s: a report could not be written (%s)", guild_id, error)
            return texts.not_written()
        if not written:
            return texts.no_log()
        if len(self._reported) >= REMEMBERED_MAX:
            self._reported.clear()
        self._reported.add(this)
        log.info("Server %s: %s reported job %s", guild_id, interaction.user.id, job.id)
        return texts.reported()

    async def _job_of(self, message: discord.Message) -> Job | None:
        """Return the job whose card a message is, None where it is none of ours."""
        if self.bot.user is None or message.author.id != self.bot.user.id:
            return None
        ids = {number_in(match["job"]) for match in map(_card_button, _custom_ids(message)) if match}
        found = [await self.bot.storage.jobs.get(job_id) for job_id in ids]
        # The message of a report has a button of the job as well.
        return next((job for job in found if job and job.location.message_id == message.id), None)


def _custom_ids(message: discord.Message) -> list[str]:
    found: list[str] = []

    def walk(component: object) -> None:
        found.append(str(getattr(component, "custom_id", None) or ""))
        for child in getattr(component, "children", ()):
            walk(child)

    for component in message.components:
        walk(component)
    return found


def _card_button(custom_id: str) -> re.Match[str] | None:
    return re.fullmatch(CARD_BUTTON, custom_id)


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(ReportCommand(bot))
