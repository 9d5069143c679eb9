"""Saved references in videos: by @name, by the option `cast`, anew by Again, never against their owner."""

from __future__ import annotations

from typing import Any

import pytest
from discord import app_commands
from simcord import InteractionResult, MemberActor

from bot.models.cast import SavedPicture
from bot.storage.cast import CastStore
from bot.storage.storage import StorageUnavailable
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.media import picture
from fakes.world import World
from tests.acceptance.member import (
    assert_nothing_spent,
    card_text,
    press,
    private_answer,
    submit,
    until,
)
from tests.acceptance.test_moderation_filter import manage, manager_of
from tests.acceptance.test_references import said, save, share

READY = "✅ Your video is ready"
SERVER = "server"


async def vidu(world: World, who: MemberActor, prompt: str, **options: object) -> InteractionResult:
    return await who.slash(world.channel, "vidu", prompt=prompt, **options)


def sent(cloud: GmiCloud) -> dict[str, Any]:
    return cloud.posts[-1].payload


async def offered(world: World, who: MemberActor, typed: str) -> list[str]:
    choices = await who.autocomplete(world.channel, "vidu", "cast", typed)
    return [choice["value"] for choice in choices]


@pytest.mark.parametrize("restart", [False, True])
async def test_a_name_in_the_prompt_brings_its_pictures(restart: bool, world: World, cloud: GmiCloud) -> None:
    await save(world, world.member, "mia", 2)
    await save(world, world.member, "boat")
    if restart:
        await world.restart()
    asked = await vidu(world, world.member, "@Mia sails the @boat", image1=("sea.png", picture()))
    text = await until(world, asked, READY)
    assert "> @Mia sails the @boat" in text.replace("\u200b", "")
    assert "-# 🎭 @mia, @boat" in text
    payload = sent(cloud)
    assert payload["prompt"] == ("mia (reference images 2 and 3) sails the boat (reference image 4)")
    assert len(payload["images"]) == 4
    assert all(cloud.uploads.content(url) for url in payload["images"][1:])
    again = await press(world.member, asked, "Again")
    await until(world, again, READY)
    assert sent(cloud)["prompt"] == payload["prompt"]
    assert sent(cloud)["images"][1:] == payload["images"][1:]  # the links still live
    assert cloud.paid == 2


async def test_the_option_offers_own_first_and_completes_several(world: World, cloud: GmiCloud) -> None:
    await save(world, world.member, "mia")
    await save(world, world.other, "boat")
    assert await offered(world, world.member, "") == ["mia"]
    await share(world, world.other, "boat", SERVER)
    assert await offered(world, world.member, "") == ["mia", "boat"]
    assert await offered(world, world.member, "mia, b") == ["mia, boat"]
    asked = await vidu(world, world.member, "they meet", cast="mia, boat")
    await until(world, asked, READY)
    assert sent(cloud)["prompt"] == ("they meet With mia (reference image 1). With boat (reference image 2).")
    assert "used it 1 time" in await said(world, world.other, "show", name="boat")


async def test_a_name_is_found_where_words_stand_together(world: World, cloud: GmiCloud) -> None:
    await save(world, world.member, "みさき")
    asked = await vidu(world, world.member, "海で\uff20みさきが走る")
    text = await until(world, asked, READY)
    assert "海で\uff20みさきが走る" in text
    assert "-# 🎭 @みさき" in text
    assert sent(cloud)["prompt"] == "海でみさき (reference image 1)が走る"
    await save(world, world.member, "みさきちゃん")
    asked = await vidu(world, world.member, "@みさきちゃんと犬", cast="みさき、みさきちゃん")
    await until(world, asked, READY)
    assert sent(cloud)["prompt"] == "みさきちゃん (reference image 2)と犬 With みさき (reference image 1)."
    refused = await vidu(world, world.member, "@みさぎちゃんが走る")
    assert "There's no reference **みさぎちゃん**. Did you mean **@みさきちゃん**?" in private_answer(refused)


async def test_two_of_the_same_name_meet_in_a_video(world: World, cloud: GmiCloud) -> None:
    await save(world, world.member, "mia")
    await save(world, world.other, "Mia", 2)
    await share(world, world.other, "Mia", SERVER)
    [theirs] = await world.bot.storage.cast.of_owner(world.other.id)
    assert "Write `@mia`" in await said(world, world.member, "show", name="mia")
    assert "Write" not in await said(world, world.member, "show", name=f"#{theirs.id}")
    both = "mia, Mia (shared with this server)"
    choices = await world.member.autocomplete(world.channel, "vidu", "cast", "@mia, mi")
    assert [choice["name"] for choice in choices] == [both]
    for chosen in (choices[0]["value"], both):  # Discord sends what it shows once somebody has typed on
        asked = await vidu(world, world.member, "@mia waves to @mia-2", cast=chosen)
        assert "-# 🎭 @mia, @Mia-2" in await until(world, asked, READY)
        assert sent(cloud)["prompt"] == ("mia (reference image 1) waves to Mia-2 (reference images 2 and 3)")
    await until(world, await press(world.member, asked, "Again"), READY)
    assert (sent(cloud)["prompt"], len(sent(cloud)["images"])) == (cloud.posts[0].payload["prompt"], 3)
    asked = await vidu(world, world.member, "@mia waves", cast=f"#{theirs.id}:Mia")
    await until(world, asked, READY)
    assert sent(cloud)["prompt"] == "Mia (reference images 1 and 2) waves"
    await manage(world, manager_of(world), "add", word="mia")
    refused = private_answer(await vidu(world, world.member, "they wave", cast="mia"))
    assert "This server's rules don't allow that name" in refused


