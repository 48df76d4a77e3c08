"""micropython.org and GitHub's list of versions on this computer, behind a proxy, for mpflash as it is.

A proxy that answers CONNECT and then speaks TLS itself, with a certificate that `REQUESTS_CA_BUNDLE` makes known.
"""

from __future__ import annotations

import contextlib
import datetime
import http.server
import json
import socketserver
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ("micropython.org", "api.github.com")
REPOSITORY = "https://api.github.com/repos/micropython/micropython"


def certificate(path: Path) -> None:
    """A key and a certificate for the hosts, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests of whit")])
    today = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Site

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.close_connection = False

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        body = self.server.pages.get(path)
        self.send_response(404 if body is None else 200)
        body = body or b"{}"
        self.send_header("Content-Type", "application/json" if path.startswith("/repos") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = False

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Site(socketserver.ThreadingTCPServer):
    """Serves one image of a board; ``environment`` is what a program needs to be led here."""

    daemon_threads = True

    def __init__(self, folder: Path, port: str, board: str, version: str, image: bytes, extension: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        certificate(folder / "site.pem")
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(folder / "site.pem")
        name = f"/resources/firmware/{board}-20241129-v{version}.{extension}"
        tags = [{"name": tag, "commit": {"url": REPOSITORY}} for tag in (f"v{version}", "v1.20.0", "v9.9.9-preview")]
        self.pages = {
            "/download/": f'<a class="board-card" href="{board}">{board}</a>'.encode(),
            f"/download/{board}": f'<a href="{name}">v{version} .{extension}</a>'.encode(),
            name: image,
            "/repos/micropython/micropython": json.dumps({"url": REPOSITORY, "name": "micropython"}).encode(),
            "/repos/micropython/micropython/tags": json.dumps(tags).encode(),
        }
        self.environment = {"REQUESTS_CA_BUNDLE": str(folder / "site.pem"), "NO_PROXY": ""}
        for key in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
            self.environment[key] = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()
