"""Reads what a real node reads: application.yml, found as Spring finds it, and the environment above it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import yaml

from segue_devkit.lavalink.audio.shelf import folder_of
from segue_devkit.lavalink.routeplanner import PlannerConfig, planner_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z0-9_.\-]+)(?::([^}]*))?\}")
_MAX_PORT: Final = 65_535
_T = TypeVar("_T")
FILTERS: Final = (
    "volume", "equalizer", "karaoke", "timescale", "tremolo", "vibrato", "distortion", "rotation",
    "channelMix", "lowPass",
)  # fmt: skip


class ConfigError(ValueError):
    """The configuration can't be used; the message is one line that names the place and the remedy."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """The settings that the stand-in honours; times are milliseconds."""

    address: str
    port: int
    password: str
    buffer_ms: int
    frame_buffer_ms: int
    player_update_ms: int
    stuck_ms: int
    http: bool
    local: bool
    disabled_filters: frozenset[str]
    tunes_url: str | None
    tunes_cache: Path | None
    planner: PlannerConfig | None

    def __repr__(self) -> str:
        """Everything but the password."""
        return f"NodeConfig({self.address}:{self.port}, frame buffer {self.frame_buffer_ms} ms)"


def load(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> NodeConfig:
    """Read the configuration.

    Args:
        environ: the environment (default: this process's).
        folder: where application.yml is looked for unless SPRING_CONFIG_LOCATION replaces that.

    Raises:
        ConfigError: a file is missing or is no YAML, or a value is of the wrong kind.
    """
    env = os.environ if environ is None else environ
    return _Reader(_files(env, folder or Path.cwd()), env).config()


def _files(env: Mapping[str, str], folder: Path) -> list[Path]:
    """Return the files, the strongest last; an additional location adds to the usual ones, as in Spring."""
    location, additional = env.get("SPRING_CONFIG_LOCATION"), env.get("SPRING_CONFIG_ADDITIONAL_LOCATION")
    usual = (folder / "application.yml", folder / "application.yaml")
    found = (
        _named("SPRING_CONFIG_LOCATION", location)
        if location
        else [path for path in usual if path.is_file()][:1]
    )
    return found + (_named("SPRING_CONFIG_ADDITIONAL_LOCATION", additional) if additional else [])


def _named(variable: str, locations: str) -> list[Path]:
    found = []
    for part in locations.split(","):
        optional = part.strip().startswith("optional:")
        path = Path(part.strip().removeprefix("optional:").removeprefix("file:"))
        path = path / "application.yml" if path.is_dir() else path
        if path.is_file():
            found.append(path)
        elif not optional:
            raise ConfigError(f"{variable}: {path} does not exist; write it, or prefix 'optional:'")
    return found


class _Reader:
    """Looks a dotted name up: environment first, then the files, the last file first."""

    def __init__(self, files: list[Path], env: Mapping[str, str]) -> None:
        self._env = env
        self._trees = [(path.name, _tree(path)) for path in reversed(files)]

    def config(self) -> NodeConfig:
        server = "lavalink.server"
        off = (f for f in FILTERS if not self._get(f"{server}.filters.{f}", _boolean, default=True))
        password = self._get(f"{server}.password", str, default="")
        if not password:
            raise ConfigError(
                f"{server}.password is missing: set it in application.yml or LAVALINK_SERVER_PASSWORD"
            )
        return NodeConfig(
            address=self._get("server.address", str, default="0.0.0.0"),
            port=self._get("server.port", _port, default=2333),
            password=password,
            buffer_ms=self._get(f"{server}.bufferDurationMs", _milliseconds, default=400),
            frame_buffer_ms=self._get(f"{server}.frameBufferDurationMs", _milliseconds, default=5000),
            player_update_ms=1000 * self._get(f"{server}.playerUpdateInterval", _positive, default=5),
            stuck_ms=self._get(f"{server}.trackStuckThresholdMs", _milliseconds, default=10_000),
            http=self._get(f"{server}.sources.http", _boolean, default=True),
            local=self._get(f"{server}.sources.local", _boolean, default=False),
            disabled_filters=frozenset(off),
            tunes_url=self._env.get("SEGUE_TUNES_URL", "").rstrip("/") or None,
            tunes_cache=folder_of(self._env),
            planner=self._planner(f"{server}.ratelimit"),
        )

    def _planner(self, name: str) -> PlannerConfig | None:
        strategy = self._get(f"{name}.strategy", str, default="RotateOnBan")
        failing = [part for part in self._env.get("SEGUE_FAILING_ADDRESSES", "").split(",") if part]
        try:
            return planner_config(self._list(f"{name}.ipBlocks"), strategy, failing)
        except ValueError as error:
            raise ConfigError(f"{name}: {error}") from None

    def _list(self, name: str) -> list[str]:
        """A list: the environment's NAME_0, NAME_1 and so on, else the strongest file's that has one."""
        variable = name.replace(".", "_").upper()
        found = [value for number in range(100) if (value := self._env.get(f"{variable}_{number}"))]
        if found:
            return found
        for where, tree in self._trees:
            value = _at(tree, name)
            if value is not None:
                if not isinstance(value, list):
                    raise ConfigError(f"{where}: {name} is {value!r}, but a list is wanted")
                return [self._fill(where, str(item)) for item in value]
        return []

    def _get(self, name: str, kind: Callable[[str], _T], *, default: _T) -> _T:
        where, text = self._find(name)
        if text is None:
            return default
        try:
            return kind(text)
        except ValueError as error:
            raise ConfigError(f"{where}: {name} is {text!r}, which is {error}") from None

    def _find(self, name: str) -> tuple[str, str | None]:
        variable = name.replace(".", "_").upper()
        if variable in self._env:
            return f"environment variable {variable}", self._env[variable]
        for where, tree in self._trees:
            value = _at(tree, name)
            if isinstance(value, (dict, list)):
                raise ConfigError(
                    f"{where}: {name} is a {type(value).__name__}, but a single value is wanted"
                )
            if value is not None:
                return where, self._fill(where, str(value))
        return "", None

    def _fill(self, where: str, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            found = self._env.get(match[1], match[2])
            if found is None:
                raise ConfigError(f"{where}: ${{{match[1]}}} is not set and has no default")
            return found

        return _PLACEHOLDER.sub(value, text)


def _tree(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: a mapping is wanted at the top, found a {type(tree).__name__}")
    return tree


def _at(tree: dict[str, Any], name: str) -> Any:
    """A dotted name in a tree; keys may be dotted themselves, as Spring allows."""
    if name in tree:
        return tree[name]
    for end in range(len(parts := name.split("."))):
        head, rest = ".".join(parts[: end + 1]), ".".join(parts[end + 1 :])
        if rest and isinstance(tree.get(head), dict):
            return _at(tree[head], rest)
    return None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("no whole number") from None


def _positive(text: str) -> int:
    if (number := _whole(text)) < 1:
        raise ValueError("not 1 or more")
    return number


def _milliseconds(text: str) -> int:
    if (number := _whole(text)) < 0:
        raise ValueError("not a time (milliseconds, 0 or more)")
    return number


def _port(text: str) -> int:
    if not 0 <= (number := _whole(text)) <= _MAX_PORT:
        raise ValueError("no port (0 to 65535)")
    return number


def _boolean(text: str) -> bool:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    raise ValueError("neither true nor false")
