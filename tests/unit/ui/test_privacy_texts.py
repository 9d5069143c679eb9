"""What people read about their data, with numbers of every form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from bot.models.privacy import Erasure, Export, StoredData
from bot.ui.texts import privacy as texts
from tests.unit.ui.wording import assert_reads_well

COUNTS = (0, 1, 2, 1234)
THEN = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(("count", "erasing"), list(product(COUNTS, (False, True))))
def test_what_is_stored_is_said_with_the_right_numbers(count: int, erasing: bool) -> None:
    data = StoredData(
        count, count, THEN if count else None, count, count, count, references=count, erasing=erasing
    )
    text = texts.stored(data, timedelta(days=max(count, 1)))
    assert_reads_well(text)
    assert ("Nothing." in text) is (count == 0)
    assert ("You asked me to erase it" in text) is erasing
    if count > 1:
        assert f"**{count:,} videos**" in text
    assert len(text) < 2000


@pytest.mark.parametrize("count", COUNTS)
def test_questions_and_answers_read_well(count: int) -> None:
    question = texts.erase_question(StoredData(count, count, references=count))
    assert ("done yet" in question) is (count > 0)
    assert len(question) < 2000
    answer = texts.erased(Erasure(5, count))
    assert ("done yet" in answer) is (count > 0)
    for text in (question, answer, texts.exported(Export(b"", count, pictures_left_out=count > 1))):
        assert_reads_well(text)


def test_every_other_sentence_reads_well() -> None:
    for sentence in (
        texts.kept,
        texts.server_question,
        texts.server_erased,
        texts.manage_server_only,
        texts.job_erased,
    ):
        assert_reads_well(sentence())
