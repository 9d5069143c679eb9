"""Why a job did not end in a video, and what its member can do about that.

Sentences are marked here, and looked up where they are shown. Members know GMI Cloud as "the provider".
"""

from __future__ import annotations

from bot.models.jobs import Job
from bot.models.reference_links import LinkStage
from bot.models.states import Reason, State
from bot.ui.translator import N_

_AGAIN = N_("Try again, or change the prompt.")
_AGAIN_SOON = N_("Try again in a few minutes.")
_AGAIN_LATER = N_("Try again later.")
_TELL_OPERATORS = N_("Please tell the people who run this bot.")

_NOT_OPENED = (
    N_("The provider couldn't open one of your files."),
    N_("Attach the files again, or save them as PNG, JPEG or MP4 first."),
)
# Of a request that was to be sent a second time, and of one that was.
_NOT_UPLOADED_EITHER = (
    N_("The provider couldn't open one of your files, and I couldn't upload it either."),
    N_("Attach the files again."),
)
_NOT_OPENED_TWICE = (
    N_("The provider couldn't open one of your files, even after I uploaded it."),
    N_("Try again later, or use other files."),
)
# What happened, and what to do about it.
_EXPLANATIONS: dict[Reason, tuple[str, str]] = {
    Reason.KEY: (
        N_("The provider rejected this bot's API key."),
        N_("Please tell the people who run this bot that the key needs to be renewed."),
    ),
    Reason.CREDIT: (
        N_("This bot has no credit left at the provider."),
        N_("Please tell the people who run this bot, and try again later."),
    ),
    Reason.RATE: (N_("The provider kept rate-limiting us, so I stopped trying."), _AGAIN_LATER),
    Reason.CAPACITY: (
        N_("The provider had no free machines for too long, so I stopped trying."),
        _AGAIN_LATER,
    ),
    Reason.UNREACHABLE: (
        N_("I couldn't reach the provider for too long, so I stopped trying."),
        _AGAIN_LATER,
    ),
    Reason.NOT_SENT: (
        N_("I was offline or too busy, so I couldn't send your request in time."),
        N_("Please try again."),
    ),
    Reason.POLICY: (
        N_("The provider's content rules don't allow this prompt or one of your files."),
        N_("Change the prompt, or use other files."),
    ),
    Reason.REFERENCE: _NOT_OPENED,
    Reason.DOWNLOAD: _NOT_OPENED,
    Reason.MOV: (
        N_("The provider couldn't open one of your files, and a MOV can't be uploaded to it."),
        N_("Save the video as MP4, and try again."),
    ),
    Reason.NOT_UPLOADED: (
        N_("I couldn't upload your files to the provider, so I didn't send your request."),
        N_("Attach the files again, or try again in a few minutes."),
    ),
    Reason.CAST: (
        N_("You can't use one of the references in this video anymore, so I didn't send your request."),
        N_("Make it again with other references. `/reference list` shows the ones you can use."),
    ),
    Reason.PARAMETER: (
        N_("The provider didn't accept this combination of prompt, files and length."),
        N_("Try a shorter prompt or other files."),
    ),
    Reason.MODEL: (
        N_("The provider doesn't know the AI model this bot uses, or doesn't let this bot use it."),
        _TELL_OPERATORS,
    ),
    Reason.UNCLEAR: (
        N_("The connection broke while I was sending your request, and the provider's list doesn't show it."),
        N_(
            "I won't send it again, because it could be charged twice. "
            "If the video still turns up, I'll post it here. If it doesn't, please make a new request."
        ),
    ),
    Reason.FAILED: (N_("The provider couldn't make this video and didn't say why."), _AGAIN),
    Reason.CANCELLED: (
        N_("Your request was canceled before the video was made."),
        N_("You can try again anytime."),
    ),
    Reason.NO_RESULT: (
        N_("The provider says the video is finished, but gave no link to it."),
        N_("Please tell the people who run this bot. They can look it up by its request ID."),
    ),
    Reason.DEADLINE: (
        N_("The provider didn't finish your video in time."),
        N_("I'll keep checking for a day, and post the video here if it gets finished."),
    ),
}

# Where GMI had accepted the request; and where nothing came of it in the day after it was overdue.
_FAILURES: dict[Reason, tuple[str, str]] = {
    Reason.RATE: (N_("The provider had too many requests and didn't make your video."), _AGAIN_SOON),
    Reason.CAPACITY: (N_("The provider had no free machines for your video."), _AGAIN_LATER),
    Reason.UNCLEAR: (
        N_("We couldn't confirm your request, and no video turned up."),
        N_("Please try again."),
    ),
    Reason.DEADLINE: (N_("The provider never finished your video."), _AGAIN),
}

_OVERLOADED = (N_("The provider was overloaded."), _AGAIN_SOON)
# Codes of the provider's vendor [Vidu's page of error codes], and TaskTimeout. Those that stand for one of
# our own reasons, such as CreditInsufficient, never get here.
_VENDOR_CODES: dict[str, tuple[str, str]] = {
    "TaskTimeout": (N_("The provider timed out."), _AGAIN_SOON),
    "InternalServiceFailure": (N_("The provider had an internal error."), _AGAIN_SOON),
    "ModelUnavailable": (N_("The provider's AI model isn't available right now."), _AGAIN_LATER),
    "OperationInProcess": _OVERLOADED,
    "QuotaExceeded": _OVERLOADED,
    "SystemThrottling": _OVERLOADED,
    "PageSizeOutOfRange": (
        N_("The provider doesn't accept the size or shape of one of your pictures."),
        N_("Resize or crop the picture, or use another one."),
    ),
}
_UNKNOWN_CODE = (N_("The provider couldn't make this video."), _AGAIN)


def explain(job: Job, reason: Reason) -> tuple[str, str]:
    """Return what happened and what to do about it, both still to be translated."""
    if reason is Reason.FAILED and job.detail:
        return _VENDOR_CODES.get(job.detail, _UNKNOWN_CODE)
    if reason is Reason.DOWNLOAD and job.resent_at is not None:
        return _NOT_OPENED_TWICE if job.links is LinkStage.UPLOADED else _NOT_UPLOADED_EITHER
    if job.state is State.FAILED and reason in _FAILURES:
        return _FAILURES[reason]
    return _EXPLANATIONS[reason]


def unknown_code(job: Job) -> str | None:
    """Return the vendor's code of the reason where no sentence says what it means."""
    return job.detail if job.reason is Reason.FAILED and job.detail not in _VENDOR_CODES else None
