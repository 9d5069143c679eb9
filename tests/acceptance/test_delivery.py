"""How a finished video reaches its member: as a file, as a link, and by the next way when one is closed."""

from __future__ import annotations

import pytest

from bot.delivery.routes import TOKEN_MARGIN
from bot.intake.context import TOKEN_LIFE
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.media import picture
from fakes.world import World, components, texts
from tests.acceptance.member import ask, card_text, until

READY = "✅ Your video is ready"
GALLERY, BUTTON = 12, 2
TOKEN_ROUTE, CHANNEL_ROUTE = "/webhooks/*/*/messages/*", "/channels/*/messages/*"


def gallery_urls(message: object) -> list[str]:
    return [
        item["media"]["url"]
        for component in components(message)
        if component["type"] == GALLERY
        for item in component["items"]
    ]


def file_names(message: object) -> list[str]:
    return [attached.filename for attached in message.attachments]  # type: ignore[attr-defined]


async def test_several_results_are_all_posted(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(videos=3))
    asked = await ask(world, seed=9)
    await until(world, asked, READY)
    assert file_names(asked.response) == ["reference-1.png", "vidu-9.mp4", "vidu-9-2.mp4", "vidu-9-3.mp4"]
    assert len(gallery_urls(asked.response)) == 3


async def test_the_older_shape_of_a_result(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(old_shape=True))
    asked = await ask(world, seed=9)
    await until(world, asked, READY)
    assert file_names(asked.response) == ["reference-1.png", "vidu-9.mp4"]


async def test_the_posted_bytes_are_the_rendered_bytes(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    assert asked.response is not None
    [request] = cloud.requests.values()
    assert world.cdn(asked.response.attachments[-1].url) == request.videos[0].read_bytes()


@pytest.mark.parametrize(
    ("megabytes", "wait", "limit"),
    [(26, 0, 25), (21, 20 * 60, 20)],  # by the token the interaction's own limit counts, later the server's
)
async def test_over_the_limit_of_the_place_it_is_the_link_with_the_reason(
    megabytes: int, wait: int, limit: int, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(megabytes=megabytes, delay=wait))
    asked = await ask(world)
    await world.env.advance_time(wait)
    text = await until(world, asked, READY)
    assert f"The file is {megabytes} MB, but files here can be {limit} MB at most." in text
    assert "save the video soon" in text
    [url] = gallery_urls(asked.response)
    assert url.startswith(cloud.base_url)
    assert file_names(asked.response) == ["reference-1.png"]
    assert "Open" in text.splitlines()


@pytest.mark.parametrize("private", [False, True], ids=["in the channel", "by direct message"])
async def test_a_file_of_discords_default_size_is_posted_late_too(
    private: bool, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(megabytes=15, delay=20 * 60))
    asked = await ask(world, seed=5, private=private)
    await world.env.advance_time(21 * 60)
    if private:
        [message] = world.env.backend.messages[world.env.backend.dm_channels[world.member.id]].values()
        assert [attached["filename"] for attached in message.attachments] == ["vidu-5.mp4"]
    else:
        assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]


async def test_after_a_413_it_is_the_link_with_the_reason(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    await until(world, asked, "🎬 Rendering")
    world.env.inject_error("PATCH", TOKEN_ROUTE, status=413, code=40005, message="Request entity too large")
    text = await until(world, asked, READY)
    assert "Discord didn't accept the file (0.1 MB)." in text
    [url] = gallery_urls(asked.response)
    assert url.startswith(cloud.base_url)


async def test_a_result_that_cannot_be_downloaded_is_given_as_a_link(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(broken_links=True))
    asked = await ask(world)
    text = await until(world, asked, READY)
    assert "I couldn't download the video, so here's its link" in text
    [link] = [part["url"] for part in components(asked.response) if part["type"] == BUTTON and "url" in part]
    assert link.startswith(cloud.base_url)


async def test_a_download_that_breaks_is_tried_again(world: World, cloud: GmiCloud) -> None:
    cloud.fault("GET", "/media/*", script.RESET_BEFORE)
    cloud.fault("GET", "/media/*", script.CAPACITY)
    asked = await ask(world, seed=5)
    await until(world, asked, READY)
    assert file_names(asked.response)[-1] == "vidu-5.mp4"


async def test_past_the_tokens_life_the_bot_edits_the_same_message(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=20 * 60))
    asked = await ask(world, seed=5)
    await world.env.advance_time((TOKEN_LIFE - TOKEN_MARGIN).total_seconds())
    before = len(world.env.http_requests)
    await until(world, asked, READY, seconds=600)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]
    paths = [entry.path for entry in world.env.http_requests[before:]]
    assert [path for path in paths if path.startswith("/webhooks")] == []


