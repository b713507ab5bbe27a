"""One certificate authority and one node certificate, so that the object store's parts trust only each other (mTLS)."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from perlinsos.operations.services.home import write_private

YEARS = 10
RENEW_DAYS = 30


def keep_certificates(folder: Path) -> None:
    """Write ca.crt, node.crt and node.key (PEM) where they are missing or end within a month.

    The authority's key is thrown away: it signs the one node certificate and nothing ever again.
    """
    if all((folder / name).exists() for name in ("ca.crt", "node.crt", "node.key")) and not _ends_soon(folder / "node.crt"):
        return
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = datetime.datetime.now(datetime.UTC)
    ends = now + datetime.timedelta(days=365 * YEARS)
    authority_key, node_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("perlinsos object store authority")

    def build(subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(authority_name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(ends)

    authority = build(authority_name, authority_key.public_key())
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost"), x509.DNSName("seaweedfs")]
    )
    node = build(_name("perlinsos object store"), node_key.public_key()).add_extension(names, critical=False)
    pem = serialization.Encoding.PEM
    write_private(folder / "ca.crt", authority.sign(authority_key, hashes.SHA256()).public_bytes(pem).decode())
    write_private(folder / "node.crt", node.sign(authority_key, hashes.SHA256()).public_bytes(pem).decode())
    private = node_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(folder / "node.key", private.decode())


def _name(common_name: str):  # type: ignore[no-untyped-def]
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _ends_soon(path: Path) -> bool:
    from cryptography import x509

    ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return ends < datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=RENEW_DAYS)
