"""The log tells no secret, not even at LOG_LEVEL=DEBUG."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bot.telemetry.logs import RedactingFormatter
from fakes import media
from fakes.clock import until
from fakes.gmi.cloud import DEMO_KEY
from fakes.process import open_wire


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "GET https://cdn.example/a.png?ex=1&is=2&hm=3 has returned 200",
            "GET https://cdn.example/a.png?[hidden] has returned 200",
        ),
        ("URL('https://x.example/v.mp4?Signature=abc')", "URL('https://x.example/v.mp4?[hidden]')"),
        ("POST /webhooks/12/aw-some.token/messages", "POST /webhooks/12/[hidden]/messages"),
        ("the key is fake-key-of-tests, he said", "the key is [hidden], he said"),
    ],
)
def test_what_a_library_quotes_is_hidden(text: str, shown: str) -> None:
    formatter = RedactingFormatter(["fake-key-of-tests", ""])
    record = logging.LogRecord("aiohttp.client", logging.WARNING, __file__, 1, text, None, None)
    assert formatter.format(record).endswith(f"aiohttp.client: {shown}")
