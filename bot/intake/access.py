"""The one place that decides whether an interaction happens where the operator allows the bot.

Whatever could cost money or change rules asks here: the command tree, the buttons, the forms, and `Intake` as
the last of all. What only brings a member a video that was paid for works everywhere: `/videos`, and the
buttons Show, Cancel and Delete. What a moderator may do asks here for their permission, too.
"""

from __future__ import annotations

import logging

import discord
from discord import app_commands

from bot.intake.answers import answer_privately
from bot.intake.context import Interaction, is_guest
from bot.intake.refusals import NOT_ALLOWED
from bot.models.access import AccessRule
from bot.ui.texts import answers as texts

log = logging.getLogger(__name__)

EVERYWHERE = {"works everywhere": True}  # the `extras` of a command that the operator's rule doesn't concern


def is_allowed(access: AccessRule, interaction: Interaction) -> bool:
    """Tell whether the operator allows the bot where this interaction happens."""
    return access.allows(interaction.guild_id, guest=is_guest(interaction))


async def allowed_or_answered(access: AccessRule, interaction: Interaction) -> bool:
    """Tell whether the operator allows the bot here; where not, its member is told so."""
    if is_allowed(access, interaction):
        return True
    log.info("Interaction %s was refused: server %s isn't allowed", interaction.id, interaction.guild_id)
    interaction.client.metrics.refused([NOT_ALLOWED])
    await answer_privately(interaction, texts.not_allowed_here())
    return False


async def command_allowed_or_answered(access: AccessRule, interaction: Interaction) -> bool:
    """Tell whether a command may run; every command is concerned unless its `extras` are `EVERYWHERE`."""
    command = interaction.command
    # A command that this version doesn't know does nothing, and is answered as that.
    if command is None or command.extras == EVERYWHERE:
        return True
    if interaction.type is discord.InteractionType.autocomplete:
        # Discord takes no sentence here; whoever runs the command gets one.
        return is_allowed(access, interaction)
    return await allowed_or_answered(access, interaction)


def check_permission(interaction: Interaction, name: str) -> None:
    """Raise MissingPermissions where somebody has not this permission in the channel of the interaction.

    Asked in code too: a server's settings can show a command of moderators to anyone.
    """
    if not getattr(interaction.permissions, name):
        raise app_commands.MissingPermissions([name])


def log_access(access: AccessRule, *, public: bool | None) -> None:
    """Log which rule is in force, and warn where strangers could spend the operator's money.

    `public` says whether anybody may add the bot to a server; None is not known.
    """
    log.info("Members may use the bot %s", access)
    if public and not access.servers:
        log.warning(
            "Anyone can add this bot to their server and make videos at your cost: turn Public Bot off in "
            "the Discord Developer Portal, or set ALLOWED_SERVERS."
        )
