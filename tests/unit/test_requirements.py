"""The pinned dependencies install as they are, also after newer releases came out."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("lock", sorted(path.name for path in PROJECT.glob("requirements*.txt")))
def test_what_is_asked_for_with_extras_is_pinned_with_them(lock: str) -> None:
    # Else pip looks at the newest release for the extras first, which has no hash here, and gives up.
    lines = (PROJECT / lock).read_text("utf-8").splitlines()
    pinned = [Requirement(line.split(" \\")[0]) for line in lines if "==" in line and line[0].isalnum()]
    extras = {canonicalize_name(pin.name): pin.extras for pin in pinned}

    bare = {
        f"{distribution.name} asks for {needed.name}{sorted(needed.extras)}"
        for distribution in distributions()
        if canonicalize_name(distribution.name) in extras
        for needed in map(Requirement, distribution.requires or ())
        if (needed.marker is None or needed.marker.evaluate({"extra": ""}))
        if not needed.extras <= extras.get(canonicalize_name(needed.name), needed.extras)
    }

    assert bare == set()
