"""Which shards this worker holds, and until when it may act for them."""
