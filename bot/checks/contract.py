"""What GMI Cloud says of a model beside our own table: a difference is found before it costs anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.checks.findings import Finding, Level
from bot.gmi.client import GmiCloud, GmiError
from bot.gmi.description import Parameter
from bot.models.catalog import Model
from bot.models.states import Reason

KEY, CONTRACT = "GMI Cloud key", "model"
UPDATE = "Look for an update of this bot"
# GMI's words for a type, by what is sent; a word that isn't here is no reason to worry.
_TYPES = {
    "text": {"string", "str", "text"},
    "list": {"array", "list"},
    "number": {"integer", "int", "number", "float"},
}
_KNOWN_TYPES = frozenset().union(*_TYPES.values())


async def check_gmi(gmi: GmiCloud, model: Model) -> list[Finding]:
    """Ask GMI Cloud about a model, which costs nothing: whether it takes the key, and what it says."""
    try:
        parameters = await gmi.describe(model.id)
    except GmiError as error:
        if error.reason is Reason.KEY:
            return [Finding(Level.FAULT, KEY, f"GMI Cloud refuses it ({error}): check GMI_API_KEY.")]
        text = f"GMI Cloud can't be reached, or doesn't answer as it should ({error}). Try again later."
        return [Finding(Level.FAULT, KEY, text)]
    accepted = Finding(Level.OK, KEY, "GMI Cloud accepts it.")
    if parameters is None:
        gone = f"GMI Cloud doesn't know {model.id}, or doesn't let this key use it: no video can be made. "
        return [accepted, Finding(Level.FAULT, CONTRACT, f"{gone}{UPDATE}.")]
    if not parameters:
        text = f"GMI Cloud doesn't say what {model.id} takes, so it couldn't be compared."
        return [accepted, Finding(Level.WARNING, CONTRACT, text)]
    found = list(differences(parameters, model))
    return [accepted, *(found or [Finding(Level.OK, CONTRACT, f"{model.id} takes what this version sends.")])]


def differences(parameters: Mapping[str, Parameter], model: Model) -> Iterator[Finding]:
    """Yield what GMI Cloud takes otherwise than our table says; what it doesn't mention is no difference."""
    sent = {"prompt": "text", **dict.fromkeys((slot.key for slot in model.slots), "list")}
    sent |= {"duration": "number", "seed": "number"}
    for name, kind in sent.items():
        parameter = parameters.get(name)
        if parameter is None:
            text = f"{model.id} has no parameter {name} any more, and would ignore it without a word. "
            yield Finding(Level.FAULT, CONTRACT, f"{text}{UPDATE} before members pay for it.")
        elif parameter.type in _KNOWN_TYPES - _TYPES[kind]:
            text = f"{model.id} takes {name} as {parameter.type} now; this version sends a {kind}. "
            yield Finding(Level.FAULT, CONTRACT, f"{text}{UPDATE}.")
        else:
            yield from _limits(parameter, model)
    for parameter in parameters.values():
        if parameter.required and parameter.name not in sent:
            text = f"{model.id} requires {parameter.name} now, which this version doesn't send. "
            yield Finding(Level.FAULT, CONTRACT, f"{text}{UPDATE}.")


def _limits(parameter: Parameter, model: Model) -> Iterator[Finding]:
    """Yield how a parameter's limits differ: tighter ones refuse what the bot offers."""
    lowest, highest, unit = _ours(parameter.name, model)
    theirs = parameter.highest
    enough = parameter.name == "seed" and theirs is not None and theirs >= highest  # more seeds help nobody
    if theirs is not None and theirs != highest and not enough:
        text = f"up to {theirs:.12g}{unit}; this version offers up to {highest}{unit}"
        yield _differs(parameter, model, text, tighter=theirs < highest)
    if lowest is not None and parameter.lowest is not None and parameter.lowest != lowest:
        text = f"from {parameter.lowest:.12g}{unit}; this version offers from {lowest}{unit}"
        yield _differs(parameter, model, text, tighter=parameter.lowest > lowest)


def _differs(parameter: Parameter, model: Model, text: str, *, tighter: bool) -> Finding:
    level = Level.FAULT if tighter else Level.WARNING
    return Finding(level, CONTRACT, f"{model.id} takes {parameter.name} {text}. {UPDATE}.")


def _ours(name: str, model: Model) -> tuple[int | None, int, str]:
    """Return the least and the most of what the bot sends, and in what that is counted."""
    if name == "prompt":
        return None, model.prompt.length_max, " characters"
    if name == "duration":
        return model.durations.min, model.durations.max, " seconds"
    if name == "seed":
        return None, model.seeds.max, ""
    return None, next(slot.count_max for slot in model.slots if slot.key == name), " files"
