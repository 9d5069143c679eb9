"""Logging: one formatter for all of it, readable in a terminal and JSON elsewhere, without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any

import stamina.instrumentation
import structlog
from stamina.instrumentation import RetryDetails
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict

from bot.telemetry.job_lines import add_job_ids
from bot.telemetry.redaction import Redaction

log = logging.getLogger(__name__)

OURS = ("bot", "cogs")  # the only loggers that may say more than INFO
# Statements with their values: SQLAlchemy writes them on INFO already, Alembic its migrations.
QUIET = ("sqlalchemy", "aiosqlite", "asyncpg", "alembic")
# What lines of ours may add to their text with `extra`; what libraries add may hold anything.
FIELDS = ("from", "to", "reason", "detail", "report_code", "exit_code")
_NOISE = ("voice will NOT be supported", "logging in using static token")  # nothing to do about either


class LogFormat(StrEnum):
    """How lines are written."""

    AUTO = "auto"  # for readers in a terminal, for programs elsewhere
    TEXT = "text"
    JSON = "json"


class ShortReconnects(logging.Filter):
    """Lets an attempt to reconnect be one line: its traceback tells nothing that the line does not."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the type of the exception in place of its traceback."""
        if record.exc_info and record.exc_info[0] and str(record.msg).startswith("Attempting a reconnect"):
            record.msg = f"{record.msg} ({record.exc_info[0].__name__})"
            record.exc_info = record.exc_text = None
        return True


class NoNoise(logging.Filter):
    """Drops what the library says at every start: that voice is not installed, for example."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is to be written."""
        return not any(noise in str(record.msg) for noise in _NOISE)


class Handler(logging.StreamHandler[Any]):
    """Writes lines; of one that cannot be written it says where it came from, not what it held."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Write a line in place of the one that failed: the library would print its arguments."""
        if record.name == __name__:
            return  # not even that works
        log.error("A line of %s (line %d) could not be written", record.name, record.lineno)


def formatter(log_format: LogFormat, secrets: Iterable[str], *, terminal: bool) -> ProcessorFormatter:
    """Return what turns records into lines."""
    if log_format is LogFormat.AUTO:
        log_format = LogFormat.TEXT if terminal else LogFormat.JSON
    stamp = TimeStamper(fmt="iso", utc=True)
    render: Sequence[Callable[..., Any]]
    if log_format is LogFormat.JSON:
        render = [_ordered, JSONRenderer(ensure_ascii=False)]
    else:
        # Never the traceback that shows variables: they hold prompts and tokens.
        plain = ConsoleRenderer(
            colors=terminal, pad_event_to=0, sort_keys=False, exception_formatter=plain_traceback
        )
        render = [plain]
    return ProcessorFormatter(
        foreign_pre_chain=[ExtraAdder(allow=FIELDS)],
        processors=[
            add_log_level,
            add_logger_name,
            add_job_ids,
            ProcessorFormatter.remove_processors_meta,
            stamp,
            format_exc_info,
            Redaction(secrets),
            *render,
        ],
    )


def set_up(level: str, secrets: Iterable[str], log_format: LogFormat = LogFormat.AUTO) -> None:
    """Send all logs of this level and above to standard error.

    On DEBUG the libraries stay at INFO: below it they write whole events, bodies and statements.
    """
    handler = Handler()
    handler.setFormatter(formatter(log_format, secrets, terminal=sys.stderr.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.getLevelName(level), logging.INFO))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.getLevelName(level), logging.WARNING))
    for name in ("discord.client", "discord.shard"):
        logging.getLogger(name).addFilter(ShortReconnects())
    logging.getLogger("discord.client").addFilter(NoNoise())
    logging.captureWarnings(True)
    _tame_libraries()


def _tame_libraries() -> None:
    """Let libraries that know structlog write through the standard library like all others."""
    structlog.configure(
        processors=[ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    # Its own lines name nothing but an event, or everything that was passed.
    stamina.instrumentation.set_on_retry_hooks([_log_retry])


def _log_retry(details: RetryDetails) -> None:
    text = "Attempt %d failed (%s); the next one is in %.1f s"
    log.info(text, details.retry_num, type(details.caused_by).__name__, details.wait_for)


_FIRST = ("timestamp", "level", "logger", "event", "job", "member", "server", "request")


def _ordered(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Put first what every line has: a person may read JSON too."""
    return {name: event[name] for name in _FIRST if name in event} | dict(event)
