"""A keep on four hosts, all of them this one: real processes, real certificates, real signals."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from facekeep.interfaces.cli import main
from facekeep.interfaces.pairing.folder import RoleFolder
from tests.apart.page import commands
from tests.cli.conftest import clean_environment

ROLES = ("gate", "registrar", "left", "right")
SERVERS = ROLES[1:]
PATIENCE = 20.0
ANSWER_SECONDS = {"gate": 1.5, "left": 1.0, "right": 1.0, "registrar": 1.0}


def command(*arguments: object) -> None:
    """Run a command in this process; it has to succeed."""
    assert main([str(argument) for argument in arguments]) == 0


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.02)  # between two looks, not for luck


def free_port() -> int:
    """A port that nobody listens at, and that is given to nobody who asks for any.

    Below the range of ports that the system gives away by itself; each process that runs tests takes from a range of
    its own, each port once, so that no other test can have it before a role listens at it.
    """
    while True:
        try:
            with socket.create_server(("127.0.0.1", next(_PORTS))) as listener:
                port: int = listener.getsockname()[1]
        except OSError:
            continue
        return port


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = iter(range(20_000 + 1000 * (_WORKER % 10), 21_000 + 1000 * (_WORKER % 10)))


def _environment() -> dict[str, str]:
    """Without limits of rate: what waits for a host to come back asks often."""
    return clean_environment(FACEKEEP_RATE_ADDRESS="none", FACEKEEP_RATE_CLIENT="none")


@dataclass
class Hosts:
    """Folders and processes of the four roles."""

    folder: Path
    ports: dict[str, int] = field(default_factory=dict)
    serving: dict[str, list[str]] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    address: str = ""

    def directory(self, role: str) -> Path:
        return self.folder / role

    def set_up(self) -> None:
        """Do what the page says before anything runs, and keep its commands for what runs."""
        self.ports = {role: free_port() for role in SERVERS}
        for arguments in commands(self.folder, self.ports):
            if arguments[0] == "pair":
                command(*(self._pinned(word) for word in arguments), "--json")
            elif arguments[0] in {"registrar", "vault", "serve"}:
                role = "gate" if arguments[0] == "serve" else Path(arguments[1]).name
                self.serving[role] = arguments
        self.serving["gate"] += ["--port", "0"]
        for role in ROLES:
            self.hurry(role)

    def make_token(self) -> None:
        """Do what the page says of a token, once the others run."""
        (arguments,) = (each for each in commands(self.folder, self.ports) if each[0] == "token")
        command(*arguments, "--json")

    def _pinned(self, word: str) -> str:
        if not word.startswith("PIN_OF_"):
            return word
        return RoleFolder.read(self.directory(word.removeprefix("PIN_OF_").lower())).card()[1]

    def hurry(self, role: str) -> None:
        """Shorten a role's patience, as an administrator may."""
        settings = self.directory(role) / "role.toml"
        text = re.sub(r"answer_seconds = [\d.]+", f"answer_seconds = {ANSWER_SECONDS[role]}", settings.read_text())
        settings.write_text(text)

    def log(self, role: str) -> Path:
        return self.folder / f"{role}.log"

    def lines(self, role: str) -> list[dict[str, object]]:
        """What a role has logged."""
        return [json.loads(line) for line in self.log(role).read_text().splitlines() if line.startswith("{")]

    def start(self, *roles: str) -> None:
        """Start processes, and wait until they listen."""
        before = {role: self._said(role) for role in roles}
        for role in roles:
            with self.log(role).open("ab") as log:
                self.running[role] = subprocess.Popen(
                    [sys.executable, "-m", "facekeep", *self.serving[role]], stdout=log, stderr=log, env=_environment()
                )
        for role in roles:
            until(lambda role=role: self._said(role) > before[role], f"{role} listening")  # type: ignore[misc]
        if "gate" in roles:
            self.address = re.findall(r"Listening on (http://\S+)", self.log("gate").read_text())[-1]

    def _said(self, role: str) -> int:
        return self.log(role).read_text().count("Listening on") if self.log(role).exists() else 0

    def kill(self, role: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a process, and wait until it is gone."""
        self.running[role].send_signal(how)
        self.running.pop(role).wait(PATIENCE)

    def freeze(self, role: str) -> None:
        """Partition: the host is there and answers nothing."""
        os.kill(self.running[role].pid, signal.SIGSTOP)

    def thaw(self, role: str) -> None:
        os.kill(self.running[role].pid, signal.SIGCONT)

    def close(self) -> None:
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.wait(PATIENCE)

    def client(self, token: str = "") -> httpx2.Client:
        """Asks the gate."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx2.Client(base_url=self.address, headers=headers, timeout=PATIENCE)

    def ready(self) -> int:
        with self.client() as client:
            return client.get("/health/ready").status_code

    def until_ready(self) -> None:
        until(lambda: self.ready() == 200, "readiness")

    def until_not_ready(self) -> None:
        until(lambda: self.ready() == 503, "the end of readiness")
