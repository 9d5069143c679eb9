"""When other clients of video services ask for a status next, taken from their installed code."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any

# From the seconds since the job began and the questions asked so far.
Pause = Callable[[float, int, random.Random], float]


class PackageChanged(Exception):  # noqa: N818 - it names what happened
    """A package is missing or no longer has its schedule where it was found."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How one client asks."""

    name: str
    pause: Pause
    at_once: bool = False  # the first question comes before the first pause
    fixed: float | None = None  # seconds, where every pause is the same


def fixed(seconds: float, name: str = "", *, at_once: bool = False) -> Schedule:
    """Return a schedule of equal pauses."""
    return Schedule(name or f"fixed {seconds:g} s", lambda *_: seconds, at_once, seconds)


def full_jitter(first: float = 1.0, longest: float = 30.0) -> Schedule:
    """Return exponential pauses, each drawn between nothing and a bound that doubles."""
    return Schedule(
        f"exponential, full jitter {first:g}..{longest:g} s",
        lambda _, asked, chance: chance.uniform(0.0, min(longest, first * 2.0**asked)),
    )


def installed() -> list[Schedule]:
    """Return the schedules of the installed packages. Raises PackageChanged."""
    return [_named(read) for read in (_fal, _replicate, _runwayml, _openai, _genblaze)]


def _named(read: Callable[[], Schedule]) -> Schedule:
    try:
        return read()
    except (ImportError, AttributeError, KeyError, TypeError, ValueError) as error:
        name = read.__name__.removeprefix("_")
        raise PackageChanged(
            f"{name}: its schedule is not where bench/schedules.py looks ({error!r})"
        ) from error


def _fal() -> Schedule:
    seconds = float(import_module("fal_client.client").DEFAULT_QUEUE_POLL_INTERVAL)
    return fixed(seconds, f"fal-client ({seconds:g} s)", at_once=True)


def _replicate() -> Schedule:
    seconds = float(import_module("replicate.client").Client(api_token="none").poll_interval)  # noqa: S106
    return fixed(seconds, f"replicate ({seconds:g} s)")


def _runwayml() -> Schedule:
    polling = import_module("runwayml.lib.polling")
    middle, jitter = float(polling.POLL_TIME), float(polling.POLL_JITTER)
    return Schedule(
        f"runwayml ({middle:g} ± {jitter / 2:g} s)",
        lambda _, __, chance: middle + chance.random() * jitter - jitter / 2,
    )


def _openai() -> Schedule:
    """Let the polling helper itself run against a video that takes a few questions, and note its pauses."""
    pauses: list[float] = []

    def retrieve(*_: Any, **__: Any) -> Any:
        video = SimpleNamespace(status="completed" if len(pauses) >= 3 else "in_progress")
        return SimpleNamespace(parse=lambda: video, headers={})

    videos = SimpleNamespace(with_raw_response=SimpleNamespace(retrieve=retrieve), _sleep=pauses.append)
    poll = inspect.unwrap(import_module("openai.resources.videos").Videos.poll)
    poll(videos, "video")
    if len(set(pauses)) != 1:
        raise ValueError(f"pauses of {pauses}")
    return fixed(pauses[0], f"openai ({pauses[0]:g} s)", at_once=True)


def _genblaze() -> Schedule:
    adaptive = import_module("genblaze_core.providers.base")._adaptive_poll_interval
    provider = import_module("genblaze_gmicloud").GMICloudVideoProvider
    base = float(inspect.signature(provider.__init__).parameters["poll_interval"].default)
    return Schedule(
        f"genblaze-gmicloud ({base:g} s, doubling)",
        lambda waited, _, __: float(adaptive(waited, base)),
        at_once=True,
    )
