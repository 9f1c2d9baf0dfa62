"""Discord's side of the worker: our own gateway shards, and a thin hand on the REST API."""
