"""The model pack: every model is held against its SHA-256 whenever it is loaded.

A file is read once; the bytes that were hashed are the bytes that run, so nobody can exchange the file in between.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facekeep.errors import ModelError
from facekeep.face.manifest import read_manifest
from facekeep.face.model_spec import ModelRole, ModelSpec
from facekeep.face.runtime import Session

LARGEST_MODEL_BYTES = 1 << 30
MANIFEST = "manifest.json"

_DEFAULT_DIRECTORY = Path(__file__).resolve().parents[1] / "models"


@dataclass(frozen=True, slots=True)
class ModelPack:
    """The models at hand: those that come with Facekeep, then those of the operator.

    Attributes:
        models: in the order of their manifests, names unique.
    """

    models: tuple[ModelSpec, ...]

    @classmethod
    def load(cls, directory: Path | None = None, extra: Sequence[Path] = ()) -> ModelPack:
        """Read the manifests. No model file is opened yet.

        Args:
            directory: the folder with ``manifest.json``; by default the one inside the package.
            extra: manifest files of the operator; the models they name lie beside them.

        Raises:
            ModelError: a manifest is missing or breaks a rule, or two models have one name.
        """
        paths = [(directory or _DEFAULT_DIRECTORY) / MANIFEST, *extra]
        models = tuple(spec for path in paths for spec in read_manifest(path))
        names = [spec.name for spec in models]
        if len(set(names)) != len(names):
            raise ModelError("two models of the manifests have one name", hint="Rename the model in your own manifest.")
        return cls(models)

    def spec(self, name: str) -> ModelSpec:
        """The model of this name.

        Raises:
            ModelError: there is none.
        """
        for spec in self.models:
            if spec.name == name:
                return spec
        known = ", ".join(spec.name for spec in self.models)
        raise ModelError(f"no manifest names a model {name}", hint=f"Known are {known}.")

    def of_role(self, role: ModelRole) -> tuple[ModelSpec, ...]:
        """All models of this role, those of the package first."""
        return tuple(spec for spec in self.models if spec.role is role)

    def read(self, name: str) -> bytes:
        """The verified bytes of a model, for instance to send them to a browser.

        Raises:
            ModelError: the file is missing, too large, or not the one that the manifest names.
        """
        spec = self.spec(name)
        try:
            with spec.path.open("rb") as file:
                # No more is asked for than there is: room for the largest model would be filled first, where memory is.
                size = os.fstat(file.fileno()).st_size
                data = file.read(min(size, LARGEST_MODEL_BYTES) + 1)
        except OSError as error:
            raise ModelError(f"the file of the model {name} cannot be read") from error
        if len(data) > LARGEST_MODEL_BYTES:
            raise ModelError(f"a model has at most {LARGEST_MODEL_BYTES} bytes")
        if hashlib.sha256(data).hexdigest() != spec.sha256:
            raise ModelError(f"the file of the model {name} was altered: its SHA-256 is not that of the manifest")
        return data

    def open(self, name: str, *, threads: int | None = None) -> Session:
        """Load a model for running.

        Args:
            name: which.
            threads: how many may work on one input; by default as many as this process may use.

        Raises:
            ModelError: the file is missing or altered, or is no such model.
        """
        return Session(self.spec(name), self.read(name), threads=threads or _usable_processors())

    def verify(self) -> tuple[ModelError, ...]:
        """Hold every file against its digest; the errors found, none if all is well. For ``facekeep doctor``."""
        found = []
        for spec in self.models:
            try:
                self.read(spec.name)
            except ModelError as error:
                found.append(error)
        return tuple(found)


def _usable_processors() -> int:
    return len(os.sched_getaffinity(0))
