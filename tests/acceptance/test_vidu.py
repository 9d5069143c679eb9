"""`/vidu` as a member uses it: from attachments to the posted video."""

from __future__ import annotations

import re

import pytest

from bot.models.requests import PROMPT_MAX
from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, picture
from fakes.world import World, components
from tests.acceptance.member import ask, assert_nothing_spent, card_text, private_answer, until


async def test_the_card_moves_through_its_states_and_ends_with_the_video(
    world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world, duration=3, seed=42)
    assert "⏳ Waiting in line" in card_text(asked)
    await until(world, asked, "🎬 Rendering")
    text = await until(world, asked, "✅ Your video is ready")
    assert "a fox in the snow" in text
    assert "3 seconds · seed 42" in text
    assert asked.response is not None
    names = [attached.filename for attached in asked.response.attachments]
    assert names == ["reference-1.png", "vidu-42.mp4"]
    [media] = [c for c in components(asked.response) if c["type"] == 12]
    assert media["items"][0]["media"]["url"].endswith("vidu-42.mp4")
    assert media["items"][0]["description"] == "a fox in the snow"
    assert world.channel.last_message is not None
    assert world.channel.last_message.id == asked.response.id
    assert cloud.paid == 1


async def test_one_post_exactly_as_documented(world: World, cloud: GmiCloud) -> None:
    await ask(world, duration=2, seed=7, image1=("a.png", picture()), video1=("b.mp4", clip()))
    [post] = [seen for seen in cloud.requests_seen if seen.method == "POST"]
    assert post.path == "/api/v1/ie/requestqueue/apikey/requests"
    assert post.headers["Authorization"] == f"Bearer {world.settings.gmi_api_key.get_secret_value()}"
    payload = post.body["payload"]
    assert post.body == {"model": "vidu-q2-pro-r2v", "payload": payload}
    assert list(payload) == ["prompt", "images", "videos", "duration", "seed"]
    assert payload["prompt"] == "a fox in the snow"
    assert [url.rsplit("/", 1)[1] for url in payload["images"] + payload["videos"]] == ["a.png", "b.mp4"]
    assert (payload["duration"], payload["seed"]) == (2, 7)


async def test_no_null_and_no_empty_list_and_always_a_seed(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    [post] = [seen for seen in cloud.requests_seen if seen.method == "POST"]
    assert set(post.body["payload"]) == {"prompt", "images", "duration", "seed"}
    seed = post.body["payload"]["seed"]
    assert 1 <= seed < 2**31
    assert f"seed {seed}" in card_text(asked)


async def test_the_options_are_exactly_these(world: World) -> None:
    [command] = [each for each in world.bot.tree.get_commands() if each.name == "vidu"]
    options = command.to_dict(world.bot.tree)["options"]
    assert [(option["name"], option["type"], option.get("required", False)) for option in options] == [
        ("prompt", 3, False),
        ("cast", 3, False),
        *[(f"image{n}", 11, False) for n in range(1, 8)],
        ("video1", 11, False),
        ("video2", 11, False),
        ("duration", 4, False),
        ("seed", 4, False),
        ("private", 5, False),
        ("spoiler", 5, False),
    ]
    limits = {option["name"]: option for option in options}
    assert (limits["prompt"]["min_length"], limits["prompt"]["max_length"]) == (1, PROMPT_MAX)
    assert (limits["duration"]["min_value"], limits["duration"]["max_value"]) == (1, 10)


async def test_seven_pictures_are_taken(world: World, cloud: GmiCloud) -> None:
    await ask(world, **{f"image{n}": (f"{n}.png", picture()) for n in range(1, 8)})
    assert cloud.paid == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"image1": ("a.txt", b"hello there")}, ["a.txt", "text file", "PNG, JPEG or WebP"]),
        ({"image1": ("a.png", picture()[:200])}, ["a.png", "cut off", "attach"]),
        ({"image1": ("a.png", picture(100, 300))}, ["a.png", "100x300", "128x128"]),
        ({"image1": ("a.png", picture(900, 200))}, ["a.png", "4.5:1", "4:1", "Crop"]),
        ({"image1": ("clip.png", clip())}, ["clip.png", "video1"]),
        ({"video1": ("a.mp4", picture())}, ["a.mp4", "image1"]),
        ({"video1": ("long.mp4", clip(8.5))}, ["long.mp4", "8.5 seconds", "8 seconds"]),
        (
            {"video1": ("a.mp4", clip(5.5)), "video2": ("b.mp4", clip(1))},
            ["a.mp4", "5.5 sec", "5 sec"],
        ),
    ],
)
async def test_a_late_refusal_is_private_and_costs_nothing(
    options: dict[str, object], told: list[str], world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world, **options)
    text = private_answer(asked)
    assert [word for word in told if word not in text] == []
    assert world.channel.last_message is None
    assert_nothing_spent(world, cloud)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"prompt": "   "}, ["prompt is empty"]),
        ({"image1": ("void.png", b"")}, ["void.png", "empty"]),
        (
            {f"image{n}": (f"{n}.png", picture()) for n in range(1, 6)} | {"video1": ("a.mp4", clip())},
            ["There are 5 images", "with videos the limit is 4", "Remove 1"],
        ),
    ],
)
async def test_an_early_refusal_is_the_first_answer(
    options: dict[str, object], told: list[str], world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world, **options)
    text = private_answer(asked)
    assert [word for word in told if word not in text] == []
    assert not asked.deferred
    assert_nothing_spent(world, cloud)


