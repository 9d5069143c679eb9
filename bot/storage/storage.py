"""Storage: the database with a store for each subject, and what can go wrong with them."""

from __future__ import annotations

import sqlalchemy as sa

from bot.storage.budgets import BudgetStore
from bot.storage.database import Database, TimeLimits
from bot.storage.drafts import DraftStore
from bot.storage.errors import LeaseLost, StaleJob, StorageFault, StorageUnavailable, StorageUnusable
from bot.storage.jobs import JobStore
from bot.storage.leases import LeaseStore
from bot.storage.moderation import ModerationStore
from bot.storage.moderation_log import ModerationLogStore
from bot.storage.notes import NoteStore
from bot.storage.privacy.compaction import Compaction
from bot.storage.privacy.members import MemberStore
from bot.storage.privacy.retention import RetentionStore
from bot.storage.privacy.servers import ServerStore
from bot.storage.processes.announcements import AnnouncementStore
from bot.storage.processes.relay import RelayStore
from bot.storage.quotas import QuotaStore
from bot.storage.replies import PendingReplyStore
from bot.storage.topology import TopologyStore
from bot.telemetry.metrics import NO_METRICS, Metrics

__all__ = [
    "LeaseLost",
    "StaleJob",
    "Storage",
    "StorageFault",
    "StorageUnavailable",
    "StorageUnusable",
    "TimeLimits",
]


class Storage:
    """All stores on one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.jobs = JobStore(database)
        self.quotas = QuotaStore(database)
        self.budgets = BudgetStore(database)
        self.moderation = ModerationStore(database)
        self.moderation_log = ModerationLogStore(database)
        self.replies = PendingReplyStore(database)
        self.compaction = Compaction(database)
        self.drafts = DraftStore(database, self.compaction)
        self.notes = NoteStore(database)
        self.leases = LeaseStore(database)
        self.topology = TopologyStore(database, self.leases)
        self.retention = RetentionStore(database)
        self.members = MemberStore(database)
        self.servers = ServerStore(database)
        self.relay = RelayStore(database)
        self.announcements = AnnouncementStore(database)

    @classmethod
    async def open(
        cls,
        url: str,
        limits: TimeLimits | None = None,
        metrics: Metrics = NO_METRICS,
        *,
        upgrade: bool = True,
    ) -> Storage:
        """Open the database and bring its tables up to date, or leave a server's as they are.

        Raises StorageUnusable with a sentence if it is damaged or newer than this bot, and StorageUnavailable
        with one if its server is out of reach.
        """
        return cls(await Database.open(url, limits or TimeLimits(), metrics, upgrade=upgrade))

    async def answers(self) -> bool:
        """Tell whether the database answers a question within the time that a member would wait for it."""
        try:
            await self.database.rows(sa.select(sa.literal(1)))
        except (StorageUnavailable, StorageFault):
            return False
        return True

    async def close(self) -> None:
        """Let what is being written arrive, and close every connection; that takes two seconds at most."""
        await self.replies.close()
        await self.database.close()
