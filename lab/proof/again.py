"""Recorded nights judged again, by the lab as it is now: what a new rule says of old nights."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.files import replace_file
from lab.grading.vocabulary import Vocabulary
from lab.library import Library
from lab.progress import Report
from lab.proof import matrix
from lab.proof.kept import PROOF, nights_in, order_told, proofs_in
from lab.proof.rows import GIVEAWAYS, LIVED, NO_PAGE
from lab.scenario import Scenario

LOOKED_AT: Collection[str] = (GIVEAWAYS, NO_PAGE, LIVED)
"""What only the night itself could be asked for; it stays as it was said then."""


def judge_again(folder: Path, library: Library, vocabulary: Vocabulary, report: Report) -> None:
    """Rewrites the proofs that are kept in `folder`, but for what only the night itself told.

    Left out, and said to `report`, are nights of another scenario than there is now; only the chain
    of its truth may be another one. Raises `BadInput` where there is no proof at all.
    """
    for night in nights_in(folder, report):
        scenario = _as_it_is_now(night.scenario, library)
        if scenario is None:
            report.say(f"{night.name} is a night of another {night.scenario.slug}, and stays")
            continue
        path = folder / night.name / PROOF
        document = json.loads(path.read_text(encoding="utf-8"))
        night = replace(night, scenario=scenario)
        kept = [row for row in proofs_in([path])[0].rows if row.question in LOOKED_AT]
        rows = matrix.rows(night, vocabulary) if night.runs else []
        order = order_told(night)
        document |= {
            "rows": [asdict(row) for row in (*rows, *kept)],
            "order": order and asdict(order),
            "scenario": scenario.model_dump(mode="json"),
        }
        replace_file(path, json.dumps(document, indent=1) + "\n")


def _as_it_is_now(lived: Scenario, library: Library) -> Scenario | None:
    try:
        now = library.load(lived.slug, lived.seed)
    except LabError:
        return None
    same = _but_for_chains(now.model_dump()) == _but_for_chains(lived.model_dump())
    return now if same else None


def _but_for_chains(told: Any) -> Any:
    """Without the truth's, and without those of the other ways in which it can break."""
    if isinstance(told, dict):
        return {
            key: _but_for_chains(one)
            for key, one in told.items()
            if str(key).rpartition(".")[2] != "chain"
        }
    if isinstance(told, list | tuple):
        return [_but_for_chains(one) for one in told]
    return told
