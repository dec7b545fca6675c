"""What people do about a night is found beside its scenario, and each script says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.attempts import fix_in, says_why, scripts
from lab.errors import BadInput
from lab.library import Library

SHIPPED = Library()


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_fix_is_found_by_its_name(tmp_path: Path) -> None:
    """Without a name the scenario's own remedy; an unknown one is refused with what there is."""
    other = written(tmp_path / "fixes" / "another.sh", "#!/bin/sh\n")
    assert fix_in(tmp_path, None) == tmp_path / "remedy.sh"
    assert fix_in(tmp_path, "another") == other
    with pytest.raises(BadInput, match="there is no fix 'anothr'") as refused:
        fix_in(tmp_path, "anothr")
    assert "another" in (refused.value.remedy or "")


def test_a_decoy_says_why_it_tempts_and_a_fix_why_it_is_right(tmp_path: Path) -> None:
    """Each in its own words; of the remedy nobody asks."""
    remedy = written(tmp_path / "remedy.sh", "#!/bin/sh\n")
    decoy = written(tmp_path / "decoys" / "hope.sh", "# Why it is right: hope\n")
    fix = written(tmp_path / "fixes" / "other.sh", "# Why it is right: it works\n")
    assert scripts(tmp_path) == [remedy, decoy, fix]
    assert [says_why(one) for one in (remedy, decoy, fix)] == [True, False, True]


@pytest.mark.parametrize("slug", SHIPPED.slugs())
def test_every_scenario_has_another_fix(slug: str) -> None:
    """That its verdict must recognise, although it does not name it."""
    folder = SHIPPED.path(slug)
    assert len([one for one in scripts(folder) if one.parent.name == "fixes"]) >= 1
