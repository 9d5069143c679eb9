"""What the stand-in GMI Cloud can be told to do: faults of calls, and ends of requests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatch
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Fault:
    """How a call goes wrong: with an answer, with silence, or with a broken connection."""

    status: int = 500
    text: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = 1  # None: for ever
    after: bool = False  # the call is handled first, only its answer is lost
    reset: bool = False
    cut: bool = False  # the handled answer breaks off in its middle
    silent: bool = False
    trickle: bool = False  # a body that never ends, a little at a time
    raw: bytes | None = None  # in place of the text
    method: str = "*"
    path: str = "*"

    def at(self, method: str, path: str) -> Self:
        """Return this fault for one method and path."""
        return replace(self, method=method, path=path)

    def once_less(self) -> Self:
        """Return what is left after it was played."""
        assert self.times is not None
        return replace(self, times=self.times - 1)

    def repeated(self, times: int | None) -> Self:
        """Return this fault so many times; None is for ever."""
        return replace(self, times=times)


def answer(status: int, body: dict[str, Any] | str, content_type: str = "application/json") -> Fault:
    """Return a fault with this answer."""
    text = body if isinstance(body, str) else json.dumps(body)
    return Fault(status, text, content_type=content_type)


def rate_limited(retry_after_ms: int) -> Fault:
    """Return GMI's documented answer to too many requests."""
    text = f"Rate limit exceeded for model X: 2 requests per 60 seconds. Retry in {retry_after_ms} ms."
    limit = {"limit_type": "RPM", "limit": 2, "interval_seconds": 60, "retry_after_ms": retry_after_ms}
    return answer(429, {"error": text, "rate_limit": limit})


BAD_KEY = answer(401, {"error": "Invalid API key"})
NO_CREDIT = answer(
    402, {"error": "Insufficient credits. Please top up at https://console.example.invalid/billing"}
)
CAPACITY = answer(503, {"error": "Upstream capacity temporarily exhausted"})
PROXY_503 = answer(503, {"message": "Service Unavailable"})
BACKEND_400 = answer(500, {"error": "Backend error (400). PageSizeOutOfRange: duration of sk-secret-body"})
POLICY = answer(
    400, {"error": {"message": "CreationPolicyViolation: the prompt 'a secret prompt' is not allowed"}}
)
HTML_PAGE = answer(502, "<html><body>Bad gateway, ray 12345</body></html>", "text/html")
NONSENSE = answer(200, "{not json")
EMPTY = answer(200, "")
NOT_UTF8 = Fault(200, raw=b'{"request_id": "\xff\xfe"}')
NESTED = answer(200, "[" * 100_000 + "]" * 100_000)
NESTED_ERROR = answer(500, '{"error":' + "[" * 100_000 + "]" * 100_000 + "}")
RESET_BEFORE = Fault(reset=True)
RESET_AFTER = Fault(reset=True, after=True)
CUT = Fault(cut=True, after=True)
SILENCE = Fault(silent=True, after=True)
TRICKLE = Fault(trickle=True)


def redirect(target: str) -> Fault:
    """Return an answer that sends whoever asks to another place, for ever."""
    return Fault(302, headers={"Location": target}, times=None)


