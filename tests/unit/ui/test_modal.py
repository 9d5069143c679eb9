"""The form stays within Discord's limits, whatever its files are called."""

from __future__ import annotations

from typing import Any

import pytest

from bot.models.drafts import Draft, Source
from bot.ui.modal import VideoModal
from bot.ui.texts import answers as answer_texts

LABEL_MAX, DESCRIPTION_MAX, PLACEHOLDER_MAX = 45, 100, 100  # characters [Discord]


def labels(draft: Draft, about_files: str | None = None) -> list[dict[str, Any]]:
    return list(VideoModal(draft, kept=False, about_files=about_files).to_dict()["components"])


NAMES = ("a" * 40 + ".png", "run.mp4", "fox\\_\\_.png", "@\u200bhere.webp")
SOURCES = tuple(Source(name, f"https://cdn.example.invalid/{name}") for name in NAMES)


@pytest.mark.parametrize(
    "draft",
    [Draft(1, 2), Draft(1, 2, sources=SOURCES), Draft(1, 2, sources=SOURCES, chosen=(0, 1))],
    ids=["empty", "with files", "with files to choose"],
)
async def test_every_label_fits(draft: Draft) -> None:
    for label in labels(draft):
        assert 0 < len(label["label"]) <= LABEL_MAX
        assert len(label.get("description", "")) <= DESCRIPTION_MAX


def extras(draft: Draft) -> dict[str, Any]:
    [found] = [label for label in labels(draft) if label["component"]["custom_id"] == "extras"]
    return found


@pytest.mark.parametrize(
    ("draft", "offered"),
    [
        (Draft(1, 2, spoiler=True), ["spoiler", "private"]),
        (Draft(1, 2, remix=True), ["spoiler", "private"]),
        (Draft(1, 2, remix=True, spoiler=True), ["private"]),
    ],
)
async def test_a_remix_of_a_spoiler_offers_no_way_to_uncover_it(draft: Draft, offered: list[str]) -> None:
    shown = extras(draft)
    assert [option["value"] for option in shown["component"]["options"]] == offered
    assert ("spoiler" in (shown.get("description") or "")) is (offered == ["private"])
    assert len(shown.get("description") or "") <= DESCRIPTION_MAX


@pytest.mark.parametrize(
    "text", [answer_texts.files_expired(), answer_texts.files_not_kept(), answer_texts.files_of_another()]
)
async def test_what_is_said_about_files_fits(text: str) -> None:
    [files] = [label for label in labels(Draft(1, 2), text) if label["component"]["custom_id"] == "files"]
    assert files["description"] == text
    assert len(text) <= DESCRIPTION_MAX


async def test_long_names_are_cut_and_the_sentence_stays() -> None:
    [files] = [
        label for label in labels(Draft(1, 2, sources=SOURCES)) if label["component"]["custom_id"] == "files"
    ]
    assert files["description"].startswith("Leave empty to keep aaaa")
    assert files["description"].endswith("…. New files replace these.")


async def test_a_file_to_choose_is_named_without_its_protection_and_described() -> None:
    sources = (Source("my\\_fox.png", "x", 1536 * 1024), Source("run.mp4", "y", 5))
    [used] = [
        label["component"]
        for label in labels(Draft(1, 2, sources=sources, chosen=(0,)))
        if label["component"]["custom_id"] == "used"
    ]
    assert [(option["label"], option["description"]) for option in used["options"]] == [
        ("1. my_fox.png", "image, 1.5 MB"),
        ("2. run.mp4", "video, 0.1 MB"),
    ]


@pytest.mark.parametrize(
    "draft", [Draft(1, 2), Draft(1, 2, sources=SOURCES, chosen=(0, 1))], ids=["files", "choice"]
)
async def test_the_form_says_how_many_files_it_takes_and_how_long_clips_may_be(draft: Draft) -> None:
    [files] = [label for label in labels(draft) if label["component"]["custom_id"] in {"files", "used"}]
    limits = "Up to 7 images, or 4 plus one video (max 8 s) or two (max 5 s each)."
    assert files["description"].endswith(limits)


async def test_the_prompt_has_an_example_that_fits() -> None:
    [prompt] = [
        label["component"] for label in labels(Draft(1, 2)) if label["component"]["custom_id"] == "prompt"
    ]
    assert prompt["placeholder"].startswith("Example: ")
    assert len(prompt["placeholder"]) <= PLACEHOLDER_MAX
