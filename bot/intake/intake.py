"""From a draft to a started job: name what is wrong, read and probe the files, hand the request over."""

from __future__ import annotations

import logging
from functools import partial

from bot.clock import Clock
from bot.delivery.sender import Upload
from bot.intake.access import allowed_or_answered
from bot.intake.acknowledgement import acknowledged
from bot.intake.answers import answer_privately
from bot.intake.attachments import AttachmentReader, InspectedFiles
from bot.intake.cast_choice import CastChoice
from bot.intake.context import Interaction, card_location, quota_guild_id, role_ids, time_to_read
from bot.intake.refusals import (
    Refusal,
    cast_not_uploaded,
    limit_in_the_way,
    nothing_submitted,
    problems_found,
    restarting,
)
from bot.intake.repeats import RecentActions
from bot.intake.server_rules import ServerRules
from bot.jobs.service import JobService, ShuttingDown
from bot.jobs.submission.starter import DuplicateRequest, Submission
from bot.jobs.submission.submit_gate import SubmitClosed
from bot.media.byte_budget import ByteBudget
from bot.media.uploads import UploadError
from bot.models.access import AccessRule
from bot.models.casting import Cast
from bot.models.catalog import Kind
from bot.models.drafts import Draft
from bot.models.jobs import CardLocation
from bot.models.quotas import LimitExceeded
from bot.models.remedies import Remedy
from bot.models.requests import CastUse, VideoRequest, parse_seed, random_seed
from bot.quotas.shared import SharedQuotas
from bot.quotas.warnings import BudgetWarnings
from bot.storage.drafts import DraftStore
from bot.storage.storage import StorageFault, StorageUnavailable
from bot.telemetry.job_lines import JobIds, job_lines
from bot.telemetry.metrics import NO_METRICS, Metrics
from bot.ui.buttons import reopen_view
from bot.ui.cards import notice_card, reference_filename
from bot.ui.modal import VideoModal
from bot.ui.texts import answers as texts
from bot.ui.texts import quotas as sentences
from bot.ui.translator import speaking

log = logging.getLogger(__name__)

KEEP_MAX = 24 * 1024 * 1024  # bytes of references on a card; a whole request may have 25 MiB [Discord]


