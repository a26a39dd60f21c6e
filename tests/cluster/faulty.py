"""An S3-compatible server on loopback, and a way to it on which some requests fail."""

from __future__ import annotations

import http.client
import http.server
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SERVER = "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])"


@contextmanager
def serve(share: float) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Start the server; give the environments that lead to it, and to it through what fails a share of requests.

    Half of those fail before they have any effect (503), half after it, when the connection is cut.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        with (
            log.open("wb") as written,
            subprocess.Popen([sys.executable, "-c", SERVER], stdout=written, stderr=written) as server,
        ):
            found = None
            while found is None:
                assert server.poll() is None, log.read_text()
                time.sleep(0.05)
                found = re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())
            proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(int(found[1]), share))
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            try:
                yield _environment(int(found[1])), _environment(proxy.server_address[1])
            finally:
                proxy.shutdown()
                proxy.server_close()
                server.terminate()


def _environment(port: int) -> dict[str, str]:
    place = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
    return place | {"AWS_ACCESS_KEY_ID": "made", "AWS_SECRET_ACCESS_KEY": "up"}


def _handler(port: int, share: float) -> type[http.server.BaseHTTPRequestHandler]:
    chance = random.Random(1)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fails = chance.random() < share
            if fails and chance.random() < 0.5:
                self.send_response(503)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            there = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            there.request(self.command, self.path, body, dict(self.headers))
            answer = there.getresponse()
            data = answer.read()
            there.close()
            if fails:
                self.close_connection = True
                return
            with suppress(ConnectionError):
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"transfer-encoding", "connection", "content-length", "server", "date"}:
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
