"""The certificates that this host trusts, for builds behind a company's proxy."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lab.errors import BadInput

# Where distributions keep their bundle: Debian, Fedora, openSUSE, Alpine and macOS.
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

# BuildKit refuses a secret of more than 500 KiB.
LARGEST = 500 * 1024

_CERTIFICATE = re.compile(
    r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----\n.+?\n-----END (?:TRUSTED )?CERTIFICATE-----\n?",
    re.DOTALL,
)


def host_bundle() -> str:
    """Every certificate that this host trusts, in PEM; empty where it keeps none in a file.

    ``SSL_CERT_FILE`` goes first, as it does for OpenSSL. Raises ``BadInput`` when the bundle is
    larger than a build can be given.
    """
    for path in map(Path, (os.environ.get("SSL_CERT_FILE", ""), *BUNDLES)):
        if path.is_file():
            bundle = distill(path.read_text(encoding="utf-8", errors="replace"))
            if len(bundle) > LARGEST:
                raise BadInput(
                    f"{path} is too large for a build: {len(bundle)} bytes of certificates",
                    remedy=f"point SSL_CERT_FILE at a bundle of at most {LARGEST} bytes",
                )
            return bundle
    return ""


def distill(bundle: str) -> str:
    """The certificates of a bundle, once each, without the prose between them."""
    found = (match.group().rstrip() + "\n" for match in _CERTIFICATE.finditer(bundle))
    return "".join(dict.fromkeys(found))
