"""Makes the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segue_operator.plan.actions import Action, Plan, Reason, Verb
from segue_operator.plan.diff import differences, summary
from segue_operator.plan.why import why
from segue_operator.specs import Manifest, build_all, build_topology
from segue_operator.specs.pod import fingerprint

if TYPE_CHECKING:
    from segue_core.models import Topology
    from segue_operator.api import MusicCluster
    from segue_operator.plan.world import World
    from segue_operator.specs import Credentials

SPEC_HASH = "segue.dev/spec-hash"


def make_plan(cluster: MusicCluster, world: World, credentials: Credentials) -> Plan:
    """Return what to do so that ``world`` becomes what ``cluster`` asks for.

    Creations and updates come in the order of :func:`segue_operator.specs.build_all`, deletions
    last and backwards: what others need goes after them.
    """
    there = world.by_ref()
    wanted = tuple(_stamped(manifest) for manifest in build_all(cluster, credentials))
    kept = {manifest.ref for manifest in wanted}
    steps = [_step(cluster, manifest, there.get(manifest.ref)) for manifest in wanted]
    gone = [manifest for manifest in reversed(world.objects) if manifest.ref not in kept]
    steps += [_removal(manifest) for manifest in gone]
    topology = _topology(cluster, world.published)
    return Plan(tuple(steps), topology, None if topology == world.published else topology)


def _step(cluster: MusicCluster, wanted: Manifest, there: Manifest | None) -> Action:
    ref = wanted.ref
    if there is None:
        return Action(Verb.CREATE, ref, Reason.MISSING, why(cluster, ref), wanted)
    found = differences(wanted.body, there.body, secret=ref.kind == "Secret")
    if not found:
        return Action(Verb.KEEP, ref, Reason.AS_WANTED, "as the spec asks", wanted)
    fields = tuple(one for one in found if SPEC_HASH not in one)
    message = summary(fields) or "a field is no longer set"
    return Action(Verb.UPDATE, ref, Reason.SPEC_CHANGED, message, wanted)


def _stamped(manifest: Manifest) -> Manifest:
    """Return the manifest with a digest of all of it, so that a field that is no longer set is noticed.

    What only the object there has can't be told from the API server's defaults otherwise. A Secret
    goes without: a digest of a password could be guessed at, and its keys are compared anyway.
    """
    if manifest.ref.kind == "Secret":
        return manifest
    metadata = {**manifest.body["metadata"], "annotations": {SPEC_HASH: fingerprint(manifest.body)}}
    return Manifest({**manifest.body, "metadata": metadata})


def _removal(manifest: Manifest) -> Action:
    message = "the spec no longer asks for it"
    return Action(Verb.DELETE, manifest.ref, Reason.NOT_WANTED, message, None)


def _topology(cluster: MusicCluster, published: Topology | None) -> Topology:
    """Return the topology to run by: the published one, or the next generation when it says otherwise."""
    if published is None:
        return build_topology(cluster, 1)
    same = build_topology(cluster, published.generation)
    return same if same == published else replace(same, generation=published.generation + 1)