# How the list of requests can answer: its page size, order and outcomes are documented nowhere.
LIST_MODES: dict[str, Fault] = {
    "empty": answer(200, {"requests": []}),
    "error": answer(500, {"error": "internal error"}),
    "html": HTML_PAGE,
    "missing": answer(404, "404 page not found", "text/plain"),
    "nonsense": NONSENSE,
    "other shape": answer(200, {"data": {"items": []}}),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an accepted request ends."""

    status: str = "success"
    result: Any = None  # the outcome of anything but a success
    top_level: dict[str, Any] = field(default_factory=dict)
    videos: int = 1
    old_shape: bool = False  # video_url in place of media_urls
    broken_links: bool = False
    links: tuple[str, ...] = ()  # in place of those of the videos
    megabytes: int = 0  # every video is padded to that size
    working_word: str = "processing"
    delay: float = 0.0  # seconds more in line
    stuck: bool = False  # in line for ever
    synchronous: bool = False  # the answer to the POST already is the end
    bare: bool = False  # that answer has no outcome: the end is told in full by a GET only
    echoes: bool = True  # the payload in the record
    listed_echo: bool = True  # ... and in the list
    defaults: dict[str, Any] = field(default_factory=dict)  # what the echoed payload has beside what was sent
    shape: str = "media_urls"  # where the links stand: a key of SHAPES
    success_word: str = "success"
    link_after: float = 0.0  # seconds from the end until the outcome is there
    listed_end: bool = True  # the list has the outcome too, or the reason
    clock: str = "seconds"  # how the record tells times: a key of CLOCKS

    def success(self, links: Sequence[str]) -> dict[str, Any]:
        """Return the outcome of a success with these links."""
        if self.links:
            links = self.links
        if self.broken_links:
            links = [f"{link}.gone" for link in links]
        if self.old_shape and links:
            return SHAPES["video_url"](links)
        return SHAPES[self.shape](links)


# Where public clients of GMI Cloud have seen links.
SHAPES: dict[str, Callable[[Sequence[str]], dict[str, Any]]] = {
    "media_urls": lambda links: {
        "media_urls": [{"id": str(number), "url": link} for number, link in enumerate(links)]
    },
    "strings": lambda links: {"media_urls": list(links)},
    "url": lambda links: {"url": links[0], "thumbnail_image_url": f"{links[0]}.thumbnail.mp4"},
    "video_url": lambda links: {"video_url": links[0], "thumbnail_image_url": f"{links[0]}.thumbnail.mp4"},
}

# How a record may tell a moment, given in seconds since 1970.
CLOCKS: dict[str, Callable[[int], Any]] = {
    "seconds": lambda seconds: seconds,
    "milliseconds": lambda seconds: seconds * 1000,
    "text": lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat(),
    "nothing": lambda _: None,
    "nonsense": lambda _: 10**30,
}


def failed(text: str | dict[str, Any] | None) -> Outcome:
    """Return a failure that gives this reason, or none."""
    return Outcome("failed", {"error": text} if text else None)


def failed_at_top(text: str, key: str = "error") -> Outcome:
    """Return a failure that gives its reason beside the outcome, not in it."""
    return Outcome("failed", top_level={key: text})


SUCCESS = Outcome()
CANCELLED = Outcome("cancelled")
STUCK = Outcome(stuck=True)
WITHOUT_LINK = Outcome(videos=0)


def backend_error(status: int) -> Fault:
    """Return how GMI tells that its vendor answered with this status."""
    return answer(500, {"error": f"Backend error ({status}). Something of sk-secret-body"})


# Words by which a visitor of the demo provokes trouble. A fault is played `times` for each payload.
PROMPT_FAULTS: dict[str, Outcome | Fault] = {
    "!fail": failed("TaskTimeout: https://storage.example.invalid/x?sig=secret"),
    "!policy": failed("TaskPromptPolicyViolation: 'secret prompt'"),
    "!cancel": CANCELLED,
    "!slow": Outcome(delay=60.0),
    "!credit": NO_CREDIT.repeated(None),
    "!busy": rate_limited(8000),
}


class Script:
    """What is still to be played, taken piece by piece."""

    def __init__(self, *, prompt_faults: bool) -> None:
        self.faults: list[Fault] = []
        self.outcomes: list[Outcome] = []
        self._words = PROMPT_FAULTS if prompt_faults else {}
        self._provoked: Counter[str] = Counter()

    def take_fault(self, method: str, path: str) -> Fault | None:
        """Take the first fault that fits this call."""
        for position, fault in enumerate(self.faults):
            if fault.method in ("*", method) and fnmatch(path, fault.path):
                if fault.times == 1:
                    del self.faults[position]
                elif fault.times is not None:
                    self.faults[position] = fault.once_less()
                return fault
        return None

    def take_end(self, payload: dict[str, Any]) -> Outcome | Fault:
        """Take what becomes of this submission: what its prompt provokes, or else the next outcome."""
        for word, provoked in self._words.items():
            if word in payload["prompt"] and self._counts(word, payload, provoked):
                return provoked
        return self.outcomes.pop(0) if self.outcomes else SUCCESS

    def _counts(self, word: str, payload: dict[str, Any], provoked: Outcome | Fault) -> bool:
        if isinstance(provoked, Outcome) or provoked.times is None:
            return True
        submission = json.dumps([word, payload], sort_keys=True)
        self._provoked[submission] += 1
        return self._provoked[submission] <= provoked.times
