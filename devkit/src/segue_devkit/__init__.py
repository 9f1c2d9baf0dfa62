"""Discord simulator, Lavalink stand-in, process backend, demo and benchmarks."""
