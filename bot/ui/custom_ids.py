"""What all buttons have in common: numbers in their ids, and the mark that somebody answers the press."""

from __future__ import annotations

from typing import Any

import discord

NUMBER_MAX = 2**63 - 1  # the largest number that the ledger's columns hold
_DIGITS_MAX = len(str(NUMBER_MAX))
_MARK = "vidu taken"


def number_in(digits: str) -> int:
    """Return the number in a custom_id; 0, which nothing of ours has, where it is too long to be one."""
    number = int(digits) if len(digits) <= _DIGITS_MAX else 0
    return number if number <= NUMBER_MAX else 0


def take(interaction: discord.Interaction[Any]) -> None:
    """Mark an interaction as one that somebody answers."""
    interaction.extras[_MARK] = True


def is_taken(interaction: discord.Interaction[Any]) -> bool:
    """Tell whether somebody answers this; discord.py drops a press whose button it cannot find."""
    return _MARK in interaction.extras
