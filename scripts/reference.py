"""Write the reference pages that say what the code says: spec, environment, metrics, command line, commands.

``--check`` writes nothing, names the pages that are stale and fails then. What stands in these pages beside
the tables stands in here.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from annotated_types import BaseMetadata, Ge, Le
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from segue_cli.__main__ import build_app
from segue_core.settings import ENV_PREFIX, ServiceSettings
from segue_operator.api import crd
from segue_router.metrics import RouterMetrics
from segue_router.settings import RouterSettings
from segue_worker import metrics as worker_metrics
from segue_worker.commands.spec import Chapter, CommandSpec, OptionSpec
from segue_worker.commands.table import COMMANDS
from segue_worker.settings import WorkerSettings
from segue_worker.ui.texts import CHAPTERS

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
GENERATED = "<!-- Written by `make generate`. Change the code it is made from, or scripts/reference.py. -->\n"

Schema = Mapping[str, Any]


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    lines = [tuple(header), *(tuple(row) for row in rows)]
    lines.insert(1, ("---",) * len(lines[0]))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(value: object) -> str:
    """Return a value as code, nothing as nothing."""
    return f"`{value}`" if str(value) else ""


# The spec.

_SPEC = """# MusicCluster

Every field of `apiVersion: segue.dev/v1alpha1`, `kind: MusicCluster`. `segue validate -f FILE` checks a file
against it and names the line, the rule and the fix; the same rules stand in
[`crds/musiccluster.yaml`](../../crds/musiccluster.yaml) for an API server. A field that is not listed here is
refused.

`metadata.name` is at most 22 characters long and has no dot: pods are named after it, and keys in Redis begin
with it. Examples: [on a laptop](../../examples/01-laptop.yaml),
[two regions](../../examples/02-two-regions.yaml).
"""

_STATUS = """The part that an operator is to write. Nothing writes it yet: there is no operator process
so far, and `segue dev` shows its own table of pods instead.
"""


def musiccluster() -> str:
    """Return the page about the spec."""
    whole = crd.structural_schema()["properties"]
    seen: dict[str, str] = {}
    spec = list(_objects("spec", whole["spec"], seen))
    status = list(_objects("status", whole["status"], seen))
    return "\n".join([_SPEC, *spec, "## The status\n", _STATUS, *status])


def _objects(path: str, schema: Schema, seen: dict[str, str]) -> Iterator[str]:
    """Yield a section for an object and for each one inside it; one that occurs again is not repeated."""
    seen[_shape(schema)] = path
    required = set(schema.get("required", ()))
    inner: list[tuple[str, Schema]] = []
    rows = []
    for name, field in schema["properties"].items():
        place, part = f"{path}.{name}", _part(field)
        kind = _type(field)
        if part is not None:
            known = seen.get(_shape(part))
            target = place + _index(field) if known is None else known
            kind = f"[{kind}](#{_anchor(target)})"
            if known is None:
                inner.append((target, part))
                seen[_shape(part)] = target
        default = "required" if name in required else _default(field)
        rows.append((code(name), kind, default, _bounds(field), field.get("description", "")))
    yield f"## {path}\n\n{schema.get('description', '')}\n"
    yield table(("field", "type", "default", "bounds", "what it says"), rows) + "\n"
    rules = [f"- {rule['message']}" for rule in schema.get("x-kubernetes-validations", ())]
    if rules:
        yield "Rules between fields:\n\n" + "\n".join(rules) + "\n"
    for place, part in inner:
        yield from _objects(place, part, seen)


def _shape(schema: Schema) -> str:
    return json.dumps([schema["properties"], schema.get("required", [])], sort_keys=True)


def _part(field: Schema) -> Schema | None:
    """Return the schema of the object a field holds, itself or in a list."""
    inner: Schema = field.get("items", field)
    return inner if "properties" in inner else None


def _index(field: Schema) -> str:
    return "[]" if field["type"] == "array" else ""


def _anchor(path: str) -> str:
    return re.sub(r"[^a-z0-9]", "", path.lower())


def _type(field: Schema) -> str:
    values = _values(field)
    if values is not None:
        return f"map to {_type(values)}"
    return f"list of {_type(field['items'])}" if field["type"] == "array" else str(field["type"])


def _values(field: Schema) -> Schema | None:
    """Return the schema of a map's values."""
    for found in (field.get("additionalProperties"), *field.get("patternProperties", {}).values()):
        if isinstance(found, Mapping):
            return found
    return None


def _default(field: Schema) -> str:
    if "default" not in field:
        return "none"
    default = field["default"]
    if isinstance(default, dict):
        own = _own(default, field)
        return (
            code(json.dumps(own).replace('"', ""))
            if own
            else "as below"
            if "properties" in field
            else "empty"
        )
    if isinstance(default, list):
        return ", ".join(map(str, default)) if default else "empty"
    return code(default if isinstance(default, str) and default else json.dumps(default))


