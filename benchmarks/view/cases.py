"""What is drawn: the same numbers for every peer, made anew in the notebook's kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["atoms", "glyphs"]
Numbers: TypeAlias = "NDArray[np.float64]"
DEGREE = 4
SPACING = 1.25  # of the lattice on which things sit; atoms have radius 0.5
RADIUS = 0.5


@dataclass(frozen=True)
class Case:
    """So many atoms or glyphs."""

    kind: Kind
    count: int
    peers: bool = field(default=True)  # whether the others are measured, too

    @property
    def name(self) -> str:
        """As the tables call it."""
        return f"{self.count:,} atoms" if self.kind == "atoms" else f"{self.count:,} glyphs l<={DEGREE}"

    @property
    def points(self) -> int:
        """Points that the draw calls of one picture have at least, where everything is drawn."""
        return self.count * (1 if self.kind == "atoms" else 32)


CASES = (
    Case("atoms", 4096),
    Case("atoms", 20_000),
    Case("atoms", 100_000, peers=False),
    Case("glyphs", 500),
    Case("glyphs", 4096),
)


def chosen(words: list[str]) -> list[Case]:
    """Cases by name or by what stands in their name, or others by number and kind: "64 atoms"; all without words."""
    found = [case for case in CASES if any(word in case.name for word in words)] if words else list(CASES)
    for word in words:
        number, _, kind = word.replace(",", "").partition(" ")
        if not any(word in case.name for case in CASES) and number.isdigit() and kind in ("atoms", "glyphs"):
            found.append(Case(kind, int(number)))
    return found


def places(count: int) -> Numbers:
    """A cube of a disordered simple lattice, ``[N, 3]``."""
    side = math.ceil(round(count ** (1 / 3), 6))
    lattice = np.stack(np.meshgrid(*3 * [np.arange(side)], indexing="ij"), -1).reshape(-1, 3)[:count]
    return SPACING * (lattice + np.random.default_rng(1).uniform(-0.1, 0.1, (count, 3)))


def values(count: int, turn: int) -> Numbers:
    """One number per atom in [0, 1], ``[N]``; other ones for each turn."""
    return np.random.default_rng(10 + turn).uniform(0, 1, count)


def coefficients(count: int, turn: int) -> Numbers:
    """Coefficients of functions that reach at most 1, ``[N, (L+1)^2]``; other ones for each turn."""
    drawn = np.random.default_rng(20 + turn).normal(size=(count, (DEGREE + 1) ** 2))
    parts = [drawn[:, d * d : (d + 1) ** 2] for d in range(DEGREE + 1)]
    return drawn / sum(np.linalg.norm(part, axis=1) for part in parts)[:, None]
