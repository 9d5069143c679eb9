"""How the stand-in's REST answers: JSON, and the refusals that Discord documents."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from fakes.discord.model import Call, Refusal

UNKNOWN_MESSAGE = Refusal(404, 10008, "Unknown Message")
UNKNOWN_INTERACTION = Refusal(404, 10062, "Unknown interaction")
UNKNOWN_WEBHOOK = Refusal(404, 10015, "Unknown Webhook")
ACKNOWLEDGED = Refusal(400, 40060, "Interaction has already been acknowledged.")
INVALID_TOKEN = Refusal(401, 50027, "Invalid Webhook Token")
UNAUTHORIZED = Refusal(401, 0, "401: Unauthorized")
EMPTY_MESSAGE = Refusal(400, 50006, "Cannot send an empty message")
TOO_LARGE = Refusal(413, 40005, "Request entity too large")
CALL: web.RequestKey[Call] = web.RequestKey("call", Call)


def reply(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return JSON; discord.py takes it for text if the type names a charset."""
    body = json.dumps(payload).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
