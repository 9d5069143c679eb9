"""What the bot sends, held against Discord's own description of its API."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, picture
from fakes.world import World
from tests.acceptance.member import ask, delete, press, submit, until

DESCRIPTION = Path(__file__).parents[3] / "shared" / "discord-openapi.json"
pytestmark = pytest.mark.skipif(
    not DESCRIPTION.exists(), reason="Discord's OpenAPI description does not lie beside the checkout"
)


@cache
def description() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DESCRIPTION.read_text())
    return loaded


@cache
def route_patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Return every path with its pattern, the most literal first."""
    paths = sorted(description()["paths"], key=lambda path: path.count("{"))
    return [(path, re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "$")) for path in paths]


@cache
def validator(method: str, path: str) -> jsonschema.Draft202012Validator:
    content = description()["paths"][path][method]["requestBody"]["content"]
    schema = content["application/json"]["schema"] | {"components": description()["components"]}
    return jsonschema.Draft202012Validator(schema)


def prepared(body: Any) -> Any:
    """Let known false alarms pass: Discord takes integers where its description wants snowflakes as text."""
    if isinstance(body, list):
        return body
    changes: dict[str, Any] = {}
    if "attachments" in body:
        changes["attachments"] = [each | {"id": str(each["id"])} for each in body["attachments"]]
    if "recipient_id" in body:
        changes["recipient_id"] = str(body["recipient_id"])
    if "message_reference" in body:
        reference = body["message_reference"]
        changes["message_reference"] = {
            key: str(value) if key.endswith("_id") else value for key, value in reference.items()
        }
    if "users" in body.get("allowed_mentions", {}):
        users = [str(user) for user in body["allowed_mentions"]["users"]]
        changes["allowed_mentions"] = body["allowed_mentions"] | {"users": users}
    return body | changes


def assert_all_requests_fit(world: World) -> None:
    checked = set()
    for entry in world.env.http_requests:
        method = entry.method.lower()
        path = next(path for path, pattern in route_patterns() if pattern.match(entry.path))
        operation = description()["paths"][path][method]
        if entry.json is None or "requestBody" not in operation:
            continue
        errors = list(validator(method, path).iter_errors(prepared(entry.json)))
        assert not errors, f"{method} {path}: {errors[0].message} in {json.dumps(entry.json)[:600]}"
        checked.add((method, path))
    assert checked


async def test_the_bodies_of_a_whole_job(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.Outcome(videos=2))
    asked = await ask(world, image1=("a.png", picture()), video1=("b.mp4", clip()))
    await until(world, asked, "✅")
    assert_all_requests_fit(world)


async def test_the_bodies_of_refusals_failures_and_lists(world: World, cloud: GmiCloud) -> None:
    await ask(world, prompt=" ")
    await ask(world, image1=("a.txt", b"hello there"))
    cloud.fault("POST", "/requests", script.rate_limited(5000))
    cloud.outcome(script.failed("TaskTimeout"))
    await until(world, await ask(world, private=True), "❌")
    cloud.outcome(script.Outcome(broken_links=True))
    await until(world, await ask(world), "✅")
    await world.member.slash(world.channel, "videos")
    await world.moderator.slash(world.channel, "quota set", videos=3)
    await world.moderator.slash(world.channel, "quota budget", seconds=9)
    await world.moderator.slash(world.channel, "quota pause")
    await world.moderator.slash(world.channel, "quota show")
    assert_all_requests_fit(world)


async def test_the_bodies_of_windows_buttons_and_pages(world: World, cloud: GmiCloud) -> None:
    many = [(f"{'long name ' * 9}{n}.png", picture()) for n in range(8)]
    message = await world.other.send(world.channel, attachments=many)
    chosen = await world.member.context_menu(world.channel, "Make a video from this", message)
    asked = await submit(world.member, chosen, prompt="a fox", extras=["spoiler"])
    await until(world, asked, "✅")
    opened = await press(world.member, asked, "Edit")
    refused = await submit(world.member, opened, seed="x")
    await press(world.member, refused, "Edit and try again")
    await press(world.member, asked, "Again")
    listed = await world.member.slash(world.channel, "videos")
    copy = await press(world.member, listed, "Show")
    await press(world.member, copy, "Delete")
    await delete(world.member, asked)
    assert_all_requests_fit(world)


async def test_the_bodies_of_every_way_to_deliver(world: World, cloud: GmiCloud) -> None:
    for closed in (["/webhooks/*"], ["/webhooks/*", "/channels/*/messages/*"]):
        asked = await ask(world)
        assert asked.response is not None
        for route in closed:
            world.env.inject_error("PATCH", route, status=403, code=50001, times=1)
        await world.env.advance_time(30)
    cloud.outcome(script.Outcome(delay=1200))
    await ask(world, private=True)
    await world.env.advance_time(1300)
    assert_all_requests_fit(world)
