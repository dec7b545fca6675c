"""The rest of a night: `python -m lab.later INCIDENT` injects what is due later than at once, and
sees whether anything comes of it."""

from __future__ import annotations

import sys

from lab.doors import open_doors
from lab.effect import watch
from lab.incident import scenario_of
from lab.injection import carry_on


def main(number: int) -> None:
    with open_doors() as doors:
        carry_on(doors, number, scenario_of(doors.journal.incident(number)))
        watch(doors, number)


if __name__ == "__main__":
    main(int(sys.argv[1]))
