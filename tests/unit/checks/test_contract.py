"""What GMI Cloud says of the model beside our table, in words that come before any money is lost."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from bot.checks.at_start import log_gmi
from bot.checks.contract import check_gmi
from bot.checks.findings import Level
from bot.gmi.client import GmiCloud as Client
from bot.models.catalog import DEFAULT
from fakes import media
from fakes.gmi import script
from fakes.gmi.checks import describe_model
from fakes.gmi.cloud import DEMO_KEY, GmiCloud
from fakes.gmi.script import Fault

Parameters = dict[str, dict[str, Any]]
OK, WARNING, FAULT = Level.OK, Level.WARNING, Level.FAULT


@pytest.fixture
async def server() -> AsyncIterator[GmiCloud]:
    async with GmiCloud(render=media.render_quickly) as running:
        yield running


@pytest.fixture
async def client(server: GmiCloud) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, server.base_url, DEMO_KEY, None)


def say(server: GmiCloud, change: Callable[[Parameters], Any]) -> None:
    """Let GMI describe the model otherwise."""
    described = describe_model()
    named = {parameter["name"]: parameter for parameter in described["parameters"]}
    change(named)
    described["parameters"] = list(named.values())
    server.fault("GET", f"/models/{DEFAULT.id}", script.answer(200, described))


async def found(client: Client) -> list[tuple[Level, str]]:
    return [(finding.level, finding.text) for finding in await check_gmi(client, DEFAULT)]


async def test_the_documented_model_is_what_this_version_sends(client: Client, server: GmiCloud) -> None:
    assert await found(client) == [
        (OK, "GMI Cloud accepts it."),
        (OK, "vidu-q2-pro-r2v takes what this version sends."),
    ]
    assert server.paid == 0


@pytest.mark.parametrize(
    ("change", "level", "text"),
    [
        (lambda said: said.pop("seed"), FAULT, "has no parameter seed any more, and would ignore it"),
        (lambda said: said.pop("images"), FAULT, "has no parameter images any more"),
        (
            lambda said: said["duration"].update(max_value=8),
            FAULT,
            "takes duration up to 8 seconds; this version offers up to 10 seconds",
        ),
        (
            lambda said: said["duration"].update(max_value="16"),
            WARNING,
            "takes duration up to 16 seconds; this version offers up to 10 seconds",
        ),
        (
            lambda said: said["duration"].update(min_value=2),
            FAULT,
            "takes duration from 2 seconds; this version offers from 1 seconds",
        ),
        (
            lambda said: said.update(
                duration={"name": "duration", "type": "integer", "options": [{"value": 4}, {"value": "10"}]}
            ),
            FAULT,
            "takes duration from 4 seconds",
        ),
        (
            lambda said: said["prompt"].update(max_length=1500),
            FAULT,
            "takes prompt up to 1500 characters; this version offers up to 2000 characters",
        ),
        (
            lambda said: said["images"].update(max_items=3),
            FAULT,
            "takes images up to 3 files; this version offers up to 7 files",
        ),
        (
            lambda said: said["seed"].update(type="string"),
            FAULT,
            "takes seed as string now; this version sends a number",
        ),
        (lambda said: said["seed"].update(max_value=99), FAULT, "takes seed up to 99; this version"),
        (
            lambda said: said.update(style={"name": "style", "required": True}),
            FAULT,
            "requires style now, which this version doesn't send",
        ),
    ],
)
async def test_a_difference_is_said_in_words(
    change: Callable[[Parameters], Any], level: Level, text: str, client: Client, server: GmiCloud
) -> None:
    say(server, change)
    accepted, *differences = await found(client)
    assert accepted[0] is OK
    [(said, words)] = differences
    assert said is level
    assert f"vidu-q2-pro-r2v {text}" in words
    assert "Look for an update of this bot" in words


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said["seed"].update(max_value=2**63, min_value=0),
        lambda said: said["images"].update(type="file_upload"),  # a word that we don't know proves nothing
        lambda said: said["duration"].update(min_value=None, max_value="?"),
        lambda said: said.update(style={"name": "style", "required": False}),
    ],
)
async def test_what_gmi_adds_or_does_not_say_is_no_difference(
    change: Callable[[Parameters], Any], client: Client, server: GmiCloud
) -> None:
    say(server, change)
    assert [level for level, _ in await found(client)] == [OK, OK]


async def test_parameters_may_stand_by_name_and_one_level_deeper(client: Client, server: GmiCloud) -> None:
    described = describe_model()
    described["parameters"] = {said.pop("name"): said for said in described["parameters"]}
    server.fault("GET", "/models/*", script.answer(200, {"model": described}))
    assert [level for level, _ in await found(client)] == [OK, OK]


@pytest.mark.parametrize(
    ("fault", "level", "about", "text"),
    [
        (script.answer(404, {"error": "no"}), FAULT, "model", "GMI Cloud doesn't know vidu-q2-pro-r2v"),
        (script.BAD_KEY, FAULT, "GMI Cloud key", "GMI Cloud refuses it (status 401): check GMI_API_KEY."),
        (script.answer(403, "no"), FAULT, "GMI Cloud key", "GMI Cloud refuses it"),
        (script.HTML_PAGE, FAULT, "GMI Cloud key", "GMI Cloud can't be reached"),
        (script.RESET_BEFORE, FAULT, "GMI Cloud key", "GMI Cloud can't be reached"),
        (script.NONSENSE, FAULT, "GMI Cloud key", "unreadable description of a model"),
        (script.NESTED, FAULT, "GMI Cloud key", "unreadable description of a model"),
        (script.answer(200, {"parameters": []}), WARNING, "model", "so it couldn't be compared"),
        (script.answer(200, {"parameters": [7, {"name": 7}, []]}), WARNING, "model", "couldn't be compared"),
    ],
)
async def test_whatever_else_gmi_answers_is_one_sentence(
    fault: Fault, level: Level, about: str, text: str, client: Client, server: GmiCloud
) -> None:
    server.fault("GET", "/models/*", fault.repeated(None))
    last = (await check_gmi(client, DEFAULT))[-1]
    assert (last.level, last.about) == (level, about)
    assert text in last.text


async def test_a_start_logs_what_is_wrong_and_nothing_else(
    client: Client, server: GmiCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await log_gmi(client, DEFAULT)
    assert caplog.messages == []
    say(server, lambda said: said["duration"].update(max_value=16))
    await log_gmi(client, DEFAULT)
    server.keys.clear()
    await log_gmi(client, DEFAULT)
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING, logging.ERROR]
    assert caplog.messages[0].startswith("model: vidu-q2-pro-r2v takes duration up to 16 seconds")
    assert caplog.messages[1].startswith("GMI Cloud key: GMI Cloud refuses it (status 401)")
