"""Who is in a request: chosen and named, told apart where they have the same name, within the limits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.cast import PictureInfo, SavedReference, name_key
from bot.models.cast_prompts import names_in
from bot.models.casting import Cast, cast_of, unknown_names
from bot.models.catalog import Kind
from bot.models.problems import FileFormat, Problem, ProblemCode
from bot.models.requests import PROMPT_MAX, Reference

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ME, FRIEND = 1, 2


def reference(number: int, name: str, owner_id: int = ME, pictures: int = 1) -> SavedReference:
    infos = tuple(PictureInfo(position, FileFormat.PNG, 9, 9, 9, "ab") for position in range(1, pictures + 1))
    return SavedReference(number, owner_id, name, NOW, infos)


MINE, THEIRS, FOX = reference(1, "mia"), reference(7, "Mia", FRIEND, 2), reference(3, "fox")
USABLE = [MINE, FOX, THEIRS]
LABELS = {"mia": 1, "fox": 3, "Mia (shared with you)": 7}


def cast(prompt: str, chosen: str = "", usable: list[SavedReference] = USABLE) -> Cast:
    return cast_of(usable, ME, chosen, prompt, LABELS)


@pytest.mark.parametrize("chosen", ["mia, #7:Mia", "mia, Mia (shared with you)", "#1:mia,#7:Mia-2"])
def test_two_of_the_same_name_are_told_apart(chosen: str) -> None:
    both = cast("they meet, and @mia waves to @mia-2", chosen)
    assert both.names == ("mia", "Mia-2")
    assert both.pictures == {"mia": 1, "Mia-2": 2}
    assert both.sent_prompt("they meet, and @mia waves to @mia-2", 0) == (
        "they meet, and mia (reference image 1) waves to Mia-2 (reference images 2 and 3)"
    )
    assert not both.problems


def test_who_is_chosen_is_meant_by_the_name() -> None:
    theirs = cast("@mia waves", "#7:Mia")
    assert (theirs.references, theirs.names) == ((THEIRS,), ("Mia",))
    assert cast("@mia waves").references == (MINE,)


def test_a_name_that_somebody_has_is_given_to_nobody_else() -> None:
    other = reference(9, "mia-2", FRIEND)
    both = cast("@mia-2 sleeps", "mia, #7:Mia", [*USABLE, other])
    assert both.references == (MINE, THEIRS, other)
    assert both.names == ("mia", "Mia-3", "mia-2")


def test_what_was_renamed_since_is_still_meant_by_its_name_of_then() -> None:
    then = cast("@mila and @fox", "#3:mila")
    assert (then.references, then.names) == ((FOX,), ("mila",))
    assert len(then.mentions) == 2
    assert cast("", "#3:**fox**").names == ("fox",)  # nobody gives it a name that is none


def test_what_is_wrong_is_named_once() -> None:
    wrong = cast("@mai and @mai", "cat, #8:boat, maia")
    assert [(problem.code, problem.values["name"]) for problem in wrong.problems] == [
        (ProblemCode.CAST_UNKNOWN, "cat"),
        (ProblemCode.CAST_NOT_ALLOWED, "boat"),
        (ProblemCode.CAST_SIMILAR, "maia"),
        (ProblemCode.CAST_SIMILAR, "mai"),
    ]


def test_files_that_turn_out_to_be_images_count() -> None:
    image = Reference(Kind.IMAGE, "a.mp4", "https://cdn.invalid/a", 9, 200, 200)
    assert cast("@mia").late_problems("@mia", [image] * 6) == []
    [problem] = cast("@mia").late_problems("@mia", [image] * 7)
    assert problem.code is ProblemCode.TOO_MANY_IMAGES_WITH_CAST
    assert cast("nobody").late_problems("nobody", [image] * 9) == []


NAMES = ["mia", "mia-2", "mia-dances", "みさき", "みさきちゃん", "狐狸", "มีนา", "미아", "Ünal"]
saved = st.lists(
    st.builds(
        reference,
        st.integers(1, 30),
        st.sampled_from(NAMES),
        st.sampled_from([ME, FRIEND]),
        st.integers(1, 3),
    ),
    unique_by=(lambda one: one.id, lambda one: (one.owner_id, one.name)),
    max_size=7,
)
pieces = st.sampled_from(
    [f"@{name}" for name in NAMES] + ["\uff20", "が走る", "走って", "-", " ", ".", "a", "<@1>", "วิ่ง"]
)
prompts = st.lists(pieces | st.text(max_size=3), max_size=40).map("".join)
chosen_ones = st.lists(st.sampled_from([*NAMES, "#7:mia", "#3:mia-2"]), max_size=4).map(",".join)


@given(saved, chosen_ones, prompts, st.integers(0, 7))
def test_what_is_no_name_stays_as_it_was_typed(
    usable: list[SavedReference], chosen: str, prompt: str, before: int
) -> None:
    found = cast(prompt, chosen, usable)
    assert len({name_key(name) for name in found.names}) == len(found.references) == len(found.names)
    assert set(found.references) <= set(usable)
    sent = found.sent_prompt(prompt, before)
    if not found.references:
        assert sent is None
        return
    assert sent is not None
    rest, typed = sent, {name.start: name for name in names_in(prompt)}
    end = 0
    for mention in found.mentions:
        assert typed[mention.name.start].typed.startswith(mention.name.typed)
        assert prompt[mention.name.start] in "@\uff20"
        between, name = prompt[end : mention.name.start], found.names[mention.role]
        assert rest.startswith(between + name)
        rest, end = rest[len(between + name) :], mention.name.end
        if rest.startswith(" (reference image"):
            rest = rest[rest.index(")") + 1 :]
    assert rest.startswith(prompt[end:])
    assert all(sent.count(f"{name} (reference image") >= 1 for name in found.names)


@given(saved, chosen_ones, prompts, st.integers(1_900, 2_100), st.integers(0, 7))
def test_the_provider_never_gets_more_than_it_takes(
    usable: list[SavedReference], chosen: str, prompt: str, length: int, before: int
) -> None:
    prompt = (prompt + " " + "x" * length)[:length]
    found = cast(prompt, chosen, usable)
    sent = found.sent_prompt(prompt, before) or prompt
    problems = found.prompt_problems(prompt, before)
    assert bool(problems) == (len(prompt) <= PROMPT_MAX < len(sent))
    for problem in problems:  # so many characters do fit, if the names stay
        shorter = int(problem.values["length_max"])
        assert len(sent) - len(prompt) + shorter == PROMPT_MAX


def test_a_wrong_name_is_said_and_not_that_images_are_missing() -> None:
    missing = [Problem(ProblemCode.NO_REFERENCES), Problem(ProblemCode.PROMPT_EMPTY)]
    assert [problem.code for problem in cast("@mai waves").and_others(missing)] == [
        ProblemCode.PROMPT_EMPTY,
        ProblemCode.CAST_SIMILAR,
    ]
    assert cast("nobody").and_others(missing) == missing
    unknown = unknown_names("@zoe, @zoe, @" + "x" * 40 + ", @kim and @leo")
    assert [problem.values["name"] for problem in unknown] == ["zoe", "x" * 24, "kim"]
