"""What the operator can read over HTTP about what members did."""

from __future__ import annotations

import socket

import aiohttp
import pytest

from bot.settings import Settings
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.media import picture
from fakes.ports import free_port
from fakes.world import SimulatedCdn, World, settings_for
from tests.acceptance.member import ask, assert_nothing_spent, press, private_answer, until
from tests.unit.telemetry.exposition import counted, samples


@pytest.fixture
def settings(cloud: GmiCloud, database_url: str, request: pytest.FixtureRequest) -> Settings:
    """Settings of a bot that serves its metrics."""
    marker = request.node.get_closest_marker("settings")
    changes = dict(marker.kwargs) if marker else {}
    return settings_for(cloud, database_url, http_port=free_port(), **changes)


async def read(world: World, path: str = "/metrics") -> str:
    url = f"http://127.0.0.1:{world.settings.http_port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text()


@pytest.mark.settings(price_per_second="0.1", currency="EUR", budget_seconds=100)
async def test_a_video_a_failure_and_a_refusal_are_counted_exactly(world: World, cloud: GmiCloud) -> None:
    await until(world, await ask(world, duration=4), "✅ Your video is ready")
    cloud.outcome(script.failed("TaskTimeout"))
    await until(world, await ask(world, duration=5), "❌ Couldn't make the video")
    cloud.fault("POST", "/requests", script.POLICY)
    await until(world, await ask(world, duration=6), "❌ Not accepted")
    running = await ask(world, duration=3)
    refused = await ask(world, image1=("notes.txt", b"only words"))
    assert private_answer(refused)
    text = await read(world)

    assert samples(text)["vidu_jobs_started_total"] == 4
    assert counted(text, "vidu_jobs_total") == {
        "{outcome=delivered}": 1,
        "{outcome=failed}": 1,
        "{outcome=refused}": 1,
    }
    assert counted(text, "vidu_job_failures_total") == {"{reason=failed}": 1, "{reason=policy}": 1}
    assert counted(text, "vidu_submits_total") == {"{outcome=accepted}": 3, "{outcome=refused}": 1}
    assert counted(text, "vidu_refusals_total") == {"{reason=format_unusable}": 1}
    assert counted(text, "vidu_jobs_open") == {"{state=queued}": 1}
    assert counted(text, "vidu_job_state_seconds_count")["{state=succeeded}"] == 1
    assert counted(text, "vidu_cost_total") == {"{currency=EUR}": pytest.approx(0.4)}
    assert counted(text, "vidu_budget_limit_seconds") == {"{scope=bot}": 100}
    # What GMI Cloud certainly doesn't bill counts towards no ceiling.
    assert counted(text, "vidu_budget_used_seconds") == {"{scope=bot}": 7, "{scope=server}": 7}
    assert samples(text)["vidu_downloaded_bytes_total{kind=video}"] > 0

    await press(world.member, running, "Cancel")
    await until(world, running, "Canceled")
    text = await read(world)
    assert counted(text, "vidu_jobs_total")["{outcome=cancelled}"] == 1
    assert counted(text, "vidu_jobs_open") == {}


@pytest.mark.settings(quota_videos=1, budget_seconds=10)
async def test_limits_are_counted_by_which_one_is_in_the_way(world: World) -> None:
    await ask(world, duration=5)
    await ask(world, duration=5)
    await world.other.slash(world.channel, "vidu", prompt="a cat", image1=("cat.png", picture()), duration=8)
    text = await read(world)

    assert counted(text, "vidu_refusals_total") == {"{reason=quota_videos}": 1, "{reason=budget_bot}": 1}
    assert samples(text)["vidu_jobs_started_total"] == 1


async def test_no_credit_closes_the_gate_and_shows(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    await until(world, await ask(world), "❌ Not accepted")
    await ask(world)
    text = await read(world)

    assert counted(text, "vidu_submit_gate_closed") == {"{reason=credit}": 1}
    assert counted(text, "vidu_refusals_total") == {"{reason=gate_credit}": 1}


@pytest.mark.settings(allowed_servers=frozenset({1}))
async def test_who_asks_where_the_bot_isnt_allowed_is_counted(world: World) -> None:
    await ask(world)
    assert counted(await read(world), "vidu_refusals_total") == {"{reason=not_allowed}": 1}


async def test_nothing_that_members_choose_is_in_the_metrics(world: World) -> None:
    await until(world, await ask(world, prompt="a purple dinosaur"), "✅ Your video is ready")
    text = await read(world)

    for secret in ("dinosaur", "fox", str(world.member.id), str(world.guild.id), str(world.channel.id)):
        assert secret not in text


async def test_a_bot_whose_port_is_taken_serves_its_members(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        await world.restart(http_port=port)

        await until(world, await ask(world), "✅ Your video is ready")

    assert f"port {port} of 127.0.0.1 can't be used" in caplog.text


async def test_a_block_while_the_files_are_read_comes_in_time_and_is_counted(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SimulatedCdn.read

    async def blocked_meanwhile(cdn: SimulatedCdn, url: str, limit: int) -> bytes:
        await world.bot.moderation.block(world.guild.id, world.member.id, world.moderator.id)
        return await real(cdn, url, limit)

    monkeypatch.setattr(SimulatedCdn, "read", blocked_meanwhile)
    assert "A moderator has blocked you" in private_answer(await ask(world))
    assert_nothing_spent(world, cloud)
    assert world.bot.upload_bytes.lent == 0
    assert counted(await read(world), "vidu_refusals_total") == {"{reason=blocked}": 1}