def _own(default: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return what of an object's default is not already the default of the fields inside it."""
    fields: Schema = schema.get("properties", {})
    return {
        name: _own(value, fields[name]) if isinstance(value, dict) and name in fields else value
        for name, value in default.items()
        if value != fields.get(name, {}).get("default")
    }


def _bounds(field: Schema) -> str:
    said = []
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        said.append(f"{low:g} to {high:g}")
    elif low is not None:
        said.append(f"at least {low:g}")
    if "enum" in field:
        said.append("one of " + ", ".join(code(value) for value in field["enum"]))
    if "pattern" in field:
        said.append(code(field["pattern"]))
    if "maxLength" in field:
        said.append(f"at most {field['maxLength']} characters")
    if "maxItems" in field or "minItems" in field:
        said.append(_span(field.get("minItems", 0), field.get("maxItems")) + " entries")
    if "maxProperties" in field:
        said.append(f"at most {field['maxProperties']} entries")
    inner = [part for part in (field.get("items"), _values(field)) if part and "properties" not in part]
    said += [f"each {bounds}" for part in inner if (bounds := _bounds(part))]
    said += [
        rule["message"] for rule in field.get("x-kubernetes-validations", ()) if "properties" not in field
    ]
    return "; ".join(said)


def _span(low: int, high: int | None) -> str:
    if high is None:
        return f"at least {low}"
    return f"{low} to {high}" if low else f"at most {high}"


# The environment.

_CONFIGURATION = f"""# Configuration

What the services read from their environment. The manifests made from a
[MusicCluster](musiccluster.md) set what a cluster needs; by hand it is needed only to run a service alone.
`python -m segue_worker --check-config` and `python -m segue_router --check-config` judge the environment and
exit: 0, or 2 with one line for each variable that is missing or wrong. Values of secrets are never shown.

Variables begin with `{ENV_PREFIX}`; others of that prefix are passed over.
"""

_MIGRATIONS = """## Migrations

`python -m segue_core.store.migrate` reads `SEGUE_POSTGRES_DSN` alone, waits up to 60 s for PostgreSQL,
applies what is missing under a lock, and exits: 0 done, 1 PostgreSQL refused or stayed away, 2 the variable
is not set. It is the init container of the workers.

## On a laptop

`segue dev` and `segue demo` read, besides the spec:

| variable | what it says |
|---|---|
| `SEGUE_DISCORD_TOKEN`, else `DISCORD_TOKEN` | a real bot's token, not the simulator; not for the demo |
| `SEGUE_LAVALINK_COMMAND` | a command line that starts a real node; takes the place of the stand-in |
| `SEGUE_LAVALINK_PASSWORD` | for a spec that references a Secret with the nodes' password |
| `SEGUE_REDIS_URL`, `SEGUE_POSTGRES_DSN` | for a spec that references Secrets in place of embedded servers |

The commands that look into a running cluster read `SEGUE_CLUSTER`, `SEGUE_REDIS_URL`, `SEGUE_POSTGRES_DSN`
and `SEGUE_ROUTER_TARGETS`; `segue dev` writes a file with all four and prints its name.
"""

_PLAIN = {
    "pod_name": "Name of this process: part of the lease owner's name, and in every log line.",
    "zone": "Failure zone it runs in; empty: unknown. Spares of a dead worker's zone come first.",
    "version": "Release, shown in `/health` and in `segue leases`.",
    "log_level": "How much is said: debug, info, warning or error.",
    "discord_token": "The bot's token.",
    "discord_api_url": "Discord's REST API, or a proxy before it.",
    "lavalink_password": "What the Lavalink nodes expect in `Authorization`.",
    "shards_per_worker": "How many shards this worker holds at most.",
    "lease_ttl_ms": "How long a lease lasts without renewal, ms.",
}
"""Words for the fields whose declaration needs none in the code."""


def configuration() -> str:
    """Return the page about the environment."""
    parts = [_CONFIGURATION, "## Every service\n", _environment(ServiceSettings, ())]
    shared = tuple(ServiceSettings.model_fields)
    parts += ["## Shard worker\n", _environment(WorkerSettings, shared)]
    parts += ["## Audio router\n", _environment(RouterSettings, shared)]
    return "\n".join([*parts, _MIGRATIONS])


def _environment(kind: type[ServiceSettings], known: tuple[str, ...]) -> str:
    words = _docstrings(kind)
    rows = []
    for name, field in kind.model_fields.items():
        if name in known:
            continue
        said = words.get(name) or _PLAIN.get(name)
        if not said:
            raise SystemExit(f"{kind.__name__}.{name} has no docstring: say there what it is for")
        default = "required" if field.is_required() else _shown(field)
        rows.append((code(ENV_PREFIX + name.upper()), default, _limits(field), said))
    return table(("variable", "default", "bounds", "what it says"), rows) + "\n"


def _docstrings(kind: type) -> dict[str, str]:
    """Return the strings that stand below the fields of a class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    found = {}
    for field, after in pairwise(statements):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = after.value if isinstance(after, ast.Expr) else None
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                found[field.target.id] = " ".join(text.value.replace("``", "`").split())
    return found


def _shown(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "the host's name"
    default = field.default
    if isinstance(default, SecretStr):
        return code(default.get_secret_value())  # a default is no secret
    if default is None or default is PydanticUndefined or default in {"", ()}:
        return "none"
    return code(str(default).lower() if isinstance(default, bool) else default)


def _limits(field: FieldInfo) -> str:
    low = next((one.ge for one in _metadata(field) if isinstance(one, Ge)), None)
    high = next((one.le for one in _metadata(field) if isinstance(one, Le)), None)
    if low is not None and high is not None:
        return f"{low} to {high}"
    choices = [one for part in (field.annotation, *get_args(field.annotation)) for one in _choices(part)]
    return ", ".join(code(one) for one in choices)


def _metadata(field: FieldInfo) -> list[BaseMetadata]:
    return [one for one in field.metadata if isinstance(one, BaseMetadata)]


def _choices(part: object) -> list[str]:
    return [str(one.value) for one in part] if isinstance(part, type) and issubclass(part, Enum) else []


# Metrics.

_METRICS = """# Metrics

Served at `/metrics` on the HTTP port (8080) of every worker and router, beside what the Prometheus client
says of the process itself. Times are seconds; a histogram's type names its first and last bucket. No metric
is labelled by guild or person.
"""


def metrics() -> str:
    """Return the page about metrics."""
    worker = [one for one in vars(worker_metrics).values() if isinstance(one, MetricWrapperBase)]
    made = vars(RouterMetrics(CollectorRegistry())).values()
    router = [one for one in made if isinstance(one, MetricWrapperBase)]
    shared = list(vars(worker_metrics.PROCESS).values())
    parts = [_METRICS, "## Every service\n", _listed(shared)]
    parts += ["## Shard worker\n", _listed(worker), "## Audio router\n", _listed(router)]
    return "\n".join(parts)


def _listed(found: list[MetricWrapperBase]) -> str:
    rows = []
    for one in found:
        family = next(iter(one.describe()))
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(code(label) for label in one._labelnames)  # noqa: SLF001 - told nowhere else before use
        rows.append((code(name), family.type + _buckets(one), labels, family.documentation))
    return table(("name", "type", "labels", "what it says"), rows) + "\n"


def _buckets(one: MetricWrapperBase) -> str:
    if not isinstance(one, Histogram):
        return ""
    bounds = one._kwargs["buckets"]  # noqa: SLF001 - told nowhere else before use
    return f", {bounds[0]:g} to {bounds[-1]:g}"


# The command line.

_CLI = """# Command line

What `.venv/bin/segue COMMAND --help` says. `dev`, `demo` and `bench` come from devkit, and are there when it
is installed. Every command ends with 0 (done), 1 (it could not be done: something can't be reached, or
refused), 2 (what was asked for is wrong: a spec, an option) or 130 (interrupted).
"""


def cli() -> str:
    """Return the page about the ``segue`` command."""
    text = build_app().generate_docs(heading_level=1)
    _, _, commands = text.partition("**Commands**:")
    return _CLI + "\n" + re.sub(r"(?<!`)``(?!`)", "`", commands.strip()) + "\n"


# The commands in Discord.

_COMMANDS = """# Commands in Discord

What people can type; made from [`table.py`](../../shard-worker/src/segue_worker/commands/table.py), as are
what Discord is told and `/help`. Answers are seen by the one who asked, the now-playing message by all.
Whoever changes something must be in the bot's voice channel.

A time is written `1:23`, `83` or `1m23s`; with a sign, `/seek` counts from where the song is.
"""


def commands() -> str:
    """Return the page about slash commands."""
    parts = [_COMMANDS]
    for chapter in Chapter:
        parts.append(f"## {CHAPTERS[chapter.name]}\n")
        rows = [_command(spec) for spec in COMMANDS if spec.chapter is chapter]
        parts.append(table(("command", "what it does", "options"), rows) + "\n")
    return "\n".join(parts)


def _command(spec: CommandSpec) -> tuple[str, str, str]:
    again = f" (once in {spec.cooldown_ms / 1000:g} s a person)" if spec.cooldown_ms else ""
    given = "<br>".join(_slash_option(option) for option in spec.options)
    return code(f"/{spec.name}"), f"{spec.description}{again}", given


def _slash_option(option: OptionSpec) -> str:
    needed = ", required" if option.required else ""
    values = "" if option.choices is None else f": {', '.join(option.choices.values())}"
    return f"{code(option.name)}{needed}: {option.description}{values}"


PAGES = {
    "musiccluster.md": musiccluster,
    "configuration.md": configuration,
    "metrics.md": metrics,
    "cli.md": cli,
    "commands.md": commands,
}


def main() -> int:
    """Write or check every page; 1 when one is stale."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, page in PAGES.items():
        file = FOLDER / name
        text = re.sub(r"\n{3,}", "\n\n", GENERATED + page())
        if not check:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
    for name in stale:
        print(f"docs/reference/{name} is stale")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
