# ruff: noqa: INP001 - a script beside its sources, not part of the package
"""Generate ``segue_protos`` from the ``.proto`` files beside this script.

``python protos/generate.py`` writes the package; ``--check`` writes nothing and exits 1 when what is
committed differs from what would be written. The tools (grpcio-tools, mypy-protobuf) are pinned by
the workspace's lock, so that everybody generates the same bytes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "segue"
PACKAGE = HERE / "src" / "segue_protos"
SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")


class GenerationError(RuntimeError):
    """The compiler refused a source; it has said why on standard error."""


def generate(into: Path) -> dict[str, bytes]:
    """Compile every source into ``into`` and return what was written, by path below ``into``.

    The sources' folder is mapped to the package's name, so that the stubs import each other as
    ``segue_protos.<api>.<version>`` without an edit of the generated text.
    """
    sources = sorted(path.relative_to(SOURCES) for path in SOURCES.rglob("*.proto"))
    plugins = Path(sys.executable).parent
    arguments = [
        "protoc",
        f"--plugin=protoc-gen-mypy={plugins / 'protoc-gen-mypy'}",
        f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}",
        f"--proto_path=segue_protos={SOURCES}",
        f"--proto_path={resources.files('grpc_tools') / '_proto'}",
        f"--python_out={into}",
        f"--grpc_python_out={into}",
        f"--mypy_out=quiet:{into}",
        f"--mypy_grpc_out=quiet:{into}",
        *(f"segue_protos/{source}" for source in sources),
    ]
    if protoc.main(arguments) != 0:
        raise GenerationError(f"protoc refused the sources in {SOURCES}")
    root = into / "segue_protos"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.py*"))}


def committed(package: Path) -> dict[str, bytes]:
    """Return the generated files that ``package`` holds, by path below it."""
    found = (path for path in sorted(package.rglob("*")) if path.name.endswith(SUFFIXES))
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in found}


def drift(package: Path) -> list[str]:
    """Return one line for each file that is missing, stale or left over; none when all agree."""
    with tempfile.TemporaryDirectory(prefix="segue-protos-") as folder:
        fresh = generate(Path(folder))
    present = committed(package)
    lines = [f"missing: {name}" for name in fresh if name not in present]
    lines += [f"stale: {name}" for name in fresh if name in present and present[name] != fresh[name]]
    lines += [f"left over: {name}" for name in present if name not in fresh]
    return lines


def write(package: Path) -> None:
    """Make ``package`` hold what the sources say, and nothing generated besides."""
    with tempfile.TemporaryDirectory(prefix="segue-protos-") as folder:
        fresh = generate(Path(folder))
    for name in committed(package):
        if name not in fresh:
            (package / name).unlink()
    for name, content in fresh.items():
        target = package / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def main() -> int:
    """Write the package, or compare it, as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is committed; write nothing")
    parser.add_argument("--package", type=Path, default=PACKAGE, help="the package's folder")
    arguments = parser.parse_args()
    if not arguments.check:
        write(arguments.package)
        return 0
    lines = drift(arguments.package)
    if lines:
        sys.stderr.write("\n".join([*lines, "run: python protos/generate.py", ""]))
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
