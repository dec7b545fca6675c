"""What a fault is, and how faults are found: one file each in this folder, nothing else to edit.

The order is always: plan -> write the token to the journal -> inject -> ask the witness -> ... ->
heal -> ask the witness again. `noop.py` is the smallest example; it is also the control.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lab.errors import Failed

if TYPE_CHECKING:
    from lab.stack import Stack


class FaultParams(BaseModel):
    """What a scenario says about a fault. Each fault has its own, and they are its schema.

    `fault` is the name of the fault, a literal: it picks the right schema in a scenario file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    fault: str
    after_s: float = Field(
        default=0, ge=0, le=600, description="seconds between the first fault and this one"
    )
    lasting: bool = Field(
        default=False,
        description="the world has changed: it is not the learner's to undo, and must still be so "
        "when the recovery is measured",
    )

    triggers: bool = Field(
        default=False,
        description="it passes by itself and only sets something off: there is nothing to undo, "
        "and whether what followed is over the objectives tell",
    )

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.lasting and self.triggers:
            raise ValueError("either it stays (`lasting`) or it passes by itself (`triggers`)")
        return self

    def arrivals(self, rate: float) -> float:
        """How many customers arrive each second under this fault, where `rate` would without."""
        return rate


class Token(BaseModel):
    """All that undoing needs, as JSON: another process must be able to heal from it alone, and one
    of a later version, which may have no use for some of it."""

    model_config = ConfigDict(extra="ignore", frozen=True)


P = TypeVar("P", bound=FaultParams)
T = TypeVar("T", bound=Token)


class Fault(ABC, Generic[P, T]):
    """One thing that the lab can break and mend. Stateless: what it knows is in the token.

    Any method may raise `LabError` when the stack does not let it work.
    """

    Params: ClassVar[type[FaultParams]]
    Token: ClassVar[type[Token]]

    hinders: ClassVar[bool] = False
    """Whether everything else takes longer to heal while this is there: it is healed first of all,
    and once more in its turn."""

    examples: ClassVar[tuple[FaultParams, ...]]
    """Parameters with which the lab proves this fault on the real stack: one for each way in which
    it works, none that a quiet stack would not show."""

    @abstractmethod
    def plan(self, stack: Stack, params: P) -> T:
        """Read what undoing will need. Changes nothing.

        Raises `LabError` when this fault cannot be had here and now, and why.
        """

    @abstractmethod
    def inject(self, stack: Stack, token: T) -> None:
        """Break it. It may be called again after a crash."""

    @abstractmethod
    def active(self, stack: Stack, token: T) -> bool:
        """Whether the system is broken in this way now: asks the system, never our memory."""

    @abstractmethod
    def heal(self, stack: Stack, token: T) -> None:
        """Mend it. Idempotent, from the token alone, even if it was never injected."""


class Broken(Failed):
    """A file in lab/faults is not a fault, or a token in the journal is not of its fault."""


# The two type parameters are each fault's own affair; whoever holds them all cannot know them.
AnyFault = Fault[Any, Any]


def discover() -> Mapping[str, AnyFault]:
    """Every fault by its name, which is the name of its file.

    Raises `Broken` for a file that does not hold exactly one fault with parameters of that name.
    """
    found: dict[str, AnyFault] = {}
    for info in pkgutil.iter_modules(__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        kinds = [
            kind
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Fault) and kind is not Fault
        ]
        if len(kinds) != 1:
            raise Broken(f"{module.__file__} must hold exactly one Fault; it holds {len(kinds)}")
        kind = kinds[0]
        missing = {"Params", "Token", "examples"} - set(vars(kind))
        lacking = sorted(missing) + sorted(kind.__abstractmethods__)
        if lacking:
            raise Broken(f"{kind.__name__} in {module.__file__} lacks {', '.join(lacking)}")
        named = getattr(kind.Params.model_fields["fault"].annotation, "__args__", ())
        if named != (info.name,):
            raise Broken(
                f"{module.__file__}: its parameters must say fault: Literal[{info.name!r}]"
            )
        found[info.name] = kind()
    return dict(sorted(found.items()))


def fault_named(name: str) -> AnyFault:
    """The fault of that name. Raises `Broken` when there is none (any more)."""
    try:
        return discover()[name]
    except KeyError:
        raise Broken(
            f"the journal speaks of a fault {name!r} that this version of the lab does not have",
            remedy="use the version that broke it, or `lab reset`",
        ) from None


def plan(stack: Stack, params: FaultParams) -> str:
    """Plan the fault that `params` name. Returns its token as JSON, for the journal."""
    token: Token = fault_named(params.fault).plan(stack, params)
    return token.model_dump_json()


def inject(stack: Stack, name: str, token: str) -> None:
    """Inject the fault `name` from its token as JSON."""
    fault = fault_named(name)
    fault.inject(stack, _read(fault, name, token))


def active(stack: Stack, name: str, token: str) -> bool:
    """Whether the fault `name` is active now, from its token as JSON."""
    fault = fault_named(name)
    return bool(fault.active(stack, _read(fault, name, token)))


def heal(stack: Stack, name: str, token: str) -> None:
    """Heal the fault `name` from its token as JSON."""
    fault = fault_named(name)
    fault.heal(stack, _read(fault, name, token))


def readable(name: str, token: str) -> bool:
    """Whether this version has the fault `name` and can read its token."""
    try:
        _read(fault_named(name), name, token)
    except Broken:
        return False
    return True


def hinders(name: str) -> bool:
    """Whether the fault `name` makes healing slow; one that this version does not have does not."""
    fault = discover().get(name)
    return fault is not None and fault.hinders


def _read(fault: AnyFault, name: str, token: str) -> Token:
    try:
        return fault.Token.model_validate_json(token)
    except ValidationError as error:
        raise Broken(
            f"the journal's token of {name} is not one of this version: {error}",
            remedy="use the version that wrote it, or `lab reset`",
        ) from error
