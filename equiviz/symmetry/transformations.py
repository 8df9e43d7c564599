"""Transformations: the kinds of things that a group does, each with its random elements and its generators.

A group, to a tool, is a few of these: E(3) is rotations, inversions and translations; U(n) is unitary matrices, with
real rotations and diagonal phases among them. A `Representation` names those that act on it (`transformed_by`), so that
a tool tries what moves its input and no other. A further group brings further classes like these in its own file, and
one line in `equiviz.symmetry.named_groups`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from equiviz.symmetry.generators import Generator, RotationGenerator, TranslationGenerator, euclidean_generators
from equiviz.symmetry.groups import O3, GroupElement, Translation, haar


class Transformations(ABC):
    """All transformations of one kind. Two values are equal where they are of the same kind and size.

    Attributes:
        kind: the word for one of them: "rotation".
        act: the same, in a sentence.
        likely: where to look when a model breaks it.
        wide: whether a check tries many more, for breaks that few elements show.
        explained_by: kinds whose break explains a break of this one.
        missing: why there was none to try, in brackets, or "".
        length_like: whether a generator is measured per length, not per radian.
    """

    kind: ClassVar[str]
    act: ClassVar[str]
    likely: ClassVar[str]
    wide: ClassVar[bool] = False
    explained_by: ClassVar[tuple[str, ...]] = ()
    missing: ClassVar[str] = ""
    length_like: ClassVar[bool] = False

    @abstractmethod
    def draw(self, count: int, seed: int, length: float = 1.0) -> Sequence[GroupElement]:
        """Random elements, a function of the seed alone.

        Args:
            count: how many.
            seed: of all of them.
            length: how large the things are that they move, in their own unit; translations are about as long.
        """

    @abstractmethod
    def contains(self, g: GroupElement) -> bool:
        """Whether g is one of them, to rounding."""

    def special(self) -> Sequence[GroupElement]:
        """Elements at which mistakes show best; tried before random ones."""
        return ()

    def elements(self) -> Sequence[GroupElement]:
        """All of them, where there are finitely many; none of what is continuous."""
        return ()

    def generators(self) -> Mapping[str, Generator]:
        """A basis of the Lie algebra that no other kind of the group holds already, by name; none of a finite group."""
        return {}

    def share(self, elements: int, few: bool) -> int:
        """How many to try where `elements` of the group's main kind are tried; `few`: where only a hint is wanted."""
        del few
        return elements


@dataclass(frozen=True)
class Rotations(Transformations):
    """SO(3)."""

    kind: ClassVar[str] = "rotation"
    act: ClassVar[str] = "rotation"
    likely: ClassVar[str] = (
        "Look for a non-linearity or a normalisation that acts on components of l > 0, for an attribute or a "
        "cell that is not turned with the positions, and for irreps declared in another order than computed."
    )
    wide: ClassVar[bool] = True

    def draw(self, count: int, seed: int, length: float = 1.0) -> list[O3]:
        """Uniform (Haar)."""
        return haar(count, seed, "SO(3)")

    def contains(self, g: GroupElement) -> bool:
        """Elements of O(3) that are rotations."""
        return isinstance(g, O3) and g.is_proper

    def special(self) -> list[O3]:
        """The cube's rotations and half-turns about its diagonals: mistakes of sign and order show best there."""
        axes = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.0))
        return [O3.rotation(axis, angle) for axis in axes for angle in (torch.pi, torch.pi / 2, 1e-3)]

    def generators(self) -> dict[str, Generator]:
        """About x, y, z."""
        return {name: x for name, x in euclidean_generators().items() if isinstance(x, RotationGenerator)}


@dataclass(frozen=True)
class Inversions(Transformations):
    """The elements of O(3) that are no rotations."""

    kind: ClassVar[str] = "inversion"
    act: ClassVar[str] = "inversion"
    likely: ClassVar[str] = "Rotations are fine: a parity is mislabelled (o for e), or the model only knows SE(3)."
    explained_by: ClassVar[tuple[str, ...]] = ("rotation",)

    def draw(self, count: int, seed: int, length: float = 1.0) -> list[O3]:
        """The inversion itself, then it after uniform rotations."""
        turns = haar(max(0, count - 1), seed + 1, "SO(3)")
        return [O3.inversion(), *(O3.inversion() @ turn for turn in turns)][:count]

    def contains(self, g: GroupElement) -> bool:
        """Elements of O(3) that are no rotations."""
        return isinstance(g, O3) and not g.is_proper

    def share(self, elements: int, few: bool) -> int:
        """Half as many as rotations, and the inversion at least."""
        return max(1, elements // 2)


@dataclass(frozen=True)
class Translations(Transformations):
    """T(3)."""

    kind: ClassVar[str] = "translation"
    act: ClassVar[str] = "translation"
    likely: ClassVar[str] = "Something reads absolute positions instead of differences."
    missing: ClassVar[str] = " (no input is declared 'position')"
    length_like: ClassVar[bool] = True

    def draw(self, count: int, seed: int, length: float = 1.0) -> list[Translation]:
        """Normally distributed, `length` in each direction."""
        generator = torch.Generator().manual_seed(seed)
        return [Translation(length * torch.randn(3, generator=generator, dtype=torch.float64)) for _ in range(count)]

    def contains(self, g: GroupElement) -> bool:
        """Translations."""
        return isinstance(g, Translation)

    def generators(self) -> dict[str, Generator]:
        """Along x, y, z."""
        return {name: x for name, x in euclidean_generators().items() if isinstance(x, TranslationGenerator)}

    def share(self, elements: int, few: bool) -> int:
        """Three: what is affine in three directions is affine."""
        return 1 if few else 3


ROTATIONS, INVERSIONS, TRANSLATIONS = Rotations(), Inversions(), Translations()
EUCLIDEAN: tuple[Transformations, ...] = (ROTATIONS, INVERSIONS, TRANSLATIONS)
"""What E(3) does."""
