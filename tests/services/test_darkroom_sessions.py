"""Sessions that the database ends: an operator may do so at any time."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.stack import Stack
from tests.services.customer import Darkroom

pytestmark = pytest.mark.docker

END = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE usename = 'darkroom' AND application_name LIKE 'api-%'
"""


def test_ended_sessions_are_no_mistake_of_ours(darkroom: Darkroom, stack: Stack) -> None:
    """Whoever meets a session just ended is served by another one or told 503, never 500."""

    def ask(number: int) -> int:
        if number % 3:
            return darkroom.get(f"/api/users/{random.randint(1, 49_000)}").status_code
        return darkroom.like(random.randint(2, 900_000), user=number + 1).status_code

    with ThreadPoolExecutor(24) as pool:
        asked = [pool.submit(ask, number) for number in range(1500)]
        ended = 0
        while not all(one.done() for one in asked):
            for server in ("postgres-primary", "postgres-replica"):
                ended += int(stack.psql(END, service=server)[0][0])
        statuses = Counter(one.result() for one in asked)
    assert ended > 20
    assert set(statuses) <= {200, 404, 503}
    assert statuses[200] > 1000
    darkroom.recovered()
