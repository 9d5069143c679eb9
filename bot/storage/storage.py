"""Storage: the database with a store for each subject, and what can go wrong with them."""

from __future__ import annotations

from bot.storage.budgets import BudgetStore
from bot.storage.database import Database, TimeLimits
from bot.storage.drafts import DraftStore
from bot.storage.errors import StaleJob, StorageFault, StorageUnavailable, StorageUnusable
from bot.storage.jobs import JobStore
from bot.storage.notes import NoteStore
from bot.storage.privacy.compaction import Compaction
from bot.storage.privacy.members import MemberStore
from bot.storage.privacy.retention import RetentionStore
from bot.storage.privacy.servers import ServerStore
from bot.storage.quotas import QuotaStore
from bot.storage.replies import PendingReplyStore

__all__ = ["StaleJob", "Storage", "StorageFault", "StorageUnavailable", "StorageUnusable", "TimeLimits"]


class Storage:
    """All stores on one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.jobs = JobStore(database)
        self.quotas = QuotaStore(database)
        self.budgets = BudgetStore(database)
        self.replies = PendingReplyStore(database)
        self.compaction = Compaction(database)
        self.drafts = DraftStore(database, self.compaction)
        self.notes = NoteStore(database)
        self.retention = RetentionStore(database)
        self.members = MemberStore(database)
        self.servers = ServerStore(database)

    @classmethod
    async def open(cls, url: str, limits: TimeLimits | None = None) -> Storage:
        """Open the database and bring its tables up to date.

        Raises StorageUnusable with a sentence if it is damaged, newer than this bot, or out of reach.
        """
        return cls(await Database.open(url, limits or TimeLimits()))

    async def close(self) -> None:
        """Let what is being written arrive, and close every connection; that takes two seconds at most."""
        await self.replies.close()
        await self.database.close()
