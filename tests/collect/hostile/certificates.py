"""Certificates for tests: an authority, and what it signs or does not sign."""

from __future__ import annotations

import datetime as dt
import ipaddress
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from pathlib import Path

_numbers = itertools.count()


@dataclass(frozen=True)
class Signer:
    """A key with its name, and the file of its certificate."""

    key: ec.EllipticCurvePrivateKey
    name: x509.Name
    file: Path


def authority(folder: Path) -> Signer:
    """Make an authority that tests may trust."""
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("Authority")
    return Signer(key, name, _write(folder, key, _begin(name, key, name, 1, authority=True), key))


def certificate(folder: Path, host: str, signer: Signer | None = None, days: int = 1) -> Path:
    """Write key and certificate of ``host`` and 127.0.0.9; without ``signer`` it signs itself.

    ``days`` from now it is valid; negative ones are over.
    """
    key, name = ec.generate_private_key(ec.SECP256R1()), _name(host)
    issuer, by = (name, key) if signer is None else (signer.name, signer.key)
    names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
    builder = _begin(name, key, issuer, days, authority=signer is None)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _write(folder, key, builder, by)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _begin(
    name: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, days: int, authority: bool
) -> x509.CertificateBuilder:
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - dt.timedelta(days=3))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )


def _write(
    folder: Path,
    key: ec.EllipticCurvePrivateKey,
    builder: x509.CertificateBuilder,
    by: ec.EllipticCurvePrivateKey,
) -> Path:
    path = folder / f"certificate-{next(_numbers)}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    signed = builder.sign(by, hashes.SHA256())
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path
