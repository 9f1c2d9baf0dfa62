"""Turns a MusicCluster into manifests and keeps them applied."""
