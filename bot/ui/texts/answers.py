"""What members read when a command, a button or a form is refused, fails or has a short answer."""

from __future__ import annotations

from bot.models.states import Reason
from bot.ui import formatting
from bot.ui.translator import N_, _

_SUBMIT_CLOSED = {
    Reason.CREDIT: N_(
        "💳 This bot has no credit left at the provider, so nothing was sent, and this doesn't count towards "
        "your quota. Please tell the people who run this bot, and ask again later."
    ),
    Reason.KEY: N_(
        "🔑 The provider rejected this bot's API key, so nothing was sent, and this doesn't count towards "
        "your quota. Please tell the people who run this bot to renew the key, and ask again later."
    ),
}


def unexpected() -> str:
    """Return what follows a failure that nobody expected."""
    return _(
        "⚠️ Something went wrong on my side, and I've logged it for the people who run this bot. "
        "Check `/videos` to see if your request is running. If it isn't there, try again."
    )


def storage_unavailable() -> str:
    """Return what follows where nothing can be saved."""
    return _(
        "💾 I can't save anything right now, so nothing was sent and your quota didn't change. "
        "Try again in a few minutes."
    )


def owner_unheard() -> str:
    """Return what follows a click that another process has to act on, and whose answer takes too long."""
    return _(
        "🕓 This is taking longer than usual. It happens within a minute or not at all: "
        "if nothing has changed by then, click again."
    )


def restarting() -> str:
    """Return what follows a request just before the bot stops."""
    return _("🔄 I'm about to restart, so nothing was sent. Ask again in a minute.")


def submit_closed(reason: Reason) -> str:
    """Return what follows a request while the provider takes none of anybody, for lack of credit or key."""
    return _(_SUBMIT_CLOSED[reason])


def no_permission(*, manage_server: bool = False) -> str:
    """Return what follows a moderator's command, or one about the whole server, that somebody else used."""
    if manage_server:
        return _("🔒 You need the Manage Server permission to use this command.")
    return _("🔒 You need the Timeout Members permission to use this command.")


def server_only() -> str:
    """Return what follows a server's command outside of one."""
    return _("🏠 This command only works in a server. Use it in one of the server's channels.")


def not_allowed_here() -> str:
    """Return what follows whatever the operator doesn't allow in this place."""
    return _(
        "🔒 The people who run this bot don't allow this here, so nothing was sent. "
        "You can still see your videos with `/videos`."
    )


def outdated_command() -> str:
    """Return what follows a command that Discord still shows as an earlier version had it."""
    return _(
        "🔄 This command was just updated. Restart your Discord app to get the new one, "
        "or try again in a few minutes."
    )


def unknown_interaction() -> str:
    """Return what follows a click or a form that belongs to nothing."""
    return _(
        "🤷 I don't know what this belongs to, so nothing was started. Use `/vidu` or `/videos` instead."
    )


def unreadable_interaction() -> str:
    """Return what follows an interaction that could not be read at all."""
    return _(
        "⚠️ Discord sent me this in a form I can't read, so nothing was started. "
        "Try again. If it keeps happening, tell the people who run this bot."
    )


def repeated() -> str:
    """Return what follows the same click or form within moments."""
    return _("🙂 I'm on it, one click is enough. If you want another one, click again in a few seconds.")


def not_sent() -> str:
    """Return what takes the place of a placeholder for the moment until it is removed."""
    return _("-# Not sent.")


def draft_forgotten() -> str:
    """Return what follows the button of a refusal after its day."""
    return _("⌛ I only keep what you typed for a day, so it's gone. Start again with `/vidu`.")


def draft_of_another() -> str:
    """Return what follows somebody else's form, or the button that opens it."""
    return _("🙂 This form belongs to someone else. Use `/vidu` to make your own video.")


def files_expired() -> str:
    """Return what stands beside the files of a form whose links have expired; at most 100 characters."""
    return _("Discord no longer has your files. Attach them again.")


def files_not_kept() -> str:
    """Return what stands beside the files of a form that a card gave none to; at most 100 characters."""
    return _("I couldn't get the files of this video. Attach them again.")


def files_of_another() -> str:
    """Return what stands beside the files of a remix whose card has none; at most 100 characters."""
    return _("I don't have the files of this video. Attach your own.")


def video_not_kept() -> str:
    """Return what stands beside the files of a form whose video can't be read; at most 100 characters."""
    return _("The video's file isn't on its card. Save it, and attach it here.")


def nothing_to_use() -> str:
    """Return what follows the message command on a message without files that can be used."""
    return _(
        "🖼️ That message has no image or video I can use (PNG, JPEG, WebP, MP4 or MOV). "
        "Choose another message, or attach files with `/vidu`."
    )


