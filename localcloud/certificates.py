"""A certificate for the local cloud, by an authority that exists only for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Where the files are."""

    authority: Path
    """What clients and functions trust."""
    server: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """Make an authority, and a certificate of it for localhost; the authority's own key is not kept."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    authority = trustme.CA(organization_name="localcloud")
    server = authority.issue_cert("localhost", "*.localhost", "127.0.0.1", common_name="localhost")
    authority.cert_pem.write_to_path(made.authority)
    made.server.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    made.key.touch(mode=0o600)
    server.private_key_pem.write_to_path(made.key)
    return made
