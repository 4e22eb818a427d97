import ctypes
import os
import platform
import resource
import stat
from pathlib import Path

from facekeep.interfaces import memory
from facekeep.interfaces.host import LinuxHost


def test_swap_areas_that_are_compressed_memory_are_none(tmp_path: Path) -> None:
    (tmp_path / "swaps").write_text(
        "Filename\tType\tSize\tUsed\tPriority\n/dev/zram0 partition 1 0 5\n/dev/sda3 partition 2 0 -2\n"
    )
    assert LinuxHost(proc=tmp_path).swap_devices() == ["/dev/sda3"]


def test_facts_that_cannot_be_read_are_absent(tmp_path: Path) -> None:
    host = LinuxHost(proc=tmp_path, sys=tmp_path)
    assert host.swap_devices() == []
    assert host.core_pattern() == ""
    assert host.place(tmp_path / "none") is None
    assert host.space(tmp_path / "none") is None
    assert host.children(tmp_path / "none") == []


def test_core_dumps(tmp_path: Path) -> None:
    (tmp_path / "sys" / "kernel").mkdir(parents=True)
    (tmp_path / "sys" / "kernel" / "core_pattern").write_text("|/bin/collect\n")
    host = LinuxHost(proc=tmp_path)
    assert host.core_pattern() == "|/bin/collect"
    assert host.core_limit() == resource.getrlimit(resource.RLIMIT_CORE)[0]


def test_what_is_freed_is_erased_on_glibc() -> None:
    assert LinuxHost().erases_freed() is (platform.libc_ver()[0] == "glibc")
    assert not memory._is_overwritten(ctypes.CDLL(None)), "this process went on with it"


def test_places_are_not_followed(tmp_path: Path) -> None:
    host = LinuxHost()
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    file, link = host.place(tmp_path / "file"), host.place(tmp_path / "link")
    assert file is not None
    assert link is not None
    assert (stat.S_IMODE(file.mode), file.owner, host.account) == (0o640, os.geteuid(), os.geteuid())
    assert stat.S_ISLNK(link.mode)
    assert stat.S_IMODE(link.mode) == 0
    assert host.children(tmp_path) == [tmp_path / "file", tmp_path / "link"]
    space = host.space(tmp_path)
    assert space is not None
    assert 0 < space.free <= space.total


def test_partitions_of_one_disk_are_one_place(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    partition = tmp_path / "devices" / "sda" / "sda1"
    partition.mkdir(parents=True)
    (tmp_path / "dev" / "block").mkdir(parents=True)
    (tmp_path / "dev" / "block" / number).symlink_to(partition)
    host = LinuxHost(sys=tmp_path)
    whole = host.place(tmp_path)
    (partition / "partition").write_text("1\n")
    part = host.place(tmp_path)
    assert whole is not None
    assert part is not None
    assert Path(whole.disk).name == "sda1"
    assert Path(part.disk).name == "sda"
