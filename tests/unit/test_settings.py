from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.models.access import AccessRule
from bot.settings import Settings, SettingsError, load, misspelled_settings, parse
from tests import settings_page

ROOT = Path(__file__).parents[2]
REQUIRED = {"DISCORD_TOKEN": "fake-discord-token", "GMI_API_KEY": "fake-gmi-key"}


@pytest.fixture(autouse=True)
def _only_what_the_test_sets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def setting(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in (REQUIRED | values).items():
        monkeypatch.setenv(name, value)
    return load()


def test_the_example_names_every_setting_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text()
    found = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert set(found) == {name.upper() for name in Settings.model_fields}
    assert all(found[name] == "" for name in REQUIRED)
    required = {name.lower(): value for name, value in REQUIRED.items()}
    defaults = parse(required)
    given = {name.lower(): value for name, value in found.items() if value}
    assert parse(required | given) == defaults
    unset = {name for name, value in found.items() if not value} - set(REQUIRED)
    assert unset == {
        "ALLOWED_SERVERS",
        "ALLOW_DIRECT",
        "FILTER_FILE",
        "GMI_ORG_ID",
        "PRICE_PER_SECOND",
        "PRIVACY_URL",
        "SHARD_COUNT",
        "TERMS_URL",
    }


def test_the_page_of_settings_is_up_to_date() -> None:
    assert settings_page.PAGE.read_text() == settings_page.page(), "run `make docs`"


def test_every_setting_in_the_example_is_explained() -> None:
    blocks = (ROOT / ".env.example").read_text().split("\n\n")[1:]
    assert len(blocks) == len(Settings.model_fields)
    assert all(re.match(r"# .{20,}\n(# .+\n)?#?[A-Z_]+=", block) for block in blocks)


def test_settings_come_from_a_file_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(
        "DISCORD_TOKEN=fake-from-file\nGMI_API_KEY=fake-key\nQUOTA_VIDEOS=7\nQUOTA_RUNNING=3\n"
    )
    monkeypatch.setenv("QUOTA_VIDEOS", "9")
    settings = load()
    assert settings.discord_token.get_secret_value() == "fake-from-file"
    assert (settings.quota_videos, settings.quota_running) == (9, 3)


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert setting(monkeypatch, QUOTA_VIDEOS="", GMI_ORG_ID="").quota_videos == 5


def test_unlimited_lifts_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    lifted = setting(monkeypatch, QUOTA_ATTEMPTS_PER_HOUR="unlimited")
    assert lifted.quota_attempts_per_hour is None
    settings = setting(monkeypatch, QUOTA_VIDEOS="unlimited", QUOTA_SECONDS="120", QUOTA_PER="Week")
    assert (settings.quota.videos, settings.quota.seconds, settings.quota.per) == (None, 120, "week")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUOTA_VIDEOS", "many"),
        ("QUOTA_VIDEOS", "-1"),
        ("QUOTA_RUNNING", "0"),
        ("QUOTA_ATTEMPTS_PER_HOUR", "0"),
        ("QUOTA_ATTEMPTS_PER_HOUR", "few"),
        ("QUOTA_PER", "fortnight"),
        ("GMI_REQUESTS_PER_MINUTE", "0"),
        ("GMI_REQUESTS_PER_MINUTE", "0.5"),
        ("JOB_DEADLINE_MINUTES", "0"),
        ("RETENTION_DAYS", "0"),
        ("RETENTION_DAYS", "1.5"),
        ("RETENTION_DAYS", "unlimited"),
        ("LOG_LEVEL", "LOUD"),
        ("HTTP_PORT", "-1"),
        ("HTTP_PORT", "65536"),
        ("HTTP_PORT", "http"),
        ("HTTP_HOST", "http://127.0.0.1/"),
        ("HTTP_HOST", "this machine"),
        ("PROCESSES", "0"),
        ("PROCESSES", "2"),
        ("SHARD_COUNT", "0"),
        ("SHARD_COUNT", "5000"),
        ("GMI_MODEL", "vidu-q9"),
        ("GMI_BASE_URL", "console.gmicloud.ai"),
        ("DATABASE_URL", "mysql://somewhere"),
        ("DISCORD_TOKEN", "two words"),
        ("ALLOWED_SERVERS", "vidu-workshop"),
        ("ALLOWED_SERVERS", "123456789012345678, 12345x"),
        ("ALLOWED_SERVERS", "123456789012345678 0"),
        ("ALLOWED_SERVERS", "18446744073709551616"),
        ("ALLOWED_SERVERS", "\u0661\u0662"),
        ("ALLOWED_SERVERS", ","),
        ("ALLOW_DIRECT", "perhaps"),
        ("PRIVACY_URL", "http://example.com/privacy"),
        ("PRIVACY_URL", "example.com/privacy"),
        ("PRIVACY_URL", "https://"),
        ("PRIVACY_URL", "https://privacy"),
        ("PRIVACY_URL", "https://example.com:no-port/"),
        ("PRIVACY_URL", "https://[example.com/"),
        ("PRIVACY_URL", "https://example.com/our privacy"),
        ("PRIVACY_URL", "https://name:word@example.com/"),
        ("PRIVACY_URL", "javascript:alert(1)"),
        ("TERMS_URL", "ftp://example.com/terms"),
        ("TERMS_URL", "https://example.com/" + "x" * 500),
    ],
)
def test_a_malformed_setting_is_named_without_its_value(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError) as caught:
        setting(monkeypatch, **{name: value})
    text = str(caught.value)
    assert name in text
    assert f" {value} " not in text
    assert "\n" not in text


