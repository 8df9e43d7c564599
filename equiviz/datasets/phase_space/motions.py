"""Sets of motions: states, and the same states after a time; a function of system, split and seed alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.phase_space.systems import TIME, larmor, system
from equiviz.structures.phase_space import phase_space
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.unitary_irreps import adjoint_coefficients

Split: TypeAlias = Literal["train", "validation", "test"]


@dataclass(frozen=True, eq=False)
class Motions:
    """States before and after.

    Attributes:
        system: its name.
        before, after: ``[B, N, n]`` complex128.
        field: ``[B, n^2 - 1]`` float64, the coefficients of the Larmor term; None without a field.
    """

    system: str
    before: Tensor
    after: Tensor
    field: Tensor | None = None

    @classmethod
    def make(cls, name: str, split: Split, count: int, seed: int = 0) -> Motions:
        """Draw states, complex normal with |z_i|^2 = n on average, and follow them for `TIME`.

        The first of many are those of few: sets of one seed are nested.

        Raises:
            DatasetError: unknown system or split, or fewer than one motion.
        """
        known = system(name)
        if split not in get_args(Split) or count < 1:
            raise DatasetError(
                None,
                f"phase space: expected at least one motion of {', '.join(get_args(Split))}, got {count} of {split!r}.",
            )
        generator = torch.Generator().manual_seed(3 * seed + get_args(Split).index(split))
        shape = (known.count, known.n)
        drawn = [_drawn(shape, generator) for _ in range(count)]
        before = torch.stack([state for state, _ in drawn])
        if not known.field_range:
            return cls(name, before, known.flow(before, TIME))
        b = larmor(known.field_range * torch.stack([turn for _, turn in drawn]))
        return cls(name, before, known.flow(before, TIME, b), adjoint_coefficients(b))

    @cached_property
    def inputs(self) -> TypedTensors:
        """What a network reads."""
        return phase_space(self.before, self.field)

    def __len__(self) -> int:
        """Number of motions."""
        return len(self.before)

    def __getitem__(self, rows: slice | Tensor) -> Motions:
        """Some of them."""
        return Motions(
            self.system, self.before[rows], self.after[rows], None if self.field is None else self.field[rows]
        )


def _drawn(shape: tuple[int, int], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    state = torch.randn(shape, generator=generator, dtype=torch.complex128)
    return state, 2 * torch.rand((), generator=generator, dtype=torch.float64) - 1
