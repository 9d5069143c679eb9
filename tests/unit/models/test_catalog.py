"""The catalog: each number as GMI Cloud and Vidu document it, written down a second time."""

from __future__ import annotations

import pytest

from bot.models.catalog import CATALOG, DEFAULT, Durations, Kind, Prompt, Seeds, Slot


def test_only_the_model_that_the_bot_was_made_for_can_be_used() -> None:
    assert list(CATALOG) == ["vidu-q2-pro-r2v"]
    assert CATALOG["vidu-q2-pro-r2v"] is DEFAULT


def test_kinds_are_stored_as_they_always_were() -> None:
    assert {kind.name: kind.value for kind in Kind} == {"IMAGE": "image", "VIDEO": "video"}


def test_a_row_is_found_by_its_own_id() -> None:
    assert all(model.id == name for name, model in CATALOG.items())


def test_ids_fit_into_their_column() -> None:
    assert all(len(name) <= 100 for name in CATALOG)


def test_images_of_vidu_q2_pro() -> None:
    assert DEFAULT.slot(Kind.IMAGE) == Slot(
        key="images",
        kind=Kind.IMAGE,
        count_max=7,
        count_max_mixed=4,
        bytes_max=52_428_800,
        side_min=128,
        ratio_max=4.0,
        seconds_max=(),
    )


def test_videos_of_vidu_q2_pro() -> None:
    assert DEFAULT.slot(Kind.VIDEO) == Slot(
        key="videos",
        kind=Kind.VIDEO,
        count_max=2,
        count_max_mixed=2,
        bytes_max=104_857_600,
        side_min=128,
        ratio_max=4.0,
        seconds_max=(8.0, 5.0),
    )


def test_numbers_of_vidu_q2_pro() -> None:
    assert DEFAULT.prompt == Prompt(required=True, length_max=2000)
    assert DEFAULT.durations == Durations(min=1, default=5, max=10)
    assert DEFAULT.seeds == Seeds(min=1, max=2_147_483_647)


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_each_row_has_one_slot_of_a_kind_and_limits_that_make_sense(name: str) -> None:
    model = CATALOG[name]
    assert len({slot.kind for slot in model.slots}) == len(model.slots) > 0
    assert len({slot.key for slot in model.slots}) == len(model.slots)
    assert model.durations.min <= model.durations.default <= model.durations.max
    assert 0 < model.seeds.min < model.seeds.max
    for slot in model.slots:
        assert 0 < slot.count_max_mixed <= slot.count_max
        assert len(slot.seconds_max) == (slot.count_max if slot.kind is Kind.VIDEO else 0)
