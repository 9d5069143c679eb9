"""Every shard has exactly one process, and everything belongs to a shard of the process that it reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.shards import ALL, shard_of, share_of

SHARDS = st.integers(1, 300)
GUILDS = st.none() | st.integers(1, 2**63 - 1)


@given(SHARDS, st.data())
def test_every_shard_has_exactly_one_process_and_every_process_has_a_shard(
    shard_count: int, data: st.DataObject
) -> None:
    processes = data.draw(st.integers(1, shard_count))

    shares = [share_of(slot, processes, shard_count) for slot in range(processes)]

    assert [shard for share in shares for shard in share.served] == list(range(shard_count))
    sizes = [len(share.served) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 1


@given(SHARDS, st.integers(-5, 400), GUILDS, st.data())
def test_whatever_number_is_stored_exactly_one_process_serves_it(
    shard_count: int, shard: int, guild_id: int | None, data: st.DataObject
) -> None:
    processes = data.draw(st.integers(1, shard_count))
    shares = [share_of(slot, processes, shard_count) for slot in range(processes)]

    assert sum(share.serves(shard) for share in shares) == 1
    assert sum(share.is_home_of(guild_id) for share in shares) == 1
    assert ALL.serves(shard)
    assert ALL.is_home_of(guild_id)


@pytest.mark.parametrize(("slot", "processes", "shards"), [(2, 2, 4), (-1, 2, 4), (0, 3, 2), (0, 0, 1)])
def test_a_slot_that_cannot_be_is_refused(slot: int, processes: int, shards: int) -> None:
    with pytest.raises(ValueError, match="no slot"):
        share_of(slot, processes, shards)


def test_the_shard_of_a_server_is_the_one_that_discord_computes() -> None:
    # Discord's formula is (guild_id >> 22) % num_shards, and direct messages arrive at shard 0.
    assert shard_of(None, 16) == 0
    assert shard_of(197038439483310086, 16) == 46977624770 % 16 == 2


@given(GUILDS, SHARDS, st.data())
def test_what_arrives_belongs_to_a_shard_of_the_process_that_it_reached(
    guild_id: int | None, shard_count: int, data: st.DataObject
) -> None:
    processes = data.draw(st.integers(1, shard_count))
    share = share_of(data.draw(st.integers(0, processes - 1)), processes, shard_count)

    home = share.home_shard(guild_id)

    assert home in share.served
    assert home == (shard_of(guild_id, shard_count) if share.is_home_of(guild_id) else share.served[0])