async def test_what_is_wrong_is_named_and_nothing_is_spent(world: World, cloud: GmiCloud) -> None:
    await save(world, world.member, "mia", 3)
    for prompt in ("@zoe waves", "@mai waves"):  # not that an image is missing: it would come with the name
        assert "image or video" not in private_answer(await vidu(world, world.member, prompt))
    assert "There's no reference **zoe** that you can use here" in private_answer(
        await vidu(world, world.member, "@zoe waves")
    )
    refused = await vidu(world, world.member, "@mai waves", image1=("a.png", picture()))
    assert "There's no reference **mai**. Did you mean **@mia**?" in private_answer(refused)
    assert "**fox** that you can use here" in private_answer(
        await vidu(world, world.member, "waves", cast="fox")
    )
    images = {f"image{number}": (f"{number}.png", picture()) for number in range(1, 6)}
    many = private_answer(await vidu(world, world.member, "@mia waves", **images))
    assert "There are 8 images with those of your references, mia (3), but the limit is 7." in many
    long = private_answer(await vidu(world, world.member, "@mia " + "x" * 1995))
    assert "this prompt can have up to 1,971 characters. It has 2,000" in long
    cloud.fault("POST", "/upload-url", script.CAPACITY.repeated(None))
    assert "couldn't upload your references" in private_answer(await vidu(world, world.member, "@mia waves"))
    assert_nothing_spent(world, cloud)
    cloud.heal()
    again = await submit(
        world.member, await press(world.member, refused, "Edit and try again"), prompt="@mia waves"
    )
    await until(world, again, READY)
    assert sent(cloud)["prompt"] == "mia (reference images 2, 3 and 4) waves"


@pytest.mark.command_errors(types=[app_commands.CommandInvokeError])
async def test_trouble_with_the_pictures_gives_the_memory_of_the_other_files_back(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(world, world.member, "mia")

    async def away(_store: CastStore, _reference_id: int) -> list[SavedPicture]:
        raise StorageUnavailable("for this test")

    with monkeypatch.context() as patched:
        patched.setattr(CastStore, "pictures", away)
        asked = await vidu(world, world.member, "@mia waves", image1=("sea.png", picture()))
    assert "I can't save anything right now" in private_answer(asked)
    assert world.bot.upload_bytes.lent == 0
    assert_nothing_spent(world, cloud)


async def test_nobody_uses_what_is_not_shared_with_them(world: World, cloud: GmiCloud) -> None:
    await save(world, world.other, "boat")
    assert await offered(world, world.member, "") == []
    plain = await vidu(world, world.member, "a @boat at sea", image1=("a.png", picture()))
    await until(world, plain, READY)
    assert sent(cloud)["prompt"] == "a @boat at sea"
    await share(world, world.other, "boat", SERVER)
    theirs = await vidu(world, world.other, "a @boat at sea")
    await until(world, theirs, READY)
    remix = await submit(world.member, await press(world.member, theirs, "Again"))
    await until(world, remix, READY)
    assert sent(cloud)["prompt"] == "a boat (reference image 1) at sea"
    assert "Only you can use **boat** now" in await said(world, world.other, "unshare", name="boat")
    refused = await submit(world.member, await press(world.member, theirs, "Again"))
    assert "You can't use the reference **boat** anymore." in private_answer(refused)


@pytest.mark.parametrize("how", ["unshare", "delete", "moderator", "restart"])
async def test_a_waiting_video_ends_when_its_reference_is_taken_away(
    how: str, world: World, cloud: GmiCloud
) -> None:
    await save(world, world.other, "boat")
    await share(world, world.other, "boat", SERVER)
    cloud.fault("POST", "/requests", script.rate_limited(600))
    asked = await vidu(world, world.member, "a @boat at sea")
    await until(world, asked, "rate-limiting")
    cloud.heal()
    if how == "restart":
        bot, world.bot.cast.on_removed = world.bot, _nobody
        assert bot is world.bot
    who = manager_of(world) if how == "moderator" else world.other
    await said(world, who, "delete" if how == "delete" else "unshare", name="boat")
    if how == "restart":
        await world.restart()
    text = await until(world, asked, "You can't use one of the references", 1200)
    assert "This doesn't count towards your quota." in text
    assert_nothing_spent(world, cloud)
    assert len(cloud.posts) == 0


async def _nobody(_: int) -> None:
    """Hear of nothing, as a process that ends at this very moment."""


async def test_one_that_was_sent_goes_on(world: World, cloud: GmiCloud) -> None:
    await save(world, world.other, "boat")
    await share(world, world.other, "boat", SERVER)
    asked = await vidu(world, world.member, "a @boat at sea")
    await until(world, asked, "Rendering")
    await said(world, world.other, "delete", name="boat")
    await until(world, asked, READY)
    assert "@boat" in card_text(asked)
    assert cloud.paid == 1
