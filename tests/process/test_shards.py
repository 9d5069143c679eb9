"""A bot with several connections to Discord."""

from __future__ import annotations

from pathlib import Path

from fakes.clock import until
from fakes.process import open_wire


async def test_a_bot_on_two_shards_makes_videos_and_each_shard_heals_by_itself(tmp_path: Path) -> None:
    async with open_wire(tmp_path, SHARD_COUNT="2") as wire:
        gateway, log = wire.discord.gateway, lambda: wire.process.log
        await until(lambda: set(gateway.shards) == {0, 1}, log, 20)
        await wire.ask(1)
        await wire.posted(1)

        await gateway.drop(4000)
        await until(lambda: gateway.resumed == 1, log)
        for shard in (0, 1):
            identified = gateway.identified
            await gateway.shards[shard].dispatch("READY", ["odd"])
            await until(lambda: gateway.identified > identified, log)  # noqa: B023
            assert gateway.identified == identified + 1
        await wire.ask(2)
        await wire.posted(2)

        assert wire.process.running
        assert "Traceback" not in wire.process.log
        assert await wire.process.stop() == 0


async def test_a_bot_that_grows_beyond_one_connection_gets_as_many_as_discord_recommends(
    tmp_path: Path,
) -> None:
    async with open_wire(tmp_path) as wire:
        gateway, log = wire.discord.gateway, lambda: wire.process.log
        await wire.ask(1)
        await until(lambda: wire.submissions(1) == 1, log)
        gateway.shards_required = wire.discord.rest.recommended_shards = 2
        await gateway.drop(4011)
        await until(lambda: {each.shard_count for each in gateway.identifies[1:]} == {2}, log, 20)
        await wire.posted(1)
        assert "Discord requires more connections" in wire.process.log

        # It is stored: Discord isn't asked again.
        asked = len(wire.discord.calls_to("GET", "/gateway/bot"))
        await wire.restart()
        await until(lambda: gateway.identifies[-1].shard_id == 1, log, 20)
        assert len(wire.discord.calls_to("GET", "/gateway/bot")) == asked + 1  # how many may begin at once
        await wire.ask(2)
        await wire.posted(2)
        assert "Traceback" not in wire.process.logs


async def test_open_jobs_go_on_with_the_first_of_two_shards(tmp_path: Path) -> None:
    async with open_wire(tmp_path) as wire:
        await wire.ask(1)
        await until(lambda: wire.submissions(1) == 1, lambda: wire.process.log)
        await wire.process.kill()
        second = wire.process.twin("sharded", SHARD_COUNT="2")
        await second.start()
        try:
            await until(lambda: wire.state(1) == "delivered", lambda: second.log, 30)
        finally:
            await second.kill()
        assert wire.submissions(1) == 1
