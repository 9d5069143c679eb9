"""The larger bodies that Discord sends: its server, its application, and a command that a member ran."""

from __future__ import annotations

from typing import Any

import discord

from fakes.discord.model import (
    APPLICATION_ID,
    CHANNEL_ID,
    GUEST_GUILD_ID,
    GUILD_ID,
    Account,
    Attachment,
    Json,
    Message,
    channel_of,
    place_of,
    server_id,
    user_payload,
)

JOINED = "2026-01-01T00:00:00+00:00"
UPLOAD_LIMIT = 10 * 1024 * 1024  # bytes; a server without boosts
MEMBER_PERMISSIONS = discord.Permissions(
    view_channel=True, send_messages=True, attach_files=True, read_message_history=True, embed_links=True
)

_STRING, _INTEGER, _BOOLEAN, _ATTACHMENT, _SUBCOMMAND = 3, 4, 5, 11, 1
_TEXT_INPUT, _LABEL, _FILES = 4, 18, 19


def application() -> Json:
    """Return the bot's application."""
    return {
        "id": str(APPLICATION_ID),
        "name": "vidu",
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": user_payload(APPLICATION_ID + 1, "operator"),
        "team": None,
        "verify_key": "fake",
        "flags": 0,
        "summary": "",
    }


def channel(guild_id: int = GUILD_ID, channel_id: int = CHANNEL_ID) -> Json:
    """Return a text channel."""
    return {
        "id": str(channel_id),
        "type": 0,
        "name": "videos",
        "position": 0,
        "permission_overwrites": [],
        "nsfw": False,
        "parent_id": None,
        "guild_id": str(guild_id),
    }


def everyone(guild_id: int) -> Json:
    """Return the role that everybody in a server has."""
    return {
        "id": str(guild_id),
        "name": "@everyone",
        "color": 0,
        "hoist": False,
        "position": 0,
        "permissions": str(MEMBER_PERMISSIONS.value),
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def guild(number: int = 0) -> Json:
    """Return one of the servers; as long as the fields that the library reads."""
    guild_id = server_id(number)
    return {
        "id": str(guild_id),
        "name": "A server",
        "owner_id": str(APPLICATION_ID + 1),
        "roles": [everyone(guild_id)],
        "channels": [channel(guild_id, channel_of(number))],
        "members": [member(user_payload(APPLICATION_ID, "vidu", bot=True))],
        "member_count": 2,
        "premium_tier": 0,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "preferred_locale": "en-US",
        "afk_timeout": 300,
        "system_channel_flags": 0,
        **{
            name: []
            for name in (
                "emojis",
                "stickers",
                "features",
                "threads",
                "presences",
                "voice_states",
                "stage_instances",
                "guild_scheduled_events",
                "soundboard_sounds",
            )
        },
    }


def member(user: Json) -> Json:
    """Return a member of the server."""
    return {"user": user, "roles": [], "joined_at": JOINED, "deaf": False, "mute": False, "flags": 0}


def command_event(
    interaction_id: int,
    token: str,
    account: Account,
    command: str,
    options: dict[str, Any],
    *,
    channel_id: int = CHANNEL_ID,
) -> Json:
    """Return INTERACTION_CREATE for a slash command; files are given as Attachment."""
    name, *groups = command.split()
    given = [_option(option, value) for option, value in options.items()]
    for group in reversed(groups):
        given = [{"type": _SUBCOMMAND, "name": group, "options": given}]
    files = {str(file.id): file.payload() for file in options.values() if isinstance(file, Attachment)}
    data = {
        "id": str(APPLICATION_ID + 7),
        "name": name,
        "type": 1,
        "options": given,
        "resolved": {"attachments": files} if files else {},
    }
    return {**_interaction(interaction_id, token, account, channel_id), "type": 2, "data": data}


def answer_event(
    interaction_id: int, token: str, account: Account, modal: Json, typed: dict[str, Any]
) -> Json:
    """Return INTERACTION_CREATE for the answer to a window, as it was filled before or is typed now."""
    labels, files = [], {}
    for label in modal["components"]:
        field = label["component"]
        value = typed.get(field["custom_id"], _filled_in(field))
        if field["type"] == _FILES:
            files.update({str(file.id): file.payload() for file in value})
            value = [str(file.id) for file in value]
        name = "value" if field["type"] == _TEXT_INPUT else "values"
        answer = {"type": field["type"], "custom_id": field["custom_id"], name: value}
        labels.append({"type": _LABEL, "component": answer})
    data = {
        "custom_id": modal["custom_id"],
        "components": labels,
        "resolved": {"attachments": files} if files else {},
    }
    return {**_interaction(interaction_id, token, account), "type": 5, "data": data}


def press_event(interaction_id: int, token: str, account: Account, message: Message, custom_id: str) -> Json:
    """Return INTERACTION_CREATE for a press on a button of a message."""
    data = {"custom_id": custom_id, "component_type": 2}
    about = {"type": 3, "data": data, "message": message.payload()}
    return {**_interaction(interaction_id, token, account, message.channel_id), **about}


def _filled_in(field: Json) -> Any:
    if field["type"] == _TEXT_INPUT:
        return field.get("value", "")
    return [option["value"] for option in field.get("options", ()) if option.get("default")]


def _interaction(interaction_id: int, token: str, account: Account, channel_id: int = CHANNEL_ID) -> Json:
    """Return what all interactions have in common.

    In the channel of a guest the bot is installed for the person who asks, and not in their server.
    """
    _, guild_id = place_of(channel_id)
    guest = guild_id == GUEST_GUILD_ID
    permissions = str(MEMBER_PERMISSIONS.value)
    return {
        "id": str(interaction_id),
        "application_id": str(APPLICATION_ID),
        "token": token,
        "version": 1,
        "guild_id": str(guild_id),
        "guild": {"id": str(guild_id), "locale": "en-US", "features": []},
        "guild_locale": "en-US",
        "locale": "en-US",
        "channel_id": str(channel_id),
        "channel": {**channel(guild_id, channel_id), "permissions": permissions},
        "member": {**member(account.payload()), "permissions": permissions},
        "app_permissions": permissions,
        "entitlements": [],
        "authorizing_integration_owners": {"1": str(account.id)} if guest else {"0": str(guild_id)},
        "context": 0,
        "attachment_size_limit": UPLOAD_LIMIT,
    }


def _option(name: str, value: Any) -> Json:
    if isinstance(value, Attachment):
        return {"name": name, "type": _ATTACHMENT, "value": str(value.id)}
    kind = _BOOLEAN if isinstance(value, bool) else _INTEGER if isinstance(value, int) else _STRING
    return {"name": name, "type": kind, "value": value}
