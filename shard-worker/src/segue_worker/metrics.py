"""Every metric of the shard worker, with what it says."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

# The gateway.

GATEWAY_EVENTS = Counter(
    "segue_gateway_events", "Gateway events that reached the worker's own handling, by event name.", ["event"]
)
GATEWAY_PASSED_OVER = Counter(
    "segue_gateway_events_passed_over",
    "Gateway events nobody could use, by why: unknown name, malformed payload, or failed in handling.",
    ["why"],
)
GATEWAY_SESSIONS = Counter(
    "segue_gateway_sessions", "Gateway sessions that became ready, by how: identified or resumed.", ["how"]
)
GATEWAY_DISCONNECTS = Counter(
    "segue_gateway_disconnects",
    "Gateway connections that ended, by what follows: resume, identify, stop.",
    ["next"],
)
GATEWAY_LATENCY = Gauge(
    "segue_gateway_heartbeat_latency_seconds",
    "Time from the last heartbeat to its acknowledgement.",
    ["shard"],
)
GATEWAY_UNHANDLED = Gauge(
    "segue_gateway_unhandled_events", "Events received and not yet handled or journaled.", ["shard"]
)
GATEWAY_RESUME = Histogram(
    "segue_gateway_resume_seconds",
    "Time from opening the socket to RESUMED.",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)

# Shards and leases.

SHARDS_HELD = Gauge("segue_worker_shards_held", "Shards whose lease this worker holds.")
SHARDS_READY = Gauge("segue_worker_shards_ready", "Held shards with a ready gateway session.")
SHARDS_FROZEN = Gauge(
    "segue_worker_shards_frozen", "Held shards that may not write, as Redis is unreachable from here."
)
LEASE_RENEWAL = Histogram(
    "segue_lease_renewal_seconds",
    "Round trip of lease renewals that were answered.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5),
)
LEASE_RENEWAL_FAILURES = Counter(
    "segue_lease_renewal_failures", "Lease renewals that failed or stayed unanswered."
)
LEASES_LOST = Counter("segue_leases_lost", "Leases that ended without our release, by why.", ["why"])
SHARD_CLAIMS = Counter(
    "segue_shard_claims", "Shards claimed, by why they could be: free, offered, expired.", ["why"]
)
PROMOTION_SECONDS = Histogram(
    "segue_shard_promotion_seconds",
    "Time from a claim to a ready gateway session.",
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
)
CHECKPOINTS = Counter(
    "segue_gateway_checkpoints", "Gateway sessions written to Redis, by outcome.", ["outcome"]
)

# Commands and answers.

COMMANDS = Counter("segue_commands", "Commands that reached this worker, by name.", ["command"])
COMMANDS_REFUSED = Counter(
    "segue_commands_refused",
    "Commands that were not accepted, by why: frozen, not_journaled, not_taken, failed.",
    ["why"],
)
ACKNOWLEDGEMENTS = Counter(
    "segue_acknowledgements", "Deferrals of commands, by what Discord said.", ["outcome"]
)
ANSWERS = Counter(
    "segue_answers",
    "Answers to people, by kind (direct, edit, follow_up) and what Discord said.",
    ["kind", "outcome"],
)
SETTINGS_READS = Counter(
    "segue_settings_reads",
    "Reads of a server's settings, by where the answer came from: memory, redis, store, stale.",
    ["source"],
)

# Players.

PLAYERS_LIVE = Gauge("segue_players_live", "Guilds with a player on this worker.")
PLAYERS_PLAYING = Gauge("segue_players_playing", "Guilds whose song plays and is not paused.")
MAILBOX_DEPTH = Histogram(
    "segue_mailbox_depth",
    "Messages waiting in a guild's mailbox when one more was posted.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
MESSAGES_REFUSED = Counter(
    "segue_mailbox_refused", "Messages a full or closed mailbox did not take, by kind.", ["kind"]
)
COMMIT_SECONDS = Histogram(
    "segue_commit_seconds",
    "Round trip of guild commits to Redis, by outcome.",
    ["outcome"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
EFFECT_SECONDS = Histogram(
    "segue_effect_seconds",
    "What a decision set off, by kind and outcome.",
    ["kind", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
