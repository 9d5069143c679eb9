"""The table of models: what each takes, and where that is documented. The limits stand here and nowhere else.

Sources: [GMI] GMI Cloud's page of the model, [Vidu] Vidu's own API documentation of the reference-to-video
task. A model that is not in the table is not used: GMI ignores misnamed fields without a word, and charges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

MEGABYTE = 1024 * 1024  # bytes


class Kind(StrEnum):
    """What a reference is."""

    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Slot:
    """A list of references in a model's payload, and what may stand in it."""

    key: str  # in the payload
    kind: Kind
    count_max: int
    count_max_mixed: int  # beside references of another kind
    bytes_max: int  # of each
    side_min: int  # pixels
    ratio_max: float  # of the longer side to the shorter
    seconds_max: tuple[float, ...] = ()  # of each: of a single one, of one of two, ...; empty: no length


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model takes as its prompt."""

    required: bool
    length_max: int  # characters


@dataclass(frozen=True, slots=True)
class Durations:
    """How long a model's videos can be, in seconds."""

    min: int
    default: int
    max: int


@dataclass(frozen=True, slots=True)
class Seeds:
    """The seeds that a request can be recognised by."""

    min: int
    max: int


@dataclass(frozen=True, slots=True)
class Model:
    """A row of the table."""

    id: str  # GMI's
    prompt: Prompt
    slots: tuple[Slot, ...]
    durations: Durations
    seeds: Seeds

    def slot(self, kind: Kind) -> Slot:
        """Return where references of this kind belong."""
        return next(slot for slot in self.slots if slot.kind is kind)


VIDU_Q2_PRO = Model(
    id="vidu-q2-pro-r2v",
    prompt=Prompt(required=True, length_max=2000),  # [GMI]
    slots=(
        Slot(
            key="images",
            kind=Kind.IMAGE,
            count_max=7,  # [GMI]
            count_max_mixed=4,  # [GMI]
            bytes_max=50 * MEGABYTE,  # [Vidu]
            side_min=128,  # [Vidu]
            ratio_max=4.0,  # between 1:4 and 4:1 [Vidu]
        ),
        Slot(
            key="videos",
            kind=Kind.VIDEO,
            count_max=2,  # [GMI]
            count_max_mixed=2,  # [GMI]
            bytes_max=100 * MEGABYTE,  # [Vidu]
            side_min=128,  # [Vidu]
            ratio_max=4.0,  # between 1:4 and 4:1 [Vidu]
            seconds_max=(8.0, 5.0),  # one video, or two of so many each [GMI]
        ),
    ),
    durations=Durations(min=1, default=5, max=10),  # [GMI]
    # A whole number of any size [GMI]; upstream reads 0 as "random", so 0 could not be recognised again.
    seeds=Seeds(min=1, max=2**31 - 1),
)

CATALOG: Mapping[str, Model] = MappingProxyType({model.id: model for model in (VIDU_Q2_PRO,)})
DEFAULT = VIDU_Q2_PRO
