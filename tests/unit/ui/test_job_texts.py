"""The sentences of a job that only some members read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.models.jobs import CardLocation
from bot.models.states import State
from bot.ui.cards import card
from tests.unit.ui.test_cards import PLACES, assert_discord_takes, variants, words
from tests.unit.ui.wording import assert_reads_well

WELCOME = "Your first video will appear right here in this message. `/help` explains more."


@pytest.mark.parametrize("location", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("state", State)
def test_a_first_card_says_where_the_video_will_be_as_long_as_there_is_none(
    state: State, location: CardLocation
) -> None:
    for job in variants(state, None, location):
        view = card(replace(job, first=True))
        assert_discord_takes(view)
        assert_reads_well(words(view))
        comes = state in {State.SUBMITTING, State.QUEUED, State.PROCESSING}
        assert (WELCOME in words(view)) is comes
        assert WELCOME not in words(card(job))
