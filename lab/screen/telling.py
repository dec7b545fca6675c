"""Writing the report of an incident that the journal knows."""

from __future__ import annotations

from pathlib import Path

from lab.doors import Doors
from lab.ending import history_of, judge
from lab.errors import MachineLacks
from lab.gather import folder_of
from lab.incident import scenario_of
from lab.records import Row
from lab.report import Paths, ScenarioText, write_report


def tell_story(doors: Doors, row: Row, out: Path | None = None) -> Paths:
    """Write the report of an ended incident, into the folder or the page `out`, or beside its
    history.

    Raises `BadInput` while the incident is on, `MachineLacks` when it cannot be written.
    """
    scenario = scenario_of(row)
    history = history_of(row)
    told = ScenarioText(
        brief=doors.library.text(scenario, "brief"), debrief=doors.library.text(scenario, "debrief")
    )
    where = out or folder_of(doors, row)
    try:
        return write_report(
            history,
            judge(doors, row, history),
            told,
            where,
            vocabulary=doors.vocabulary,
            grafana=doors.grafana,
        )
    except OSError as error:
        raise MachineLacks(
            f"the report cannot be written to {where}: {error.strerror}",
            remedy="choose another directory, or page, with --out",
        ) from error
