"""`publish-catalog validate`: find the catalogs below a path and hold each against the rules."""

from __future__ import annotations

import re
from pathlib import Path

from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.reading import file_bytes
from publisher.errors import PublishError
from schemas import Report, validate_catalog, validate_images

_VERSION = re.compile(r"v\d+")
_CHECKED_NAMES = ("vms.csv", "images.csv")


class CannotValidate(PublishError):
    """There is no catalog at the path, or what it is cannot be told from the path."""


def validate_path(path: Path, cloud: str | None = None, version: str | None = None) -> list[Report]:
    """One report per `vms.csv` and `images.csv` at or below `path`, sorted by path.

    Cloud and schema version are those of the path, `<version>/<cloud>/vms.csv`, unless given.

    Raises:
        CannotValidate: nothing to check, or a file whose cloud or version is not known.
    """
    if path.is_dir() and (cloud or version):
        raise CannotValidate("--cloud and --schema are for a single file; in a folder both come from the path")
    below = (file for name in _CHECKED_NAMES for file in path.rglob(name))
    files = [path] if path.is_file() else sorted(below)
    if not files:
        raise CannotValidate(f"no vms.csv below {path}; `fetch-catalog` writes them")
    return [_report(file, cloud, version) for file in files]


def _report(file: Path, cloud: str | None, version: str | None) -> Report:
    try:
        content = file_bytes(file)
    except BadCatalogFile as exc:
        raise CannotValidate(str(exc)) from exc
    except OSError as exc:
        raise CannotValidate(f"{file} cannot be read ({exc.strerror})") from exc
    folder = file.resolve().parent
    cloud = cloud or folder.name
    if file.name == "images.csv":
        return validate_images(content, cloud)
    version = version or folder.parent.name
    if not _VERSION.fullmatch(version):
        raise CannotValidate(f"the schema version of {file} is not in its path; name it with --schema")
    return validate_catalog(content, cloud, version, with_notes=True)
