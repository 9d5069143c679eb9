"""Every setting of the bot, read once from the environment or `.env`, typed and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from bot.models.access import AccessRule
from bot.models.budgets import Ceilings, Price
from bot.models.cast import CastLimits
from bot.models.catalog import CATALOG, DEFAULT
from bot.models.quotas import Period, Rule
from bot.models.reference_links import ReferencesVia
from bot.setting_types import SHARDS_MAX, Allowance, Attempts, FilterFile, Host, Page, Servers, Shards
from bot.telemetry.logs import LogFormat

ENV_FILE = ".env"
MEGABYTE = 1024 * 1024  # bytes
LIKENESS = 0.85  # of a misspelled name, by difflib: one or two letters differ
DRIVERS = ("sqlite+aiosqlite:", "postgresql+asyncpg:")


class SettingsError(Exception):
    """A setting is missing or malformed; the text is one plain sentence for the operator."""

    def __init__(self, faults: Sequence[str], hints: Sequence[str] = ()) -> None:
        where = "Set it in the environment or in .env (.env.example explains each setting)."
        super().__init__(" ".join([f"{'; '.join(faults)}.", *hints, where]))
        self.faults = faults


class Settings(BaseModel):
    """What an operator can set. The environment wins over `.env`; an empty value counts as not set."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    discord_token: SecretStr
    gmi_api_key: SecretStr
    gmi_org_id: str | None = None
    gmi_base_url: str = "https://console.gmicloud.ai"
    gmi_model: str = DEFAULT.id
    references_via: ReferencesVia = ReferencesVia.AUTO
    gmi_requests_per_minute: int = Field(default=300, ge=1)
    database_url: SecretStr = SecretStr("sqlite+aiosqlite:///data/vidu.db")
    processes: int = Field(default=1, ge=1, le=SHARDS_MAX)
    shard_count: Shards = None  # None: as many as Discord recommends
    quota_videos: Allowance = 5
    quota_seconds: Allowance = None
    quota_per: Period = Period.DAY
    quota_running: int = Field(default=2, ge=1)
    quota_attempts_per_hour: Attempts = 20
    budget_seconds: Allowance = 600
    budget_videos: Allowance = None
    budget_per: Period = Period.DAY
    budget_server_seconds: Allowance = None
    budget_server_videos: Allowance = None
    budget_direct_seconds: Allowance = None
    price_per_second: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] | None = None
    currency: Annotated[str, Field(max_length=10)] = "USD"
    job_deadline_minutes: float = Field(default=60, gt=0, le=7 * 24 * 60)
    notify_after_seconds: int = Field(default=30, ge=-1)
    allowed_servers: Servers = frozenset()
    allow_direct: bool | None = None  # None: as long as no servers are named
    filter_file: FilterFile | None = None
    retention_days: int = Field(default=30, ge=1, le=36_500)
    references_per_member: int = Field(default=10, ge=1, le=100)
    references_mb_per_member: int = Field(default=20, ge=1, le=1000)
    privacy_url: Page | None = None
    terms_url: Page | None = None
    http_port: int = Field(default=8080, ge=0, le=65535)
    http_host: Host = "127.0.0.1"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: LogFormat = LogFormat.AUTO

    @field_validator("log_level", "log_format", "quota_per", "budget_per", "references_via", mode="before")
    @classmethod
    def _fold_case(cls, value: Any, info: Any) -> Any:
        if not isinstance(value, str):
            return value
        return value.strip().upper() if info.field_name == "log_level" else value.strip().lower()

    @field_validator("discord_token", "gmi_api_key")
    @classmethod
    def _check_secret(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not text.strip() or any(not 32 < ord(character) < 127 for character in text.strip()):
            raise ValueError("must be a single word of plain characters")
        return SecretStr(text.strip())

    @field_validator("gmi_model")
    @classmethod
    def _check_model(cls, value: str) -> str:
        if value.strip() not in CATALOG:
            raise ValueError(f"must be a model that this version knows: {' or '.join(CATALOG)}")
        return value.strip()

    @field_validator("gmi_base_url")
    @classmethod
    def _check_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("must start with https://")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _check_driver(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(DRIVERS):
            raise ValueError("must start with sqlite+aiosqlite:/// or postgresql+asyncpg://")
        return value

    @field_validator("processes")
    @classmethod
    def _check_processes(cls, value: int, info: ValidationInfo) -> int:
        url = info.data.get("database_url")
        if value > 1 and url is not None and url.get_secret_value().startswith("sqlite"):
            raise ValueError("must be 1 on SQLite: only on Postgres several processes can share the work")
        return value

    @field_validator("shard_count")
    @classmethod
    def _check_shard_count(cls, value: int | None, info: ValidationInfo) -> int | None:
        processes = info.data.get("processes", 1)
        if value is not None and value < processes:
            raise ValueError(f"must be at least {processes}, so that each of the PROCESSES has a connection")
        return value

    @property
    def access(self) -> AccessRule:
        """Return where members may use the bot."""
        direct = not self.allowed_servers if self.allow_direct is None else self.allow_direct
        return AccessRule(self.allowed_servers, direct)

    @property
    def quota(self) -> Rule:
        """Return the operator's default quota."""
        return Rule(videos=self.quota_videos, seconds=self.quota_seconds, per=self.quota_per)

    @property
    def cast_limits(self) -> CastLimits:
        """Return how much each member may save."""
        return CastLimits(self.references_per_member, self.references_mb_per_member * MEGABYTE)

    @property
    def ceilings(self) -> Ceilings:
        """Return what everybody may use together."""
        return Ceilings(
            bot=Rule(self.budget_videos, self.budget_seconds, self.budget_per),
            server=Rule(self.budget_server_videos, self.budget_server_seconds, self.budget_per),
            direct=Rule(None, self.budget_direct_seconds, self.budget_per),
        )

    @property
    def http_address(self) -> tuple[str, int]:
        """Return where health and metrics are served; with port 0 nowhere."""
        return self.http_host, self.http_port

    @property
    def price(self) -> Price | None:
        """Return what a second of video costs, if the operator says so."""
        return None if self.price_per_second is None else Price(self.price_per_second, self.currency.strip())


def load() -> Settings:
    """Read the settings from the environment and `.env`. Raises SettingsError."""
    return parse(read_values())


def parse(values: Mapping[str, Any]) -> Settings:
    """Return the settings with these values, by their names in lower case.

    Raises SettingsError with one sentence that names every missing or malformed setting, and no value.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_faults(error), misspelled_settings()) from None


def read_values() -> dict[str, str]:
    """Return what is set in the environment or in `.env`, by names in lower case.

    Raises SettingsError where `.env` can't be read.
    """
    try:
        in_file = dotenv_values(ENV_FILE)
    except (UnicodeDecodeError, OSError):
        fault = f"{ENV_FILE} can't be read: it must be text in UTF-8 that the bot's user may read"
        raise SettingsError([fault]) from None
    given = [(name.lower(), value) for source in (in_file, os.environ) for name, value in source.items()]
    return {name: value for name, value in given if value and name in Settings.model_fields}


def _faults(error: ValidationError) -> list[str]:
    missing: list[str] = []
    malformed: list[str] = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(fault["loc"][0]).upper()
        if fault["type"] == "missing":
            missing.append(name)
        else:
            text = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
            malformed.append(f"{name} {text[0].lower()}{text[1:]}")
    absent = [f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"] if missing else []
    return absent + malformed


def misspelled_settings() -> list[str]:
    """Return a hint for each name in the environment and in `.env` that looks like one of ours, and is none.

    Most of what is in an environment is nobody's mistake: only a close match of a setting is named.
    """
    known = {name.upper() for name in Settings.model_fields}
    given = {name.upper() for name in (*os.environ, *_names_in_file())}
    return [
        f"{name}: did you mean {meant}?"
        for name in sorted(given - known)
        for meant in get_close_matches(name, known, n=1, cutoff=LIKENESS)
    ]


def _names_in_file() -> list[str]:
    try:
        return list(dotenv_values(ENV_FILE))
    except (UnicodeDecodeError, OSError):
        return []  # `load` says so
