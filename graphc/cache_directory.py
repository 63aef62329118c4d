"""Where compiled code is kept between processes; nothing of graphc is written anywhere else.

`GRAPHC_CACHE_DIR` if it is set, otherwise the folder that the system sets aside for caches.
"""

import os
import sys
import tempfile
from pathlib import Path


def cache_directory() -> Path:
    """The folder, which need not exist yet: whoever writes creates it, and goes without if that fails."""
    chosen = os.environ.get("GRAPHC_CACHE_DIR")
    if chosen:
        return Path(chosen)
    try:
        return _system_caches() / "graphc"
    except RuntimeError:
        # No home folder. A shared one would let others plant code: take a path where every write fails.
        return Path(os.devnull)


def keep(path: Path, content: bytes) -> None:
    """Write a file of the cache, if it can be written.

    A complete file under a name of its own is renamed, which is atomic: many processes share the folder without locks.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)


def _system_caches() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
