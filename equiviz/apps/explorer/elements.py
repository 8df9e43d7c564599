"""The group elements that an input can be turned by, as the hand offers them: dragged, out of a list, or along curves.

What acts on an input, which elements there are and which of them a model claims are all said by the kernel: by the
`Transformations` that the representations of the input name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from equiviz.equivariance.transformed_input import acting_on
from equiviz.nn.equivariant_model import claimed_group
from equiviz.symmetry.generators import Generator
from equiviz.symmetry.groups import O3, GroupElement
from equiviz.symmetry.named_groups import named_group
from equiviz.symmetry.transformations import ROTATIONS, Transformations

if TYPE_CHECKING:
    from torch import nn

    from equiviz.features.model_input import ModelInput

NEXT_TO_NOTHING = math.radians(0.05)
"""A smaller turn is none, to readers."""


@dataclass(frozen=True)
class Elements:
    """What acts on one input, and what its model claims of that.

    Attributes:
        kinds: of transformation, the more special ones of elements that several hold first.
        group: that the model claims.
    """

    kinds: tuple[Transformations, ...]
    group: str

    @classmethod
    def of(cls, model: nn.Module, x: ModelInput) -> Elements:
        """Of a model and what it is shown."""
        return cls(tuple(acting_on(x)), claimed_group(model))

    @property
    def dragged(self) -> bool:
        """Whether a hand in a view can turn the input: rotations of space act on it."""
        return ROTATIONS in self.kinds

    @cached_property
    def listed(self) -> dict[str, GroupElement]:
        """The elements of finite kinds, by title."""
        every = [(kind, list(kind.elements())) for kind in self.kinds]
        return {
            f"{place + 1} of {len(known)}: {turn_words(g, short=True)}": g
            for _, known in every
            for place, g in enumerate(known)
        }

    @property
    def list_name(self) -> str:
        """What the listed ones are, in a word: "rotation of the icosahedron"; "" where none are."""
        return next((kind.act for kind in self.kinds if kind.elements()), "")

    @cached_property
    def curves(self) -> Mapping[str, Generator]:
        """Generators by name, for sliders, where no hand turns the input."""
        if self.dragged:
            return {}
        return {f"{name} ({kind.kind})": x for kind in self.kinds for name, x in kind.generators().items()}

    def identity(self) -> GroupElement:
        """What changes nothing."""
        if self.dragged:
            return O3.identity()
        g = self.drawn(0)
        return g @ g.inverse()

    def drawn(self, seed: int) -> GroupElement:
        """A random element of the widest kind that can be turned by."""
        kind = ROTATIONS if self.dragged else self.kinds[0]
        return kind.draw(1, seed)[0]

    def kind(self, g: GroupElement) -> Transformations | None:
        """The first kind that holds an element."""
        return next((kind for kind in self.kinds if kind.contains(g)), None)

    def claims(self, g: GroupElement) -> bool:
        """Whether the model claims to be equivariant under an element."""
        return any(kind.contains(g) for kind in self._claimed)

    @property
    def claim(self) -> str:
        """What the model claims of what acts here, in words: "only: rotation of the icosahedron"."""
        return "only: " + ", ".join(kind.act for kind in self._claimed) if self._claimed else "no symmetry"

    @property
    def _claimed(self) -> list[Transformations]:
        known = named_group(self.group)
        return [kind for kind in self.kinds if type(kind) in known]

    def title_of(self, g: GroupElement) -> str | None:
        """The title of an element that is listed; None of others."""
        if self.list_name and not any(kind.contains(g) for kind in self.kinds if kind.elements()):
            return None
        return next((title for title, known in self.listed.items() if _same(known, g)), None)

    def nearest(self, g: GroupElement) -> GroupElement:
        """The listed element that is least away from one; itself where none are listed."""
        return min(self.listed.values(), key=lambda known: _distance(known, g), default=g)

    def words(self, g: GroupElement) -> str:
        """An element for readers, and whether it is one of the listed ones."""
        if is_identity(g):
            return f"Not turned yet: {self.how}"
        listed = f", a {self.list_name}" if self.list_name and self.title_of(g) is not None else ""
        return turn_words(g) + listed

    @property
    def how(self) -> str:
        """What to do to turn the input."""
        if self.dragged:
            return "drag in the left view, or use its arrow keys"
        return "choose a generator, and move the slider"


def is_identity(g: GroupElement) -> bool:
    """Whether an element turns by less than readers see."""
    return _distance(g, g @ g.inverse()) < NEXT_TO_NOTHING


def turn_words(g: GroupElement, short: bool = False) -> str:
    """An element that is not the identity, for readers; `short` for a menu, where the identity is one of many."""
    if not isinstance(g, O3):
        return f"Turned by {g!r}"
    degrees = math.degrees(g.angle)
    axis = ", ".join(f"{round(x, 2) + 0.0:.2f}" for x in g.axis.tolist())
    told = f"{degrees:.0f}° about ({axis})"
    if short:
        return "not turned" if is_identity(g) else told
    return f"Turned by {told}"


def _distance(one: GroupElement, other: GroupElement) -> float:
    """Of their matrices, the largest difference; infinite for elements without, or of different sizes."""
    first, second = (getattr(g, "matrix", None) for g in (one, other))
    if not isinstance(first, torch.Tensor) or not isinstance(second, torch.Tensor) or first.shape != second.shape:
        return math.inf
    return float((first - second).abs().max())


def _same(one: GroupElement, other: GroupElement) -> bool:
    return _distance(one, other) < 1e-6
