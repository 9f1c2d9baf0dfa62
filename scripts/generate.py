"""Write every generated file from its source; ``--check`` only says which are stale, and fails then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from segue_operator.api import crd

ROOT = Path(__file__).resolve().parent.parent
CRD = ROOT / "crds" / "musiccluster.yaml"


def protobuf(*, check: bool) -> bool:
    """Messages and stubs of segue.router.v1; return whether they are what their source says."""
    command = (sys.executable, "protos/generate.py", *(("--check",) if check else ()))
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def definition(*, check: bool) -> bool:
    """The custom resource definition; return whether it is what the model says."""
    text = crd.render()
    if check:
        return CRD.read_text(encoding="utf-8") == text
    CRD.write_text(text, encoding="utf-8")
    return True


def reference(*, check: bool) -> bool:
    """The reference pages; return whether they are what the code says."""
    command = (sys.executable, "scripts/reference.py", *(("--check",) if check else ()))
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def main() -> int:
    """Run every generator and return 1 if one failed or found something stale."""
    check = "--check" in sys.argv[1:]
    current = {
        "protobuf": protobuf(check=check),
        "crds/musiccluster.yaml": definition(check=check),
        "docs/reference": reference(check=check),
    }
    for name, good in current.items():
        print(f"{name}: {'as its source says' if good else 'STALE: run `make generate` and commit'}")
    return int(not all(current.values()))


if __name__ == "__main__":
    sys.exit(main())
