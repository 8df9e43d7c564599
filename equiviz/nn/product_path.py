"""The name of one Clebsch-Gordan path."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProductPath:
    """One path l1 x l2 -> l3 of a product.

    Attributes:
        left, right, out: irreps of the two factors and of the product, such as ``"1o"``; bare degrees such as ``"1"``
            where parity is not kept (models that claim SO(3)).
        number: tells apart paths of one module between the same irreps; 0 for the first.
        weights: how many learned (or handed over) weights belong to it alone; 0 for a path without.
    """

    left: str
    right: str
    out: str
    number: int = 0
    weights: int = 0

    @property
    def degrees(self) -> tuple[int, int, int]:
        """l1, l2 and l3."""
        l1, l2, l3 = (int(label.rstrip("eo")) for label in (self.left, self.right, self.out))
        return l1, l2, l3

    def __str__(self) -> str:
        """``"1o x 1o -> 0e"``; ``"1o x 1o -> 0e #2"`` for the second of that kind."""
        return f"{self.left} x {self.right} -> {self.out}" + (f" #{self.number + 1}" if self.number else "")


def numbered(kinds: list[tuple[str, str, str]], weights: list[int] | None = None) -> list[ProductPath]:
    """Paths of these irreps (left, right, out), numbered where one kind comes again."""
    counts = weights or [0] * len(kinds)
    return [
        ProductPath(*kind, number=kinds[:place].count(kind), weights=count)
        for place, (kind, count) in enumerate(zip(kinds, counts, strict=True))
    ]


def natural(degree: int) -> str:
    """The irrep of this degree among true tensors: 0e, 1o, 2e, ..."""
    return f"{degree}{'eo'[degree % 2]}"
