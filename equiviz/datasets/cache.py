"""A cache of computed tensors on disk, keyed by what they were computed from; any number of processes may share it.

An entry is one file: the SHA-256 of its content, then the content. Writing is atomic, a damaged entry is computed anew,
and a folder that cannot be written costs only the time that the cache would have saved.

Environment: ``EQUIVIZ_CACHE_DIR`` says where the cache is (by default the platform's place for caches),
``EQUIVIZ_CACHE_GB`` how large its entries may grow together, in GB of 10^9 bytes (by default 20; 0 keeps nothing, inf
everything). When an entry is written and the limit passed, those go that were not used for longest.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.structures.atomic_file import UNFINISHED, write_atomically

VARIABLE = "EQUIVIZ_CACHE_DIR"
LIMIT_VARIABLE = "EQUIVIZ_CACHE_GB"
LIMIT = 20.0  # GB
_SUFFIX = ".bin"
_DIGEST = 32  # bytes of a SHA-256
_ABANDONED = 24 * 3600  # seconds after which an unfinished file has no writer any more


def cache_folder() -> Path:
    """Where cached things live: $EQUIVIZ_CACHE_DIR, or the platform's place for caches."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "equiviz"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home() / "AppData" / "Local"))) / "equiviz" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "equiviz"


def cache_limit() -> float:
    """How many bytes the entries may take together: $EQUIVIZ_CACHE_GB, or 20 GB.

    Raises:
        DatasetError: The variable is set to something else than a number >= 0.
    """
    stated = os.environ.get(LIMIT_VARIABLE, "")
    try:
        limit = float(stated) if stated.strip() else LIMIT
    except ValueError:
        limit = math.nan
    if not limit >= 0:
        raise DatasetError(
            None, f"{LIMIT_VARIABLE}: expected a number of GB >= 0 such as 20, got {stated!r}; change or unset it"
        )
    return limit * 1e9


def content_key(label: str, tensors: Mapping[str, Tensor]) -> str:
    """A name for what is computed from these tensors: the hash of names, dtypes, shapes and bytes.

    Args:
        label: What is computed, with a version that changes when the computation does: ``"inherent-structure-1"``.
        tensors: All that the result depends on.
    """
    digest = hashlib.sha256(label.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"|{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return f"{label}-{digest.hexdigest()[:32]}"


def cached(label: str, tensors: Mapping[str, Tensor], compute: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """What `compute` gives, from the cache if it was computed before from the same tensors.

    Args:
        label, tensors: As in `content_key`.
        compute: Called when there is no sound entry; its tensors come back with the same bits from then on.

    Raises:
        DatasetError: As `cache_limit`.
    """
    limit = cache_limit()
    path = cache_folder() / "prepared" / f"{content_key(label, tensors)}{_SUFFIX}"
    found = _read(path)
    if found is not None:
        return found
    fresh = {name: value.detach().cpu().contiguous() for name, value in compute().items()}
    _write(path, fresh, limit)
    return fresh


def _read(path: Path) -> dict[str, Tensor] | None:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        entry = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(entry[_DIGEST:]).digest() != entry[:_DIGEST]:
        return None
    try:
        found = load(entry[_DIGEST:])
    except SafetensorError:
        return None
    _mark_used(path)
    return found


def _mark_used(path: Path) -> None:
    """The time of modification is that of the last use: many systems do not record times of access."""
    with contextlib.suppress(OSError):  # removed meanwhile, or the cache of somebody else
        os.utime(path)


def _write(path: Path, tensors: Mapping[str, Tensor], limit: float) -> None:
    from safetensors.torch import save

    content = save(dict(tensors))
    if len(content) + _DIGEST > limit:
        return  # it would push out everything, and itself at the end
    try:
        write_atomically(path, hashlib.sha256(content).digest() + content)
        _make_room(path.parent, limit)
    except OSError:
        return  # a full or read-only disk: the result is in hand, only the next run pays again


def _make_room(folder: Path, limit: float) -> None:
    """Remove the entries that were not used for longest, until the others are within the limit.

    There is no lock. Whoever finds an entry gone counts it as removed; who wanted to read it computes it anew.
    """
    entries = sorted(_entries(folder))
    excess = sum(size for _, size, _ in entries) - limit
    for used, size, path in entries:
        if excess <= 0:
            return
        if _remove_unless_used_since(path, used):
            excess -= size


def _entries(folder: Path) -> Iterator[tuple[int, int, str]]:
    """Last use (ns), bytes and path of each entry; what killed writers left behind is removed on the way."""
    yesterday = time.time_ns() - _ABANDONED * 10**9
    with os.scandir(folder) as listing:
        for file in listing:
            with contextlib.suppress(FileNotFoundError):
                known = file.stat()
                if file.name.endswith(_SUFFIX):
                    yield known.st_mtime_ns, known.st_size, file.path
                elif file.name.endswith(UNFINISHED) and known.st_mtime_ns < yesterday:
                    os.unlink(file.path)


def _remove_unless_used_since(path: str, used: int) -> bool:
    """Whether the entry is gone, be it that another process removed it."""
    try:
        if os.stat(path).st_mtime_ns != used:
            return False
        os.unlink(path)
    except FileNotFoundError:
        return True
    return True