async def test_a_token_that_dies_early_is_not_used_again(world: World) -> None:
    asked = await ask(world, seed=5)
    # Discord: 401 with code 50027, for every call with that token from now on.
    world.env.inject_error(
        "*", TOKEN_ROUTE, status=401, code=50027, message="Invalid Webhook Token", times=None
    )
    before = len(world.env.http_requests)
    await until(world, asked, READY)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]
    paths = [entry.path for entry in world.env.http_requests[before:]]
    assert len([path for path in paths if path.startswith("/webhooks")]) == 1


async def test_a_deleted_card_comes_back_as_a_new_message(world: World) -> None:
    asked = await ask(world, seed=5)
    assert asked.response is not None
    first = asked.response.id
    world.env.backend.delete_message(world.channel.id, first)
    await world.env.advance_time(30)
    message = world.channel.last_message
    assert message is not None
    assert message.id != first
    assert file_names(message) == ["vidu-5.mp4"]
    assert world.member.mention in "\n".join(texts_of(world, message.id))


async def test_where_the_channel_is_closed_it_comes_by_direct_message(world: World) -> None:
    asked = await ask(world, seed=5)
    for method, route in (("*", TOKEN_ROUTE), ("PATCH", CHANNEL_ROUTE), ("POST", "/channels/*/messages")):
        times = 1 if method == "POST" else None
        world.env.inject_error(method, route, status=403, code=50001, message="Missing Access", times=times)
    await world.env.advance_time(30)
    channel_id = world.env.backend.dm_channels[world.member.id]
    [message] = world.env.backend.messages[channel_id].values()
    assert [attached["filename"] for attached in message.attachments] == ["vidu-5.mp4"]
    assert asked.response is not None


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, 30046), (403, 50001), (403, 50013), (400, 50083), (404, 10003)],
    ids=["older than an hour", "bot removed", "no permission", "thread archived", "channel gone"],
)
async def test_where_the_card_cannot_be_edited_the_next_way_is_taken(
    status: int, code: int, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(delay=20 * 60))
    asked = await ask(world, seed=5)
    await world.env.advance_time(19 * 60)
    world.env.inject_error("PATCH", CHANNEL_ROUTE, status=status, code=code, times=None)
    await world.env.advance_time(120)
    assert asked.response is not None
    messages = world.env.backend.messages[world.channel.id]
    [posted] = [
        message for message in messages.values() if message.attachments and message.id != asked.response.id
    ]
    assert [attached["filename"] for attached in posted.attachments] == ["vidu-5.mp4"]


async def test_a_private_video_past_the_token_comes_by_direct_message(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=20 * 60))
    await ask(world, private=True, seed=5)
    await world.env.advance_time(21 * 60)
    channel_id = world.env.backend.dm_channels[world.member.id]
    [message] = world.env.backend.messages[channel_id].values()
    assert [attached["filename"] for attached in message.attachments] == ["vidu-5.mp4"]
    assert world.channel.last_message is None


async def test_a_private_card_is_not_asked_for_with_an_expired_token(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=20 * 60))
    await ask(world, private=True, seed=5)
    await world.restart()
    await world.env.advance_time(16 * 60)
    before = len(world.env.http_requests)
    await world.env.advance_time(5 * 60)
    [message] = world.env.backend.messages[world.env.backend.dm_channels[world.member.id]].values()
    assert [attached["filename"] for attached in message.attachments] == ["vidu-5.mp4"]
    assert [e.path for e in world.env.http_requests[before:] if e.path.startswith("/webhooks")] == []


async def test_more_results_than_a_message_holds_beside_its_references(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(videos=4))
    asked = await ask(world, seed=9, **{f"image{n}": (f"{n}.png", picture()) for n in range(1, 8)})
    await until(world, asked, READY)
    assert file_names(asked.response) == ["vidu-9.mp4", "vidu-9-2.mp4", "vidu-9-3.mp4", "vidu-9-4.mp4"]


async def test_discords_trouble_is_tried_again_until_it_works(world: World) -> None:
    asked = await ask(world, seed=5)
    await until(world, asked, "🎬 Rendering")
    world.env.inject_error("PATCH", TOKEN_ROUTE, status=503, times=7)
    await world.env.advance_time(60)
    assert READY in card_text(asked)
    assert len(world.env.backend.messages[world.channel.id]) == 1


async def test_a_restart_in_between_loses_nothing(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, seed=5)
    await world.restart()
    await world.env.advance_time(30)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]
    assert cloud.paid == 1
    standing = world.bot.quota_service.status(world.guild.id, world.member.id, [])
    assert (standing.used_videos, standing.running) == (1, 0)


def texts_of(world: World, message_id: int) -> list[str]:
    return texts(world.env.backend.get_message(world.channel.id, message_id))
