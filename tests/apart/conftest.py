"""Roles apart: as processes of their own, or in this process over loopback with lines that can be cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from facekeep.face.models import ModelPack
from facekeep.face.pipeline import PipelineSettings
from facekeep.interfaces.composition import Composition
from facekeep.interfaces.pairing import making
from facekeep.interfaces.pairing.folder import RoleFolder
from facekeep.interfaces.pairing.hosting import connecting, serve_role
from facekeep.interfaces.settings import Settings
from facekeep.service.keep import Keep
from facekeep.service.key_plan import KeyPlan
from facekeep.split.wire.methods import Role
from tests.apart.hosts import SERVERS, Hosts, free_port
from tests.unit.interfaces.vault.conftest import Line

PLAN = KeyPlan()
ROLES = (Role.REGISTRAR, Role.LEFT, Role.RIGHT)


@dataclass
class Apart:
    """A keep over loopback, with a line to each role that can be cut."""

    folder: Path
    keep: Keep
    lines: dict[Role, Line]


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory, pack: ModelPack) -> Iterator[Apart]:
    folder, now = tmp_path_factory.mktemp("apart"), datetime.now(UTC)
    ports = {role: free_port() for role in ROLES}
    levels, text, dimension = Composition(Settings(), lambda *_: "").calibration(None)
    made = {role: making.new_role(folder / role, role, PLAN, ("127.0.0.1", ports[role]), now=now) for role in ROLES}
    made[Role.GATE] = making.new_gate(
        folder / "gate", PLAN, calibration=levels, calibration_text=text, dimension=dimension, now=now
    )
    with ExitStack() as stack:
        stack.callback(structlog.reset_defaults)
        lines = {role: Line(("127.0.0.1", ports[role])) for role in ROLES}
        for line in lines.values():
            stack.callback(line.close)
        for here in made.values():
            for there in made.values():
                if here is not there:
                    around = lines[there.role].address if here.role is Role.GATE else None
                    here.add(there.card_path.read_bytes(), there.card()[1], around)
        for role in ROLES:
            making.finish(made[role], PLAN)
            stack.enter_context(serve_role(made[role], PLAN, ("127.0.0.1", ports[role])))
        connect = connecting(RoleFolder.read(folder / "gate"))
        keep = Keep.open(folder / "gate", pack=pack, settings=PipelineSettings(threads=1), connect=connect)
        stack.callback(keep.close)
        yield Apart(folder, keep, lines)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """They run until the last test that uses them, which may end them."""
    made = Hosts(tmp_path_factory.mktemp("servers"))
    try:
        made.set_up()
        made.start(*SERVERS)
        yield made
    finally:
        made.close()