def job_unknown() -> str:
    """Return what follows a button of a job that there is no record of."""
    return _("🤷 I don't have this video anymore. Use `/vidu` to make a new one.")


def job_deleted() -> str:
    """Return what follows any button of a video that was deleted."""
    return _("🗑️ This video was deleted.")


def copy_removed() -> str:
    """Return what is left of a copy that only its member sees."""
    return _(
        "🗑️ I removed this copy. The video itself is still there: "
        "to delete it, use **Delete** in `/videos` or on its card."
    )


def delete_question(owner: str | None, *, video: bool) -> str:
    """Return what Delete asks; an owner is named where somebody else wants to delete what is theirs."""
    if video:
        title = _("Delete this video?") if owner is None else _("Delete {owner}'s video?")
        what = _("The card, the video, the prompt and the files will be gone for good.")
    else:
        title = _("Delete this request?") if owner is None else _("Delete {owner}'s request?")
        what = _("The card, the prompt and the files will be gone for good.")
    if owner is None:
        where = _("It disappears from `/videos` too, and your quota stays as it is.")
    else:
        where = _("It disappears from their `/videos` too. Their quota stays, and they won't be notified.")
    lines = [f"### 🗑️ {title.format(owner=owner)}", formatting.sentences([what, where])]
    if video:
        lines.append("-# " + _("The provider's own link to the video can keep working for a while."))
    return "\n".join(lines)


def deleted() -> str:
    """Return what takes the place of the question once everything is deleted."""
    return _("🗑️ Deleted.")


def deleted_but_card() -> str:
    """Return what takes the place of the question where the card is still there."""
    return _("🗑️ Deleted. Discord didn't let me remove the card yet, so I'll keep trying.")


def deleted_out_of_reach() -> str:
    """Return what takes the place of the question where only a click on the card reaches it."""
    return _("🗑️ Deleted. I can't reach the card itself: if you still see it, click **Delete** on it.")


def delete_too_early() -> str:
    """Return what follows Delete where something is still to come of a job."""
    return _("⏳ I'm not done with this video yet. You can delete it once it's ready or has failed.")


def kept() -> str:
    """Return what takes the place of the question where nothing is to be deleted."""
    return _("👍 Nothing was deleted.")


def job_of_another(owner: str) -> str:
    """Return what follows a button that only the job's member may use."""
    return _("🙂 This video belongs to {owner}. Use `/vidu` to make your own.").format(owner=owner)


def may_not_cancel(owner: str) -> str:
    """Return what follows Cancel by somebody who may not."""
    return _("🙂 Only {owner} and moderators can cancel this video.").format(owner=owner)


def may_not_delete(owner: str) -> str:
    """Return what follows Delete by somebody who may not."""
    return _("🙂 Only {owner} and moderators can delete this video.").format(owner=owner)


def not_shown() -> str:
    """Return what follows Show where Discord did not take the card."""
    return _("⚠️ Discord couldn't show the video just now. Click Show again in a minute.")


def canceled(owner: str | None) -> str:
    """Return what follows Cancel where it worked; an owner is named where somebody else canceled it."""
    if owner is not None:
        return _("🚫 Canceled. This doesn't count towards {owner}'s quota.").format(owner=owner)
    return _("🚫 Canceled. This doesn't count towards your quota.")


def cancel_while_sending(_owner: str | None) -> str:
    """Return what follows Cancel while the request is on its way."""
    return _("📨 The request is being sent right now. Try again when its status has changed.")


def cancel_too_late(owner: str | None) -> str:
    """Return what follows Cancel once the video is being made."""
    if owner is not None:
        text = _(
            "⏳ Too late to cancel: the video is already being made and paid for. {owner} will still get it."
        )
        return text.format(owner=owner)
    return _("⏳ Too late to cancel: your video is already being made and paid for. You'll still get it.")


def cancel_not_agreed(owner: str | None) -> str:
    """Return what follows Cancel where the provider went on with it."""
    if owner is not None:
        text = _("🕓 The provider didn't cancel it. {owner} will still get the video.")
        return text.format(owner=owner)
    return _("🕓 The provider didn't cancel it. You'll still get the video.")


def cancel_unsure(_owner: str | None) -> str:
    """Return what follows Cancel where the provider did not say what came of it."""
    return _(
        "🕓 The provider hasn't said if it's canceled. Wait a minute. "
        "If it's still in line then, click Cancel again."
    )


def cancel_on_its_card(_owner: str | None) -> str:
    """Return what follows Cancel where another process makes the video."""
    return _("🕓 I can't cancel it from here. Click Cancel on its card, in the place where it was requested.")


def already_ended(_owner: str | None) -> str:
    """Return what follows Cancel after the end."""
    return _("✅ This request has already ended, so there's nothing to cancel.")
