from __future__ import annotations

import pytest

from bot.models.access import AccessRule

A, B, ELSEWHERE = 10, 20, 30


@pytest.mark.parametrize(
    ("rule", "guild_id", "guest", "allowed"),
    [
        (AccessRule(), ELSEWHERE, False, True),
        (AccessRule(), ELSEWHERE, True, True),
        (AccessRule(), None, False, True),
        (AccessRule(), None, True, True),
        (AccessRule(direct=False), ELSEWHERE, False, True),
        (AccessRule(direct=False), ELSEWHERE, True, False),
        (AccessRule(direct=False), None, False, False),
        (AccessRule(direct=False), None, True, False),
        (AccessRule(frozenset({A, B}), direct=False), A, False, True),
        (AccessRule(frozenset({A, B}), direct=False), B, True, True),  # installed by a member, but named
        (AccessRule(frozenset({A, B}), direct=False), ELSEWHERE, False, False),
        (AccessRule(frozenset({A, B}), direct=False), ELSEWHERE, True, False),
        (AccessRule(frozenset({A, B}), direct=False), None, False, False),
        (AccessRule(frozenset({A}), direct=True), ELSEWHERE, False, False),
        (AccessRule(frozenset({A}), direct=True), ELSEWHERE, True, True),
        (AccessRule(frozenset({A}), direct=True), None, False, True),
    ],
)
def test_where_the_bot_may_be_used(
    rule: AccessRule, guild_id: int | None, guest: bool, allowed: bool
) -> None:
    assert rule.allows(guild_id, guest=guest) is allowed


def test_a_rule_in_words() -> None:
    direct = "direct messages and where only a member has installed the bot"
    assert str(AccessRule()) == f"in any server; and also in {direct}"
    assert (
        str(AccessRule(frozenset({B, A}), direct=False)) == f"in these servers: 10, 20; but not in {direct}"
    )
