"""Lines of the log: whole, with their IDs, and without secrets in every part of them."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import stamina.instrumentation
import structlog
from stamina.instrumentation import RetryDetails

from bot.clock import SystemClock
from bot.models.jobs import CardLocation, PendingReply
from bot.tasks import Tasks
from bot.telemetry import logs
from bot.telemetry.job_lines import JobIds, ids_of, ids_of_pending, job_lines
from bot.telemetry.logs import LogFormat, NoNoise
from tests.unit.jobs.stage import new_job

SECRET = 'fake "key" of täsks'
BOTH = pytest.mark.parametrize("log_format", [LogFormat.TEXT, LogFormat.JSON])

Write = Callable[[logging.LogRecord], str]


def record(message: str, *args: Any, name: str = "aiohttp.client", **more: Any) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, more.pop("exc_info", None))
    made.__dict__.update(more)
    return made


def written(log_format: LogFormat, made: logging.LogRecord, *, terminal: bool = False) -> str:
    return logs.formatter(log_format, [SECRET, "", "a"], terminal=terminal).format(made)


@BOTH
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "GET https://cdn.example/a.png?ex=1&is=2&hm=3 has returned 200",
            "GET https://cdn.example/a.png?[hidden] has returned 200",
        ),
        ("URL('https://x.example/v.mp4?Signature=abc')", "URL('https://x.example/v.mp4?[hidden]')"),
        ("POST /webhooks/12/aw-some.token/messages", "POST /webhooks/12/[hidden]/messages"),
        (f"the key is {SECRET}, he said", "the key is [hidden], he said"),
    ],
)
def test_what_a_library_quotes_is_hidden(text: str, shown: str, log_format: LogFormat) -> None:
    assert shown in written(log_format, record("%s", text))


@BOTH
def test_a_traceback_is_whole_and_without_secrets_and_variables(log_format: LogFormat) -> None:
    try:
        prompt = "a-secret-fox"
        assert prompt
        raise RuntimeError(f"refused {SECRET} at https://x.example/v.mp4?Signature=abc")
    except RuntimeError as error:
        made = record("failed", exc_info=(type(error), error, error.__traceback__))
    line = written(log_format, made)
    assert "RuntimeError: refused [hidden] at https://x.example/v.mp4?[hidden]" in line
    assert "Traceback (most recent call last)" in line
    assert "Signature" not in line
    assert "fake" not in line
    if log_format is LogFormat.JSON:
        assert "\n" not in line
        assert json.loads(line)["exception"].startswith("Traceback")


@BOTH
def test_fields_are_without_secrets_and_those_of_libraries_are_left_out(log_format: LogFormat) -> None:
    made = record("moved", detail={"a": [SECRET, 1]}, args_of_a_call="a-secret-fox", exit_code=1)
    line = written(log_format, made)
    assert "[hidden]" in line
    assert "fake" not in line
    assert "a-secret-fox" not in line


@pytest.mark.parametrize(
    ("log_format", "terminal", "is_json"),
    [
        (LogFormat.AUTO, True, False),
        (LogFormat.AUTO, False, True),
        (LogFormat.TEXT, False, False),
        (LogFormat.JSON, True, True),
    ],
)
def test_a_terminal_gets_text_and_everybody_else_json(
    log_format: LogFormat, terminal: bool, is_json: bool
) -> None:
    line = written(log_format, record("hello"), terminal=terminal)
    assert line.startswith("{") is is_json
    if is_json:
        assert list(json.loads(line)) == ["timestamp", "level", "logger", "event"]


def test_warnings_about_voice_are_dropped_and_others_are_not() -> None:
    keeps = NoNoise().filter
    assert not keeps(record("PyNaCl is not installed, voice will NOT be supported"))
    assert not keeps(record("davey is not installed, voice will NOT be supported"))
    assert keeps(record("Shard ID %s has connected"))


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Set logging up as the process does, and return what it has written since the last call."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    before = (root.handlers, root.level, structlog.get_config())
    levels = {name: logging.getLogger(name).level for name in (*logs.OURS, *logs.QUIET)}
    logs.set_up("DEBUG", [SECRET], LogFormat.JSON)

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield lines
    root.handlers, structlog_before = before[0], before[2]
    root.setLevel(before[1])
    structlog.configure(**structlog_before)
    logging.captureWarnings(False)
    stamina.instrumentation.set_on_retry_hooks(None)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    for name in ("discord.client", "discord.shard"):
        logging.getLogger(name).filters.clear()


Lines = Callable[[], list[dict[str, Any]]]


def test_a_line_that_cannot_be_written_prints_nothing_of_what_it_held(set_up: Lines) -> None:
    [handler] = [handler for handler in logging.getLogger().handlers if isinstance(handler, logs.Handler)]
    handler.handle(record("two %s %s", "a-secret-fox", name="bot.x"))
    [line] = set_up()
    assert line["event"].startswith("A line of bot.x (line ")
    assert "a-secret-fox" not in str(line)


def test_what_libraries_log_with_structlog_or_as_a_warning_goes_the_same_way(set_up: Lines) -> None:
    structlog.get_logger("lib").warning("hello", key=SECRET)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)  # pytest keeps them to itself otherwise
        warnings.warn("this is old", stacklevel=1)
    first, second = set_up()
    assert (first["event"], first["key"], first["logger"]) == ("hello", "[hidden]", "lib")
    assert "this is old" in second["event"]


def test_an_attempt_that_is_repeated_says_why_and_nothing_of_what_was_passed(set_up: Lines) -> None:
    details = RetryDetails("send", ("a-secret-fox",), {}, 1, 0.5, 0.0, OSError(SECRET))
    for hook in stamina.instrumentation.get_on_retry_hooks():
        hook(details)
    assert [line["event"] for line in set_up()] == ["Attempt 1 failed (OSError); the next one is in 0.5 s"]
    assert "a-secret-fox" not in str(set_up())


async def test_tasks_of_two_jobs_never_mix_their_ids_and_nothing_leaks_to_others(set_up: Lines) -> None:
    tasks, log = Tasks(SystemClock()), logging.getLogger("bot.x")
    turn = asyncio.Event()

    async def work(name: str) -> None:
        log.info("%s begins", name)
        await turn.wait()
        tasks.spawn(quiet(name), f"what {name} started")
        raise RuntimeError(name)

    async def quiet(name: str) -> None:
        log.info("%s left this to somebody", name)

    for number in (1, 2):
        within = partial(job_lines, partial(JobIds, number, number * 10, None, f"req-{number}"))
        with within():
            tasks.spawn(work(f"job {number}"), f"work {number}", within=within)
            tasks.spawn(quiet(f"the starter of {number}"), "nobody's")
    log.info("nobody's line")
    await asyncio.sleep(0)
    turn.set()
    for _ in range(4):
        await asyncio.sleep(0)
    await tasks.close()

    found = set_up()
    own = {line["event"]: line.get("job") for line in found}
    assert own == {
        "nobody's line": None,
        "job 1 begins": "1",
        "job 2 begins": "2",
        "the starter of 1 left this to somebody": None,
        "the starter of 2 left this to somebody": None,
        "The task 'work 1' failed": "1",
        "The task 'work 2' failed": "2",
        "job 1 left this to somebody": None,
        "job 2 left this to somebody": None,
    }
    assert all(line["member"] == line["job"] + "0" for line in found if "job" in line)


def test_the_ids_are_those_at_the_moment_of_the_line(set_up: Lines) -> None:
    known = [JobIds(1, 2, 3), JobIds(1, 2, 3, "req-1")]
    with job_lines(lambda: known[0]):
        logging.getLogger("bot.x").info("before")
        known.pop(0)
        logging.getLogger("bot.x").info("after")
    before, after = set_up()
    assert "request" not in before
    assert (after["job"], after["member"], after["server"], after["request"]) == ("1", "2", "3", "req-1")


def test_ids_of_jobs_and_of_lost_requests() -> None:
    job = new_job()
    assert ids_of(job) == (job.id, job.user_id, job.quota_guild_id, job.request_id)
    pending = PendingReply(5, 6, CardLocation(7, 8, token_expires=datetime(2026, 1, 1, tzinfo=UTC)))
    assert ids_of_pending(pending) == (5, 6, 8, None)
