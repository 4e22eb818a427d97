"""A keep of one folder, taken apart: the same people are found over four roles; the old copy dies with a refresh."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog

from facekeep.domain.consent import Purpose
from facekeep.errors import DamagedStoreError
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import PipelineSettings
from facekeep.interfaces.cli import main
from facekeep.interfaces.pairing.folder import RoleFolder
from facekeep.interfaces.pairing.hosting import connecting, serve_role
from facekeep.service.keep import Keep
from facekeep.service.key_plan import KeyPlan
from facekeep.split.wire.methods import Role
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.keys import new_key
from tests.apart.hosts import free_port

pytestmark = pytest.mark.enable_socket

SETTINGS = PipelineSettings(threads=1)
PURPOSES = [Purpose.VERIFY, Purpose.IDENTIFY]


def _addresses(ports: dict[Role, int]) -> list[str]:
    return [word for role, port in ports.items() for word in (f"--{role}", f"127.0.0.1:{port}")]


def test_a_keep_taken_apart_finds_the_same_people(tmp_path: Path, pack: ModelPack, pictures: Path) -> None:
    whole, out = tmp_path / "keep", tmp_path / "out"
    picture = (pictures / "obama.jpg").read_bytes()
    with Keep.create(whole, pack=pack, settings=SETTINGS) as keep:
        keep.enrol("obama", [picture], purposes=PURPOSES, notice="We keep.", operator="desk")
    ports = {role: free_port() for role in (Role.REGISTRAR, Role.LEFT, Role.RIGHT)}
    FileKeyProvider(whole / "keys").put("gate.evidence.500000", new_key())
    assert main(["pair", "split", str(out), *_addresses(ports), "--keep", str(whole), "--json"]) == 0
    assert not list(out.rglob("*evidence*"))
    assert main(["pair", "split", str(out), *_addresses(ports), "--keep", str(whole)]) == 2  # it is not empty

    stores = {Role.REGISTRAR: "registry", Role.LEFT: "left", Role.RIGHT: "right"}
    for role, store in stores.items():
        assert {path.name for path in (out / role).iterdir() if path.is_dir()} == {"peers", "keys", store}
        keys = {path.name for path in (out / role / "keys").iterdir()}
        assert keys == ({"registry", "registrar"} if role is Role.REGISTRAR else {store})
    assert {path.name for path in (out / "gate" / "keys").iterdir()} == {"gate"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in out.rglob("*"))

    with ExitStack() as stack:
        stack.callback(structlog.reset_defaults)
        for role, port in ports.items():
            stack.enter_context(serve_role(RoleFolder.read(out / role), KeyPlan(), ("127.0.0.1", port)))
        connect = connecting(RoleFolder.read(out / "gate"))
        keep = stack.enter_context(Keep.open(out / "gate", pack=pack, settings=SETTINGS, connect=connect))
        assert keep.verify("obama", picture, operator="desk").verified
        keep.enrol("biden", [(pictures / "biden.jpg").read_bytes()], purposes=PURPOSES, notice="Yes.", operator="desk")
        keep.refresh()
        assert keep.size() == 2
        keep.check()
    # A store of the old copy does not fit the keep any more.
    (out / "left" / "left" / "half.db").write_bytes((whole / "left" / "half.db").read_bytes())
    with pytest.raises(DamagedStoreError), serve_role(RoleFolder.read(out / "left"), KeyPlan(), ("127.0.0.1", 0)):
        pass


def test_what_each_host_does_for_itself(tmp_path: Path, pack: ModelPack, capsys: pytest.CaptureFixture[str]) -> None:
    whole, out = tmp_path / "keep", tmp_path / "out"
    Keep.create(whole, pack=pack, settings=SETTINGS).close()
    ports = dict.fromkeys((Role.REGISTRAR, Role.LEFT, Role.RIGHT), 1)
    assert main(["pair", "split", str(out), *_addresses(ports), "--keep", str(whole), "--json"]) == 0
    for role in ports:
        _rotate_and_examine(role, out / role)
        capsys.readouterr()
        assert main(["doctor", "--keep", str(out / role), "--json"]) == 0
        codes = {finding["code"] for finding in json.loads(capsys.readouterr().out)["findings"]}
        assert "keys-in-files" not in codes  # the other half's are elsewhere
        assert main(["doctor", "--deep", "--keep", str(out / role)]) == 2
    assert main(["rotate", "--keep", str(out / "gate")]) == 2


def _rotate_and_examine(role: Role, here: Path) -> None:
    before = {path.name: path.read_bytes() for path in (here / "keys").rglob("*.key")}
    assert main(["rotate", "--keep", str(here), "--json"]) == 0
    after = {path.name: path.read_bytes() for path in (here / "keys").rglob("*.key")}
    store = "registry.key" if role is Role.REGISTRAR else f"{role}.key"
    assert before[store] != after[store]
    assert before[f"{role}.sign.key"] == after[f"{role}.sign.key"]
    with ExitStack() as stack:
        stack.callback(structlog.reset_defaults)
        stack.enter_context(
            serve_role(RoleFolder.read(here), KeyPlan(), ("127.0.0.1", 0))
        )  # it opens with the new ones
        if role is not Role.REGISTRAR:
            assert main(["rotate", "--keep", str(here), "--json"]) == 2  # it is in use
