"""The name of a point group in Schoenflies' notation, from its matrices.

Source of the classification: Cotton, Chemical Applications of Group Theory (3rd ed., 1990), section 3.14.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from equiviz.symmetry.groups import O3

Extent: TypeAlias = Literal["line", "point"]
_CUBIC = {12: "T", 24: "O", 60: "I"}
_NEAR = 1e-2
_HIGHEST = 60


def schoenflies(matrices: Tensor, infinite: Extent | None = None) -> str:
    """``"D4h"`` of the matrices [G, 3, 3] of a group; repeated matrices (shifts of a crystal) count once.

    Args:
        matrices: orthogonal to within 1e-5.
        infinite: they stand for the infinitely many of a line or of a point.
    """
    proper_part = torch.linalg.det(matrices) > 0
    if infinite == "point":
        return "SO(3)" if bool(proper_part.all()) else "O(3)"
    elements = [_Element.of(matrix) for matrix in _distinct(matrices)]
    proper = [g for g in elements if g.proper]
    inversion = any(not g.proper and g.order == 1 for g in elements)
    if infinite == "line":
        return _line(elements)
    if len(_axes(proper, 3)) > 1:
        return _cubic(len(proper), len(elements), inversion)
    order = max((g.order for g in proper), default=1)
    if order == 1:
        return "C1" if len(elements) == 1 else "Ci" if inversion else "Cs"
    return _axial(elements, proper, order, inversion)


@dataclass(frozen=True, eq=False)
class _Element:
    """A rotation, perhaps with an inversion after it."""

    matrix: Tensor
    proper: bool
    angle: float
    axis: Tensor

    @classmethod
    def of(cls, matrix: Tensor) -> _Element:
        element = O3(matrix)
        return cls(element.matrix, element.is_proper, element.angle, element.axis)

    @property
    def order(self) -> int:
        """How often the rotation is repeated until nothing has moved."""
        turns = self.angle / (2 * math.pi)
        return next((k for k in range(1, _HIGHEST) if abs(k * turns - round(k * turns)) < _NEAR), _HIGHEST)


def _line(elements: list[_Element]) -> str:
    """With the reversal of the line or without it."""
    proper = all(g.proper for g in elements)
    axis = min((g for g in elements if g.proper and g.angle > _NEAR), key=lambda g: g.angle).axis
    reverses = any(float(g.matrix @ axis @ axis) < 0 for g in elements)
    return ("D∞" if reverses else "C∞") + ("" if proper else "h" if reverses else "v")


def _cubic(proper: int, total: int, inversion: bool) -> str:
    name = _CUBIC.get(proper, "?")
    if total == proper:
        return name
    return f"{name}h" if inversion else "Td"


def _axial(elements: list[_Element], proper: list[_Element], order: int, inversion: bool) -> str:
    """Groups with one main axis."""
    improper = [g for g in elements if not g.proper]
    mirrors = [g.axis for g in improper if g.order == 2]
    main = next(g.axis for g in proper if g.order == order)
    flat = any(_parallel(axis, main) for axis in mirrors)
    if len(proper) == 2 * order:  # also turns across the main axis
        if not improper:
            return f"D{order}"
        return f"D{order}h" if (inversion if order == 2 else flat) else f"D{order}d"
    if not improper:
        return f"C{order}"
    if flat:
        return f"C{order}h"
    return f"C{order}v" if mirrors else f"S{2 * order}" if order % 2 == 0 or inversion else f"C{order}h"


def _axes(proper: list[_Element], order: int) -> list[Tensor]:
    found: list[Tensor] = []
    for g in proper:
        if g.order == order and not any(_parallel(g.axis, axis) for axis in found):
            found.append(g.axis)
    return found


def _parallel(one: Tensor, other: Tensor) -> bool:
    return abs(abs(float(one @ other)) - 1) < _NEAR


def _distinct(matrices: Tensor) -> Tensor:
    """Each matrix once."""
    flat = matrices.flatten(1)
    same = torch.cdist(flat, flat) < _NEAR  # [G, G]
    first = same.to(torch.int8).argmax(1)
    return matrices[first == torch.arange(len(matrices))]
