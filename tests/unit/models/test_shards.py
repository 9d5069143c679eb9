"""Every shard has exactly one process, and everything belongs to a shard of the process that it reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.shards import home_shard, shard_of, share_of

SHARDS = st.integers(1, 300)
GUILDS = st.none() | st.integers(1, 2**63 - 1)


@given(SHARDS, st.data())
def test_every_shard_has_exactly_one_process_and_every_process_has_a_shard(
    shard_count: int, data: st.DataObject
) -> None:
    processes = data.draw(st.integers(1, shard_count))

    shares = [share_of(slot, processes, shard_count) for slot in range(processes)]

    assert [shard for share in shares for shard in share] == list(range(shard_count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert min(map(len, shares)) >= 1


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
    served = share_of(data.draw(st.integers(0, processes - 1)), processes, shard_count)

    home = home_shard(guild_id, shard_count, served)

    assert home in served
    assert home == (
        shard_of(guild_id, shard_count) if shard_of(guild_id, shard_count) in served else served[0]
    )
