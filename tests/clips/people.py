"""Whose pictures clips are made of: people of the London set, or those whose pictures the registries carry."""

from __future__ import annotations

from pathlib import Path

from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from tests.clips.head import Head
from tests.clips.portrait import Finder, Portrait

__all__ = ["Cast", "london"]


class Cast:
    """People by their names. Each is made once."""

    def __init__(self, folder: Path, pack: ModelPack | None = None) -> None:
        """A folder of pictures.

        Args:
            folder: pictures (``astronaut.png``), or people with ``neutral.jpg`` and ``smiling.jpg``, or the folder of
                data in which London's people are.
            pack: the models.
        """
        self._folder = london(folder) if (folder / "london").is_dir() else folder
        self.finder = Finder(pack if pack is not None else ModelPack.load())
        self._heads: dict[str, Head] = {}

    @property
    def names(self) -> list[str]:
        """Everybody of whom there is a folder or a picture."""
        return sorted({entry.stem for entry in self._folder.iterdir() if not entry.name.startswith(".")})

    def portrait(self, name: str) -> Portrait:
        """Somebody's face at rest.

        Raises:
            FileNotFoundError: there is no picture of this name.
        """
        return self.finder.portrait(decode(self._file(name, "neutral").read_bytes()))

    def head(self, name: str) -> Head:
        """Somebody's head.

        Raises:
            FileNotFoundError: there is no picture of this name.
        """
        if name not in self._heads:
            neutral, smiling = self.portrait(name), self._folder / name / "smiling.jpg"
            other = self.finder.portrait(decode(smiling.read_bytes()), like=neutral) if smiling.is_file() else None
            self._heads[name] = Head(neutral, other)
        return self._heads[name]

    def _file(self, name: str, kind: str) -> Path:
        candidates = (self._folder / name / f"{kind}.jpg", self._folder / f"{name}.png", self._folder / f"{name}.jpg")
        for file in candidates:
            if file.is_file():
                return file
        raise FileNotFoundError(f"no picture of {name}")


def london(data: Path) -> Path:
    """The folder of people within the folder of data for extended tests."""
    return data / "london" / "people"
