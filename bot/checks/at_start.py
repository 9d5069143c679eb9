"""The checks of a normal start: in the background, and whatever they find, the bot goes on."""

from __future__ import annotations

import logging

from bot.checks.contract import check_gmi
from bot.checks.findings import Level
from bot.gmi.client import GmiCloud
from bot.models.catalog import Model

log = logging.getLogger(__name__)

_LEVELS = {Level.OK: logging.DEBUG, Level.WARNING: logging.WARNING, Level.FAULT: logging.ERROR}


async def log_gmi(gmi: GmiCloud, model: Model) -> None:
    """Log whether GMI Cloud accepts the key, and what it takes otherwise than our table says."""
    for finding in await check_gmi(gmi, model):
        log.log(_LEVELS[finding.level], "%s: %s", finding.about, finding.text)
