"""Typed attributes: which representation an array of a known name carries, and representations as text.

Files and foreign objects hold bare arrays. An array gets a type in one of three ways: the caller names it, the object
says so itself (what equiviz wrote), or its name is one of the usual ones below. Other arrays are left out: a wrong type
would make every later check wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
import torch

from equiviz.structures.errors import StructureError
from equiviz.symmetry import (
    CartesianTensor,
    EquivizError,
    Field,
    O3Irreps,
    Position,
    Representation,
    Trivial,
    representation,
)

Kind: TypeAlias = Literal["node", "graph"]
Types: TypeAlias = Mapping[str, str]

_VECTOR = ("1o",)
_AXIAL = ("1e",)
_NUMBER = ("0e",)
_TENSOR = ("rank-2 polar",)
_SPIN = ("0e", "1e")  # one number: collinear, not tied to space; three: an axial vector

#: Usual names of node attributes, in lower case, and their possible representations (the one with the right dimension).
NODE_NAMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("forces", "force", "velocities", "velocity", "vel", "momenta", "displacements"), _VECTOR),
    **dict.fromkeys(("displacement", "dipoles", "accelerations"), _VECTOR),
    **dict.fromkeys(("angular_momenta", "angular_momentum", "torques", "torque"), _AXIAL),
    **dict.fromkeys(("magmoms", "magmom", "initial_magmoms", "spins"), _SPIN),
    **dict.fromkeys(("charges", "charge", "initial_charges", "masses", "mass", "energies", "b_factor"), _NUMBER),
    **dict.fromkeys(("occupancy", "potential_energy"), _NUMBER),
    **dict.fromkeys(("stresses", "virials", "polarizabilities"), _TENSOR),
}

#: The same for graph attributes.
GRAPH_NAMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("energy", "free_energy", "charge", "total_charge", "temperature", "time"), _NUMBER),
    **dict.fromkeys(("dipole", "dipole_moment"), _VECTOR),
    **dict.fromkeys(("magmom", "magnetic_moment"), _SPIN),
    **dict.fromkeys(("stress", "virial", "polarizability"), _TENSOR),
}

_KNOWN = {"node": NODE_NAMES, "graph": GRAPH_NAMES}
_SOURCES = re.compile(r"^(ref|dft|qm|md)_")
_VOIGT = (0, 5, 4, 5, 1, 3, 4, 3, 2)  # xx yy zz yz xz xy -> row-major 3 x 3


def representation_text(rep: Representation) -> str:
    """Return a representation as one line: "8x0e+4x1o", "4x1o ir_mul", "position", "rank-2 polar", "5 invariants".

    Raises:
        StructureError: a representation of another class, which has no text.
    """
    if isinstance(rep, O3Irreps):
        return str(rep) if rep.layout == "mul_ir" else f"{rep} {rep.layout}"
    if isinstance(rep, (CartesianTensor, Position, Trivial)):
        return str(rep)
    raise StructureError(None, None, f"a representation of class {type(rep).__name__} cannot be written as text: {rep}")


def parse_representation(text: str) -> Representation:
    """Read what `representation_text` writes.

    Raises:
        StructureError: text that names no representation.
    """
    try:
        return _parse(text)
    except EquivizError as error:
        raise StructureError(None, None, f"{text[:80]!r} names no representation: {error}") from error


def known_type(kind: Kind, name: str, width: int) -> str | None:
    """Return the representation of an array with a usual name and `width` numbers per row, or None.

    Case does not matter, nor do the prefixes REF_, DFT_, QM_, MD_.
    """
    texts = _KNOWN[kind].get(_SOURCES.sub("", name.lower()), ())
    return next((text for text in texts if parse_representation(text).dim == width), None)


def typed_fields(kind: Kind, arrays: Mapping[str, object], points: int, types: Types) -> dict[str, Field]:
    """Return the arrays that have a type as fields; those without one are left out.

    Args:
        kind: "node" (first axis of each array: the points) or "graph" (one row in all).
        arrays: name -> numbers of shape [points, ...] or [...].
        points: N.
        types: name -> representation, for names that are not usual or not used as usual.

    Raises:
        StructureError: an array that does not fit the type it was given by name.
    """
    fields = {name: _field(kind, name, array, points, types.get(name)) for name, array in arrays.items()}
    return {name: item for name, item in fields.items() if item is not None}


@lru_cache(maxsize=256)
def _parse(text: str) -> Representation:
    words = text.split()
    if len(words) == 2 and words[1] in ("polar", "axial") and re.fullmatch(r"rank-\d", words[0]):
        return CartesianTensor(int(words[0][5:]), "axial" if words[1] == "axial" else "polar")
    if len(words) == 2 and words[1] == "invariants" and re.fullmatch(r"\d{1,7}", words[0]):
        return Trivial(int(words[0]))
    if len(words) == 2 and words[1] == "ir_mul":
        return O3Irreps(words[0], "ir_mul")
    if len(words) == 2 and words[1] == "spherical":
        return O3Irreps(words[0], "spherical")
    return representation(text)


def _field(kind: Kind, name: str, array: object, points: int, text: str | None) -> Field | None:
    values = _numbers(array)
    rows = points if kind == "node" else 1
    if values is None or (kind == "node" and values.shape[:1] != (points,)):
        return None if text is None else _refuse(kind, name, array, points, text)
    width = int(np.prod(values.shape[1:])) if kind == "node" else values.size
    if text is None and width == 6 and known_type(kind, name, 9):
        values, width = values.reshape(rows, 6)[:, _VOIGT], 9
    text = text or known_type(kind, name, width)
    if text is None:
        return None
    rep = parse_representation(text)
    if values.ndim < 2 or values.shape[0] != rows or values.shape[-1] != rep.dim:
        if width != rep.dim:
            return _refuse(kind, name, array, points, text)
        values = values.reshape(rows, width)
    return Field(torch.from_numpy(np.ascontiguousarray(values)), rep, kind)


def _numbers(array: object) -> np.ndarray | None:
    values = array.detach().cpu().numpy() if isinstance(array, torch.Tensor) else np.asarray(array)
    if values.dtype.kind in "biu":
        return values.astype(np.float64)
    return values if values.dtype.kind in "fc" else None


def _refuse(kind: Kind, name: str, array: object, points: int, text: str) -> None:
    shape = list(array.shape) if isinstance(array, torch.Tensor) else list(np.asarray(array).shape)
    rep = parse_representation(text)
    expected = [points, rep.dim] if kind == "node" else [rep.dim]
    raise StructureError(
        None, None, f"{kind} attribute {name!r} as {text} must be numbers of shape {expected}, got {shape}"
    )
