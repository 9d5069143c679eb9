"""What `/reference` answers when something is saved, changed or shared."""

from __future__ import annotations

from bot.models.cast import (
    NAME_MAX,
    NAME_MIN,
    PEOPLE_MAX,
    CastLimits,
    NameProblem,
    SavedReference,
    Sharing,
)
from bot.ui.formatting import megabytes, number, sentences
from bot.ui.translator import N_, _, ngettext

_NAME_PROBLEMS = {
    NameProblem.TOO_SHORT: N_("That name is too short: it needs at least {min} characters."),
    NameProblem.TOO_LONG: N_("That name is too long: it can have up to {max} characters."),
    NameProblem.CHARACTERS: N_(
        "A name can only have letters, digits and hyphens, and it can't start or end with a hyphen."
    ),
    NameProblem.MASS_MENTION: N_("Discord uses that name to mention everyone."),
}
_BEING_MADE = N_("Videos that are already being made will be finished.")


def bad_name(problem: NameProblem) -> str:
    """Return why something can't be a name."""
    first = _(_NAME_PROBLEMS[problem]).format(min=number(NAME_MIN), max=number(NAME_MAX))
    return "❌ " + sentences([first, _("Choose another name.")])


def name_taken(name: str) -> str:
    """Return that a member has a reference of this name."""
    text = _(
        "❌ You already have a reference named **{name}**. Choose another name, "
        "or delete the old one with `/reference delete`."
    )
    return text.format(name=name)


def too_many(limits: CastLimits) -> str:
    """Return that a member has as many references as they may."""
    text = ngettext(
        "❌ You can save {count} reference, and you have it already. "
        "Delete it with `/reference delete` first.",
        "❌ You can save {count} references, and you have them all. "
        "Delete one with `/reference delete` first.",
        limits.references,
    )
    return text.format(count=number(limits.references))


def too_large(limits: CastLimits) -> str:
    """Return that a member's pictures would take too much room."""
    text = _(
        "❌ Your saved pictures can have {size} in total, and these don't fit anymore. "
        "Delete a reference with `/reference delete` first."
    )
    return text.format(size=megabytes(limits.size))


def nothing_saved() -> str:
    """Return what stands below everything that is wrong with pictures."""
    return _("-# Nothing was saved.")


def no_pictures() -> str:
    """Return what follows the message command on a message without a picture."""
    return _("🖼️ That message has no picture I can save (PNG, JPEG or WebP). Choose another message.")


def saved(reference: SavedReference) -> str:
    """Return that pictures were saved, and who can use them."""
    text = ngettext(
        "✅ Saved **{name}** with {count} picture. Only you can use it.",
        "✅ Saved **{name}** with {count} pictures. Only you can use it.",
        len(reference.pictures),
    )
    return text.format(name=reference.name, count=number(len(reference.pictures)))


def how_to_use(reference: SavedReference) -> str:
    """Return how a reference gets into a video."""
    return _("Write `@{name}` in a prompt to use it.").format(name=reference.name)


def saved_hint(reference: SavedReference) -> str:
    """Return what can be done with a reference that was just saved."""
    more = _("`/reference share` lets others use it. `/reference list` shows all you can use.")
    return f"{how_to_use(reference)}\n-# {more}"


def form_expired() -> str:
    """Return what follows a form whose pictures are not known anymore."""
    return _(
        "⌛ I don't have the pictures of this form anymore. Use **Save as reference** on the message again."
    )


def not_found() -> str:
    """Return that there is no such reference, or none that the member may know of."""
    return _("🤷 There's no reference with that name here. `/reference list` shows the ones you can use.")


def not_owner() -> str:
    """Return what follows a change of somebody else's reference."""
    return _("🔒 Only the person who saved this reference can do that.")


def renamed(before: str, after: str) -> str:
    """Return that a reference has another name now."""
    return _("✅ **{before}** is called **{after}** now.").format(before=before, after=after)


def name_refused() -> str:
    """Return that a server doesn't allow a name."""
    return _("🚫 This server's rules don't allow that name. Choose another one.")


def deleted(reference: SavedReference) -> str:
    """Return that a reference is gone."""
    text = _("🗑️ Deleted **{name}** with its pictures. Nobody can use it anymore.")
    return text.format(name=reference.name)


def share_question(reference: SavedReference, level: Sharing, target_id: int) -> str:
    """Return the question before a reference is shared, and what sharing it means."""
    if level is Sharing.SERVER:
        title = _("### 🤝 Share **{name}** with everyone in this server?").format(name=reference.name)
    else:
        text = _("### 🤝 Share **{name}** with {person}?")
        title = text.format(name=reference.name, person=f"<@{target_id}>")
    question = _("Do you have the right to share this person's or character's likeness?")
    means = _("They can look at the pictures and make videos with them. `/reference unshare` ends that.")
    noted = _("If you say yes, I note that, and when.")
    return f"{title}\n**{question}**\n{means}\n-# {noted}"


def shared(reference: SavedReference, level: Sharing, target_id: int) -> str:
    """Return who can use a reference now."""
    if level is Sharing.SERVER:
        text = _("✅ Everyone in this server can use **{name}** now.")
        first = text.format(name=reference.name)
    else:
        text = _("✅ {person} can use **{name}** now.")
        first = text.format(name=reference.name, person=f"<@{target_id}>")
    return first + "\n-# " + _("I noted that you have the right to share it.")


def not_shared() -> str:
    """Return what takes the place of the question after a no."""
    return _("👍 Nothing was shared.")


def already_shared() -> str:
    """Return that a share is in force already."""
    return _("🙂 They can use it already. Nothing has changed.")


def choose_person() -> str:
    """Return that it isn't said yet with whom to share."""
    return _("👤 Choose the person in the option `member`, and run the command once for each person.")


def not_with_bots() -> str:
    """Return that bots use no references."""
    return _("🤖 That's a bot, and bots can't make videos. Choose a person.")


def not_with_yourself() -> str:
    """Return that an owner needs no share."""
    return _("🙂 You can use your own references anyway. Choose someone else.")


def too_many_people() -> str:
    """Return that a reference is shared with as many people as it can be."""
    text = _(
        "❌ You can share a reference with up to {count} people. "
        "Stop sharing it with someone first, with `/reference unshare`."
    )
    return text.format(count=number(PEOPLE_MAX))


def removed_by_moderators() -> str:
    """Return that moderators ended a share, which stays so."""
    return _("🚫 A moderator stopped the sharing of this reference here, so you can't share it again.")


def unshared(reference: SavedReference, *, everything: bool) -> str:
    """Return who can use a reference after a share has ended."""
    if everything:
        first = _("✅ Only you can use **{name}** now.")
    else:
        first = _("✅ They can't use **{name}** anymore.")
    return f"{first.format(name=reference.name)}\n-# {_(_BEING_MADE)}"


def unshared_by_moderator(reference: SavedReference) -> str:
    """Return for a moderator that the sharing of a reference in their server has ended."""
    text = _("✅ {owner} doesn't share **{name}** here anymore, and can't share it here again.")
    first = text.format(owner=f"<@{reference.owner_id}>", name=reference.name)
    return f"{first}\n-# {_(_BEING_MADE)}"


def nothing_to_unshare(reference: SavedReference) -> str:
    """Return that there is no such share."""
    return _("🙂 **{name}** isn't shared like that. Nothing has changed.").format(name=reference.name)


def not_uploaded() -> str:
    """Return why a video with saved references isn't started."""
    return _(
        "🕓 I couldn't upload your references to the provider just now. Nothing was sent, and this doesn't "
        "count towards your quota. Try again in a minute."
    )
