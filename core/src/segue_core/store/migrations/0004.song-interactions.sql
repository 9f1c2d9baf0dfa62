-- What people think of songs: one row a person and song, with what they said last.
-- depends: 0003.history-audit-songs

CREATE TABLE song_interactions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL,
    source text NOT NULL,
    identifier text NOT NULL,
    guild_id bigint NOT NULL,
    rating smallint NOT NULL DEFAULT 0 CHECK (rating IN (-1, 0, 1)),
    saved boolean NOT NULL DEFAULT false,
    title text NOT NULL,
    author text NOT NULL,
    uri text,
    duration bigint NOT NULL,
    rated_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, source, identifier)
);

CREATE INDEX song_interactions_user ON song_interactions (user_id, rated_at DESC);
CREATE INDEX song_interactions_song ON song_interactions (source, identifier);
