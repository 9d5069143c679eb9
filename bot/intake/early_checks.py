"""What may be in the way of a request before it is acknowledged: then nobody else sees the refusal."""

from __future__ import annotations

from datetime import datetime

from bot.intake.attachments import AttachmentReader
from bot.intake.context import Interaction, quota_guild_id, role_ids, time_to_read
from bot.intake.refusals import Refusal, limit_in_the_way, nothing_submitted, problems_found
from bot.jobs.submission.submit_gate import SubmitClosed, SubmitGate
from bot.models.casting import Cast
from bot.models.drafts import Draft
from bot.models.quotas import LimitExceeded
from bot.quotas.shared import SharedQuotas
from bot.quotas.warnings import BudgetWarnings


class EarlyChecks:
    """Looks at a draft, at whether anything is submitted, and at what its member may use."""

    def __init__(
        self, gate: SubmitGate, quotas: SharedQuotas, budget_warnings: BudgetWarnings, files: AttachmentReader
    ) -> None:
        self._gate = gate
        self._quotas = quotas
        self._budget_warnings = budget_warnings
        self._files = files

    async def refusal(
        self, interaction: Interaction, draft: Draft, cast: Cast, now: datetime
    ) -> Refusal | None:
        """Return what is in the way of a request, None where it can be acknowledged."""
        user_id, guild_id = interaction.user.id, quota_guild_id(interaction)
        problems = cast.and_others(draft.problems(cast.pictures))
        if problems:
            limit = time_to_read(interaction)
            problems += (await self._files.examine_briefly(user_id, draft.used, limit)).problems
            return problems_found(list(dict.fromkeys(problems)))
        try:
            self._gate.check()
            await self._quotas.check(guild_id, user_id, role_ids(interaction), draft.duration, now)
        except SubmitClosed as closed:
            return nothing_submitted(closed)
        except LimitExceeded as error:
            self._budget_warnings.refused(error)
            return limit_in_the_way(error)
        return None
