"""Names of saved references in prompts: found where a word begins, and told to the provider by image."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.cast import BadName, clean_name, name_key
from bot.models.cast_prompts import (
    CastName,
    Role,
    chosen_names,
    longest_known,
    meant_instead,
    names_in,
    prompt_to_send,
)

MIA, BOAT = Role("mia", "Mia", 2), Role("boat", "boat", 1)


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("@mia waves", ["mia"]),
        ("waves to @Mia, then to @boat-2.", ["Mia", "boat-2"]),
        ("(@mia)", ["mia"]),
        ("mail me@example.invalid", []),
        ("<@123> and <@&456>", []),
        ("https://example.invalid/@mia", []),
        ("@everyone and @here", []),
        ("@@mia", []),
        ("@-mia @", []),
        ("@лиса и @狐", ["лиса", "狐"]),
        ("@mia-", ["mia"]),
    ],
)
def test_a_name_begins_where_a_word_does(prompt: str, names: list[str]) -> None:
    assert [name.typed for name in names_in(prompt)] == names
    assert all(prompt[name.start : name.end] == f"@{name.typed}" for name in names_in(prompt))


def test_the_longest_known_part_of_a_name_is_meant() -> None:
    known = {"mia": 0, "mia-dances": 0}
    assert longest_known(CastName(0, "Mia-dances-well"), known) == CastName(0, "Mia-dances")
    assert longest_known(CastName(0, "mia-sings"), known) == CastName(0, "mia")
    assert longest_known(CastName(0, "miamia"), known) is None


def test_only_what_is_similar_is_taken_for_a_mistake() -> None:
    known = {"mia": 0, "paper-boat": 0}
    assert meant_instead(CastName(0, "paperboat"), known) == "paper-boat"
    assert meant_instead(CastName(0, "mira"), known) == "mia"
    assert meant_instead(CastName(0, "mai"), known) == "mia"
    assert meant_instead(CastName(0, "max"), known) is None
    assert meant_instead(CastName(0, "home"), known) is None


def test_names_that_are_chosen_together_are_separated_by_commas() -> None:
    assert chosen_names(" @mia, boat ,, mia") == ["mia", "boat"]
    assert chosen_names("") == []


@pytest.mark.parametrize(
    ("prompt", "before", "sent"),
    [
        (
            "@mia waves to @boat",
            1,
            "Mia (reference images 2 and 3) waves to boat (reference image 4)",
        ),
        ("@Mia and @MIA", 0, "Mia (reference images 1 and 2) and Mia With boat (reference image 3)."),
        (
            "it rains on @home",
            0,
            "it rains on @home With Mia (reference images 1 and 2). With boat (reference image 3).",
        ),
    ],
)
def test_the_provider_reads_which_image_shows_whom(prompt: str, before: int, sent: str) -> None:
    assert prompt_to_send(prompt, [MIA, BOAT], before) == sent


@given(st.text(max_size=300))
def test_a_prompt_without_a_cast_is_sent_as_it_is(prompt: str) -> None:
    assert prompt_to_send(prompt, [], 3) == prompt


@given(st.text(alphabet="ab-@ é3\u0301", max_size=40), st.text(alphabet="ab-é3\u0301", max_size=24))
def test_whatever_can_be_a_name_is_found_as_one(before: str, typed: str) -> None:
    try:
        name = clean_name(typed)
    except BadName:
        return
    found = list(names_in(f"{before} @{name}, waving"))
    assert name_key(found[-1].typed) == name_key(name)
