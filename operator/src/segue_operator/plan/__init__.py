"""From what is and what is wanted to what to do, with a reason for each step. Pure."""

from __future__ import annotations

from segue_operator.plan.actions import Action, Plan, Reason, Verb
from segue_operator.plan.planner import make_plan
from segue_operator.plan.world import World, credentials_in

__all__ = ["Action", "Plan", "Reason", "Verb", "World", "credentials_in", "make_plan"]
