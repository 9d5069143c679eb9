"""What the stand-in GMI Cloud refuses: the documented contract, and what GMI would ignore in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.models.requests import (
    DURATION_DEFAULT,
    DURATION_MAX,
    DURATION_MIN,
    IMAGES_MAX,
    IMAGES_MAX_WITH_VIDEOS,
    MODEL,
    PROMPT_MAX,
    VIDEOS_MAX,
)

FIELDS = frozenset({"prompt", "images", "videos", "duration", "seed"})

# Storage signs the type as well: another one in the PUT is refused. That of jpg really is image/jpg.
UPLOAD_TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "jpg": "image/jpg",
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that says no."""

    status: int
    text: str


def check_submission(body: Any) -> Refusal | None:
    """Return why this submission is refused, or None."""
    if not isinstance(body, dict) or set(body) != {"model", "payload"}:
        return Refusal(400, "the body must be an object with model and payload, nothing else")
    if body["model"] != MODEL:
        return Refusal(404, f"model {body['model']} does not exist")
    payload = body["payload"]
    if not isinstance(payload, dict):
        return Refusal(400, "payload must be an object")
    if misnamed(body):
        return Refusal(400, f"payload has unknown fields: {', '.join(misnamed(body))}")
    if None in payload.values():
        return Refusal(400, "payload holds a null: leave the field out")
    fault = _prompt_fault(payload) or _reference_fault(payload) or _number_fault(payload)
    return Refusal(400, fault) if fault else None


def misnamed(body: Any) -> list[str]:
    """Return the payload's fields that the model does not have: GMI ignores them without a word."""
    payload = body.get("payload") if isinstance(body, dict) else None
    return sorted(set(payload) - FIELDS) if isinstance(payload, dict) else []


def describe_model() -> dict[str, Any]:
    """Return the model's description with its parameters."""
    image, video = {"type": "array", "required": False}, {"type": "array", "required": False}
    return {
        "model": MODEL,
        "parameters": {
            "prompt": {"type": "string", "required": True, "max_length": PROMPT_MAX},
            "images": image | {"max_items": IMAGES_MAX},
            "videos": video | {"max_items": VIDEOS_MAX},
            "duration": {
                "type": "integer",
                "required": False,
                "default": DURATION_DEFAULT,
                "min_value": DURATION_MIN,
                "max_value": DURATION_MAX,
            },
            "seed": {"type": "integer", "required": False},
        },
    }


def _prompt_fault(payload: dict[str, Any]) -> str | None:
    prompt = payload.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        return "prompt is required"
    return f"prompt has more than {PROMPT_MAX} characters" if len(prompt) > PROMPT_MAX else None


def _reference_fault(payload: dict[str, Any]) -> str | None:
    lists = [payload[name] for name in ("images", "videos") if name in payload]
    if not lists:
        return "this is a reference-to-video model: images or videos are required"
    if not all(isinstance(each, list) and each for each in lists):
        return "images and videos must be lists that are not empty: leave the field out"
    if not all(
        isinstance(url, str) and url.startswith(("http://", "https://")) for each in lists for url in each
    ):
        return "images and videos must hold public URLs"
    images, videos = len(payload.get("images", [])), len(payload.get("videos", []))
    limit = IMAGES_MAX_WITH_VIDEOS if videos else IMAGES_MAX
    if images > limit:
        return f"images has {images} entries, at most {limit} are allowed here"
    return f"videos has {videos} entries, at most {VIDEOS_MAX} are allowed" if videos > VIDEOS_MAX else None


def _number_fault(payload: dict[str, Any]) -> str | None:
    duration, seed = payload.get("duration", DURATION_DEFAULT), payload.get("seed", 0)
    # A bool is an int in Python, and nothing else is in JSON.
    if type(duration) is not int or not DURATION_MIN <= duration <= DURATION_MAX:
        return f"duration must be an integer from {DURATION_MIN} to {DURATION_MAX}"
    return "seed must be an integer" if type(seed) is not int else None
