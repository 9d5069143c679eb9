"""The stand-in's gateway: sessions that can be dropped, resumed and replayed."""

from __future__ import annotations

import json
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from fakes.discord import payloads
from fakes.discord.model import APPLICATION_ID, Json, server_id, user_payload

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID_SESSION, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11
HEARTBEAT_INTERVAL = 41250  # milliseconds


class Line:
    """One websocket, compressed where the client asked for it."""

    def __init__(self, socket: web.WebSocketResponse, compression: str | None) -> None:
        self.socket = socket
        self._deflate = zlib.compressobj() if compression == "zlib-stream" else None

    async def send(self, payload: Json) -> None:
        """Send one payload; a line that has just gone down loses it."""
        text = json.dumps(payload)
        try:
            if self._deflate is None:
                await self.socket.send_str(text)
            else:
                packed = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                await self.socket.send_bytes(packed)
        except (ConnectionError, RuntimeError):
            return  # the session keeps its events for a RESUME


@dataclass(slots=True)
class Session:
    """What one IDENTIFY began."""

    id: str
    line: Line | None
    shard_id: int = 0
    shard_count: int = 1
    events: list[Json] = field(default_factory=list)

    async def dispatch(self, name: str, data: Any) -> None:
        """Send an event, and keep it for a RESUME."""
        event = {"op": DISPATCH, "t": name, "s": len(self.events) + 1, "d": data}
        self.events.append(event)
        if self.line is not None:
            await self.line.send(event)


@dataclass(slots=True)
class Identify:
    """That a client began a session, and for how long an earlier one of the same shard still had a line."""

    shard_id: int
    shard_count: int
    at: float  # on the machine's clock
    older: Line | None
    doubled_until: float | None = None


class Gateway:
    """Greets clients, and sends the latest session what happens."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._sessions: dict[str, Session] = {}
        self._lines: set[Line] = set()
        self.session: Session | None = None  # the latest of the first shard, which has all servers
        self.shards: dict[int, Session] = {}  # the latest of each
        self.identifies: list[Identify] = []
        self.servers = 1  # that the bot is a member of
        self.shards_required = 1  # with fewer no session begins
        self.url = ""
        self.away = False  # takes no new line
        self.refused = 0
        self.ready_without: set[str] = set()  # what the next READYs lack
        self.identified = 0
        self.resumed = 0

    @property
    def connected(self) -> bool:
        """Tell whether the latest session has a line."""
        return self.session is not None and self.session.line is not None

    async def dispatch(self, name: str, data: Any, *, server: int = 0) -> None:
        """Send an event to the latest session of a server's shard."""
        assert self.session is not None, "no client has identified yet"
        shard = server % self.session.shard_count
        if shard in self.shards:  # else nobody hears of it
            await self.shards[shard].dispatch(name, data)

    def serves(self, server: int) -> bool:
        """Tell whether the shard of a server has a line."""
        latest = self.identifies[-1] if self.identifies else None
        session = self.shards.get(server % latest.shard_count) if latest else None
        return session is not None and session.line is not None

    async def drop(self, code: int) -> None:
        """Close the line with this code."""
        await self._line().socket.close(code=code)

    async def ask_to_reconnect(self) -> None:
        """Send op 7."""
        await self._line().send({"op": RECONNECT, "d": None})

    async def invalidate(self, *, resumable: bool) -> None:
        """Send op 9; a session that cannot be resumed is forgotten."""
        line = self._line()
        if not resumable:
            assert self.session is not None
            del self._sessions[self.session.id]
        await line.send({"op": INVALID_SESSION, "d": resumable})

    async def close(self) -> None:
        """Hang up on everyone."""
        for line in list(self._lines):
            await line.socket.close(code=1001)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket."""
        if self.away:
            self.refused += 1
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=0)
        await socket.prepare(request)
        line = Line(socket, request.query.get("compress"))
        self._lines.add(line)
        await line.send({"op": HELLO, "d": {"heartbeat_interval": HEARTBEAT_INTERVAL}})
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._hear(line, json.loads(message.data))
        finally:
            self._lines.discard(line)
            for begun in self.identifies:
                if begun.older is line:
                    begun.doubled_until = time.monotonic()
            for session in self._sessions.values():
                if session.line is line:
                    session.line = None
        return socket

    def _line(self) -> Line:
        assert self.session is not None
        assert self.session.line is not None, "no line to a client"
        return self.session.line

    async def _hear(self, line: Line, payload: Json) -> None:
        match payload["op"]:
            case 1:
                await line.send({"op": ACK, "d": None})
            case 2:
                await self._identify(line, payload["d"])
            case 6:
                await self._resume(line, payload["d"])

    async def _identify(self, line: Line, data: Json) -> None:
        if data["token"] != self._token:
            await line.socket.close(code=4004)
            return
        shard_id, shard_count = data.get("shard", [0, 1])
        if shard_count < self.shards_required:
            await line.socket.close(code=4011)
            return
        self.identified += 1
        session = Session(f"session-{self.identified}", line, shard_id, shard_count)
        older = self.shards.get(shard_id)
        before = older.line if older is not None else None
        self.identifies.append(Identify(shard_id, shard_count, time.monotonic(), before))
        self._keep(session)
        servers = [number for number in range(self.servers) if number % shard_count == shard_id]
        ready = {
            "v": 10,
            "user": user_payload(APPLICATION_ID, "vidu", bot=True),
            "guilds": [{"id": str(server_id(number)), "unavailable": True} for number in servers],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "application": {"id": str(APPLICATION_ID), "flags": 0},
        }
        if "shard" in data:
            ready["shard"] = data["shard"]
        for key in self.ready_without:
            del ready[key]
        await session.dispatch("READY", ready)
        for number in servers:
            await session.dispatch("GUILD_CREATE", payloads.guild(number))

    def _keep(self, session: Session) -> None:
        self._sessions[session.id] = self.shards[session.shard_id] = session
        if not session.shard_id:
            self.session = session

    async def _resume(self, line: Line, data: Json) -> None:
        session = self._sessions.get(data["session_id"])
        if session is None:
            await line.send({"op": INVALID_SESSION, "d": False})
            return
        self.resumed += 1
        self._keep(session)
        session.line = line
        for event in session.events[data["seq"] :]:
            await line.send(event)
        await session.dispatch("RESUMED", {})
