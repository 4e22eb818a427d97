"""The application on a real socket of this machine, for as long as a block lasts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from facekeep.interfaces.http.serving import listen


@contextmanager
def served(app: FastAPI, bound: socket.socket | None = None) -> Iterator[str]:
    """Serve it, and give its address, http://localhost:PORT."""
    listening = bound or listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://localhost:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
