"""What `/help` says: what to type, what fits, what is left here, and what happens to what a member sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discord import ui

from bot.models.budgets import BudgetStatus
from bot.models.catalog import Kind, Model, Slot
from bot.models.quotas import QuotaStatus
from bot.ui.buttons import stateless
from bot.ui.cards import BLUE
from bot.ui.formatting import megabytes, number, plain_decimal, seconds
from bot.ui.texts.budgets import status_line
from bot.ui.texts.quotas import standing_lines
from bot.ui.translator import N_, _, ngettext

PRIVACY, TERMS = N_("Privacy policy"), N_("Terms of service")  # what the operator's pages are called


@dataclass(frozen=True, slots=True)
class Help:
    """What the card depends on."""

    model: Model
    quota: QuotaStatus
    allowed: bool = True  # the operator allows the bot here
    paused: bool = False  # moderators have stopped new videos in this server
    full: Sequence[BudgetStatus] = ()  # budgets of which nothing is left
    pages: Mapping[str, str] = field(default_factory=dict)  # of the operator: address by marked name


def help_card(about: Help) -> ui.LayoutView:
    """Build the card."""
    parts: list[ui.Item[ui.LayoutView]] = [
        ui.TextDisplay(_how_to()),
        ui.Separator(),
        ui.TextDisplay(_limits(about.model)),
        ui.Separator(),
        ui.TextDisplay(_left_here(about)),
        ui.Separator(),
        ui.TextDisplay(_privacy()),
    ]
    if about.pages:
        parts.append(ui.ActionRow(*(_link(name, url) for name, url in about.pages.items())))
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(*parts, accent_colour=BLUE))
    return stateless(view)


def _how_to() -> str:
    title = _("### 👋 How to make a video")
    text = _(
        "Type `/vidu`, attach images or short videos as references, and write what should happen. "
        "Your video shows the people, animals, things and places from your references."
    )
    more = _(
        "Or open the menu of a message that has images or videos, and choose "
        "**Apps**, then **Make a video from this**. `/videos` lists all your videos."
    )
    prompt = _("The fox from the first image runs along the beach from the second. The camera follows it.")
    example = (
        _("Example: `/vidu`"),
        _("**prompt:** {prompt}").format(prompt=prompt),
        _("**image1:** fox.png · **image2:** beach.jpg · **duration:** 5"),
    )
    return "\n".join([title, text, more, *(f"> {line}" for line in example)])


def _limits(model: Model) -> str:
    images, clips, lengths = model.slot(Kind.IMAGE), model.slot(Kind.VIDEO), model.durations
    lines = [
        _(
            "**Images:** up to {count}, or {mixed} with videos. PNG, JPEG or WebP, {size} each at most."
        ).format(count=images.count_max, mixed=images.count_max_mixed, size=megabytes(images.bytes_max)),
        _("**Videos:** {which}. MP4 or MOV, {size} each at most.").format(
            which=_clips(clips), size=megabytes(clips.bytes_max)
        ),
        _(
            "**Both:** at least {side} pixels on each side, in a ratio between 1:{ratio} and {ratio}:1."
        ).format(side=number(images.side_min), ratio=plain_decimal(images.ratio_max)),
        _("**Prompt:** up to {count} characters.").format(count=number(model.prompt.length_max)),
        _("**Your video:** {shortest} to {longest} long ({usual} if you don't choose).").format(
            shortest=number(lengths.min), longest=seconds(lengths.max), usual=seconds(lengths.default)
        ),
    ]
    return "\n".join([_("### 📐 What you can use"), *lines])


def _clips(slot: Slot) -> str:
    """Return how many clips may be how long: fewer may be longer."""
    parts = [
        ngettext("{count} (up to {length})", "{count} (up to {length} each)", count).format(
            count=count, length=seconds(int(longest))
        )
        for count, longest in enumerate(slot.seconds_max, start=1)
    ]
    return _(" or ").join(parts)


def _left_here(about: Help) -> str:
    """Return what the member may still make in this place, and what is in the way."""
    lines = [_("### 📊 Your quota here")]
    if not about.allowed:
        lines.append(_("🔒 The people who run this bot don't allow new videos here."))
        return "\n".join(lines)
    lines += standing_lines(about.quota)
    if about.paused:
        lines.append(_("⏸️ A moderator has paused new videos in this server."))
    lines += [f"⏳ {status_line(budget, None)}" for budget in about.full]
    return "\n".join(lines)


def _privacy() -> str:
    text = _(
        "🔒 I save your prompts, your settings, and the links to your files and videos. "
        "To make a video, your prompt and your references go to the provider. "
        "`/privacy` shows, exports and erases what I've saved."
    )
    return f"-# {text}"


def _link(name: str, url: str) -> ui.Button[Any]:
    return ui.Button(label=_(name), url=url)
