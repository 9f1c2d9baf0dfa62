"""Finding songs by words: remembered for a while, asked for once, and not too often by anybody."""
