"""Names of saved references, and who may use which."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.models.cast import (
    NAME_MAX,
    NAME_MIN,
    BadName,
    NameProblem,
    SavedReference,
    Share,
    Sharing,
    clean_name,
    in_order,
    name_key,
    usable_by,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWNER, FRIEND, STRANGER = 1, 2, 3
HERE, ELSEWHERE = 10, 20


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("mia", "mia"),
        ("  @Mia ", "Mia"),
        ("my-fox-2", "my-fox-2"),
        ("\uff2d\uff49\uff41", "Mia"),  # full width
        ("été", "été"),
        ("Ünal", "Ünal"),
        ("ليلى", "ليلى"),
        ("みさき", "みさき"),
        ("मीरा", "मीरा"),  # with marks
        ("42", "42"),
        ("hereford", "hereford"),
    ],
)
def test_letters_and_digits_of_any_script_make_a_name(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", NameProblem.TOO_SHORT),
        ("a", NameProblem.TOO_SHORT),
        ("@a", NameProblem.TOO_SHORT),
        ("a" * 25, NameProblem.TOO_LONG),
        ("two words", NameProblem.CHARACTERS),
        ("mia!", NameProblem.CHARACTERS),
        ("mia_", NameProblem.CHARACTERS),
        ("-mia", NameProblem.CHARACTERS),
        ("mia-", NameProblem.CHARACTERS),
        ("@@mia", NameProblem.CHARACTERS),
        ("<@123>", NameProblem.CHARACTERS),
        ("mi\u200ba", NameProblem.CHARACTERS),
        ("\u3164\u3164", NameProblem.CHARACTERS),  # letters that nobody sees
        ("\u0301mia", NameProblem.CHARACTERS),
        ("m" + "\u0316" * 9, NameProblem.CHARACTERS),
        ("🦊🦊", NameProblem.CHARACTERS),
        ("\ud800x", NameProblem.CHARACTERS),
        ("everyone", NameProblem.MASS_MENTION),
        ("@HERE", NameProblem.MASS_MENTION),
        ("\uff45veryone", NameProblem.MASS_MENTION),
    ],
)
def test_anything_else_is_refused_with_a_reason(typed: str, problem: NameProblem) -> None:
    with pytest.raises(BadName) as refused:
        clean_name(typed)
    assert refused.value.problem is problem


@given(st.text(max_size=30) | st.text("aAßéİıſ-9@ー", max_size=30))
@example("ſtraße")
@example("ΐΐ")
def test_a_name_stays_what_it_is(typed: str) -> None:
    try:
        name = clean_name(typed)
    except BadName:
        return
    assert NAME_MIN <= len(name) <= NAME_MAX
    assert clean_name(name) == name
    assert not any(character.isspace() or character in "@<>#*_`|~\\" for character in name)
    key = name_key(name)
    assert len(key) <= 100  # its column
    for other in (name.casefold(), unicodedata.normalize("NFD", name)):
        assert name_key(other) == key


def share(level: Sharing, target_id: int, *, removed: bool = False) -> Share:
    return Share(level, target_id, HERE, OWNER, NOW, STRANGER if removed else None, NOW if removed else None)


def reference(reference_id: int, name: str, *shares: Share, owner_id: int = OWNER) -> SavedReference:
    return SavedReference(reference_id, owner_id, name, NOW, shares=shares)


def test_who_may_use_a_reference() -> None:
    private = reference(1, "mia")
    chosen = reference(2, "mia", share(Sharing.PEOPLE, FRIEND))
    server = reference(3, "mia", share(Sharing.SERVER, HERE))
    removed = reference(4, "mia", share(Sharing.SERVER, HERE, removed=True))
    allowed = {
        (found.id, user_id, guild_id)
        for found in (private, chosen, server, removed)
        for user_id in (OWNER, FRIEND, STRANGER)
        for guild_id in (HERE, ELSEWHERE, None)
        if usable_by(found, user_id, guild_id)
    }
    own = {(number, OWNER, place) for number in (1, 2, 3, 4) for place in (HERE, ELSEWHERE, None)}
    by_name = {(2, FRIEND, place) for place in (HERE, ELSEWHERE, None)}
    assert allowed == own | by_name | {(3, FRIEND, HERE), (3, STRANGER, HERE)}
    assert [found.sharing for found in (private, chosen, server, removed)] == [
        Sharing.PRIVATE,
        Sharing.PEOPLE,
        Sharing.SERVER,
        Sharing.PRIVATE,
    ]


def test_a_person_and_a_server_of_the_same_number_are_not_confused() -> None:
    assert not usable_by(reference(1, "mia", share(Sharing.SERVER, HERE)), HERE, None)
    assert not usable_by(reference(1, "mia", share(Sharing.PEOPLE, HERE)), STRANGER, HERE)


def test_own_references_come_first_then_those_for_me_then_the_servers() -> None:
    server = share(Sharing.SERVER, HERE)
    found = [
        reference(1, "ant", server, owner_id=STRANGER),
        reference(2, "Bee", server, share(Sharing.PEOPLE, OWNER), owner_id=FRIEND),
        reference(3, "zebra"),
        reference(4, "Cat"),
        reference(5, "ant", server, owner_id=FRIEND),
    ]
    assert [one.id for one in in_order(reversed(found), OWNER, HERE)] == [4, 3, 2, 1, 5]
