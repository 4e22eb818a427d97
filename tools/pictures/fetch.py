"""Fetch real pictures that registries carry: ``python tools/pictures/fetch.py``.

They land in .cache/pictures, for the tests and the demonstration, and are never committed. The astronaut is Eileen
Collins (NASA, public domain, carried by scikit-image); the others are the test pictures of face-recognition 1.3.0, MIT:
a president and a vice president of the United States in office, photographed for the public.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.packages import CACHE, Member, Package, PackageError, read_members, sha256, write_atomically

PICTURES = CACHE / "pictures"

_TEST_PICTURES = "face_recognition-1.3.0/tests/test_images"

SOURCES: tuple[tuple[Package, tuple[Member, ...]], ...] = (
    (
        # The wheel of one platform is named, so that its hash is the same everywhere; only a picture is taken from it.
        Package(
            "pypi",
            "scikit-image",
            "0.26.0",
            archive_sha256="74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
            options=(
                *("--only-binary", ":all:", "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
                *("--platform", "manylinux_2_28_x86_64"),
            ),
        ),
        (Member("skimage/data/astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"),),
    ),
    (
        Package(
            "pypi",
            "face-recognition",
            "1.3.0",
            archive_sha256="5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
            options=("--no-binary", ":all:"),
        ),
        tuple(
            Member(f"{_TEST_PICTURES}/{name}", digest)
            for name, digest in (
                ("32bit.png", "44dca895a7d635a4aedddd91a4f37af9a8a5b44e66154282a24645a757b5f627"),
                ("biden.jpg", "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c"),
                ("obama.jpg", "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6"),
                ("obama2.jpg", "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6"),
                ("obama3.jpg", "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3"),
                ("obama_partial_face.jpg", "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117"),
                ("obama_partial_face2.jpg", "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028"),
            )
        ),
    ),
)


def fetch(folder: Path = PICTURES) -> list[str]:
    """Bring the pictures in ``folder`` up to date; gives the names of the files written."""
    written = []
    for package, members in SOURCES:
        absent = [m for m in members if not _is_there(folder / Path(m.path).name, m.sha256)]
        contents = read_members(package, absent) if absent else {}
        for path, data in contents.items():
            write_atomically(folder / Path(path).name, data)
            written.append(Path(path).name)
    return written


def _is_there(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path.read_bytes()) == digest


def main() -> int:
    """Command line; 0 if all pictures are there."""
    try:
        written = fetch()
    except PackageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("pictures: " + (f"wrote {', '.join(written)}" if written else "up to date"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
