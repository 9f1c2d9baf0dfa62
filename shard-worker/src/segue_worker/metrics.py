"""Every metric of the shard worker, with what it says."""

from __future__ import annotations

from segue_core.metrics import MemoryMetrics, Metrics, ProcessMetrics

_metrics = Metrics()

PROCESS = ProcessMetrics(_metrics)
MEMORY = MemoryMetrics(_metrics)
MEMORY_LIMIT, MEMORY_STAGE = MEMORY.limit, MEMORY.stage
BREAKERS = _metrics.gauge(
    "segue_breakers",
    "Circuit breakers that are not closed, by what they guard (node, source, store) and state.",
    ["kind", "state"],
)

# The gateway.

GATEWAY_EVENTS = _metrics.counter(
    "segue_gateway_events_total",
    "Gateway events that reached the worker's own handling, by event name.",
    ["event"],
)
GATEWAY_PASSED_OVER = _metrics.counter(
    "segue_gateway_events_passed_over_total",
    "Gateway events nobody could use, by why: unknown name, malformed payload, or failed in handling.",
    ["why"],
)
GATEWAY_SESSIONS = _metrics.counter(
    "segue_gateway_sessions_total",
    "Gateway sessions that became ready, by how: identified or resumed.",
    ["how"],
)
GATEWAY_DISCONNECTS = _metrics.counter(
    "segue_gateway_disconnects_total",
    "Gateway connections that ended, by what follows: resume, identify, stop.",
    ["next"],
)
GATEWAY_LATENCY = _metrics.gauge(
    "segue_gateway_heartbeat_latency_seconds",
    "Time from the last heartbeat to its acknowledgement.",
    ["shard"],
)
GATEWAY_UNHANDLED = _metrics.gauge(
    "segue_gateway_unhandled_events", "Events received and not yet handled or journaled.", ["shard"]
)
GATEWAY_RESUME = _metrics.histogram(
    "segue_gateway_resume_seconds",
    "Time from opening the socket to RESUMED.",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)

# Shards and leases.

SHARDS_HELD = _metrics.gauge("segue_worker_shards_held", "Shards whose lease this worker holds.")
SHARDS_READY = _metrics.gauge("segue_worker_shards_ready", "Held shards with a ready gateway session.")
SHARDS_FROZEN = _metrics.gauge(
    "segue_worker_shards_frozen", "Held shards that may not write, as Redis is unreachable from here."
)
LEASE_RENEWAL = _metrics.histogram(
    "segue_lease_renewal_seconds",
    "Round trip of lease renewals that were answered.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5),
)
LEASE_RENEWAL_FAILURES = _metrics.counter(
    "segue_lease_renewal_failures_total", "Lease renewals that failed or stayed unanswered."
)
LEASES_LOST = _metrics.counter(
    "segue_leases_lost_total", "Leases that ended without our release, by why.", ["why"]
)
SHARD_CLAIMS = _metrics.counter(
    "segue_shard_claims_total", "Shards claimed, by why they could be: free, offered, expired.", ["why"]
)
PROMOTION_SECONDS = _metrics.histogram(
    "segue_shard_promotion_seconds",
    "Time from a claim to a ready gateway session.",
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
)
CHECKPOINTS = _metrics.counter(
    "segue_gateway_checkpoints_total", "Gateway sessions written to Redis, by outcome.", ["outcome"]
)

# Commands and answers.

COMMANDS = _metrics.counter(
    "segue_commands_total", "Commands that reached this worker, by name.", ["command"]
)
COMMANDS_REFUSED = _metrics.counter(
    "segue_commands_refused_total",
    "Commands that were not accepted, by why: frozen, overloaded, no_room, not_journaled, not_taken, failed.",
    ["why"],
)
ACKNOWLEDGEMENTS = _metrics.counter(
    "segue_acknowledgements_total", "Deferrals of commands, by what Discord said.", ["outcome"]
)
ANSWERS = _metrics.counter(
    "segue_answers_total",
    "Answers to people, by kind (direct, edit, follow_up, completion) and what Discord said.",
    ["kind", "outcome"],
)
SETTINGS_READS = _metrics.counter(
    "segue_settings_reads_total",
    "Reads of a server's settings, by where the answer came from: memory, redis, store, stale.",
    ["source"],
)

SEARCHES = _metrics.counter(
    "segue_searches_total",
    "Searches by words, by where the answer came from: memory and redis (hits of the cache), shared (somebody"
    " asked the same at that moment), node, or throttled.",
    ["source"],
)

# Discord's REST API, and the names under which bots are watched since before they were clusters.

DISCORD_ERRORS = _metrics.counter(
    "discord_api_errors_total",
    "Calls of Discord's REST API that failed, by operation and kind: unanswered, gone, forbidden, refused,"
    " bad_token, other.",
    ["operation", "kind"],
)
DISCORD_RETRIES = _metrics.counter(
    "discord_operation_retries_total",
    "Answers to interactions that were sent again, by operation; those of other routes are hikari's own.",
    ["operation"],
)
DISCORD_SECONDS = _metrics.histogram(
    "discord_operation_duration_seconds",
    "Calls of Discord's REST API, each attempt by itself where we make it; waiting for limits included.",
    ["operation"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
TRACK_PLAYS = _metrics.counter("track_plays_total", "Songs that became audible.")
QUEUE_SIZE = _metrics.gauge("queue_size", "Songs that wait in the queues of this worker's guilds.")

# Players.

PLAYERS_LIVE = _metrics.gauge("segue_players_live", "Guilds with a player on this worker.")
PLAYERS_PLAYING = _metrics.gauge("segue_players_playing", "Guilds whose song plays and is not paused.")
MAILBOX_DEPTH = _metrics.histogram(
    "segue_mailbox_depth",
    "Messages waiting in a guild's mailbox when one more was posted.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
MESSAGES_REFUSED = _metrics.counter(
    "segue_mailbox_refused_total", "Messages a full or closed mailbox did not take, by kind.", ["kind"]
)
COMMIT_SECONDS = _metrics.histogram(
    "segue_commit_seconds",
    "Round trip of guild commits to Redis, by outcome.",
    ["outcome"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
EFFECT_SECONDS = _metrics.histogram(
    "segue_effect_seconds",
    "What a decision set off, by kind and outcome.",
    ["kind", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
