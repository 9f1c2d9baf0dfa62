"""The plan: what is there and what is wanted become steps with reasons. Pure, so properties are cheap."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from segue_operator.api import MusicCluster, load_text
from segue_operator.plan import Reason, Verb, World, credentials_in, make_plan
from segue_operator.specs import Credentials, ObjectRef

FIRST = Credentials(lavalink_password="a", redis_password="b", postgres_password="c")
NOTHING = World()
OTHER = Credentials(lavalink_password="x", redis_password="y", postgres_password="z")

BASE = load_text("""
apiVersion: segue.dev/v1alpha1
kind: MusicCluster
metadata: {name: m}
spec:
  discord: {tokenSecretRef: {name: t}}
  regions: [{name: a}, {name: b}, {name: c}]
""")


@st.composite
def clusters(draw: st.DrawFn) -> MusicCluster:
    """Any cluster of up to three regions."""
    document = BASE.document()
    spec = document["spec"]
    spec["shards"] = draw(st.integers(1, 64))
    spec["workers"] |= {
        "shardsPerWorker": draw(st.integers(1, 16)),
        "hotSpares": draw(st.integers(0, 4)),
        "zones": draw(st.lists(st.sampled_from(["z1", "z2"]), unique=True)),
    }
    spec["router"]["replicas"] = draw(st.integers(1, 4))
    names = draw(st.lists(st.sampled_from("abc"), min_size=1, unique=True))
    spec["regions"] = [{"name": name, "nodes": draw(st.integers(1, 5))} for name in names]
    if draw(st.booleans()):
        spec["redis"] = {"urlSecretRef": {"name": "r", "key": "url"}}
    if draw(st.booleans()):
        spec["lavalink"] = {"passwordSecretRef": {"name": "l", "key": "password"}}
    return MusicCluster.model_validate(document)


def _after(cluster: MusicCluster, world: World = NOTHING, fresh: Credentials = FIRST) -> World:
    plan = make_plan(cluster, world, credentials_in(world, cluster, fresh))
    return World(plan.desired, plan.publish or world.published)


def _deployment(world: World, name: str) -> Any:
    return world.by_ref()[ObjectRef("Deployment", "default", name)].body["spec"]


@given(clusters())
def test_a_plan_carried_out_leaves_nothing_to_do(cluster: MusicCluster) -> None:
    """Planning again from what the plan made changes nothing and publishes nothing: it converges."""
    world = _after(cluster)
    again = make_plan(cluster, world, credentials_in(world, cluster, OTHER))
    assert again.changes == ()
    assert again.publish is None
    assert all(action.reason is Reason.AS_WANTED for action in again.actions)


@given(clusters(), clusters())
def test_any_cluster_becomes_any_other_in_one_plan(before: MusicCluster, after: MusicCluster) -> None:
    """From one spec to another the result is what the other makes from nothing, passwords aside."""
    changed = _after(after, _after(before))
    fresh = _after(after)
    assert {one.ref for one in changed.objects} == {one.ref for one in fresh.objects}
    for ref, manifest in fresh.by_ref().items():
        if ref.kind != "Secret":
            assert changed.by_ref()[ref].body == manifest.body


@given(clusters(), clusters())
def test_every_object_is_in_the_plan_once_and_goes_only_when_unwanted(
    before: MusicCluster, after: MusicCluster
) -> None:
    """No step is missing or doubled; deletions come last and name what the spec no longer asks for."""
    world = _after(before)
    plan = make_plan(after, world, credentials_in(world, after, OTHER))
    refs = [action.ref for action in plan.actions]
    assert len(refs) == len(set(refs))
    verbs = [action.verb for action in plan.actions]
    assert verbs == sorted(verbs, key=lambda verb: verb is Verb.DELETE)
    assert {ref for ref, verb in zip(refs, verbs, strict=True) if verb is Verb.DELETE} == {
        ref for ref in world.by_ref() if ref not in {one.ref for one in plan.desired}
    }
    assert all(action.message for action in plan.actions)


@given(clusters())
def test_worker_pods_are_holders_and_hot_spares(cluster: MusicCluster) -> None:
    """There are ceil(shards / shardsPerWorker) + hotSpares replicas."""
    spec = cluster.spec
    expected = math.ceil(spec.shards / spec.workers.shards_per_worker) + spec.workers.hot_spares
    assert _deployment(_after(cluster), "m-worker")["replicas"] == expected


@given(clusters(), clusters())
def test_generations_grow_when_the_topology_changes_and_only_then(
    before: MusicCluster, after: MusicCluster
) -> None:
    """The data plane can tell a newer topology by its number, and is not told of the same one twice."""
    first = _after(before)
    assert first.published is not None
    plan = make_plan(after, first, FIRST)
    same = (before.spec.shards, before.spec.regions) == (after.spec.shards, after.spec.regions)
    assert (plan.publish is None) == same
    assert plan.topology.generation == first.published.generation + (0 if same else 1)
    assert plan.topology.num_shards == after.spec.shards


@given(clusters())
def test_a_password_once_generated_is_kept(cluster: MusicCluster) -> None:
    """A later plan is offered other passwords and takes those that are in use."""
    world = _after(cluster, fresh=FIRST)
    kept = credentials_in(world, cluster, OTHER)
    assert kept.postgres_password == "c"
    assert kept.redis_password == ("b" if cluster.spec.redis.embedded else "y")


def test_an_update_says_what_changed(laptop: MusicCluster, credentials: Credentials) -> None:
    """More shards: the workers' Deployment alone changes, and the reason has the figures."""
    first = make_plan(laptop, World(), credentials)
    plan = make_plan(laptop.with_spec(shards=5), World(first.desired, first.publish), credentials)
    assert [(str(step.ref), step.verb, step.message) for step in plan.changes] == [
        ("Deployment/laptop-worker", Verb.UPDATE, "spec.replicas 3 → 6")
    ]


def test_a_field_that_is_no_longer_set_is_noticed(production: MusicCluster, credentials: Credentials) -> None:
    """Zones taken out of the spec take the affinity out of the Deployment."""
    first = make_plan(production, World(), credentials)
    anywhere = production.with_spec(workers=production.spec.workers.model_copy(update={"zones": ()}))
    plan = make_plan(anywhere, World(first.desired, first.publish), credentials)
    assert [(str(step.ref), step.message) for step in plan.changes] == [
        ("Deployment/music-worker", "a field is no longer set")
    ]


def test_the_api_servers_own_fields_are_no_change(laptop: MusicCluster, credentials: Credentials) -> None:
    """What the API server adds to an object (defaults, uid, status) is not ours to undo."""
    first = make_plan(laptop, World(), credentials)
    served = tuple(
        type(one)({**one.body, "metadata": {**one.body["metadata"], "uid": "1"}, "status": {"x": 1}})
        for one in first.desired
    )
    assert make_plan(laptop, World(served, first.publish), credentials).changes == ()


def test_a_secret_is_never_shown(laptop: MusicCluster, credentials: Credentials) -> None:
    """A changed password is said to have changed; neither value appears in the plan's words."""
    first = make_plan(laptop, World(), credentials)
    plan = make_plan(laptop, World(first.desired, first.publish), OTHER)
    secrets = [step for step in plan.changes if step.ref.kind == "Secret"]
    assert secrets
    for step in secrets:
        assert "changed" in step.message
        assert "pw" not in step.message
        assert "pw" not in repr(step.manifest)
