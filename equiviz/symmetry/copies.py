"""CopiesOf: other numbers of copies of another representation's blocks, one after the other.

What linear maps between the copies of a block give: they leave what a copy is, and change how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.symmetry.errors import RepresentationError
from equiviz.symmetry.generators import Generator
from equiviz.symmetry.groups import GroupElement
from equiviz.symmetry.representations import Block, Representation
from equiviz.symmetry.transformations import Transformations


@dataclass(frozen=True)
class CopiesOf(Representation):
    """So many copies of labelled blocks, ``[mul, size]`` within a term.

    Attributes:
        whole: the representation whose blocks are meant.
        terms: numbers of copies, and labels.

    Raises:
        RepresentationError: no such block, a negative number, or positions, whose copies translations move, too.
    """

    whole: Representation
    terms: tuple[tuple[int, str], ...]

    def __post_init__(self) -> None:
        unknown = [label for _, label in self.terms if label not in self.whole.labels()]
        if unknown or any(count < 0 for count, _ in self.terms) or self.whole.affine:
            raise RepresentationError(
                f"Expected 0 or more copies of blocks out of {self.whole.labels()} of {self.whole}, got {self.terms}."
            )

    @property
    def is_complex(self) -> bool:
        """As the whole."""
        return self.whole.is_complex

    def transformed_by(self) -> tuple[Transformations, ...]:
        """As the whole."""
        return self.whole.transformed_by()

    @property
    def dim(self) -> int:
        """Sum over the terms."""
        return sum(count * self._places(label).shape[1] for count, label in self.terms)

    def _blocks(self) -> tuple[Block, ...]:
        return tuple(
            Block(
                label, count, size, torch.arange(start, start + count * size).reshape(count, size), self._fixed(label)
            )
            for count, label, size, start in self._laid()
        )

    def matrix(self, g: GroupElement) -> Tensor:
        """The block-diagonal matrix, of the whole's."""
        return self._of_copies(self.whole.matrix(g))

    def generator(self, x: Generator) -> Tensor:
        """The block-diagonal generator, of the whole's."""
        return self._of_copies(self.whole.generator(x))

    def _of_copies(self, matrix: Tensor) -> Tensor:
        firsts = [(count, self._places(label)[0]) for count, label in self.terms]
        copies = [matrix[first][:, first] for count, first in firsts for _ in range(count)]
        return torch.block_diag(*copies) if copies else matrix.new_zeros(0, 0)

    def _apply(self, g: GroupElement, values: Tensor) -> Tensor:
        """As many copies at a time as the whole has: its own way to transform may be cheaper than a matrix."""
        parts = [values[..., :0]]
        for count, label, size, start in self._laid():
            places = self._places(label)  # [C, size]
            own = values[..., start : start + count * size].unflatten(-1, (count, size))
            for some in own.split(len(places), -2):
                held = values.new_zeros(*values.shape[:-1], self.whole.dim)
                held[..., places[: some.shape[-2]].flatten()] = some.flatten(-2)
                moved = self.whole.transform(g, held)
                parts.append(moved[..., places[: some.shape[-2]].flatten()])
        return torch.cat(parts, -1)

    def _laid(self) -> Iterator[tuple[int, str, int, int]]:
        """Copies, label, size of one, and where the first begins, term by term."""
        start = 0
        for count, label in self.terms:
            size = self._places(label).shape[1]
            yield count, label, size, start
            start += count * size

    def _places(self, label: str) -> Tensor:
        """``[C, size]``: where the copies of a label are in the whole."""
        return torch.cat([block.indices for block in self.whole.blocks if block.label == label])

    def _fixed(self, label: str) -> bool:
        return any(block.invariant for block in self.whole.blocks if block.label == label)

    def __str__(self) -> str:
        return "+".join(f"{count}x{label}" for count, label in self.terms)
