"""The headline scenarios keep what they promise, each proven in one live night."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.operator import Operator

pytestmark = pytest.mark.live


@pytest.mark.timeout(900)
@pytest.mark.parametrize("slug", ["3am", "two-of-three"])
def test_every_row_of_the_matrix(operator: Operator, tmp_path: Path, slug: str) -> None:
    """Calm before, the page in time, no tempting fix that helps, a remedy that is measured as one,
    and no diagnosis that passes but the true one."""
    said = operator.type("verify", slug, "--seed", "1", "--out", str(tmp_path), within=850)
    assert said.code == 0, said.out + said.err
