"""What the stand-in GMI Cloud refuses: the documented contract, and what GMI would ignore in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.models.catalog import CATALOG, DEFAULT, Model

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
    model = CATALOG.get(body["model"]) if isinstance(body["model"], str) else None
    if model is None:
        return Refusal(404, f"model {body['model']} does not exist")
    payload = body["payload"]
    if not isinstance(payload, dict):
        return Refusal(400, "payload must be an object")
    if misnamed(body):
        return Refusal(400, f"payload has unknown fields: {', '.join(misnamed(body))}")
    if None in payload.values():
        return Refusal(400, "payload holds a null: leave the field out")
    problem = (
        _prompt_problem(model, payload)
        or _reference_problem(model, payload)
        or _number_problem(model, payload)
    )
    return Refusal(400, problem) if problem else None


def misnamed(body: Any) -> list[str]:
    """Return the payload's fields that the model does not have: GMI ignores them without a word."""
    payload = body.get("payload") if isinstance(body, dict) else None
    return sorted(set(payload) - set(_parameters(DEFAULT))) if isinstance(payload, dict) else []


def describe_model(model: Model = DEFAULT) -> dict[str, Any]:
    """Return the model's description with its parameters, in GMI's shape."""
    parameters = [
        {"name": name, "display_name": name.title()} | of for name, of in _parameters(model).items()
    ]
    return {"model": model.id, "org_id": "vidu", "modalities": {}, "parameters": parameters}


def _parameters(model: Model) -> dict[str, dict[str, Any]]:
    prompt, durations = model.prompt, model.durations
    slots = {
        slot.key: {"type": "array", "required": False, "max_items": slot.count_max} for slot in model.slots
    }
    return {
        "prompt": {"type": "string", "required": prompt.required, "max_length": prompt.length_max},
        **slots,
        "duration": {
            "type": "integer",
            "required": False,
            "default": durations.default,
            "min_value": durations.min,
            "max_value": durations.max,
        },
        "seed": {"type": "integer", "required": False},
    }


def _prompt_problem(model: Model, payload: dict[str, Any]) -> str | None:
    prompt, limit = payload.get("prompt"), model.prompt.length_max
    if not isinstance(prompt, str) or (model.prompt.required and not prompt):
        return "prompt is required"
    return f"prompt has more than {limit} characters" if len(prompt) > limit else None


def _reference_problem(model: Model, payload: dict[str, Any]) -> str | None:
    given = {slot.key: payload[slot.key] for slot in model.slots if slot.key in payload}
    if not given:
        return "this is a reference-to-video model: images or videos are required"
    if not all(isinstance(urls, list) and urls for urls in given.values()):
        return "images and videos must be lists that are not empty: leave the field out"
    if not all(
        isinstance(url, str) and url.startswith(("http://", "https://"))
        for urls in given.values()
        for url in urls
    ):
        return "images and videos must hold public URLs"
    for slot in model.slots:
        count, limit = (
            len(given.get(slot.key, [])),
            slot.count_max_mixed if len(given) > 1 else slot.count_max,
        )
        if count > limit:
            return f"{slot.key} has {count} entries, at most {limit} are allowed here"
    return None


def _number_problem(model: Model, payload: dict[str, Any]) -> str | None:
    durations = model.durations
    duration, seed = payload.get("duration", durations.default), payload.get("seed", 0)
    # A bool is an int in Python, and nothing else is in JSON.
    if type(duration) is not int or not durations.min <= duration <= durations.max:
        return f"duration must be an integer from {durations.min} to {durations.max}"
    return "seed must be an integer" if type(seed) is not int else None
