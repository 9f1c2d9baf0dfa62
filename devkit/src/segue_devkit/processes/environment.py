"""What a container is given: its variables, its command, and paths that exist here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segue_devkit.processes.dns import Dns, UnresolvedNameError
from segue_devkit.processes.errors import ManifestError
from segue_devkit.processes.objects import Objects
from segue_devkit.processes.programs import Programs, base_environment

if TYPE_CHECKING:
    from segue_devkit.processes.models import Container, EnvVar, KeyRef

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_LABEL_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodIdentity:
    """What a pod's fields are: the downward API."""

    name: str
    namespace: str
    address: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    def field(self, path: str) -> str | None:
        """Return a field's value, None when it is not honoured. A label that is not there is empty."""
        plain = {
            "metadata.name": self.name,
            "metadata.namespace": self.namespace,
            "status.podIP": self.address,
        }
        if path in plain:
            return plain[path]
        found = _LABEL_FIELD.fullmatch(path)
        if found is None:
            return None
        source = self.labels if found.group(1) == "labels" else self.annotations
        return source.get(found.group(2), "")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What is executed for a container. The environment holds secrets."""

    argv: tuple[str, ...] = field(repr=False)
    env: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that a container's references are looked up in."""

    objects: Objects
    dns: Dns
    programs: Programs


def invocation(
    container: Container, pod: PodIdentity, mounts: Mapping[str, str], around: Surroundings
) -> Invocation:
    """Return what to execute for ``container``. ``mounts`` says which folder stands for which mount path.

    Raises:
        ManifestError: an image, reference, field or name that does not lead anywhere; names all.
    """
    problems: list[str] = []
    paths = _Paths(mounts)
    env: dict[str, str] = {}
    for name, value in _variables(container, pod, around, problems):
        env[name] = _expand(value, env)
    resolved = {
        name: _resolved(value, f"env {name}", paths, around.dns, problems) for name, value in env.items()
    }
    resolved |= {name: value for name, value in env.items() if _is_downward(container, name)}
    texts = {"command": container.command, "args": container.args}
    words = {
        what: tuple(_resolved(_expand(word, env), what, paths, around.dns, problems) for word in written)
        for what, written in texts.items()
    }
    program = around.programs.find(container.image)
    argv = program.argv(words["command"], words["args"]) if program else None
    if program is None:
        problems.append(f"image {container.image}: no local program stands for it")
    elif argv is None:
        problems.append(f"command {container.command}: image {container.image} has no such program here")
    if problems or argv is None or program is None:
        raise ManifestError(tuple(f"{pod.name}: container {container.name}: {one}" for one in problems))
    return Invocation(argv, {**base_environment(), **resolved, **program.env})


def _variables(
    container: Container, pod: PodIdentity, around: Surroundings, problems: list[str]
) -> Iterator[tuple[str, str]]:
    for source in container.env_from:
        for ref, look_up, kind in (
            (source.config_map_ref, around.objects.config_map, "ConfigMap"),
            (source.secret_ref, around.objects.secret, "Secret"),
        ):
            if ref is None:
                continue
            data = look_up(pod.namespace, ref.name)
            if data is None and not ref.optional:
                problems.append(f"envFrom: there is no {kind} {ref.name}")
            yield from ((source.prefix + key, value) for key, value in (data or {}).items())
    for variable in container.env:
        value = _value(variable, pod, around, problems)
        if value is not None:
            yield variable.name, value


def _value(variable: EnvVar, pod: PodIdentity, around: Surroundings, problems: list[str]) -> str | None:
    source = variable.value_from
    if source is None:
        return variable.value
    if source.field_ref is not None:
        value = pod.field(source.field_ref.field_path)
        if value is None:
            problems.append(f"env {variable.name}: fieldRef {source.field_ref.field_path} is not honoured")
        return value
    if source.secret_key_ref is not None:
        data = around.objects.secret(pod.namespace, source.secret_key_ref.name)
        return _key(variable.name, "Secret", source.secret_key_ref, data, problems)
    if source.config_map_key_ref is not None:
        data = around.objects.config_map(pod.namespace, source.config_map_key_ref.name)
        return _key(variable.name, "ConfigMap", source.config_map_key_ref, data, problems)
    problems.append(f"env {variable.name}: valueFrom names nothing")
    return None


def _key(
    variable: str, kind: str, ref: KeyRef, data: Mapping[str, str] | None, problems: list[str]
) -> str | None:
    if data is not None and ref.key in data:
        return data[ref.key]
    if not ref.optional:
        missing = f"has no key {ref.key}" if data is not None else "is not there"
        problems.append(f"env {variable}: {kind} {ref.name} {missing}")
    return None


def _is_downward(container: Container, name: str) -> bool:
    """Whether a variable holds a field of the pod: its own name is no address to be replaced."""
    return any(
        one.name == name and one.value_from is not None and one.value_from.field_ref is not None
        for one in container.env
    )


def _expand(text: str, env: Mapping[str, str]) -> str:
    """Return ``text`` with ``$(NAME)`` replaced by a variable set before, and ``$$`` by a dollar."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return "$" if name is None else env.get(name, found.group(0))

    return _REFERENCE.sub(value, text)


class _Paths:
    """Mount paths in text, replaced by the folders that stand for them, all in one pass."""

    def __init__(self, mounts: Mapping[str, str]) -> None:
        self._mounts = mounts
        ordered = sorted(mounts, key=len, reverse=True)
        choices = "|".join(re.escape(path) for path in ordered)
        self._pattern = re.compile(rf"(?<![\w./-])({choices})(?=[/:,;\s\"']|$)") if mounts else None

    def replace(self, text: str) -> str:
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._mounts[found.group(1)], text)


def _resolved(text: str, where: str, paths: _Paths, dns: Dns, problems: list[str]) -> str:
    try:
        return paths.replace(dns.resolve(text))
    except UnresolvedNameError as error:
        problems.append(f"{where}: {error}")
        return text
