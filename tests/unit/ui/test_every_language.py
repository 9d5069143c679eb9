"""Everything that people see stays within Discord's limits in every language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.models.catalog import DEFAULT
from bot.models.drafts import Draft, Source
from bot.models.languages import LOCALES, Language
from bot.models.privacy import StoredData
from bot.models.problems import Problem
from bot.models.remedies import Remedy
from bot.models.states import Reason, State
from bot.ui.buttons import delete_question_view, moderation_pages, reopen_view
from bot.ui.cards import Media, card, deleted_card, lost_request_card, notice_card, unknown_request_card
from bot.ui.catalogs import languages
from bot.ui.command_translator import CommandTranslator
from bot.ui.custom_ids import ModerationList
from bot.ui.help_card import Help, help_card
from bot.ui.log_card import log_card
from bot.ui.modal import VideoModal
from bot.ui.texts import answers, jobs, language, privacy
from bot.ui.texts.channel_check import channel_check
from bot.ui.texts.jobs import Extras
from bot.ui.texts.problems import TEXT_MAX, problem_text
from bot.ui.texts.quotas import GUEST
from bot.ui.translator import speaking
from bot.ui.video_list import PAGE, video_list
from tests.translations import command_tree
from tests.unit.ui.test_cards import (
    LINK,
    NOW,
    PLACES,
    assert_discord_takes,
    components,
    variants,
)
from tests.unit.ui.test_help_card import BUSY, FULL
from tests.unit.ui.test_modal import SOURCES
from tests.unit.ui.test_problem_texts import SENTENCES
from tests.unit.ui.test_video_list import QUOTA, longest

LABEL, TITLE, DESCRIPTION, BUTTON, COMMAND = 45, 45, 100, 80, 8000  # characters [Discord]
every_language = pytest.mark.parametrize("spoken", languages())


@pytest.fixture(autouse=True)
def _spoken(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make every sentence of a test in its language."""
    spoken = request.node.callspec.params.get("spoken") if hasattr(request.node, "callspec") else None
    with speaking(spoken or Language.ENGLISH):
        yield


def assert_buttons_fit(view: Any) -> None:
    for component in components(view):
        assert len(component.get("label") or "") <= BUTTON, component


@every_language
@pytest.mark.parametrize("state", State)
def test_every_card_fits(state: State, spoken: Language) -> None:
    media = [Media(LINK, LINK)] if state is State.DELIVERED else []
    note = jobs.not_downloaded(request_id="r" * 200, link=False, refetch_until=NOW)
    for place in PLACES.values():
        for reason in (None, *Reason):
            # Every fifth has each request and each detail once; English has a test with all of them.
            for job in list(variants(state, reason, place))[::5]:
                view = card(replace(job, first=True), media, note, Extras(NOW, job.spoiler, QUOTA))
                assert_discord_takes(view)
                assert_buttons_fit(view)
                assert len(jobs.notification(job)) <= TEXT_MAX


@every_language
def test_every_other_card_fits(spoken: Language) -> None:
    for view in (
        help_card(Help(DEFAULT, BUSY, paused=True, full=FULL)),
        lost_request_card(),
        unknown_request_card(),
        notice_card(GUEST),
        deleted_card(),
        log_card("x", reported=1),
        *(video_list([longest(state, Reason.UNCLEAR, None)] * PAGE, 3, 100, QUOTA) for state in State),
    ):
        assert_discord_takes(view)
        assert_buttons_fit(view)
    for buttons in (
        delete_question_view(1),
        moderation_pages(ModerationList.BLOCKED, 2, 3),
        *(reopen_view(1, remedy) for remedy in (Remedy.CHANGE, Remedy.RETRY)),
    ):
        assert buttons is not None
        assert_buttons_fit(buttons)


