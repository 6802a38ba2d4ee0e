"""The files of TLS: a certificate and its key, checked before a server starts."""

import os
import ssl
from pathlib import Path
from typing import NamedTuple

from vaekit.errors import ConfigError
from vaekit.files.regular import read_regular

MAX_FILE_BYTES = 2**20


class TLSFiles(NamedTuple):
    """Paths of PEM files: a certificate, with its chain, and its private key."""

    certificate: Path
    key: Path


def tls_files(
    certificate: str | os.PathLike | None, key: str | os.PathLike | None
) -> TLSFiles | None:
    """A certificate and its key, which belong together.

    Args:
        certificate: PEM file of the certificate, followed by its chain.
        key: PEM file of the private key, not encrypted.

    Returns:
        The files; None if both are None.

    Raises:
        ConfigError: One is None, a file is unreadable or damaged, or they do not belong together.

    >>> tls_files(None, None) is None
    True
    """
    if certificate is None and key is None:
        return None
    files = TLSFiles(_readable("tls_certificate", certificate), _readable("tls_key", key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # With a password, OpenSSL never asks the terminal for one.
        context.load_cert_chain(files.certificate, files.key, password="")
    except (ssl.SSLError, ValueError, OSError) as error:
        raise _unusable(error) from None
    return files


def _readable(parameter: str, path: str | os.PathLike | None) -> Path:
    """The path of a readable file."""
    if path is None:
        raise ConfigError(
            f"{parameter} is missing: TLS needs a certificate and its key. Pass both.",
            parameter=parameter,
        )
    try:
        read_regular(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError.for_value(
            parameter,
            os.fspath(path),
            f"a PEM file ({reason.lower()})",
            problem=f"{parameter} cannot be read",
        ) from None
    return Path(path)


def _unusable(error: Exception) -> ConfigError:
    reason = getattr(error, "reason", None) or ""
    if reason == "KEY_VALUES_MISMATCH":
        return ConfigError(
            "tls_key is not the key of tls_certificate. Pass the files of one pair.",
            parameter="tls_key",
        )
    why = reason.lower().replace("_", " ") or "they have no PEM content"
    return ConfigError(
        f"tls_certificate and tls_key cannot be used: {why}. "
        "Pass PEM files, the key without a password.",
        parameter="tls_certificate",
    )
