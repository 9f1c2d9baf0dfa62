"""Folders that stand for volumes: ConfigMaps and Secrets as files, empty ones, and ones that stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from segue_devkit.processes.dns import Dns, UnresolvedNameError
from segue_devkit.processes.errors import ManifestError
from segue_devkit.processes.models import Container, Item, PodSpec, Volume

if TYPE_CHECKING:
    from segue_devkit.processes.objects import Objects

_PRIVATE_FILE = 0o600
_FOLDER = 0o755


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a pod's volumes are: by volume name."""

    by_volume: Mapping[str, Path]

    def mounts(self, container: Container) -> dict[str, str]:
        """Return which folder stands for which mount path of a container."""
        return {
            mount.mount_path.rstrip("/"): str(self.by_volume[mount.name])
            for mount in container.volume_mounts
            if mount.name in self.by_volume
        }


def folders(spec: PodSpec, claims: tuple[str, ...], pod_root: Path, data_root: Path, pod: str) -> Folders:
    """Return where the volumes of a pod are. Claims live beside the pods, as they outlive them."""
    inside = {volume.name: pod_root / "volumes" / volume.name for volume in spec.volumes}
    kept = {claim: data_root / f"{claim}-{pod}" for claim in claims}
    return Folders({**inside, **kept})


def contents(
    spec: PodSpec, claims: tuple[str, ...], namespace: str, objects: Objects, dns: Dns
) -> dict[str, dict[str, str]]:
    """Return what files each ConfigMap or Secret volume holds, names in them replaced.

    Raises:
        ManifestError: a volume that names what is not there, or a name that leads nowhere; names all.
    """
    problems: list[str] = []
    found: dict[str, dict[str, str]] = {}
    for volume in spec.volumes:
        source = _source(volume, namespace, objects, problems)
        if source is not None:
            found[volume.name] = {
                path: _resolved(text, f"volume {volume.name}: file {path}", dns, problems)
                for path, text in source.items()
            }
    for container in (*spec.init_containers, *spec.containers):
        problems += _mount_problems(container, spec, claims)
    if problems:
        raise ManifestError(tuple(problems))
    return found


def write(places: Folders, files: Mapping[str, Mapping[str, str]]) -> None:
    """Make every folder, and write the files that belong there."""
    for name, folder in places.by_volume.items():
        folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        for path, text in files.get(name, {}).items():
            file = folder / path
            file.parent.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
            file.touch(mode=_PRIVATE_FILE)
            file.write_text(text, encoding="utf-8")


def _source(volume: Volume, namespace: str, objects: Objects, problems: list[str]) -> dict[str, str] | None:
    if volume.config_map is not None:
        data = objects.config_map(namespace, volume.config_map.name)
        return _picked(volume, f"ConfigMap {volume.config_map.name}", data, volume.config_map.items, problems)
    if volume.secret is not None:
        data = objects.secret(namespace, volume.secret.secret_name)
        return _picked(volume, f"Secret {volume.secret.secret_name}", data, volume.secret.items, problems)
    if volume.empty_dir is None:
        problems.append(f"volume {volume.name}: its kind is not honoured")
    return None


def _picked(
    volume: Volume,
    what: str,
    data: Mapping[str, str] | None,
    items: tuple[Item, ...] | None,
    problems: list[str],
) -> dict[str, str]:
    if data is None:
        problems.append(f"volume {volume.name}: {what} is not there")
        return {}
    chosen = items if items is not None else tuple(Item(key=key, path=key) for key in data)
    for item in chosen:
        if item.key not in data:
            problems.append(f"volume {volume.name}: {what} has no key {item.key}")
        if PurePosixPath(item.path).is_absolute() or ".." in PurePosixPath(item.path).parts:
            problems.append(f"volume {volume.name}: {item.path} leads out of the volume")
    return {item.path: data[item.key] for item in chosen if item.key in data}


def _mount_problems(container: Container, spec: PodSpec, claims: tuple[str, ...]) -> list[str]:
    known = {*(volume.name for volume in spec.volumes), *claims}
    return [
        f"container {container.name}: there is no volume {mount.name}"
        for mount in container.volume_mounts
        if mount.name not in known
    ]


def _resolved(text: str, where: str, dns: Dns, problems: list[str]) -> str:
    try:
        return dns.resolve(text)
    except UnresolvedNameError as error:
        problems.append(f"{where}: {error}")
        return text
