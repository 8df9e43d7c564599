"""A cache of computed tensors on disk, keyed by what they were computed from; any number of processes may share it.

An entry is one file: the SHA-256 of its content, then the content. Writing is atomic, a damaged entry is computed anew,
and a folder that cannot be written costs only the time that the cache would have saved.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from equiviz.structures.atomic_file import write_atomically

VARIABLE = "EQUIVIZ_CACHE_DIR"
_DIGEST = 32  # bytes of a SHA-256


def cache_folder() -> Path:
    """Where cached things live: $EQUIVIZ_CACHE_DIR, or the platform's place for caches."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "equiviz"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home() / "AppData" / "Local"))) / "equiviz" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "equiviz"


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
    """
    path = cache_folder() / "prepared" / f"{content_key(label, tensors)}.bin"
    found = _read(path)
    if found is not None:
        return found
    fresh = {name: value.detach().cpu().contiguous() for name, value in compute().items()}
    _write(path, fresh)
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
        return load(entry[_DIGEST:])
    except SafetensorError:
        return None


def _write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    from safetensors.torch import save

    content = save(dict(tensors))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, hashlib.sha256(content).digest() + content)
    except OSError:
        return  # a full or read-only disk: the result is in hand, only the next run pays again
