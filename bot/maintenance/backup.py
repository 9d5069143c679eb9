"""`python -m bot backup FILE`: a copy of the database, also while the bot runs."""

from __future__ import annotations

import os
from pathlib import Path

from bot.maintenance.address import database_url, file_of, server_arguments
from bot.maintenance.problems import CommandFailed
from bot.storage import sqlite_file
from bot.ui.formatting import megabytes


def back_up(target: Path) -> str:
    """Write a copy of the database to a file that does not exist yet; return what to tell the operator.

    Raises CommandFailed; then there is no such file.
    """
    url = database_url()
    source = file_of(url)
    if source is None:
        raise CommandFailed(
            f"This database is on a Postgres server. Back it up with: "
            f"pg_dump --format=custom {server_arguments(url)} -f {target}"
        )
    if target.exists():
        raise CommandFailed(f"{target} exists already. Nothing was written: choose another name.")
    unfinished = target.with_name(f"{target.name}.part-{os.getpid()}")
    try:
        sqlite_file.copy(source, unfinished)
        # Unlike a rename, a link never takes the place of a file that has come meanwhile.
        os.link(unfinished, target)
        sqlite_file.sync(target.absolute().parent)
    except sqlite_file.NotUsable as error:
        raise CommandFailed(f"The backup was not made. {error}") from None
    except OSError as error:
        raise CommandFailed(f"The backup was not made: {error.strerror} ({target}).") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return f"The backup is in {target} ({megabytes(target.stat().st_size)})."
