"""Benchmarks: each says whether its run was sound, its figures, and whose time they were."""
