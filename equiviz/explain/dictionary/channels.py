"""The irreps of a stage as channels of one tensor, padded to the largest irrep; what the dictionary's algebra runs on.

A linear map between channels of one irrep, with one weight for all its components, commutes with the group; so does
whatever looks at norms of copies only. Everything in this folder is made of these two, so that it holds for any
representation whose blocks the kernel names: irreps of O(3), vectors of U(n) with complex weights, signals on a grid.

Shapes: N environments, C channels (copies) of all irreps, M components of the largest irrep, the rest zero. Values are
real, or complex where the representation is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.explain.errors import DictionaryError
from equiviz.features.precision import wide
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import Representation


@dataclass(frozen=True, eq=False)
class Channels:
    """How a field becomes channels, and back: centred, and with every irrep of the same size.

    Attributes:
        representation: of the stage.
        labels: of the irreps that vary, in order.
        means: by label [C_l]: of invariants over the environments it was made of; zero for the others.
        scales: by label: root mean square of the norm of all copies.
        axes: of the field, between the environments and the last: their places count as channels, too.
    """

    representation: Representation
    labels: tuple[str, ...]
    means: dict[str, Tensor]
    scales: dict[str, float]
    axes: tuple[int, ...] = ()

    @classmethod
    def of(cls, field: Field) -> Channels:
        """Measure means and sizes on the environments of a field [N, ..., dim].

        Raises:
            DictionaryError: positions; values that are not finite, or none that varies.
        """
        if field.representation.affine:
            raise DictionaryError(
                f"Expected a stage whose values turn, got {field.representation}: translations change the norms that "
                "the gates look at. Take differences of positions."
            )
        if not bool(field.values.isfinite().all()):
            bad = int((~field.values.isfinite()).flatten(1).any(1).sum())
            raise DictionaryError(f"{bad} environments have features that are not finite; leave them out.")
        invariant = {block.label for block in field.blocks if block.invariant}
        labels, means, scales = list[str](), dict[str, Tensor](), dict[str, float]()
        for label in field.representation.labels():
            copies = wide(field[label]).flatten(1, -2)  # [N, C_l, M_l]
            mean = copies.mean(0)[:, 0] if label in invariant else copies.new_zeros(copies.shape[1])
            size = float(squares(copies - mean[:, None]).sum((1, 2)).mean().sqrt())
            if size > 1e-9 * float(copies.abs().max()):
                labels.append(label)
                means[label], scales[label] = mean, size
        if not labels:
            raise DictionaryError("This stage is the same in all environments: there is nothing to take apart.")
        return cls(field.representation, tuple(labels), means, scales, tuple(field.values.shape[1:-1]))

    @property
    def counts(self) -> dict[str, int]:
        """Copies of each irrep."""
        return {label: len(self.means[label]) for label in self.labels}

    @property
    def sizes(self) -> dict[str, int]:
        """Components of each irrep."""
        return {block.label: block.size for block in self.representation.blocks if block.label in self.labels}

    @property
    def width(self) -> int:
        """M."""
        return max(self.sizes.values())

    def places(self, label: str) -> slice:
        """The channels of one irrep."""
        before = self.labels[: self.labels.index(label)]
        start = sum(self.counts[other] for other in before)
        return slice(start, start + self.counts[label])

    def stacked(self, field: Field) -> Tensor:
        """A field as channels [N, C, M], float64 or complex128; the mean square norm of all is the number of irreps."""
        copies = {label: wide(field[label]).flatten(1, -2) for label in self.labels}
        centred = ((copies[label] - self.means[label][:, None]) / self.scales[label] for label in self.labels)
        return torch.cat([self._padded(part) for part in centred], 1)

    def field(self, stacked: Tensor) -> Field:
        """Channels [N, C, M] as a field of the stage's irreps; irreps that do not vary are zero."""
        values = torch.zeros(len(stacked), *self.axes, self.representation.dim, dtype=wide(stacked).dtype)
        for label in self.labels:
            part = stacked[:, self.places(label), : self.sizes[label]] * self.scales[label]
            part = part + self.means[label][:, None]
            indices = torch.cat([block.indices for block in self.representation.blocks if block.label == label])
            values[..., indices] = part.unflatten(1, (*self.axes, len(indices)))
        return Field(values, self.representation, "node")

    def _padded(self, copies: Tensor) -> Tensor:
        return torch.nn.functional.pad(copies, (0, self.width - copies.shape[-1]))


def squares(values: Tensor) -> Tensor:
    """Their squared sizes, real."""
    return (values * values.conj()).real


def shuffled(stacked: Tensor, seed: int) -> Tensor:
    """Every channel taken from another environment: the same channels by themselves, and nothing between them.

    Args:
        stacked: [N, C, M].
        seed: of the permutations.
    """
    generator = torch.Generator().manual_seed(seed)
    orders = torch.rand(stacked.shape[:2], generator=generator).argsort(0)  # [N, C]
    return stacked.gather(0, orders[:, :, None].expand_as(stacked))
