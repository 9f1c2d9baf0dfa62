"""The ``MusicCluster`` resource: typed model, readable errors, and the CRD generated from both."""

from __future__ import annotations

from segue_operator.api.errors import Problem, SpecError
from segue_operator.api.load import load_file, load_text, validate
from segue_operator.api.musiccluster import MusicCluster, ObjectMeta
from segue_operator.api.spec import MusicClusterSpec

__all__ = [
    "MusicCluster",
    "MusicClusterSpec",
    "ObjectMeta",
    "Problem",
    "SpecError",
    "load_file",
    "load_text",
    "validate",
]
