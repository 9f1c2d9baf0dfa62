"""What a plan consists of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from segue_core.models import Topology
from segue_operator.specs import Manifest, ObjectRef


class Verb(StrEnum):
    """What is done to an object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    KEEP = "unchanged"


class Reason(StrEnum):
    """Why, in one word: becomes the reason of conditions, events and log lines."""

    MISSING = "Missing"
    SPEC_CHANGED = "SpecChanged"
    NOT_WANTED = "NotWanted"
    AS_WANTED = "AsWanted"


@dataclass(frozen=True, slots=True)
class Action:
    """One step. ``manifest`` is what is to be there afterwards, None for a deletion."""

    verb: Verb
    ref: ObjectRef
    reason: Reason
    message: str
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in order, and the topology the data plane is to run by.

    ``publish`` is None when what is published says it already.
    """

    actions: tuple[Action, ...]
    topology: Topology
    publish: Topology | None

    @property
    def changes(self) -> tuple[Action, ...]:
        """The steps that do something."""
        return tuple(action for action in self.actions if action.verb is not Verb.KEEP)

    @property
    def desired(self) -> tuple[Manifest, ...]:
        """Every object that is to be there afterwards."""
        return tuple(action.manifest for action in self.actions if action.manifest is not None)
