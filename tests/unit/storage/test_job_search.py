"""Which of a member's jobs a search finds, in either kind of database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.storage.storage import Storage
from tests.unit.storage.samples import new_job

PROMPTS = {
    1: "The Fox runs along the shore",
    2: "a fox, 50% asleep; it's “quiet”",
    3: "snake_case and C:\\paths / slashes",
    4: "Äpfel und STRÖME, 🦊🦊 und Ёжик",
    5: "nothing of that kind",
}


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("FOX", [2, 1]),
        ("shore fox", [1]),
        ("fox zebra", []),
        ("fo", [2, 1]),
        ("%", [2]),
        ("50%", [2]),
        ("_", [3]),
        ("snake_case", [3]),
        ("snakeXcase", []),
        ("\\", [3]),
        ("/", [3]),
        ("it's", [2]),
        ("'; --", []),
        ("“quiet”", [2]),
        ("🦊", [4]),
        ("äpfel ströme ёЖИК", [4]),
        ("\x00", []),
        ("\ud83e", []),
    ],
)
async def test_a_search_finds_prompts_with_all_of_its_words(
    search: str, found: list[int], storage: Storage
) -> None:
    for job_id, prompt in PROMPTS.items():
        job = new_job(job_id)
        await storage.jobs.add(replace(job, request=replace(job.request, prompt=prompt)))
    await storage.jobs.add(new_job(9, user_id=2))
    words = search.split()
    assert [job.id for job in await storage.jobs.of_user(1, words=words, limit=9)] == found
    assert await storage.jobs.count_of_user(1, words=words) == len(found)
    assert [job.id for job in await storage.jobs.of_user(1, words=words, limit=1, offset=1)] == found[1:2]
