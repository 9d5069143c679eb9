"""The measures of a clip, as the process finds them out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.media.inspection import probe
from tests.unit.media.files import clip


def test_a_clip_is_measured() -> None:
    assert probe.measure(clip("mp4")) == {"videos": 1, "sounds": 0, "width": 192, "height": 144, "seconds": 1}


def test_a_sound_has_no_size_and_no_length_that_counts() -> None:
    measures = probe.measure(clip("mp4", sound_only=True))
    assert measures == {"videos": 0, "sounds": 1, "width": 0, "height": 0, "seconds": 0}


@pytest.mark.parametrize("data", [b"hello", bytes(1000)])
def test_what_is_no_clip_has_no_tracks(data: bytes) -> None:
    measures = probe.measure(data)
    assert measures is None or measures["videos"] + measures["sounds"] == 0


def test_the_process_answers_in_json_and_starts_from_its_file_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-P", str(Path(probe.__file__))],
        input=clip("mov"),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["width"] == 192
