"""What a file of ours asks of HDF5, and what it does not let come out of it: the one door to h5py.

Texts have a fixed length, names are percent-encoded, and whatever h5py raises becomes a `DatasetError`.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

import numpy as np

from equiviz.datasets.errors import DatasetError
from equiviz.symmetry.errors import EquivizError


def h5py() -> Any:
    """The library, imported when first asked for: most users of the package never write such a file."""
    import h5py as library

    return library


@contextmanager
def in_words(path: Path) -> Generator[None]:
    """Turn what h5py and the system raise into a `DatasetError` of this file."""
    try:
        yield
    except EquivizError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, SystemError) as problem:
        first = _first_cause(problem)
        if isinstance(first, KeyboardInterrupt):  # came while HDF5 was calling our file
            raise first from problem
        raise DatasetError(path, f"cannot be read or written: {str(first)[:300]}") from problem


def _first_cause(problem: BaseException) -> BaseException:
    while problem.__cause__ is not None:
        problem = problem.__cause__
    return problem


def encoded(name: str) -> str:
    """A path as the name of a group: no slashes, which HDF5 would take as groups in groups; any bytes are some name."""
    return quote_from_bytes(os.fsencode(name), safe=" +,=@")


def decoded(key: str) -> str:
    """The path that a group is named after."""
    return os.fsdecode(unquote_to_bytes(key.rsplit("/", 1)[-1]))


def fixed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Texts as texts of fixed length: HDF5 keeps others in a place without checksums, and hangs where it is damaged."""
    found = dict(values)
    for key, value in values.items():
        if isinstance(value, str):
            content = value.replace("\0", "\\0").encode("utf-8", "backslashreplace")
            found[key] = np.array(content, dtype=h5py().string_dtype("utf-8", max(1, len(content))))
    return found


class Attributes(Mapping[str, Any]):
    """Attributes that `fixed` makes; others are as good as none, since to read them may be dangerous."""

    def __init__(self, owner: Any) -> None:
        self._all = owner.attrs

    def __getitem__(self, key: str) -> Any:
        kind = self._all.get_id(key)
        if kind.shape != () or kind.dtype.kind not in "ifuS":
            raise KeyError(f"expected attribute {key!r} to be a number or a text of fixed length")
        value = self._all[key]
        return value.decode() if isinstance(value, bytes) else value.item()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)
