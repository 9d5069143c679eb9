"""The ids of buttons and forms, which old messages carry: they stay as they are."""

from __future__ import annotations

import re

import pytest

from bot.models.cast import Sharing
from bot.ui import custom_ids
from bot.ui.custom_ids import CardAction, Consent, PrivacyAction


def test_the_ids_in_old_messages_still_mean_the_same() -> None:
    assert [custom_ids.card_button_id(action, 7) for action in CardAction] == [
        "vidu:cancel:7",
        "vidu:again:7",
        "vidu:edit:7",
        "vidu:continue:7",
        "vidu:delete:7",
        "vidu:show:7",
        "vidu:delete-video:7",
        "vidu:confirm-delete:7",
        "vidu:keep:7",
    ]
    assert custom_ids.page_button_id(3) == "vidu-videos:3"
    assert custom_ids.page_button_id(3, "fox shore") == "vidu-videos:3:fox shore"
    assert custom_ids.draft_button_id(7) == custom_ids.modal_id(7) == "vidu-window:7"
    assert custom_ids.modal_id(None) == "vidu-window:new"
    assert [custom_ids.privacy_button_id(action) for action in PrivacyAction] == [
        "vidu-privacy:erase",
        "vidu-privacy:erase-server",
        "vidu-privacy:keep",
    ]
    assert custom_ids.cast_page_id(2) == "vidu-cast:2"
    assert custom_ids.cast_modal_id(7) == "vidu-cast-save:7"
    assert [custom_ids.consent_button_id(answer, 7, Sharing.PEOPLE, 9) for answer in Consent] == [
        "vidu-cast-share:yes:7:people:9",
        "vidu-cast-share:no:7:people:9",
    ]


@pytest.mark.parametrize(
    ("template", "custom_id", "values"),
    [
        (custom_ids.CAST_PAGE, "vidu-cast:2", {"page": "2"}),
        (
            custom_ids.CONSENT_BUTTON,
            "vidu-cast-share:yes:7:server:9",
            {"answer": "yes", "reference": "7", "level": "server", "target": "9"},
        ),
        (custom_ids.CARD_BUTTON, "vidu:again:7", {"action": "again", "job": "7"}),
        (custom_ids.CARD_BUTTON, "vidu:delete:7", {"action": "delete", "job": "7"}),
        (custom_ids.CARD_BUTTON, "vidu:delete-video:7", {"action": "delete-video", "job": "7"}),
        (custom_ids.PAGE_BUTTON, "vidu-videos:3", {"page": "3", "search": None}),
        (custom_ids.PAGE_BUTTON, "vidu-videos:3:fox: 50%\n", {"page": "3", "search": "fox: 50%\n"}),
        (custom_ids.DRAFT_BUTTON, "vidu-window:7", {"draft": "7"}),
        (custom_ids.MODERATION_PAGE, "vidu-moderation:blocked:2", {"list": "blocked", "page": "2"}),
        (custom_ids.PRIVACY_BUTTON, "vidu-privacy:erase", {"action": "erase"}),
        (custom_ids.PRIVACY_BUTTON, "vidu-privacy:erase-server", {"action": "erase-server"}),
        (custom_ids.PRIVACY_BUTTON, "vidu-privacy:keep", {"action": "keep"}),
    ],
)
def test_each_kind_of_button_recognizes_its_own_ids_only(
    template: str, custom_id: str, values: dict[str, str]
) -> None:
    match = re.fullmatch(template, custom_id)
    assert match is not None
    assert match.groupdict() == values
    templates = (
        custom_ids.CARD_BUTTON,
        custom_ids.PAGE_BUTTON,
        custom_ids.DRAFT_BUTTON,
        custom_ids.MODERATION_PAGE,
        custom_ids.PRIVACY_BUTTON,
        custom_ids.CAST_PAGE,
        custom_ids.CONSENT_BUTTON,
    )
    assert [other for other in templates if re.fullmatch(other, custom_id)] == [template]


def test_the_longest_search_fits_into_an_id_however_discord_counts() -> None:
    custom_id = custom_ids.page_button_id(99_999, "🦊" * custom_ids.SEARCH_MAX)
    assert len(custom_id.encode("utf-16-le")) // 2 <= 100


def test_a_form_names_its_draft_if_it_has_one() -> None:
    assert custom_ids.draft_id_of("vidu-window:7") == 7
    assert custom_ids.draft_id_of("vidu-window:new") is None
    assert custom_ids.is_modal("vidu-window:new")
    assert not custom_ids.is_modal("vidu-videos:7")
    assert not custom_ids.is_modal("vidu-cast-save:7")
    assert custom_ids.is_cast_modal("vidu-cast-save:7")
    assert custom_ids.draft_id_of("vidu-cast-save:7") == 7


@pytest.mark.parametrize("digits", ["9" * 19, str(2**63), "9" * 5000])
def test_a_number_that_no_column_holds_is_nobodys(digits: str) -> None:
    assert custom_ids.number_in(digits) == 0


def test_the_largest_number_that_a_column_holds_is_read() -> None:
    assert custom_ids.number_in(str(2**63 - 1)) == 2**63 - 1
