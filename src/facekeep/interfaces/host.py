"""Facts of a Linux machine for ``facekeep doctor``, from system calls, /proc and /sys."""

from __future__ import annotations

import os
import resource
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from facekeep.interfaces.memory import erases_what_is_freed
from facekeep.service.doctor import Place, Space

__all__ = ["LinuxHost"]


class LinuxHost:
    """The machine that this process runs on. Implements :class:`facekeep.service.doctor.Host`.

    Args:
        proc: where the kernel's own files are.
        sys: where its devices are.
    """

    def __init__(self, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self._proc = proc
        self._sys = sys

    @property
    def account(self) -> int:
        """See :class:`~facekeep.service.doctor.Host`."""
        return os.geteuid()

    def place(self, path: Path) -> Place | None:
        """See :class:`~facekeep.service.doctor.Host`. A partition counts as its disk."""
        try:
            status = path.lstat()
        except OSError:
            return None
        # The mode of a symbolic link itself means nothing: it is always 0777.
        mode = stat.S_IFLNK if stat.S_ISLNK(status.st_mode) else status.st_mode
        return Place(self._disk(status.st_dev), status.st_uid, mode)

    def children(self, folder: Path) -> Sequence[Path]:
        """See :class:`~facekeep.service.doctor.Host`."""
        try:
            return sorted(folder.iterdir())
        except OSError:
            return []

    def space(self, path: Path) -> Space | None:
        """See :class:`~facekeep.service.doctor.Host`."""
        try:
            usage = shutil.disk_usage(path)
        except OSError:
            return None
        return Space(usage.free, usage.total)

    def swap_devices(self) -> Sequence[str]:
        """See :class:`~facekeep.service.doctor.Host`."""
        lines = self._read("swaps").splitlines()[1:]
        devices = [line.split()[0] for line in lines if line.split()]
        return [device for device in devices if not Path(device).name.startswith("zram")]

    def core_limit(self) -> int:
        """See :class:`~facekeep.service.doctor.Host`."""
        return resource.getrlimit(resource.RLIMIT_CORE)[0]

    def core_pattern(self) -> str:
        """See :class:`~facekeep.service.doctor.Host`."""
        return self._read("sys/kernel/core_pattern").strip()

    def erases_freed(self) -> bool:
        """See :class:`~facekeep.service.doctor.Host`. Tried with this process."""
        return erases_what_is_freed(from_now_on=False)

    def _read(self, name: str) -> str:
        try:
            return (self._proc / name).read_text(errors="replace")
        except OSError:
            return ""

    def _disk(self, device: int) -> str:
        number = f"{os.major(device)}:{os.minor(device)}"
        try:
            found = (self._sys / "dev" / "block" / number).resolve(strict=True)
        except OSError:
            return number
        return str(found.parent if (found / "partition").exists() else found)
