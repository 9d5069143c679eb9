"""The ways to a card: which of them there are, and what each answer of Discord leads to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import discord
import pytest
from discord import ui

from bot.delivery.messages import Content
from bot.delivery.results import Links, Place
from bot.delivery.routes import TOKEN_MARGIN, UPLOAD_DEFAULT, Gone, Route, Routes, Undeliverable, less_after
from bot.models.jobs import Job, PendingReply
from bot.models.languages import Language
from bot.ui.cards import lost_request_card
from bot.ui.translator import speaking
from tests.unit.jobs.stage import GUILD, START, QuickClock, new_job

EXPIRES = START + timedelta(minutes=15)
BOOSTED = 50 * 1024 * 1024


def http_error(status: int, code: int = 0) -> discord.HTTPException:
    response = cast(Any, SimpleNamespace(status=status, reason="no"))
    kinds = {404: discord.NotFound, 403: discord.Forbidden}
    kind = discord.DiscordServerError if status >= 500 else kinds.get(status, discord.HTTPException)
    return kind(response, {"code": code, "message": "no"})


def client(limit: int | None = None) -> discord.Client:
    guild = None if limit is None else SimpleNamespace(filesize_limit=limit)
    found = SimpleNamespace(
        application_id=1,
        get_guild=lambda _: guild,
        get_partial_messageable=lambda *_, **__: None,
    )
    return cast(discord.Client, found)


def routes_of(clock: QuickClock, limit: int | None = None) -> Routes:
    return Routes(client(limit), cast(aiohttp.ClientSession, None), clock)


def at(**fields: Any) -> Job:
    job = new_job()
    return replace(job, location=replace(job.location, **fields))


def names(routes: list[Route]) -> list[str]:
    return [route.name for route in routes]


TOKEN, CHANNEL, NEW, DM = "edit by token", "edit in the channel", "a new message", "a direct message"


@pytest.mark.parametrize(
    ("fields", "final", "ways"),
    [
        ({}, False, [TOKEN]),
        ({"message_id": 4}, False, [TOKEN, CHANNEL]),
        ({"message_id": 4}, True, [TOKEN, CHANNEL, NEW, DM]),
        ({"message_id": 4, "token": None}, True, [CHANNEL, NEW, DM]),
        ({"message_id": 4, "private": True}, False, [TOKEN]),
        ({"message_id": 4, "private": True}, True, [TOKEN, DM]),
        ({"message_id": 4, "guest": True}, True, [TOKEN, DM]),
        ({"message_id": 4, "private": True, "token": None}, False, []),
    ],
)
def test_which_ways_lead_to_a_card(
    fields: dict[str, Any], final: bool, ways: list[str], quick: QuickClock
) -> None:
    assert names(routes_of(quick).to_card(at(**fields), final=final)) == ways


@pytest.mark.parametrize(("early", "lives"), [(timedelta(microseconds=1), True), (timedelta(), False)])
def test_a_token_is_used_until_a_minute_before_its_end(
    early: timedelta, lives: bool, quick: QuickClock
) -> None:
    quick.moment = EXPIRES - TOKEN_MARGIN - early
    assert routes_of(quick).token_lives(at()) is lives


def test_what_each_place_takes(quick: QuickClock) -> None:
    job = at(message_id=4, upload_limit=123)
    limits = [route.place.limit for route in routes_of(quick, BOOSTED).to_card(job, final=True)]
    assert limits == [123, BOOSTED, BOOSTED, UPLOAD_DEFAULT]
    limits = [route.place.limit for route in routes_of(quick, 1).to_card(at(message_id=4), final=True)]
    assert limits == [UPLOAD_DEFAULT] * 4
    limits = [route.place.limit for route in routes_of(quick).to_card(at(message_id=4), final=True)]
    assert limits == [UPLOAD_DEFAULT] * 4


def test_a_private_card_that_was_delivered_may_be_a_direct_message(quick: QuickClock) -> None:
    assert names(routes_of(quick).edits(at(message_id=4, private=True))) == [
        TOKEN,
        "edit it as the bot's own",
    ]
    assert names(routes_of(quick).edits(at(message_id=4))) == [TOKEN, CHANNEL]


@pytest.mark.parametrize(
    ("error", "place", "less"),
    [
        (http_error(413), Place(9, Links.PLAYED), Place(0, Links.PLAYED)),
        (http_error(400, 40005), Place(9), Place(0)),
        (http_error(413), Place(0), None),
        (http_error(400, 50035), Place(9, Links.PLAYED), Place(9, Links.TEXT)),
        (http_error(400, 50035), Place(9, Links.TEXT), Place(9, Links.NONE)),
        (http_error(400, 50035), Place(9, Links.NONE), None),
        (http_error(400, 50083), Place(9, Links.PLAYED), None),
        (http_error(403, 50013), Place(9, Links.PLAYED), None),
        (http_error(404), Place(9, Links.PLAYED), None),
    ],
)
def test_what_is_left_out_after_a_refusal(
    error: discord.HTTPException, place: Place, less: Place | None
) -> None:
    assert less_after(place, error) == less


class Way:
    """A route that answers as told, one answer after the other, and then with a message."""

    def __init__(
        self, name: str, *answers: Exception, same_message: bool = True, private: bool = False
    ) -> None:
        self.answers = list(answers)
        self.places: list[Place] = []
        self.route = Route(name, Place(9, Links.PLAYED), same_message, private, self.put)

    def build(self, route: Route) -> Content:
        return Content(new_job().location, ui.LayoutView())

    async def put(self, content: Content) -> discord.Message:
        self.places.append(self.route.place)
        if self.answers:
            raise self.answers.pop(0)
        return cast(discord.Message, SimpleNamespace(id=77, channel=SimpleNamespace(id=33), attachments=[]))


async def attempt(routes: Routes, *ways: Way, job: Job | None = None) -> Any:
    return await routes.try_routes(job or at(), ways[0].build, [way.route for way in ways])


async def test_the_first_way_that_works_is_taken(quick: QuickClock) -> None:
    ways = [Way("a", http_error(403)), Way("b", private=True), Way("c")]
    arrival = await attempt(routes_of(quick), *ways)
    assert arrival.route.name == "b"
    location = arrival.location
    assert (location.channel_id, location.message_id, location.private) == (33, 77, True)
    assert (location.guild_id, location.token) == (GUILD, "fake-token")
    assert [len(way.places) for way in ways] == [1, 1, 0]


@pytest.mark.parametrize("error", [http_error(503), aiohttp.ClientError(), TimeoutError(), OSError()])
async def test_an_edit_that_may_have_happened_is_repeated_and_never_replaced(
    error: Exception, quick: QuickClock
) -> None:
    unsure, other = Way("a", *[error] * 9), Way("b", same_message=False)
    with pytest.raises(Undeliverable, match="unsure") as caught:
        await attempt(routes_of(quick), unsure, other)
    assert not isinstance(caught.value, Gone)
    assert (len(unsure.places), other.places) == (3, [])
    once = Way("a", error)
    assert (await attempt(routes_of(quick), once)).route.name == "a"


@pytest.mark.parametrize(
    ("answers", "gone"),
    [
        ((http_error(404, 10008), http_error(404)), True),
        ((http_error(401, 50027), http_error(404)), True),
        ((http_error(404), http_error(403)), False),
        ((http_error(403), http_error(404)), False),
    ],
)
async def test_a_card_is_gone_where_every_way_says_so(
    answers: tuple[Exception, Exception], gone: bool, quick: QuickClock
) -> None:
    with pytest.raises(Undeliverable) as caught:
        await attempt(routes_of(quick), *(Way(str(number), error) for number, error in enumerate(answers)))
    assert isinstance(caught.value, Gone) is gone


@pytest.mark.parametrize(
    ("error", "dead"),
    [
        (http_error(401, 50027), True),
        (http_error(404, 10015), True),
        (http_error(404, 10062), True),
        (http_error(404, 10008), False),
        (http_error(403, 50001), False),
    ],
)
async def test_a_dead_token_is_used_no_more_and_a_new_one_is(
    error: Exception, dead: bool, quick: QuickClock
) -> None:
    routes, job = routes_of(quick), at(message_id=4)
    arrival = await attempt(routes, Way(TOKEN, error), Way(CHANNEL), job=job)
    assert arrival.location.token == (None if dead else "fake-token")
    assert routes.token_lives(job) is not dead
    assert routes.token_lives(at(token="fresh-fake-token"))
    routes.forget(job.id)
    assert routes.token_lives(job)


def test_until_when_a_file_may_come_is_no_longer_than_the_way_to_its_card(quick: QuickClock) -> None:
    routes, later = routes_of(quick), EXPIRES + timedelta(hours=1)
    edit, new = Way("a").route, Way("b", same_message=False).route
    assert routes.editable_until(at(), edit, later) == later
    assert routes.editable_until(at(private=True), edit, later) == EXPIRES - TOKEN_MARGIN
    assert routes.editable_until(at(guest=True), edit, later) == EXPIRES - TOKEN_MARGIN
    assert routes.editable_until(at(private=True), edit, START) == START
    assert routes.editable_until(at(private=True), new, later) == later
    assert routes.editable_until(at(), edit, None) is None


async def test_a_card_is_in_its_own_language_whoever_has_it_shown(quick: QuickClock) -> None:
    """Also the answer to a request that was lost in a restart: its place is stored with its language."""
    location = replace(at().location, language=Language.GERMAN)
    pending = PendingReply(1, 2, location)
    shown: list[str] = []

    async def put(content: Content) -> discord.Message:
        shown.extend(str(part["content"]) for part in content.view.to_components()[0]["components"])  # type: ignore[no-untyped-call]
        return cast(discord.Message, SimpleNamespace(id=4, channel=SimpleNamespace(id=3)))

    route = Route("a way", Place(0), True, False, put)
    with speaking(Language.ENGLISH):
        arrival = await routes_of(quick).try_routes(
            pending, lambda _: Content(location, lost_request_card()), [route]
        )
    assert "Ich habe neu gestartet, bevor ich deine Anfrage senden konnte" in shown[0]
    assert arrival.location.language is Language.GERMAN
