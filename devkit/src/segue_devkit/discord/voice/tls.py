"""Certificates of the voice servers: an authority of our own and one P-256 certificate for all addresses.

Written to a folder, so that whoever dials a voice server can be told to trust it: ``ca.pem`` for OpenSSL
(SSL_CERT_FILE) and ``truststore.p12`` (password ``changeit``) for a JVM. The authority is kept across
starts: clients that run already keep trusting a restarted simulator.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TRUSTSTORE_PASSWORD: Final = b"changeit"
_LIFETIME = dt.timedelta(days=3650)
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Segue Discord simulator")])


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def server_context(folder: Path, addresses: Iterable[str]) -> ssl.SSLContext:
    """Write the files into the folder and return the TLS context the voice servers listen with."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = _authority(folder)
    chain = folder / "server.pem"
    _write_secret(chain, _server_pem(authority, addresses))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def _authority(folder: Path) -> _Authority:
    certificate_file, key_file = folder / "ca.pem", folder / "ca-key.pem"
    if certificate_file.exists() and key_file.exists():
        key = load_pem_private_key(key_file.read_bytes(), password=None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return _Authority(x509.load_pem_x509_certificate(certificate_file.read_bytes()), key)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_NAME, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_secret(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    trusted = pkcs12.PKCS12Certificate(certificate, b"segue-discord-simulator")
    store = pkcs12.serialize_java_truststore([trusted], BestAvailableEncryption(TRUSTSTORE_PASSWORD))
    (folder / "truststore.p12").write_bytes(store)
    return _Authority(certificate, key)


def _server_pem(authority: _Authority, addresses: Iterable[str]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(each)) for each in sorted({"127.0.0.1", *addresses})]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "voice")])
    certificate = (
        _builder(subject, key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def _builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
