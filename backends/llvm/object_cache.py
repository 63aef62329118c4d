"""Compiled objects on disk, by content: a key goes in, bytes come out, or None where there is nothing sound.

A file holds a mark, a checksum and the object; one that is cut short or altered counts as absent. A folder that cannot
be written costs time, never a failure.
"""

import hashlib
from pathlib import Path

from graphc.cache_directory import cache_directory, keep

_FORMAT = b"graphc object 1\n"
_DIGEST_BYTES = hashlib.sha256().digest_size


def cache_key(*parts: str) -> str:
    """A name for whatever these parts determine, in this version of the format."""
    digest = hashlib.sha256(_FORMAT)
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def fetch(key: str) -> bytes | None:
    """The object stored under a key."""
    try:
        content = _path(key).read_bytes()
    except OSError:
        return None
    header = len(_FORMAT) + _DIGEST_BYTES
    stored = content[header:]
    sound = content[:header] == _FORMAT + hashlib.sha256(stored).digest()
    return stored if sound else None


def store(key: str, content: bytes) -> None:
    """Keep an object under a key, if the folder can be written."""
    keep(_path(key), _FORMAT + hashlib.sha256(content).digest() + content)


def _path(key: str) -> Path:
    return cache_directory() / "objects" / key[:2] / key[2:]
