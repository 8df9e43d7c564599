"""What of a field is drawn: one copy of one irrep, or one copy of each, as numbers with a name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from equiviz.symmetry.field import Field
from equiviz.view.arrays import numbers
from equiviz.view.errors import ViewError
from equiviz.view.layers import HIGHEST_DEGREE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from equiviz.structures.structure import Structure

Shown: TypeAlias = "Field | str | ArrayLike | torch.Tensor"
ALL = "all"
"""The word for a glyph of all degrees together."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Numbers on the particles of a structure.

    Attributes:
        values: ``[N]`` or ``[N, components]``.
        name: what they are called.
        axial: whether they are a pseudo-vector.
        coefficients: the same as coefficients of spherical harmonics ``[N, (L + 1)^2]``; None where they are no irreps.
        typed: whether their representation is known; that of an array is not.
    """

    values: NDArray[np.float64]
    name: str
    axial: bool = False
    coefficients: NDArray[np.float64] | None = None
    typed: bool = True

    @property
    def is_vector(self) -> bool:
        """Three numbers per particle."""
        return self.values.ndim == 2 and self.values.shape[1] == 3

    @property
    def degree(self) -> int | None:
        """The largest degree; None where there is none."""
        return None if self.coefficients is None else math.isqrt(self.coefficients.shape[1]) - 1

    def norms(self) -> NDArray[np.float64]:
        """Numbers to colour by: scalars keep their sign, the rest gives its norm. ``[N]``."""
        flat = self.values.reshape(len(self.values), -1)
        return flat[:, 0] if flat.shape[1] == 1 else np.linalg.norm(flat, axis=1)


def drawn(structure: Structure, shown: Shown, block: str | None, channel: int) -> Drawn:
    """What `equiviz.show` is asked for.

    Args:
        structure: on whose nodes it is.
        shown: a field, the name of a node attribute, or an array ``[N]`` or ``[N, components]``.
        block: of a field; None is its first, "all" one copy of each degree.
        channel: which copy.

    Raises:
        ViewError: no such attribute, block or channel; a field elsewhere than on the nodes.
    """
    count = len(structure.labels)
    if isinstance(shown, str):
        if shown not in structure.node:
            known = ", ".join(sorted(structure.node)) or "none"
            raise ViewError(f"show: the structure has no node attribute {shown!r}; it has: {known}.")
        field = structure.node[shown]
        found = _of_field(field, block, channel, count)
        several = field.representation.dim > found.values.shape[-1]
        name = f"{shown} {found.name}" if several else shown
        return Drawn(found.values, name, found.axial, found.coefficients)
    if isinstance(shown, Field):
        return _of_field(shown, block, channel, count)
    values = numbers(shown)
    if values.ndim not in (1, 2) or len(values) != count:
        raise ViewError(
            f"show: expected one number or vector per particle, shape [{count}] or [{count}, 3], got shape "
            f"{list(values.shape)}."
        )
    return Drawn(values, "value", typed=False)


def _of_field(field: Field, block: str | None, channel: int, count: int) -> Drawn:
    if field.support != "node" or len(field.values) != count:
        raise ViewError(
            f"show: expected a field on {count} nodes, got one on {field.support}s with {len(field.values)} rows."
        )
    labels = [entry.label for entry in field.blocks]
    if block == ALL:
        return _all_degrees(field, list(dict.fromkeys(labels)), channel)
    label = labels[0] if block is None and labels else block
    if label not in labels:
        raise ViewError(f"show: the field has no block {block!r}; it has: {', '.join(labels) or 'none'}.")
    values = _copy(field, label, channel)
    degree, parity = _irrep(label)
    name = f"{label}[{channel}]"
    if degree is None or degree > HIGHEST_DEGREE or values.shape[1] != 2 * degree + 1:
        return Drawn(values, name)
    coefficients = np.zeros((count, (degree + 1) ** 2))
    coefficients[:, degree * degree :] = values
    return Drawn(values, name, parity != _natural(degree), coefficients)


def _all_degrees(field: Field, labels: list[str], channel: int) -> Drawn:
    """One copy of each degree, of natural parity (-1)^l, so that the glyph is a function on the sphere."""
    irreps = {label: _irrep(label) for label in labels}
    fitting = {label: degree for label, (degree, parity) in irreps.items() if parity == _natural(degree)}
    degrees = {label: degree for label, degree in fitting.items() if degree is not None and degree <= HIGHEST_DEGREE}
    if not degrees:
        raise ViewError(f"show: no block of the field is a function on the sphere; it has: {', '.join(labels)}.")
    coefficients = np.zeros((len(field.values), (max(degrees.values()) + 1) ** 2))
    for label, degree in degrees.items():
        if channel < field[label].shape[1]:
            coefficients[:, degree**2 : (degree + 1) ** 2] = _copy(field, label, channel)
    return Drawn(coefficients, f"{' + '.join(degrees)}, channel {channel}", False, coefficients)


def _copy(field: Field, label: str, channel: int) -> NDArray[np.float64]:
    """One copy of one block, ``[N, size]``."""
    copies = field[label]  # [N, mul, size]
    if not 0 <= channel < copies.shape[1]:
        raise ViewError(f"show: block {label} has the channels 0 to {copies.shape[1] - 1}, got channel {channel}.")
    return numbers(copies[:, channel])


def _irrep(label: str) -> tuple[int | None, str]:
    """Degree and parity of "2e"; no degree where the block is no irrep of O(3)."""
    return (int(label[:-1]), label[-1]) if label[:-1].isdecimal() and label[-1] in "eo" else (None, "")


def _natural(degree: int | None) -> str:
    return "e" if degree is None or degree % 2 == 0 else "o"
