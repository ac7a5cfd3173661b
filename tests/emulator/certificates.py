"""TLS certificates for the emulator: a good one and those that a client must not accept."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

import trustme

Certificate = Literal["good", "unknown-issuer", "other-host", "expired"]


def server_tls(certificate: Certificate, ca_file: Path) -> ssl.SSLContext:
    """What an emulator serves with; the certificate of the authority to trust is written to `ca_file`.

    For `unknown-issuer` that is another authority than the one which issued the server's certificate.
    """
    authority = trustme.CA()
    host = "elsewhere.example" if certificate == "other-host" else "127.0.0.1"
    now = datetime.now(timezone.utc)
    span = (now - timedelta(days=9), now - timedelta(days=2)) if certificate == "expired" else (None, None)
    issued = authority.issue_cert(host, not_before=span[0], not_after=span[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    trusted = trustme.CA() if certificate == "unknown-issuer" else authority
    trusted.cert_pem.write_to_path(str(ca_file))
    return context
