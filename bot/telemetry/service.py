"""Health, readiness and metrics of one process, and the server that shows them where there is one."""

from __future__ import annotations

from contextlib import AsyncExitStack

import aiohttp

from bot.clock import Clock
from bot.models.budgets import Price
from bot.tasks import Tasks
from bot.telemetry.discord_calls import trace_discord
from bot.telemetry.health import Health, Readiness
from bot.telemetry.metrics import NO_METRICS, Metrics


class Telemetry:
    """What the outside can learn of this process. With port 0 nothing is served, counted or loaded."""

    def __init__(self, address: tuple[str, int], clock: Clock, tasks: Tasks, price: Price | None) -> None:
        self._host, self._port = address
        self._clock = clock
        self._tasks = tasks
        self._parts = AsyncExitStack()
        self.metrics = _open_metrics(price) if self._port else NO_METRICS
        self.readiness = Readiness()
        self._health = Health(clock, tasks, self.metrics.loop_lagged)

    def trace_discord(self) -> aiohttp.TraceConfig:
        """Return what counts the requests of a session to Discord; nothing where nobody reads the counts."""
        return trace_discord(self.metrics, self._clock) if self._port else aiohttp.TraceConfig()

    async def __aenter__(self) -> Telemetry:
        """Begin to serve, if there is a port for it."""
        if self._port:
            from bot.telemetry.server import Server  # noqa: PLC0415 - see `_open_metrics`

            server = Server(
                self._host, self._port, health=self._health, readiness=self.readiness, metrics=self.metrics
            )
            self._tasks.supervise(self._health.beat, "measure the event loop")
            self._parts.push_async_callback(server.close)
            await server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop serving."""
        await self._parts.aclose()


def _open_metrics(price: Price | None) -> Metrics:
    # Imported here only: a bot without the server stays as small as it was.
    from bot.telemetry.counters import PrometheusMetrics  # noqa: PLC0415

    return PrometheusMetrics(price)
