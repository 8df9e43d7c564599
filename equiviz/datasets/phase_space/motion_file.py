"""Motions as users name them: by a system, whose motions are computed, or by a file.

The file is an ``.npz`` with the arrays ``before`` ``[B, N, n]`` (z = q + ip, complex), ``after`` likewise where it is
known, and ``field`` ``[B, n^2 - 1]`` (real, see `equiviz.symmetry.adjoint_coefficients`) where there is one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.npz_file import read_npz, write_npz
from equiviz.datasets.phase_space.motions import Motions, Split
from equiviz.datasets.phase_space.systems import SYSTEMS
from equiviz.structures.phase_space import FIELD, PhaseSpace, phase_space

SHOWN = 64
"""Motions of a system that tools are shown."""
LARGEST = 512 * 1024**2
"""Bytes of the arrays of a file."""
_ARRAYS = ("before", "after", "field")

Named = str | os.PathLike[str]


def motions_named(given: Named, split: Split, count: int) -> Motions:
    """So many motions of a system, or all of a file.

    Raises:
        DatasetError: neither; or a file that is damaged, or that does not hold states before and after.
    """
    if _is_system(given):
        return Motions.make(str(given), split, count)
    arrays = _read(Path(given))
    inputs, before = _inputs(Path(given), arrays), _vectors(Path(given), arrays, "before")
    if "after" not in arrays:
        raise DatasetError(Path(given), "expected the states after the time, too: there is no array 'after'.")
    after = _vectors(Path(given), arrays, "after")
    if after.shape != before.shape:
        raise DatasetError(
            Path(given), f"expected 'after' of the shape of 'before', {list(before.shape)}, got {list(after.shape)}."
        )
    field = inputs.fields[FIELD].values if FIELD in inputs.fields else None
    return Motions(Path(given).name, before, after, field)


def states_named(given: Named, count: int = SHOWN) -> PhaseSpace:
    """So many unseen states of a system, or all of a file, as what a network reads; errors as `motions_named`."""
    if _is_system(given):
        made = Motions.make(str(given), "test", count)
        return phase_space(made.before, made.field)
    return _inputs(Path(given), _read(Path(given)))


def write_motions(path: str | os.PathLike[str], motions: Motions) -> None:
    """Write motions to an ``.npz`` file, whole or not at all."""
    fields = {} if motions.field is None else {"field": motions.field.numpy()}
    write_npz(Path(path), {"before": motions.before.numpy(), "after": motions.after.numpy(), **fields})


def _is_system(given: Named) -> bool:
    return str(given) in SYSTEMS


def _read(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix != ".npz" or not path.is_file():
        raise DatasetError(
            None,
            f"Expected a system in phase space, {' or '.join(SYSTEMS)}, or an .npz file of motions with the "
            f"arrays {', '.join(_ARRAYS)}, got {str(path)!r}{'' if path.exists() else ', which does not exist'}.",
        )
    arrays = read_npz(path, LARGEST)
    if "before" not in arrays:
        raise DatasetError(path, f"expected the array 'before', found {', '.join(sorted(arrays)[:8]) or 'none'}.")
    return arrays


def _inputs(path: Path, arrays: dict[str, NDArray[Any]]) -> PhaseSpace:
    before = _vectors(path, arrays, "before")
    field = arrays.get("field")
    count, n = len(before), before.shape[-1]
    if field is not None and not np.isfinite(field).all():
        raise DatasetError(path, "expected finite numbers in 'field', found NaN or infinite ones.")
    if field is not None and (field.shape != (count, n**2 - 1) or field.dtype.kind != "f"):
        raise DatasetError(
            path,
            f"expected 'field' real and of shape [{count}, {n**2 - 1}], got {field.dtype} of shape "
            f"{list(field.shape)}.",
        )
    return phase_space(before, None if field is None else torch.from_numpy(field.astype(np.float64)))


def _vectors(path: Path, arrays: dict[str, NDArray[Any]], name: str) -> Tensor:
    found = arrays[name]
    if found.ndim != 3 or found.dtype.kind != "c" or not found.size or not np.isfinite(found).all():
        raise DatasetError(
            path,
            f"expected {name!r} complex, finite and of shape [motions, vectors, n], got {found.dtype} of shape "
            f"{list(found.shape)}.",
        )
    return torch.from_numpy(found.astype(np.complex128))
