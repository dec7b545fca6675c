"""The API answers as /openapi.json says, whatever it is asked."""

from __future__ import annotations

from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lab.stack import Stack

pytestmark = pytest.mark.docker

AS_DESCRIBED = [status_code_conformance, content_type_conformance, response_schema_conformance]
#: Requests of each route that are as described, and as many that are not: some 500 in all.
OF_EACH = 25
#: Not through the front door.
INNER = {"/health", "/ready"}


def answers(operation: APIOperation, mode: GenerationMode) -> Counter[int]:
    """How often each status came back; each answer as described, or the test fails."""
    found: Counter[int] = Counter()

    @settings(
        max_examples=OF_EACH, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        answer = case.call(timeout=20)
        found[answer.status_code] += 1
        assert answer.status_code != 500, f"{operation.label}: {answer.text}"
        case.validate_response(answer, checks=AS_DESCRIBED)

    ask()
    return found


def test_every_answer_is_as_described(stack: Stack) -> None:
    """Requests made from the description, right ones and wrong ones: no 500, no status that is not
    in it, and no answer of another form. The same requests each time."""
    schema = schemathesis.openapi.from_url(f"{stack.url('nginx')}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    outer = [operation for operation in operations if operation.path not in INNER]
    assert len(outer) == 10, [operation.label for operation in outer]
    answered = {
        (operation.label, mode): answers(operation, mode)
        for operation in outer
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    }
    assert sum(found.total() for found in answered.values()) >= 400, answered
    assert any(found[200] for found in answered.values()), answered
