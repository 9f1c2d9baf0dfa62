"""Run every suite, say how long each took, and fail if any failed, skipped a test, or ran none.

``suites.py`` runs all; ``suites.py lint e2e`` runs those named.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
SOURCES = ("protos", "core", "operator", "shard-worker", "audio-router", "cli", "devkit")

CHECKS: dict[str, tuple[str, ...]] = {
    "ruff": (str(BIN / "ruff"), "check", "."),
    "format": (str(BIN / "ruff"), "format", "--check", "."),
    "mypy": (str(BIN / "mypy"), *(f"{source}/src" for source in SOURCES), "tests", "scripts"),
    "imports": (str(BIN / "lint-imports"),),
    "generated": (str(BIN / "python"), "scripts/generate.py", "--check"),
}

FUZZ_SEED = os.environ.get("SEGUE_FUZZ_SEED") or str(secrets.randbelow(2**32))
"""Another one each run, told in the table; given again, it repeats a run."""

SUITES: dict[str, tuple[str, ...]] = {
    "packages": (
        "tests",
        "--ignore=tests/contract",
        "--ignore=tests/e2e",
        "--ignore=tests/browser",
        "--ignore=tests/bench",
        "--ignore=tests/interop",
        "--ignore=tests/fuzz",
    ),
    "fuzz": ("tests/fuzz", f"--hypothesis-seed={FUZZ_SEED}"),
    "contract": ("tests/contract",),
    "interop": ("tests/interop",),
    "e2e": ("tests/e2e",),
    "browser": ("tests/browser",),
    "bench": ("tests/bench",),
}


@dataclass(frozen=True)
class Outcome:
    """How one suite ended. A check counts as one test."""

    name: str
    seconds: float
    passed: int
    failed: int
    note: str = ""


def run_check(name: str, command: tuple[str, ...]) -> Outcome:
    """Run one linter or drift check."""
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return Outcome(name, time.monotonic() - started, int(code == 0), int(code != 0))


def run_tests(name: str, arguments: tuple[str, ...]) -> Outcome:
    """Run one pytest suite. A skipped test counts as failed: a suite that can't run must say so loudly."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="segue-suite-") as folder:
        report = Path(folder) / "junit.xml"
        command = (str(BIN / "python"), "-m", "pytest", "-q", f"--junitxml={report}", *arguments)
        code = subprocess.run(command, cwd=ROOT, check=False, env=environment(name)).returncode
        seconds = time.monotonic() - started
        if not report.exists():
            return Outcome(name, seconds, 0, 1, f"pytest ended with {code} and no report")
        suite = next(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest's own report
    total = int(suite.get("tests", 0))
    bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped = int(suite.get("skipped", 0))
    note = f"{skipped} skipped, which counts as failed" if skipped else ""
    if total == 0:
        return Outcome(name, seconds, 0, 1, "no test ran")
    if code != 0 and bad + skipped == 0:
        bad, note = 1, f"pytest ended with {code}"
    return Outcome(name, seconds, max(0, total - bad - skipped), bad + skipped, note)


def environment(suite: str) -> dict[str, str]:
    """Return the environment of a suite: browser tests are told where Chromium is."""
    env = dict(os.environ)
    if suite == "browser":
        found = subprocess.run(
            (str(ROOT / "scripts" / "chromium"),), check=False, stdout=subprocess.PIPE, text=True
        )
        env["SEGUE_CHROMIUM"] = found.stdout.strip()
    return env


def chosen(names: list[str]) -> list[str]:
    """Return the names of what is to run, in order."""
    known = [*CHECKS, *SUITES]
    if not names:
        return known
    wanted: list[str] = []
    for name in names:
        if name == "lint":
            wanted += CHECKS
        elif name in known:
            wanted.append(name)
        else:
            sys.exit(f"no suite named {name!r}; there are: lint, {', '.join(known)}")
    return wanted


def main() -> int:
    """Run what was asked for and print the table."""
    outcomes: list[Outcome] = []
    for name in chosen(sys.argv[1:]):
        print(f"\n=== {name} ===", flush=True)
        if name == "fuzz":
            print(
                f"repeat it with SEGUE_FUZZ_SEED={FUZZ_SEED}; SEGUE_FUZZ_EXAMPLES=5000 tries more", flush=True
            )
        if name in CHECKS:
            outcomes.append(run_check(name, CHECKS[name]))
        else:
            outcomes.append(run_tests(name, SUITES[name]))
    print("\nsuite        minutes  passed  failed")
    for one in outcomes:
        print(f"{one.name:<12} {one.seconds / 60:7.2f} {one.passed:7d} {one.failed:7d}  {one.note}")
    passed, failed = sum(one.passed for one in outcomes), sum(one.failed for one in outcomes)
    print(f"{'all':<12} {sum(one.seconds for one in outcomes) / 60:7.2f}\n")
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