async def test_all_problems_are_listed_at_once(world: World, cloud: GmiCloud) -> None:
    asked = await ask(
        world,
        prompt=" \u200b ",
        image1=("small.png", picture(64, 64)),
        image2=("note.png", b"hello"),
        video1=("long.mp4", clip(9)),
    )
    text = private_answer(asked)
    for word in ("4 things to fix", "prompt is empty", "small.png", "note.png", "long.mp4"):
        assert word in text
    assert_nothing_spent(world, cloud)


async def test_a_private_request_is_seen_by_its_member_alone(world: World) -> None:
    asked = await ask(world, private=True)
    assert asked.ephemeral
    await until(world, asked, "✅ Your video is ready")
    assert asked.response is not None
    assert asked.response.ephemeral
    assert world.channel.last_message is None


async def test_a_prompt_can_neither_ping_nor_format_and_is_cut_kindly(world: World) -> None:
    prompt = "@everyone <@&1> **bold** \u202eevil `code`\n# heading " + "word " * 350
    asked = await ask(world, prompt=prompt)
    text = card_text(asked)
    quoted = next(line for line in text.splitlines() if line.startswith("> "))
    assert "@everyone" not in quoted
    assert "\\*\\*bold" in quoted
    assert "\u202e" not in quoted
    assert quoted.endswith("word…")
    assert len(quoted) < 900
    for entry in world.env.http_requests:
        body = entry.json if isinstance(entry.json, dict) else {}
        assert body.get("allowed_mentions", {"parse": []})["parse"] == []


@pytest.mark.parametrize(
    "prompt", ["🦊" * 2000, "# " * 1000, "`" * 2000, "\n" * 999 + "x" * 1000, "a" * 2000]
)
async def test_no_prompt_breaks_the_card(prompt: str, world: World) -> None:
    asked = await ask(world, prompt=prompt)
    text = await until(world, asked, "✅ Your video is ready")
    assert len(text) < 4000
    await world.member.slash(world.channel, "videos")


async def test_edits_only_when_something_changed(world: World) -> None:
    asked = await ask(world)
    assert asked.response is not None
    await until(world, asked, "✅ Your video is ready")
    edits = [entry for entry in world.env.http_requests if entry.method == "PATCH"]
    # The first card, in line, rendering, and the video: each once.
    assert len(edits) <= 4
    await world.env.advance_time(600)
    assert len([entry for entry in world.env.http_requests if entry.method == "PATCH"]) == len(edits)


async def test_elapsed_time_counts_on_the_readers_screen(world: World) -> None:
    asked = await ask(world)
    assert re.search(r"In line since <t:\d+:t>", card_text(asked))
    assert "%" not in card_text(asked)
