"""A scenario: a folder that declares an incident. Read, validated, its seeded choices made.

Named after what the on-call person sees, never after the cause. `ScenarioFile` is what an author
writes in scenario.yaml; `Scenario` is the same after the choices, and goes into the journal whole,
so that nobody can change an incident's objectives or its truth while it runs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, Union

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from lab.faults import FaultParams, discover
from lab.grading.truth import Answer, Truth
from lab.load import LEAST_RATE, LONGEST_S, MOST_RATE
from lab.series import Condition

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"


MOST = 100
"""Of what is gone through again and again: choices, objectives, the chain."""

MINUTES_OF_CUSTOMERS = 2
"""For each minute that a learner should need, customers stay so many."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


if TYPE_CHECKING:
    AnyFaultParams = FaultParams
else:
    # Whatever is found in lab/faults: its name picks the schema.
    AnyFaultParams = Annotated[
        Union[tuple(fault.Params for fault in discover().values())],  # noqa: UP007
        Field(discriminator="fault"),
    ]


class Load(_Model):
    """The customers: how many arrive each second, whatever the answers take."""

    rate: float = Field(ge=LEAST_RATE, le=MOST_RATE, description="arrivals a second")
    focus: float = Field(
        default=0, ge=0, le=1, description="share of them who come for the same few photos"
    )
    fans: float = Field(
        default=0, ge=0, le=1, description="share of them who come for the circles of a few stars"
    )
    uploads: float = Field(
        default=0, ge=0, le=1, description="share of the others who bring a photo"
    )
    ramp_s: float = Field(
        default=0,
        ge=0,
        le=120,
        description="how long it takes until all of them come: what is dear to make is made once "
        "before many want it",
    )
    warm_s: float = Field(
        default=20,
        ge=0,
        le=300,
        description="how long customers come before the baseline may begin: caches fill up first",
    )
    baseline_s: float = Field(
        default=30,
        ge=10,
        le=300,
        description="how long the steady state must hold before anything breaks; what everything "
        "that moves afterwards is compared with",
    )

    @property
    def interests(self) -> dict[str, float]:
        """What brings them here, as the load generator takes it."""
        return self.model_dump(include={"focus", "fans", "uploads"})


class Objectives(_Model):
    """What customers were promised, and how long it must hold to count as kept again."""

    keep: list[Condition] = Field(min_length=1, max_length=MOST)
    hold_s: float = Field(default=20, ge=5, le=600, description="a full window of recovery")
    within_s: float = Field(
        default=90,
        ge=10,
        le=1800,
        description="how long `lab resolve` waits for that window to begin",
    )
    again_within_s: float | None = Field(
        default=None,
        ge=1,
        le=1800,
        description="where given, what only set it off (`triggers`) happens once more after a "
        "recovery, and this is how soon that window must begin again",
    )


class Symptom(Condition):
    """A promise of the scenario: this condition begins within `within_s` seconds of injection."""

    within_s: float = Field(gt=0, le=3600, description="seconds after injection")


class Page(_Model):
    """What rings: an alert rule of Prometheus, and the text that the on-call person gets."""

    alert: str
    text: str = Field(min_length=10)


class TruthEntry(_Model):
    """The answer, in the words of the vocabulary."""

    component: str
    cause: str
    object: str = Field(description="the very thing: the index, the replica")
    chain: list[str] = Field(
        min_length=2, max_length=MOST, description="signals, earliest to move first"
    )
    evidence: list[str] = Field(
        min_length=1, description="signals that tell this cause from its look-alikes"
    )


class AcceptedAnswer(_Model):
    """Another diagnosis that is worth full marks."""

    component: str
    cause: str
    why: str = Field(min_length=10)


class AcceptedFix(_Model):
    """Another way to mend it that counts as mitigation, though what broke may stay broken."""

    what: str
    why: str = Field(min_length=10)
    when: list[Condition] = Field(min_length=1, description="what the system shows then")
    without: list[str] = Field(default=[], description="services that need not be there")
    keep: list[Condition] = Field(
        default=[], description="the objectives that count then, where it trades some for others"
    )


class RedHerring(_Model):
    """Something harmless that happens here, and the signal that moves with it."""

    signal: str
    why: str = Field(min_length=10)
    fault: AnyFaultParams | None = Field(
        default=None,
        description="what makes it move, injected with the others; nobody must mend it",
    )


class Hint(_Model):
    """One step of help, and what it costs of the hundred points."""

    price: int = Field(ge=0, le=30)
    text: str = Field(min_length=10)


LIGHT = "light"
"""The key of an option's values in a light night."""

Pick = JsonValue
"""What a seed may pick: a word, a number, or a whole piece of the file."""


