"""One small keep on invented faces, served, for the rows of the law table that look at one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.domain.evidence import UNTOLD, Circumstances
from facekeep.face.model_spec import ModelRole
from facekeep.face.models import ModelPack
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.surface import surface_of_description
from facekeep.service import keep_life
from facekeep.service.keep import Keep
from facekeep.service.law_checks import Surface
from tests.crash.faces import InventedFaces
from tests.unit.service.conftest import MovedClock

NOTICE = "We keep two random halves of your template. You may always use a key instead."
PURPOSES = (Purpose.VERIFY, Purpose.IDENTIFY)


@dataclass(frozen=True, slots=True)
class Scene:
    """A keep, its folder and its clock."""

    keep: Keep
    folder: Path
    clock: MovedClock

    def enrol(self, label: str, *purposes: Purpose, name: str = "", circumstances: Circumstances = UNTOLD) -> str:
        """Enrol somebody whose face is the label; gives the identifier."""
        told = {"notice": NOTICE, "operator": "op", "name": name, "circumstances": circumstances}
        self.keep.enrol(label, [label.encode()], purposes=purposes or PURPOSES, **told)  # type: ignore[arg-type]
        return self.keep.subject(label).id

    def found(self, face: str) -> list[str]:
        """Whom a search for a face gives."""
        return [one.label for one in self.keep.identify(face.encode(), operator="op", case="case").candidates]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, pack: ModelPack) -> Iterator[Scene]:
    """Everybody enrols people of their own here, so that no test looks at another's."""
    with _made(tmp_path_factory.mktemp("law") / "keep", pack) as made:
        yield made


@pytest.fixture
def alone(tmp_path: Path, pack: ModelPack) -> Iterator[Scene]:
    """A keep whose clock a test moves by years."""
    with _made(tmp_path / "keep", pack) as made:
        yield made


@contextmanager
def _made(folder: Path, pack: ModelPack) -> Iterator[Scene]:
    model = next(spec.sha256 for spec in pack.models if spec.role is ModelRole.EMBEDDING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keep_life, "_acquisition", lambda *_: InventedFaces(model))
        clock = MovedClock()
        with Keep.create(folder, clock=clock, threads=1) as keep:
            keep.open_case("case", operator="op", days=366)
            yield Scene(keep, folder, clock)


@pytest.fixture(scope="module")
def asking(scene: Scene) -> Callable[..., TestClient]:
    """A client with a token of these scopes."""
    app = build(scene.keep, Rates(None, None))

    def make(*scopes: Scope) -> TestClient:
        if not scopes:
            return TestClient(app)
        name = " ".join(scopes)
        token = scene.keep.issue_token(f"{name} {len(scene.keep.clients())}", scopes, days=1).token
        return TestClient(app, headers={"Authorization": f"Bearer {token}"})

    return make


@pytest.fixture(scope="module")
def surface(scene: Scene) -> Surface:
    """What the program can be asked for, in all its interfaces."""
    return surface_of_description(build(scene.keep, Rates(None, None)).openapi())


def b64(face: str) -> str:
    """A face as it is sent."""
    return base64.b64encode(face.encode()).decode()