class Intake:
    """Takes requests in, whichever way they came."""

    def __init__(
        self,
        *,
        jobs: JobService,
        quotas: SharedQuotas,
        budget_warnings: BudgetWarnings,
        server_rules: ServerRules,
        files: AttachmentReader,
        cast: CastChoice,
        drafts: DraftStore,
        upload_bytes: ByteBudget,
        clock: Clock,
        access: AccessRule,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._jobs = jobs
        self._quotas = quotas
        self._budget_warnings = budget_warnings
        self._server_rules = server_rules
        self._files = files
        self._cast = cast
        self._drafts = drafts
        self._upload_bytes = upload_bytes
        self._clock = clock
        self._access = access
        self._metrics = metrics
        self._recent = RecentActions()

    async def take(self, interaction: Interaction, draft: Draft) -> None:
        """Start the job that a draft asks for, or tell the member what stands in its way."""
        # Asked before on every way here; once more, so that no new way can forget it.
        if not await allowed_or_answered(self._access, interaction):
            return
        # The ID of the interaction becomes that of the job, if one comes of it.
        with job_lines(partial(JobIds, interaction.id, interaction.user.id, quota_guild_id(interaction))):
            await self._take(interaction, draft)

    async def _take(self, interaction: Interaction, draft: Draft) -> None:
        if refusal := self._server_rules.refusal(interaction, draft):
            await self._refuse(interaction, draft, refusal)
            return
        draft = self._server_rules.covered(interaction, draft)
        user_id = interaction.user.id
        cast = await self._cast.of(draft, quota_guild_id(interaction))
        if refusal := self._server_rules.refusal_of_names(interaction, cast.names):
            await self._refuse(interaction, draft, refusal)
            return
        problems = cast.and_others(draft.problems(cast.pictures))
        if problems:
            limit = time_to_read(interaction)
            problems += (await self._files.examine_briefly(user_id, draft.used, limit)).problems
            await self._refuse(interaction, draft, problems_found(list(dict.fromkeys(problems))))
            return
        try:
            self._jobs.gate.check()
        except SubmitClosed as closed:
            await self._refuse(interaction, draft, nothing_submitted(closed))
            return
        now = self._clock.now()
        try:
            await self._quotas.check(
                quota_guild_id(interaction), user_id, role_ids(interaction), draft.duration, now
            )
        except LimitExceeded as error:
            self._budget_warnings.refused(error)
            await self._refuse(interaction, draft, limit_in_the_way(error))
            return
        place = card_location(interaction, now, private=draft.private)
        async with acknowledged(interaction, self._jobs, place) as location:
            if location.guest:
                with speaking(location.language):
                    notice = notice_card(sentences.GUEST)
                await interaction.edit_original_response(view=notice)
            await self._read_and_hand_over(interaction, draft, cast, location)

    async def _read_and_hand_over(
        self, interaction: Interaction, draft: Draft, cast: Cast, location: CardLocation
    ) -> None:
        """Read the files of a draft, and start its job if nothing is wrong with them."""
        user_id = interaction.user.id
        keep_max = min(interaction.filesize_limit, KEEP_MAX)
        examined = await self._files.examine(user_id, draft.used, keep_max)
        uploads = _uploads(examined)
        problems = examined.problems or cast.late_problems(draft.prompt, examined.references)
        if problems:
            self._give_back(uploads)
            await self._refuse(interaction, draft, problems_found(problems))
            return
        try:
            request = _request(draft, examined, cast, await self._cast.uses(cast))
        except UploadError as error:
            log.warning("References of %s are not uploaded (%s)", interaction.id, error)
            self._give_back(uploads)
            await self._refuse(interaction, draft, cast_not_uploaded())
            return
        if await self._hand_over(interaction, draft, request, uploads, location):
            await self._cast.note(cast, user_id)

    async def refuse(
        self, interaction: Interaction, draft: Draft, text: str, remedy: Remedy = Remedy.CHANGE
    ) -> None:
        """Tell the member why not; where something helps, with a button that opens what they typed again."""
        kept = remedy is not Remedy.NONE and await self._keep(draft)
        await answer_privately(interaction, text, view=reopen_view(draft.id, remedy) if kept else None)

    async def _refuse(self, interaction: Interaction, draft: Draft, refusal: Refusal) -> None:
        """Tell the member what stands in the way, and count it."""
        self._metrics.refused(refusal.codes)
        await self.refuse(interaction, draft, refusal.text, refusal.remedy)

    async def open_modal(
        self, interaction: Interaction, draft: Draft, about_files: str | None = None
    ) -> None:
        """Open the form of a draft; it must be the first answer to the interaction."""
        if not await allowed_or_answered(self._access, interaction):
            return
        if refusal := self._server_rules.refusal_of_member(interaction):
            await answer_privately(interaction, refusal.text)
            return
        # A form needs memory only for what does not come back with its answer.
        needed = bool(draft.sources) or draft.stays_spoiler or bool(draft.cast)
        kept = needed and await self._keep(draft)
        if needed and not kept:
            await answer_privately(interaction, texts.storage_unavailable())
            return
        await interaction.response.send_modal(VideoModal(draft, kept=kept, about_files=about_files))

    async def kept_draft(self, draft_id: int) -> Draft | None:
        """Return what was typed and kept under this id, for as long as it is kept."""
        return await self._drafts.get(draft_id)

    async def is_first(self, interaction: Interaction, what: str) -> bool:
        """Tell whether this is no repetition of what its member did a moment ago; answer it if it is one."""
        earlier = self._recent.take(interaction.user.id, what, interaction.id, self._clock.now())
        if earlier is None:
            return True
        if earlier == interaction.id:
            log.info("Interaction %s arrived twice", interaction.id)  # its first arrival is being answered
        else:
            await answer_privately(interaction, texts.repeated())
        return False

    async def _keep(self, draft: Draft) -> bool:
        """Keep what was typed for a day; tell whether that went well."""
        try:
            await self._drafts.save(draft, self._clock.now())
        except (StorageUnavailable, StorageFault) as error:
            log.warning("A draft could not be kept (%s)", error)
            return False
        return True

    async def _hand_over(
        self,
        interaction: Interaction,
        draft: Draft,
        request: VideoRequest,
        uploads: list[Upload],
        location: CardLocation,
    ) -> bool:
        """Start the job whose placeholder is shown already, and tell whether it could start.

        Where it can't the member is told why.
        """
        # Asked again: reading the files can take minutes, and a moderator may have acted meanwhile.
        if refusal := self._server_rules.refusal(interaction, draft):
            self._give_back(uploads)
            await self.refuse(interaction, draft, refusal.text, refusal.remedy)
            return False
        submission = Submission(
            interaction.id,
            interaction.user.id,
            role_ids(interaction),
            quota_guild_id(interaction),
            location,
            request,
            uploads,
            draft.spoiler,
            draft.continues,
            release=partial(self._give_back, uploads),
        )
        try:
            await _start(self._jobs, submission)
        except LimitExceeded as error:
            await self._refuse(interaction, draft, limit_in_the_way(error))
        except ShuttingDown:
            await self._refuse(interaction, draft, restarting())
        except SubmitClosed as closed:
            await self._refuse(interaction, draft, nothing_submitted(closed))
        except DuplicateRequest:
            log.info("Interaction %s arrived twice", interaction.id)
        else:
            return True
        return False

    def _give_back(self, uploads: list[Upload]) -> None:
        """Give back the memory of files that are needed no more."""
        self._upload_bytes.give_back(sum(len(upload.data) for upload in uploads))


async def _start(jobs: JobService, submission: Submission) -> None:
    """Start the job; if there is none, its files leave memory at once."""
    try:
        await jobs.start(submission)
    except BaseException:
        submission.release()
        raise


def _request(draft: Draft, examined: InspectedFiles, cast: Cast, uses: tuple[CastUse, ...]) -> VideoRequest:
    seed = parse_seed(draft.seed) or random_seed()
    images = sum(reference.kind is Kind.IMAGE for reference in examined.references)
    sent = cast.sent_prompt(draft.prompt, images)
    return VideoRequest(draft.prompt, tuple(examined.references), draft.duration, seed, uses, sent)


def _uploads(examined: InspectedFiles) -> list[Upload]:
    """Return the files to put on the card: all of them were kept, or none."""
    named = zip(examined.references, examined.contents, strict=bool(examined.contents))
    return [
        Upload(reference_filename(position, reference), content)
        for position, (reference, content) in enumerate(named, start=1)
    ]