@pytest.mark.parametrize("name", ["vidu-q2-pro", "VIDU-Q2-PRO-R2V", "veo3", "x" * 200])
def test_a_model_that_the_bot_does_not_know_is_refused_with_those_that_work(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError) as caught:
        setting(monkeypatch, GMI_MODEL=name)
    assert str(caught.value).startswith(
        "GMI_MODEL must be a model that this version knows: vidu-q2-pro-r2v. Set it in the environment"
    )


@pytest.mark.parametrize("given", ["11,22", "11 22", " 11 , 22,", "22, 11\n11"])
def test_servers_are_named_with_commas_or_spaces(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert setting(monkeypatch, ALLOWED_SERVERS=given).access == AccessRule(frozenset({11, 22}), direct=False)


def test_health_and_metrics_are_for_this_machine_unless_the_operator_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert setting(monkeypatch).http_address == ("127.0.0.1", 8080)
    assert setting(monkeypatch, HTTP_PORT="0", HTTP_HOST=" ::1 ").http_address == ("::1", 0)


@pytest.mark.parametrize(
    ("servers", "direct", "access"),
    [
        ("", "", AccessRule()),
        ("", "false", AccessRule(direct=False)),
        ("11", "", AccessRule(frozenset({11}), direct=False)),
        ("11", "yes", AccessRule(frozenset({11}), direct=True)),
    ],
)
def test_direct_use_is_allowed_as_long_as_no_servers_are_named(
    servers: str, direct: str, access: AccessRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert setting(monkeypatch, ALLOWED_SERVERS=servers, ALLOW_DIRECT=direct).access == access


def test_a_malformed_server_id_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        setting(monkeypatch, ALLOWED_SERVERS="11, my-server")
    assert str(caught.value).startswith(
        "ALLOWED_SERVERS must be server IDs (numbers), separated by commas or spaces. Set it in the"
    )


def test_a_page_that_is_no_page_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        setting(monkeypatch, PRIVACY_URL="http://example.com/privacy")
    assert str(caught.value).startswith(
        "PRIVACY_URL must be the address of a page that starts with https://. Set it in the environment"
    )


@pytest.mark.parametrize(
    ("given", "page"),
    [
        ("", None),
        (" https://example.com/privacy ", "https://example.com/privacy"),
        ("https://example.com:8443/a?b=c#d", "https://example.com:8443/a?b=c#d"),
    ],
)
def test_the_operators_pages_may_be_left_out(
    given: str, page: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = setting(monkeypatch, PRIVACY_URL=given, TERMS_URL=given)
    assert (settings.privacy_url, settings.terms_url) == (page, page)


def test_a_model_that_the_bot_knows_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert setting(monkeypatch).gmi_model == "vidu-q2-pro-r2v"
    assert setting(monkeypatch, GMI_MODEL=" vidu-q2-pro-r2v ").gmi_model == "vidu-q2-pro-r2v"


def test_no_secret_in_a_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = setting(monkeypatch, DATABASE_URL="postgresql+asyncpg://bot:fake-password@localhost/vidu")
    for secret in (*REQUIRED.values(), "fake-password"):
        assert secret not in repr(settings)
        assert secret not in str(settings)


def test_the_process_says_what_is_missing_and_exits_with_2(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields
    }
    done = subprocess.run(
        [sys.executable, "-m", "bot"],
        env=environment | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("DISCORD_TOKEN and GMI_API_KEY are missing. Set it in the environment")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_misspelled_name_is_named_with_what_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("QUOTA_VIDEO=7\nBUDGET_VIDEOS=3\nCOMPOSE_PROJECT_NAME=vidu\n")
    monkeypatch.setenv("allowed_server", "11")
    monkeypatch.setenv("DISCORD_TOKN", "fake")
    assert misspelled_settings() == [
        "ALLOWED_SERVER: did you mean ALLOWED_SERVERS?",
        "DISCORD_TOKN: did you mean DISCORD_TOKEN?",
        "QUOTA_VIDEO: did you mean QUOTA_VIDEOS?",
    ]
    with pytest.raises(SettingsError) as caught:
        load()
    assert "are missing. ALLOWED_SERVER: did you mean ALLOWED_SERVERS?" in str(caught.value)
    assert "DISCORD_TOKN: did you mean DISCORD_TOKEN?" in str(caught.value)


def test_other_variables_of_an_environment_are_nobodys_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATH", "LANG", "LOG_DIR", "TERM", "API_KEY", "DATABASE_HOST", "DISCORD_TOKEN", "TERMS"):
        monkeypatch.setenv(name, "x")
    assert misspelled_settings() == []


def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        setting(monkeypatch, QUOTA_VIDEOS="many", LOG_LEVEL="LOUD", GMI_API_KEY="")
    assert [fault.split()[0] for fault in caught.value.faults] == ["GMI_API_KEY", "QUOTA_VIDEOS", "LOG_LEVEL"]


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("CURRENCY=\u20ac\n".encode("utf-16"))
    assert misspelled_settings() == []
    with pytest.raises(SettingsError, match=r"^\.env can't be read: it must be text in UTF-8"):
        load()


POSTGRES = "postgresql+asyncpg://vidu@127.0.0.1/vidu"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"PROCESSES": "2"},
            "PROCESSES must be 1 on SQLite: only on Postgres several processes can share the work. Set it",
        ),
        (
            {"PROCESSES": "3", "SHARD_COUNT": "2", "DATABASE_URL": POSTGRES},
            "SHARD_COUNT must be at least 3, so that each of the PROCESSES has a connection. Set it",
        ),
    ],
)
def test_processes_that_cannot_share_the_work_are_refused(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        setting(monkeypatch, **given)
    assert str(caught.value).startswith(sentence)


def test_on_postgres_several_processes_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = setting(monkeypatch, PROCESSES="3", DATABASE_URL=POSTGRES)
    assert (settings.processes, settings.shard_count) == (3, None)
    assert setting(monkeypatch, PROCESSES="3", SHARD_COUNT="3", DATABASE_URL=POSTGRES).shard_count == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "FILTER_FILE can't be read (No such file or directory)"),
        (b"fox\n/(/\n", "FILTER_FILE has an entry in line 2 that can't be used: missing ): ("),
        (b"\xff\xfe", "FILTER_FILE isn't a text file in UTF-8"),
    ],
)
def test_a_filter_that_cannot_be_used_is_a_fault(
    content: bytes | None, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "filter.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(reason)):
        setting(monkeypatch, FILTER_FILE=str(path))
    path.write_text("fox\n")
    assert setting(monkeypatch, FILTER_FILE=str(path)).filter_file == path
    assert setting(monkeypatch, FILTER_FILE="").filter_file is None
