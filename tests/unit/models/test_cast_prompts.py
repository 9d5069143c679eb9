"""Names of saved references in prompts: found where a word begins, and told to the provider by image."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.cast import BadName, clean_name, name_key
from bot.models.cast_prompts import (
    CastName,
    Mention,
    Role,
    chosen_names,
    known_part,
    last_chosen,
    meant_instead,
    names_in,
    prompt_to_send,
)

ROLES = [Role("Mia", 2), Role("boat", 1)]


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
        ("\uff20mia and \uff20\uff20mia", ["mia"]),
        ("海で@みさきが走る。", ["みさきが走る"]),
        ("บนชายหาด@มีนาวิ่ง", ["มีนาวิ่ง"]),
        ("用户@例子.公司", []),
        ("海@mia.com and me\uff20mia.com", []),
        ("海@mia. Then", ["mia"]),
    ],
)
def test_a_name_begins_where_a_word_does(prompt: str, names: list[str]) -> None:
    assert [name.typed for name in names_in(prompt)] == names
    assert all(prompt[name.start + 1 : name.end] == name.typed for name in names_in(prompt))


def test_the_longest_known_part_of_a_name_is_meant() -> None:
    known = {"mia", "mia-dances"}
    assert known_part(CastName(0, "Mia-dances-well"), known) == CastName(0, "Mia-dances")
    assert known_part(CastName(0, "mia-sings"), known) == CastName(0, "mia")
    assert known_part(CastName(0, "miamia"), known) is None
    assert known_part(CastName(0, "mia" * 200), known) is None


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("みさきが走る", "みさき"),
        ("みさきちゃんが走る", "みさきちゃん"),
        ("ﾐｻｷが走る", "ﾐｻｷ"),
        ("ミサキって言う", "ミサキ"),
        ("ミサキーが走る", None),  # a longer name
        ("miaが走る", "mia"),
        ("mia-が走る", "mia"),
        ("mias", None),
        ("みさきs", None),
        ("みさき2が走る", None),
        ("小狐狸在雪地里奔跑", "小狐狸"),
        ("小狐在雪地里奔跑", "小狐"),
        ("มีนาวิ่งบนชายหาด", "มีนา"),
        ("มีนี", None),
        ("ມິນາແລ່ນ", "ມິນາ"),
        ("មីណារត់", "មីណា"),
        ("မိနာပြေးသည်", "မိနာ"),
        ("미아가 달린다", "미아"),
        ("\u1106\u1175\u110b\u1161\u1100\u1161", "\u1106\u1175\u110b\u1161"),  # each letter on its own
        ("미안", None),
        ("\u1106\u1175\u110b\u1161\u11ab", None),
    ],
)
def test_where_words_stand_together_a_name_ends_where_another_word_may_begin(
    typed: str, part: str | None
) -> None:
    names = [
        "みさき",
        "みさきちゃん",
        "ミサキ",
        "mia",
        "小狐",
        "小狐狸",
        "มีนา",
        "มีน",
        "ມິນາ",
        "មីណា",
        "မိနာ",
        "미아",
    ]
    found = known_part(CastName(3, typed), {name_key(name) for name in names})
    assert found == (None if part is None else CastName(3, part))


def test_nobodys_longer_name_takes_the_place_of_ones_own() -> None:
    own, shared = {"みさき", "mia"}, {"みさき", "みさきが", "mia", "mia-dances"}
    assert known_part(CastName(0, "みさきが走る"), own, shared) == CastName(0, "みさき")
    assert known_part(CastName(0, "みさきが"), own, shared) == CastName(0, "みさきが")  # exactly that
    assert known_part(CastName(0, "mia-dances-well"), own, shared) == CastName(0, "mia")
    assert known_part(CastName(0, "みさきがいる"), set(), shared) == CastName(0, "みさきが")


def test_only_what_is_similar_is_taken_for_a_mistake() -> None:
    known = {"mia", "paper-boat", "みさきちゃん"}
    assert meant_instead(CastName(0, "paperboat"), known) == ("paperboat", "paper-boat")
    assert meant_instead(CastName(0, "mira"), known) == ("mira", "mia")
    assert meant_instead(CastName(0, "mai"), known) == ("mai", "mia")
    assert meant_instead(CastName(0, "max"), known) is None
    assert meant_instead(CastName(0, "home"), known) is None
    assert meant_instead(CastName(0, "mai-dances"), known) is None
    assert meant_instead(CastName(0, "みさぎちゃんが走る"), known) == ("みさぎちゃん", "みさきちゃん")
    assert meant_instead(CastName(0, "maiが走る"), known) == ("mai", "mia")
    assert meant_instead(CastName(0, "みなと"), known) is None


def test_names_that_are_chosen_together_are_separated_by_commas() -> None:
    assert chosen_names(" @mia, boat ,, mia") == ["mia", "boat"]
    assert chosen_names("みさき、\uff20船\uff0cmia") == ["みさき", "船", "mia"]
    assert chosen_names("") == []
    assert last_chosen("") == ([], "")
    assert last_chosen("mia, @bo") == (["mia"], "bo")
    assert last_chosen("みさき、") == (["みさき"], "")


@pytest.mark.parametrize(
    ("prompt", "roles", "before", "sent"),
    [
        (
            "@mia waves to @boat",
            [0, 1],
            1,
            "Mia (reference images 2 and 3) waves to boat (reference image 4)",
        ),
        (
            "@Mia and @MIA",
            [0, 0],
            0,
            "Mia (reference images 1 and 2) and Mia With boat (reference image 3).",
        ),
        (
            "it rains on @home",
            [],
            0,
            "it rains on @home With Mia (reference images 1 and 2). With boat (reference image 3).",
        ),
    ],
)
def test_the_provider_reads_which_image_shows_whom(
    prompt: str, roles: list[int], before: int, sent: str
) -> None:
    mentions = [Mention(name, role) for name, role in zip(names_in(prompt), roles, strict=False)]
    assert prompt_to_send(prompt, ROLES, mentions, before) == sent


@given(st.text(max_size=300))
def test_a_prompt_without_a_cast_is_sent_as_it_is(prompt: str) -> None:
    assert prompt_to_send(prompt, [], [], 3) == prompt


@given(st.text(alphabet="ab-@ é3\u0301", max_size=40), st.text(alphabet="ab-é3\u0301", max_size=24))
def test_whatever_can_be_a_name_is_found_as_one(before: str, typed: str) -> None:
    try:
        name = clean_name(typed)
    except BadName:
        return
    found = list(names_in(f"{before} @{name}, waving"))
    assert name_key(found[-1].typed) == name_key(name)
