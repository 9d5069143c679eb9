"""The HTTP server that answers whether the bot is well, whether it can serve, and what it has counted."""

from __future__ import annotations

import errno
import logging

from aiohttp import web

from bot.telemetry.health import Health, Readiness, Report
from bot.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus's text format
STOP_SECONDS = 1.0  # how long a stop waits for an answer that is on its way


class Server:
    """Serves /healthz, /readyz and /metrics."""

    def __init__(
        self, host: str, port: int, *, health: Health, readiness: Readiness, metrics: Metrics
    ) -> None:
        self._host = host
        self._port = port
        self._health = health
        self._readiness = readiness
        self._metrics = metrics
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._show_metrics)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=STOP_SECONDS)

    async def start(self) -> None:
        """Listen. Where that does not work the bot does without: members need no metrics."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            log.warning(
                "Health and metrics are not served: port %d of %s can't be used (%s). The bot goes on "
                "without; set HTTP_PORT to a free port, or to 0 for no server",
                self._port,
                self._host,
                errno.errorcode.get(error.errno or 0, type(error).__name__),
            )
        else:
            log.info("Health and metrics are at port %d of %s", self._port, self._host)

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return _answer(self._health.report())

    async def _readyz(self, _: web.Request) -> web.Response:
        return _answer(await self._readiness.report())

    async def _show_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.exposition(), headers={"Content-Type": METRICS_TYPE})


def _answer(report: Report) -> web.Response:
    return web.Response(text=report.text, status=200 if report.ok else 503)