class ScenarioFile(_Model):
    """scenario.yaml. Any value may be `{choice: name}`: the seed picks one of `choices.name`.

    Where values belong together, an option is a mapping: `{choice: name.key}` is one of its values.
    Such an option may say under `light` which of its values are others in a light night: half the
    customers, and half of whatever is counted by them.
    """

    title: str = Field(min_length=5, description="what the on-call person sees")
    family: str
    difficulty: int = Field(ge=1, le=5)
    minutes: int = Field(
        ge=5,
        le=int(LONGEST_S / 60 / MINUTES_OF_CUSTOMERS),
        description="the time a learner should set aside; customers stay for twice as long",
    )
    tags: list[str] = []
    builds_on: list[str] = []
    unlocks: list[str] = []
    choices: dict[str, Annotated[list[Pick], Field(min_length=1, max_length=MOST)]] = {}
    load: Load
    objectives: Objectives
    stage: list[AnyFaultParams] = Field(
        default=[],
        description="how the stack is set up for this night, before its first customer: how many "
        "cores a service has, for instance. Nobody's to mend; undone at the end",
    )
    faults: list[AnyFaultParams] = Field(min_length=1)
    symptoms: list[Symptom] = Field(min_length=1)
    unaffected: list[Condition] = Field(
        default=[], description="what stays calm: the contrast to look-alikes"
    )
    page: Page
    truth: TruthEntry
    accepted: list[AcceptedAnswer] = Field(default=[], max_length=MOST)
    accepted_fixes: list[AcceptedFix] = []
    red_herrings: list[RedHerring] = []
    hints: list[Hint] = Field(min_length=1)

    @model_validator(mode="after")
    def _can_come(self) -> Self:
        if self.rate > MOST_RATE:
            raise ValueError(
                f"{self.rate:g} customers a second in the end; {MOST_RATE:g} can come at most"
            )
        return self

    @property
    def rate(self) -> float:
        """Arrivals a second while the incident is on: what the faults make of the load."""
        rate = self.load.rate
        for params in self.faults:
            rate = params.arrivals(rate)
        return rate


class Scenario(ScenarioFile):
    """One incident to be: a scenario with its choices made by `seed`."""

    slug: str
    seed: int
    picks: dict[str, Pick]
    light: bool = False

    @property
    def has_light(self) -> bool:
        """Whether this night can be had with half the customers."""
        return any(
            isinstance(option, dict) and LIGHT in option
            for options in self.choices.values()
            for option in options
        )

    @property
    def answer(self) -> Truth:
        """The truth as grading takes it."""
        truth = self.truth
        return Truth(
            answer=Answer(truth.component, truth.cause),
            object=truth.object,
            chain=tuple(truth.chain),
            accepted=tuple(Answer(a.component, a.cause, a.why) for a in self.accepted),
            red_herrings=tuple(herring.signal for herring in self.red_herrings),
            evidence=tuple(truth.evidence),
        )

    @property
    def last_deadline(self) -> float:
        """Seconds after the injection by which every symptom has begun, and has lasted."""
        return max(symptom.within_s + symptom.for_s for symptom in self.symptoms)

    @property
    def herrings(self) -> list[FaultParams]:
        """The faults that are there to distract. They follow `faults` in the journal."""
        return [herring.fault for herring in self.red_herrings if herring.fault is not None]

    @property
    def load_seconds(self) -> int:
        """How long the customers may stay."""
        return MINUTES_OF_CUSTOMERS * self.minutes * 60

    def fill(self, text: str) -> str:
        """`text` with every `${name}` of a choice replaced by what the seed picked."""
        return re.sub(r"\$\{([\w.]+)\}", lambda name: str(self.picks.get(name[1], name[0])), text)


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of scenario.yaml, for editors. Any scalar, any list, and any fault as a
    whole, may also be a `{choice: name}`."""
    schema = ScenarioFile.model_json_schema(by_alias=True)
    choice = {
        "type": "object",
        "description": "one of choices.<name>, picked by the seed",
        "properties": {"choice": {"type": "string"}},
        "required": ["choice"],
        "additionalProperties": False,
    }

    def open_up(node: Any) -> Any:
        if isinstance(node, list):
            return [open_up(item) for item in node]
        if not isinstance(node, dict):
            return node
        opened = {key: open_up(value) for key, value in node.items()}
        kinds = ("string", "integer", "number", "array")
        if (node.get("type") in kinds and "const" not in node) or "oneOf" in node:
            return {"anyOf": [opened, {"$ref": "#/$defs/Choice"}]}
        return opened

    properties = {
        name: part if name == "choices" else open_up(part)
        for name, part in schema["properties"].items()
    }
    definitions = {name: open_up(part) for name, part in schema["$defs"].items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "properties": properties,
        "$defs": {**definitions, "Choice": choice},
    }
