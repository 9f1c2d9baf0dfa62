-- What a server's managers have chosen. One row a guild that ever changed anything.
-- depends:

CREATE TABLE server_configuration (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    guild_id bigint NOT NULL UNIQUE,
    subscription_tier text NOT NULL DEFAULT 'free',
    subscription_expires_at timestamptz,
    spotify_enabled boolean NOT NULL DEFAULT true,
    apple_music_enabled boolean NOT NULL DEFAULT true,
    deezer_enabled boolean NOT NULL DEFAULT true,
    lyrics_enabled boolean NOT NULL DEFAULT true,
    sponsor_block_enabled boolean NOT NULL DEFAULT false,
    advanced_search_enabled boolean NOT NULL DEFAULT false,
    max_audio_quality text NOT NULL DEFAULT 'high',
    volume_limit integer NOT NULL DEFAULT 200,
    max_queue_size integer NOT NULL DEFAULT 500,
    max_song_duration integer NOT NULL DEFAULT 0,
    allow_explicit_content boolean NOT NULL DEFAULT true,
    dj_role_id bigint,
    dj_only_mode boolean NOT NULL DEFAULT false,
    vote_skip_enabled boolean NOT NULL DEFAULT false,
    vote_skip_threshold double precision NOT NULL DEFAULT 0.5,
    autoplay_enabled boolean NOT NULL DEFAULT false,
    autoplay_mode text NOT NULL DEFAULT 'similar',
    autoplay_queue_size integer NOT NULL DEFAULT 10,
    ephemeral_messages boolean NOT NULL DEFAULT false,
    persistent_connection boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX server_configuration_tier ON server_configuration (subscription_tier);
CREATE INDEX server_configuration_expiry ON server_configuration (subscription_expires_at);
