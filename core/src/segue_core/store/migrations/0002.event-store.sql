-- Every fact once, in one order. Nothing is ever changed or removed here.
-- depends: 0001.server-configuration

CREATE TABLE event_store_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    event_type text NOT NULL,
    aggregate_id text NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_version bigint NOT NULL,
    event_data jsonb NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    "timestamp" timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    global_position bigint NOT NULL UNIQUE,
    UNIQUE (aggregate_type, aggregate_id, aggregate_version)
);

CREATE INDEX event_store_event_type ON event_store_event (event_type);
CREATE INDEX event_store_event_timestamp ON event_store_event ("timestamp");

CREATE FUNCTION event_store_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'event_store_event is append-only' USING ERRCODE = 'insufficient_privilege';
END
$body$;

CREATE TRIGGER event_store_event_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON event_store_event
    FOR EACH STATEMENT EXECUTE FUNCTION event_store_refuse_change();
