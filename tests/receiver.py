"""A receiver of webhooks, as somebody would run one: real sockets on this machine, on a thread of its own."""

from __future__ import annotations

import datetime
import queue
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(folder: Path, *names: x509.GeneralName) -> None:
    """Make a certificate that signs itself, ``cert.pem``, and its key, ``key.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came, and what is answered next; 200 when the list is used up."""

    answers: list[int] = field(default_factory=list)
    came: queue.Queue[Received] = field(default_factory=queue.Queue)
    url: str = ""

    def all(self) -> list[Received]:
        """What came so far and was not looked at."""
        found = []
        while not self.came.empty():
            found.append(self.came.get_nowait())
        return found


@contextmanager
def receiving(answers: Sequence[int] = (), tls: Path | None = None) -> Iterator[Receiver]:
    """A receiver while the block lasts, over TLS if a folder with a certificate is given."""
    receiver = Receiver(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.put(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status = receiver.answers.pop(0) if receiver.answers else 200
            self.send_response(status)
            if status in {301, 302, 307, 308}:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if tls is None else "https"
    receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def dripping(first: bytes = b"", then: bytes = b"", *, asked: bool = True) -> Iterator[Receiver]:
    """A receiver that answers with some bytes and then with further ones, every 20 ms, for as long as it is let.

    Args:
        first: what is answered at once.
        then: what follows again and again; nothing if it is empty.
        asked: whether it waits until something is said to it.
    """
    receiver, ended = Receiver(), threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection:
            receiver.came.put(Received("", {}, connection.recv(65536) if asked else b""))
            try:
                connection.sendall(first)
                while not ended.wait(0.02):
                    connection.sendall(then)
            except OSError:
                return  # whoever sent has had enough

    def accept() -> None:
        while True:
            connection, _ = listening.accept()
            if ended.is_set():
                connection.close()
                return
            threads.append(threading.Thread(target=drip, args=(connection,)))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        receiver.url = f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
        threads = [threading.Thread(target=accept)]
        threads[0].start()
        try:
            yield receiver
        finally:
            ended.set()
            socket.create_connection(listening.getsockname()).close()
            for thread in threads:
                thread.join()
