"""What every test may ask for: real pictures, the model pack, a running pipeline."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog

if TYPE_CHECKING:
    from facekeep.domain.sample import BiometricSample
    from facekeep.face.models import ModelPack
    from facekeep.face.pipeline import FacePipeline

ROOT = Path(__file__).resolve().parents[1]

_COUNTED = tuple(ROOT / "tests" / folder for folder in ("contract", "unit/split", "unit/store"))
"""Where the tests of split/ and store/ themselves are, which alone count in their coverage."""


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The folder of real pictures that registries carry: astronaut.png, obama.jpg, biden.jpg and others."""
    folder = ROOT / ".cache" / "pictures"
    if not (folder / "astronaut.png").is_file():
        pytest.fail("the pictures are absent: run make pictures")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of data outside the repository, for extended tests."""
    folder = Path(os.environ.get("FACEKEEP_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "london" / "people").is_dir():
        pytest.fail("the data for extended tests is absent: set FACEKEEP_DATA")
    return folder


@pytest.fixture(scope="session")
def pack() -> ModelPack:
    """The model pack that comes with Facekeep."""
    from facekeep.face.models import ModelPack

    return ModelPack.load()


@pytest.fixture(scope="session")
def pipeline(pack: ModelPack) -> FacePipeline:
    """The real pipeline, on one thread."""
    from facekeep.face.pipeline import FacePipeline, PipelineSettings

    return FacePipeline.build(pack, PipelineSettings(threads=1))


@pytest.fixture(scope="session")
def sample_of(pictures: Path) -> Callable[[str], BiometricSample]:
    """Decodes one of the real pictures by its name."""
    from facekeep.face.images import decode

    return lambda name: decode((pictures / name).read_bytes())


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A server that ran in this process has its logs written to an output that ends with its test."""
    yield
    structlog.reset_defaults()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Number tests that share a name, and say which tests count in the coverage.

    Schemathesis makes tests that share a name, and by names two processes agree on who runs which.
    """
    seen: Counter[str] = Counter()
    for item in items:
        name = item.nodeid
        seen[name] += 1
        if seen[name] > 1:
            # pytest has no public way to rename a test; of two with one name, xdist would leave one out.
            item._id = type(item.id).parse(f"{name}[{seen[name]}]")
    assert len({item.nodeid for item in items}) == len(items)
    # What others happen to run of split/ and store/ is no proof of it, and watching them takes a third of their time.
    for item in items:
        if not any(item.path.is_relative_to(folder) for folder in _COUNTED):
            item.add_marker("no_cover")