@every_language
@pytest.mark.parametrize(
    "draft",
    [
        Draft(1, 2),
        Draft(1, 2, sources=SOURCES),
        Draft(1, 2, sources=SOURCES, chosen=(0, 1)),
        Draft(1, 2, sources=(Source("a.png", LINK, 10**8),), remix=True, spoiler=True),
    ],
    ids=["empty", "with files", "with files to choose", "a remix of a spoiler"],
)
async def test_every_form_fits(draft: Draft, spoken: Language) -> None:
    for about in (None, answers.files_expired(), answers.files_not_kept(), answers.files_of_another()):
        form = VideoModal(draft, kept=False, about_files=about).to_dict()
        assert 0 < len(form["title"]) <= TITLE
        for label in form["components"]:
            assert 0 < len(label["label"]) <= LABEL, label
            assert len(label.get("description") or "") <= DESCRIPTION, label
            field: Any = label["component"]
            assert len(field.get("placeholder") or "") <= DESCRIPTION, field
            for option in field.get("options", []):
                assert 0 < len(option["label"]) <= DESCRIPTION, option
                assert len(option.get("description") or "") <= DESCRIPTION, option


@every_language
def test_the_longest_texts_fit_into_a_message(spoken: Language) -> None:
    data = StoredData(1234, 12, NOW, 1234, 1234, 1234, 1234, erasing=True)
    permissions = ["view_channel", "send_messages", "attach_files", "read_message_history"]
    for text in (
        privacy.stored(data, timedelta(days=90)),
        privacy.erase_question(data),
        privacy.server_question(),
        channel_check(permissions, allowed=False),
        answers.delete_question("<@123>", video=True),
        *(language.language_set(chosen, spoken, None) for chosen in (None, spoken)),
        *(language.language_shown(chosen, spoken) for chosen in (None, spoken)),
    ):
        assert 0 < len(text) <= TEXT_MAX
        assert "{" not in text


@every_language
def test_every_problem_has_its_sentence(spoken: Language) -> None:
    for code, values, _ in SENTENCES:
        text = problem_text(Problem(code, values))
        assert 0 < len(text) <= 400
        assert "{" not in text


async def payloads() -> list[dict[str, Any]]:
    tree, translator = await command_tree(), CommandTranslator()
    return [await command.get_translated_payload(tree, translator) for command in tree.get_commands()]


def name_in(part: dict[str, Any], locale: str) -> str:
    return str(part.get("name_localizations", {}).get(locale, part["name"]))


def length(part: dict[str, Any]) -> int:
    """Return how many characters a command has as Discord counts: of each text the longest translation."""
    size = 0
    for key in ("name", "description"):
        found = [part.get(key, ""), *part.get(f"{key}_localizations", {}).values()]
        size += max(map(len, found))
    size += sum(len(str(choice["value"])) for choice in part.get("choices", []))
    return size + sum(map(length, [*part.get("options", []), *part.get("choices", [])]))


def assert_names_differ(parts: list[dict[str, Any]], locale: str) -> None:
    found = [name_in(part, locale) for part in parts]
    assert len(set(found)) == len(found), (locale, found)
    for part in parts:
        if options := part.get("options"):
            assert_names_differ(options, locale)


async def test_commands_fit_and_their_names_differ_in_every_locale() -> None:
    commands = await payloads()
    for command in commands:
        assert length(command) < COMMAND, command["name"]
    for locale in LOCALES:
        assert_names_differ(commands, locale)


async def test_both_kinds_of_english_are_named_and_german_is_german() -> None:
    commands = {command["name"]: command for command in await payloads()}
    found = commands["help"]["name_localizations"]
    assert {locale: found[locale] for locale in ("en-US", "en-GB", "de")} == {
        "en-US": "help",
        "en-GB": "help",
        "de": "hilfe",
    }
    assert set(found) <= set(LOCALES)
    menu = commands["Make a video from this"]["name_localizations"]
    assert menu["de"] == "Video daraus machen"
    [language_option] = commands["language"]["options"]
    choices = {choice["name"]: choice.get("name_localizations", {}) for choice in language_option["choices"]}
    assert choices["Automatic"]["de"] == "Automatisch"
    assert "de" not in choices["Deutsch"]
