"""Why a file cannot be a reference."""

from __future__ import annotations


class Unreadable(Exception):  # noqa: N818 - says what the attachment is, as people would
    """Tell in one sentence why an attachment cannot be a reference."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
