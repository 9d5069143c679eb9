"""From a draft to a started job: name what is wrong, read and probe the files, hand the request over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from bot.clock import Clock
from bot.delivery.sender import Upload
from bot.intake.access import allowed_or_answered
from bot.intake.acknowledgement import acknowledged
from bot.intake.answers import answer_privately
from bot.intake.attachments import AttachmentReader, InspectedFiles
from bot.intake.cast_choice import CastChoice
from bot.intake.context import Interaction, card_location, quota_guild_id, role_ids
from bot.intake.early_checks import EarlyChecks
from bot.intake.forms import DraftForms
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
from bot.jobs.new_jobs import ShuttingDown
from bot.jobs.service import JobService
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
from bot.models.requests import CastUse, VideoRequest, parse_seed, random_seed
from bot.telemetry.job_lines import JobIds, job_lines
from bot.telemetry.metrics import NO_METRICS, Metrics
from bot.ui.cards import notice_card, reference_filename
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
        early_checks: EarlyChecks,
        server_rules: ServerRules,
        files: AttachmentReader,
        cast: CastChoice,
        forms: DraftForms,
        upload_bytes: ByteBudget,
        clock: Clock,
        access: AccessRule,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._jobs = jobs
        self._early_checks = early_checks
        self._server_rules = server_rules
        self._files = files
        self._cast = cast
        self._forms = forms
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
        cast = await self._cast.of(draft, quota_guild_id(interaction))
        if refusal := self._server_rules.refusal_of_names(interaction, cast.names):
            await self._refuse(interaction, draft, refusal)
            return
        now = self._clock.now()
        if refusal := await self._early_checks.refusal(interaction, draft, cast, now):
            await self._refuse(interaction, draft, refusal)
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
        """Read the files of an acknowledged request, and start its job if nothing is wrong with them."""
        keep_max = min(interaction.filesize_limit, KEEP_MAX)
        examined = await self._files.examine(interaction.user.id, draft.used, keep_max)
        uploads = _uploads(examined)
        problems = examined.problems or cast.late_problems(draft.prompt, examined.references)
        if problems:
            self._give_back(uploads)
            await self._refuse(interaction, draft, problems_found(problems))
            return
        try:
            with _released_if_raised(partial(self._give_back, uploads)):
                request = _request(draft, examined, cast, await self._cast.uses(cast))
        except UploadError as error:
            log.warning("References of %s are not uploaded (%s)", interaction.id, error)
            await self._refuse(interaction, draft, cast_not_uploaded())
            return
        submission = self._submission(interaction, draft, request, uploads, location)
        if await self._hand_over(interaction, draft, submission):
            await self._cast.note(cast, interaction.user.id)

    async def _refuse(self, interaction: Interaction, draft: Draft, refusal: Refusal) -> None:
        """Tell the member what stands in the way, and count it."""
        self._metrics.refused(refusal.codes)
        await self._forms.refuse(interaction, draft, refusal.text, refusal.remedy)

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

    def _submission(
        self,
        interaction: Interaction,
        draft: Draft,
        request: VideoRequest,
        uploads: list[Upload],
        location: CardLocation,
    ) -> Submission:
        return Submission(
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

    async def _hand_over(self, interaction: Interaction, draft: Draft, submission: Submission) -> bool:
        """Start the job whose placeholder is shown already, and tell whether it could start.

        Where it can't the member is told why.
        """
        # Asked again: reading the files can take minutes, and a moderator may have acted meanwhile.
        if refusal := self._server_rules.refusal(interaction, draft):
            submission.release()
            await self._refuse(interaction, draft, refusal)
            return False
        try:
            with _released_if_raised(submission.release):
                await self._jobs.start(submission)
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


@contextmanager
def _released_if_raised(release: Callable[[], None]) -> Iterator[None]:
    """Let files leave memory at once where this block raises anything: then there is no job for them."""
    try:
        yield
    except BaseException:
        release()
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
