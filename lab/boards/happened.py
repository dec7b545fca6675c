"""What rang and what was changed, as far as the system shows it: asked of Prometheus, and drawn as
thin lines where it began and as strips while it lasted.

It tells what woke somebody up and what an operator has done; it does not mark the fault.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab import looks

FIRING = 'ALERTS{alertstate="firing",severity="page"}'
STARTED = 'process_start_time_seconds{job=~"api|worker"}'


@dataclass(frozen=True, slots=True)
class Happening:
    """One kind of thing that happens. `expr` has points only while it lasts; each series is called
    after its one `label`, as `called` says."""

    kind: str
    expr: str
    label: str
    called: str
    colour: str

    def name(self, value: str) -> str:
        """What one of them is called: "flag shed"."""
        return self.called.format(value)


HAPPENINGS = (
    Happening("page", f"max by (alertname) ({FIRING})", "alertname", "{}", looks.BROKEN),
    Happening(
        "warning",
        'max by (alertname) (ALERTS{alertstate="firing",severity="warn"})',
        "alertname",
        "{}",
        looks.INKS[1],
    ),
    Happening("flag", "max by (flag) (api:flag) > 0", "flag", "flag {}", looks.INKS[0]),
    Happening(
        "start",
        f"max by (service) (time() - {STARTED} < 10)",
        "service",
        "{} started",
        looks.INKS[3],
    ),
)
"""In the order in which a strip has them. A process has started anew for its first ten seconds."""
