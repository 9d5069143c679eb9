"""What members read about references, with numbers of every form."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.models.cast import (
    CastLimits,
    NameProblem,
    OthersUse,
    PictureInfo,
    SavedReference,
    Share,
    Sharing,
)
from bot.models.problems import FileFormat
from bot.ui.texts import cast as texts
from bot.ui.texts import cast_list as list_texts
from tests.unit.ui.wording import assert_reads_well

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWNER, FRIEND, HERE, ELSEWHERE = 1, 2, 10, 20
PICTURE = PictureInfo(1, FileFormat.JPEG, 200_000, 40, 30, "ab")


def share(level: Sharing, target_id: int) -> Share:
    return Share(level, target_id, HERE, OWNER, NOW)


def reference(*shares: Share, pictures: int = 1) -> SavedReference:
    return SavedReference(7, OWNER, "mia", NOW, (PICTURE,) * pictures, shares)


@pytest.mark.parametrize("count", [1, 2, 1234])
def test_numbers_read_well(count: int) -> None:
    uses = [OthersUse(7, person, count, NOW) for person in range(2, 2 + min(count, 5))]
    found = reference(share(Sharing.PEOPLE, FRIEND), share(Sharing.SERVER, HERE), pictures=count)
    for text in (
        texts.too_many(CastLimits(count)),
        texts.too_large(CastLimits(1, count * 2**20)),
        texts.saved(found),
        texts.saved_hint(found),
        list_texts.list_title(1, count, empty=False),
        list_texts.room(count, 100, CastLimits(), empty=False),
        list_texts.entry(found, OWNER, HERE, uses),
        list_texts.details(found, OWNER, HERE, uses),
        list_texts.details(found, FRIEND, HERE, uses),
    ):
        assert_reads_well(text)
        assert len(text) < 2000


def test_other_sentences_read_well() -> None:
    found = reference()
    sentences = [
        *map(texts.bad_name, NameProblem),
        *(texts.share_question(found, level, 5) for level in (Sharing.PEOPLE, Sharing.SERVER)),
        *(texts.shared(found, level, 5) for level in (Sharing.PEOPLE, Sharing.SERVER)),
        *(texts.unshared(found, everything=everything) for everything in (False, True)),
        texts.unshared_by_moderator(found),
        texts.nothing_to_unshare(found),
        texts.renamed("mia", "eve"),
        texts.deleted(found),
        texts.name_taken("mia"),
        list_texts.list_title(1, 1, empty=True),
    ]
    plain = (
        texts.nothing_saved, texts.no_pictures, texts.form_expired, texts.not_found,
        texts.not_owner, texts.name_refused, texts.not_shared, texts.already_shared, texts.choose_person,
        texts.not_with_bots, texts.not_with_yourself, texts.too_many_people, texts.removed_by_moderators,
    )  # fmt: skip
    for text in (*sentences, *(sentence() for sentence in plain)):
        assert_reads_well(text)


def test_who_can_use_it_is_said_for_whoever_reads_it() -> None:
    server, elsewhere = share(Sharing.SERVER, HERE), share(Sharing.SERVER, ELSEWHERE)
    person = share(Sharing.PEOPLE, FRIEND)
    assert list_texts.entry(reference(), OWNER, HERE, ()).endswith("only you can use it")
    both = list_texts.entry(reference(server, elsewhere, person), OWNER, HERE, ())
    assert both.endswith("shared with this server, shared with 1 other server, shared with 1 person")
    assert "<@1> shares it with you" in list_texts.entry(reference(person), FRIEND, HERE, ())
    assert "<@1> shares it with this server" in list_texts.entry(reference(server), FRIEND, HERE, ())
    assert list_texts.details(reference(), OWNER, HERE, ()).endswith("🔒 Only you can use it.")
    about = list_texts.details(reference(server, elsewhere, person), OWNER, HERE, ())
    assert about.count("that you have the right to share it") == 3
    assert list_texts.choice(reference(person), OWNER, HERE) == "mia"
    assert list_texts.choice(reference(person), 99, HERE) == "mia (shared between members)"
    same = [reference(person), reference(server), reference(server), reference(server)]
    assert list_texts.choices(same, FRIEND, HERE) == [
        "mia (shared with you)",
        "mia (shared with this server)",
        "mia (shared with this server) 2",
        "mia (shared with this server) 3",
    ]
    assert len(list_texts.choice(reference(person), 99, HERE).replace("mia", "m" * 24)) <= 100


def test_a_list_names_the_latest_who_used_it_and_counts_the_others() -> None:
    uses = [OthersUse(7, person, 1, NOW) for person in range(2, 7)]
    text = list_texts.entry(reference(), OWNER, HERE, uses)
    assert "<@2> used it 1 time" in text
    assert "<@5>" not in text
    assert "2 other people used it too" in text
    assert "used it" not in list_texts.entry(reference(share(Sharing.SERVER, HERE)), FRIEND, HERE, uses)
