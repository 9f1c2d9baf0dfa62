"""What can be wrong with manifests for this backend."""

from __future__ import annotations


class ManifestError(ValueError):
    """Manifests that can't be honoured to the letter. ``problems`` names every one; nothing was started."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))
