-- What events mean to readers. Written with the event, in the same transaction.
-- depends: 0002.event-store

CREATE TABLE playback_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE REFERENCES event_store_event (event_id),
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    channel_id bigint,
    title text NOT NULL,
    artist text NOT NULL,
    url text,
    duration bigint NOT NULL,
    played_ms bigint NOT NULL,
    source text NOT NULL,
    played_at timestamptz NOT NULL,
    played_fully boolean NOT NULL,
    skip_reason text,
    playback_quality text,
    plugins_used text[] NOT NULL DEFAULT '{}'
);

CREATE INDEX playback_history_guild ON playback_history (guild_id, played_at DESC);
CREATE INDEX playback_history_user ON playback_history (user_id, played_at DESC);
CREATE INDEX playback_history_source ON playback_history (source);
CREATE INDEX playback_history_played_at ON playback_history (played_at);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE REFERENCES event_store_event (event_id),
    guild_id bigint,
    user_id bigint,
    action text NOT NULL,
    summary text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX audit_log_guild ON audit_log (guild_id, created_at DESC);
CREATE INDEX audit_log_user ON audit_log (user_id);
CREATE INDEX audit_log_created_at ON audit_log (created_at);

CREATE TABLE songs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    identifier text NOT NULL,
    title text NOT NULL,
    author text NOT NULL,
    uri text,
    duration bigint NOT NULL,
    plays bigint NOT NULL DEFAULT 0,
    likes bigint NOT NULL DEFAULT 0,
    dislikes bigint NOT NULL DEFAULT 0,
    saves bigint NOT NULL DEFAULT 0,
    last_played_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (source, identifier)
);

CREATE INDEX songs_plays ON songs (plays DESC);
