"""Structures whose symmetry is known by name."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from equiviz.structures.structure import Structure


def points(rows: Sequence[Sequence[float]], species: Sequence[int] | None = None, name: str = "") -> Structure:
    positions = torch.tensor(rows, dtype=torch.float64)
    numbers = torch.ones(len(rows), dtype=torch.long) if species is None else torch.tensor(species)
    return Structure(positions, numbers, name=name, species_names=("?", "A", "B"))


def rectangle(length: float, width: float, name: str = "") -> Structure:
    return points([[x * length / 2, y * width / 2, 0.0] for x, y in ((1, 1), (-1, 1), (-1, -1), (1, -1))], name=name)


def octahedron(stretch: float = 1.0, centre: Sequence[float] = (0.0, 0.0, 0.0)) -> Structure:
    shell = [[1.0, 0, 0], [-1.0, 0, 0], [0, 1.0, 0], [0, -1.0, 0], [0, 0, stretch], [0, 0, -stretch]]
    return points([*shell, list(centre)], [1] * 6 + [2], "the octahedron")


SQUARE = rectangle(2.0, 2.0, "the square")
RECTANGLE = rectangle(2.6, 1.6, "the rectangle")
