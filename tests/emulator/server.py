"""The sockets: a threaded HTTP/1.1 server on loopback that hands requests to a service and ends at once."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from tests.emulator.auth import key_in_url, whose_key
from tests.emulator.faults import Exchange, Fault
from tests.emulator.messages import Reply, Request, split_target

LARGEST_REQUEST_BYTES = 1024 * 1024
CLOSING_SECONDS = 0.8
"""How long `close` waits for the threads of connections; they have been woken by then."""


class Service(Protocol):
    """What a server asks about each request."""

    def received(self, request: Request) -> tuple[Fault | None, Callable[[], Reply]]:
        """Note the request; the fault to play, if any, and what gives the normal answer."""

    def sending(self, size: int) -> None:
        """Note bytes that are about to be sent."""

    def failed(self, error: Exception) -> None:
        """Note a mistake of the emulator itself."""


class Closing(Exception):
    """The server closes: leave whatever is going on."""


def loopback_host(host: str) -> str:
    """The address to listen on.

    Raises:
        ValueError: not an IPv4 address of this machine's loopback interface.
    """
    try:
        address = ipaddress.IPv4Address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise ValueError(f"{host!r} is no IPv4 loopback address; the emulator serves this machine only")
    return str(address)


class Server(ThreadingHTTPServer):
    """Listens from its creation; serves from `start` to `close`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, service: Service, tls: ssl.SSLContext | None = None) -> None:
        self.service = service
        self._tls = tls
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        super().__init__((loopback_host(host), port), _Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, name="emulator", daemon=True
        )

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`, or `https://` with TLS."""
        host, port = self.socket.getsockname()
        return f"{'https' if self._tls else 'http'}://{host}:{port}"

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening, wake and end all connections, wait for their threads."""
        self.closing.set()
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()
        with self._lock:
            connections = dict(self._connections)
        for connection in connections:
            _shut(connection)
        ends_at = time.monotonic() + CLOSING_SECONDS
        for thread in connections.values():
            thread.join(max(0.0, ends_at - time.monotonic()))

    def server_bind(self) -> None:
        """Bind without the reverse lookup of the base class, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection; a client that does not trust the certificate leaves during the handshake."""
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        with contextlib.suppress(OSError), self._tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def opened(self, connection: socket.socket) -> None:
        """Keep track of a connection and its thread, which is the calling one."""
        with self._lock:
            self._connections[connection] = threading.current_thread()
        if self.closing.is_set():
            _shut(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._connections.pop(connection, None)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the client has closed it already
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        super().finish()

    def handle(self) -> None:
        """Serve requests until either side closes; a client may leave whenever it likes."""
        try:
            super().handle()
        except (OSError, Closing):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the request log is the emulator's."""

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        path, query = split_target(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(
            method=self.command,
            path=path,
            query=query,
            headers=headers,
            body=body,
            key=whose_key(headers),
            key_in_url=key_in_url(self.path, query),
            at_seconds=time.monotonic(),
        )
        fault, answer = self.server.service.received(request)
        exchange = _Exchange(self, request, answer)
        if fault is not None:
            fault.play(exchange)
        else:
            exchange.send(exchange.normal())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def _read_body(self) -> bytes | None:
        """The request's body; None after an answer that refuses it."""
        text = self.headers.get("Content-Length", "0").strip()
        if "Transfer-Encoding" in self.headers or not text.isdecimal():
            self.send_error(411)
        elif int(text) > LARGEST_REQUEST_BYTES:
            self.send_error(413)
        else:
            return self.rfile.read(int(text))
        self.close_connection = True
        return None


class _Exchange(Exchange):
    """One request on a connection."""

    def __init__(self, handler: _Handler, request: Request, answer: Callable[[], Reply]) -> None:
        self._handler = handler
        self._request = request
        self._answer = answer

    @property
    def request(self) -> Request:
        return self._request

    def normal(self) -> Reply:
        try:
            return self._answer()
        except Exception as exc:  # noqa: BLE001 - a test's own data can break anything; it must see what
            self._handler.server.service.failed(exc)
            text = f"the emulator failed: {type(exc).__name__}: {exc}"
            return Reply(500, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})

    def send(self, reply: Reply) -> None:
        head = reply.head(length=len(reply.body), close=self._handler.close_connection)
        # One write: two small ones would wait for each other's acknowledgement.
        self.write(head if self._handler.command == "HEAD" else head + reply.body)

    def write(self, data: bytes) -> None:
        self._handler.server.service.sending(len(data))
        self._handler.wfile.write(data)

    def pause(self, seconds: float) -> None:
        if self._handler.server.closing.wait(seconds):
            raise Closing

    def hang_up(self) -> None:
        self._handler.close_connection = True

    def reset(self) -> None:
        connection = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Closed here and not by the server, whose orderly shutdown would send an end of stream first.
        socket.close(connection.detach())
        self.hang_up()
