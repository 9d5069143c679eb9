"""The log of the real process: JSON line by line, each line of a job with its IDs, and no secret in it."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from fakes import media
from fakes.clock import until
from fakes.discord.model import GUILD_ID
from fakes.discord.people import MEMBER
from fakes.gmi import script
from fakes.gmi.cloud import DEMO_KEY
from fakes.process import open_wire


def lines(log: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in log.splitlines()]
    assert all({"timestamp", "level", "logger", "event"} <= set(line) for line in found)
    return found


async def test_a_whole_job_at_debug_writes_no_token_no_key_no_link_and_no_prompt(tmp_path: Path) -> None:
    async with open_wire(tmp_path, LOG_LEVEL="DEBUG") as wire:
        public = await wire.ask(1, prompt="a-secret-fox in the snow")
        private = await wire.ask(2, prompt="a-secret-hare in the snow", private=True)
        opened = await wire.discord.slash(command="vidu")
        await until(lambda: opened.modal is not None, "a window")
        files = [("a-secret-name.png", media.picture())]
        submitted = await wire.discord.submit(opened, files, prompt="a-secret-owl in the snow", seed="3")
        for seed in (1, 2, 3):
            await wire.posted(seed)
        assert public.original is not None
        pressed = await wire.discord.press(public.original, f"vidu:edit:{public.id}")
        await until(lambda: pressed.modal is not None, "the window of Edit")
        await wire.discord.gateway.dispatch("CHANNEL_UPDATE", {"name": "a-secret-place"})
        await wire.discord.gateway.drop(4000)
        await until(lambda: wire.discord.gateway.resumed == 1, "a new line")
        assert await wire.process.stop() == 0

        log = wire.process.log
        links = [file.url for message in wire.discord.messages for file in message.attachments]
        assert len(links) >= 5
        for secret in (
            wire.discord.token,
            DEMO_KEY,
            *(slash.token for slash in (public, private, opened, submitted, pressed)),
            *(link.partition("?")[2] for link in links),
            "a-secret",
        ):
            assert secret not in log
        assert "Ready as" in log
        assert lines(log)


async def test_each_line_of_two_jobs_at_once_has_its_own_ids_and_each_state_one_line(tmp_path: Path) -> None:
    async with open_wire(tmp_path) as wire:
        wire.discord.fault("PATCH", "/webhooks/*", status=400, json={"code": 50035, "message": "no"}, times=2)
        wire.cloud.fault("GET", "/requests/*", script.HTML_PAGE)
        first, second = await wire.ask(1), await wire.ask(2)
        await wire.posted(1)
        await wire.posted(2)
        assert await wire.process.stop() == 0

        found = lines(wire.process.log)
        request_ids = {
            str(slash.id): request_id
            for request_id, request in wire.cloud.requests.items()
            for slash, seed in ((first, 1), (second, 2))
            if request.payload["seed"] == seed
        }
        ways: dict[str, list[str]] = defaultdict(list)
        for line in found:
            named = [job for job in request_ids if job in line["event"]]
            if named or "job" in line:
                assert [line["job"]] == (named or [line["job"]])
                assert (line["member"], line["server"]) == (str(MEMBER.id), str(GUILD_ID))
                assert line.get("request") in (request_ids[line["job"]], None)
            if "to" in line:
                ways[line["job"]].append(f"{line['from']} {line['to']}")
                assert ("request" in line) is (line["to"] != "submitting")
        way = ["new submitting", "submitting queued", "queued processing"]
        way += ["processing succeeded", "succeeded delivered"]
        assert dict(ways) == dict.fromkeys(request_ids, way)


async def test_a_start_has_no_noise_and_text_is_for_people(tmp_path: Path) -> None:
    async with open_wire(tmp_path, LOG_FORMAT="text") as wire:
        slash = await wire.ask(1)
        await wire.posted(1)
        assert await wire.process.stop() == 0

        log = wire.process.log
        assert "voice" not in log
        assert "static token" not in log
        assert "\x1b" not in log  # no colors where nobody sees them
        [line] = [line for line in log.splitlines() if "submitting -> queued" in line]
        assert f"job={slash.id} member={MEMBER.id} server={GUILD_ID} request=req-" in line
        assert "[info     ] Ready as" in log


async def test_a_process_that_fails_ends_its_log_with_why_as_json(tmp_path: Path) -> None:
    async with open_wire(tmp_path, start=False) as wire:
        wire.discord.refuse_bot_token()
        await wire.process.start()

        assert await wire.process.ended() == 1

        last = lines(wire.process.log)[-1]
        assert last["event"] == "Discord refused the token: DISCORD_TOKEN must be the bot's token."
        assert (last["level"], last["exit_code"]) == ("critical", 1)
