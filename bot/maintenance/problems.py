"""What ends a maintenance command: one sentence for the operator."""

from __future__ import annotations


class CommandFailed(Exception):  # noqa: N818 - it names what happened
    """A command could not do what it should; the text is one plain sentence, without any secret."""
