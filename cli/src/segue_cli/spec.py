"""``segue validate`` and ``segue plan``: what a MusicCluster file says, and what would come of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segue_cli.options import Json, SpecFile  # noqa: TC001 - cyclopts reads annotations at run time
from segue_cli.output import EXIT_OK, EXIT_WRONG, print_json, print_table
from segue_operator.api import SpecError, load_file
from segue_operator.plan import World, make_plan
from segue_operator.specs import Credentials

if TYPE_CHECKING:
    import cyclopts

    from segue_operator.plan import Plan

_SHOWN_NOWHERE = Credentials(lavalink_password="", redis_password="", postgres_password="")
"""A plan that is only shown needs no password, and must not look as if it had chosen one."""


def register(app: cyclopts.App) -> None:
    """Add the commands."""
    app.command(validate)
    app.command(plan)


def validate(*, file: SpecFile, as_json: Json = False) -> int:
    """Check a MusicCluster file; every problem is shown with its line, the rule and the fix.

    Args:
        file: YAML file with one MusicCluster.
        as_json: Print JSON for programs.
    """
    try:
        cluster = load_file(file)
    except SpecError as error:
        return _problems(error, as_json=as_json)
    if as_json:
        print_json({"ok": True, "name": cluster.name, "problems": []})
    else:
        sys.stdout.write(f"{file}: {cluster.name} is a valid MusicCluster\n")
    return EXIT_OK


def plan(*, file: SpecFile, as_json: Json = False) -> int:
    """Show what a MusicCluster file would create where nothing is yet, and why.

    Args:
        file: YAML file with one MusicCluster.
        as_json: Print JSON for programs, manifests included.
    """
    try:
        cluster = load_file(file)
    except SpecError as error:
        return _problems(error, as_json=as_json)
    made = make_plan(cluster, World(), _SHOWN_NOWHERE)
    if as_json:
        print_json(_as_json(made))
    else:
        rows = [(step.verb, step.ref, step.message) for step in made.actions]
        print_table(("", "object", "why"), rows, "nothing to do")
        topology = made.topology
        said = f"{topology.num_shards} shards, {len(topology.regions)} regions, {len(topology.nodes)} nodes"
        sys.stdout.write(f"\npublishes topology generation {topology.generation}: {said}\n")
    return EXIT_OK


def _as_json(made: Plan) -> dict[str, object]:
    actions = [
        {
            "verb": step.verb.value,
            "kind": step.ref.kind,
            "name": step.ref.name,
            "reason": step.reason.value,
            "message": step.message,
            # A Secret's content would be made up here.
            "manifest": dict(step.manifest.body) if step.manifest and step.ref.kind != "Secret" else None,
        }
        for step in made.actions
    ]
    topology = made.topology
    nodes = [{"id": node.id, "region": node.region, "address": node.address} for node in topology.nodes]
    published = {"generation": topology.generation, "num_shards": topology.num_shards, "nodes": nodes}
    return {"actions": actions, "topology": published}


def _problems(error: SpecError, *, as_json: bool) -> int:
    if as_json:
        found = [
            {"path": problem.where, "rule": problem.rule, "fix": problem.fix, "line": problem.line}
            for problem in error.problems
        ]
        print_json({"ok": False, "problems": found})
    else:
        sys.stderr.write(f"{error}\n")
    return EXIT_WRONG
