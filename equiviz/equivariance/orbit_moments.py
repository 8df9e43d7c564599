"""Sums over an orbit of one stage: its mean square, and its projections onto the matrix elements of Wigner's D.

Any function h on O(3) is a sum over irreps (lambda, sigma), where ``h(-R) = sigma (-1)^lambda h(R)`` for the part of
sign sigma. With ``C(+-)_mn`` the mean over rotations R of ``D^lambda(R^-1)_mn h(+-R)``, the part (lambda, sigma) has
the mean square

    B_{lambda,sigma} = (2 lambda + 1) / 4  sum_{mn} |C+_mn + sigma (-1)^lambda C-_mn|^2,

and all of them sum to the mean square of h (Parseval; arXiv 2603.24638). On SO(3) only C+ exists, and the part lambda
has ``(2 lambda + 1) sum_{mn} |C+_mn|^2``.

What is summed is h less its value at the identity, which only the part (0, +1) knows: so nothing cancels, and a break
of 1e-12 has its own spectrum.

Shapes: q elements of a batch, F numbers of a stage, A = sum over lambda of (2 lambda + 1)^2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from equiviz.equivariance.orbit import Orbit
from equiviz.symmetry.representations import Representation

Character = tuple[int, int]
"""(lambda, sigma); sigma is 0 where inversion was not part of the group."""


@dataclass(frozen=True)
class BlockMoments:
    """What an orbit says of one irrep of a stage; means over rows and copies of the squared norm of one copy.

    Attributes:
        mean_square: of the function.
        variance: its mean square about its mean.
        projections: the part of each character in the mean square.
    """

    mean_square: float
    variance: float
    projections: dict[Character, float]


@dataclass(eq=False)
class StageMoments:
    """The sums of one stage.

    Attributes:
        carried: the representation of the last axis of `origin`.
        origin: what is subtracted from each value, ``[rows, ..., dim]`` float64.
        highest: the largest lambda.
        improper: whether inversion is part of the group.
    """

    carried: Representation
    origin: Tensor
    highest: int
    improper: bool
    _square: Tensor = field(init=False)  # [F]
    _coefficients: Tensor = field(init=False)  # [2, A, F]

    def __post_init__(self) -> None:
        flat = self.origin.flatten()
        self._square = torch.zeros_like(flat.real)
        functions = sum((2 * degree + 1) ** 2 for degree in range(self.highest + 1))
        self._coefficients = flat.new_zeros(1 + self.improper, functions, len(flat))

    def add(self, part: Orbit, values: Tensor) -> None:
        """The values ``[q, rows, ..., dim]`` at the elements of one batch."""
        offset = (values - self.origin).flatten(1)  # [q, F]
        weights = part.weights.to(offset.device)
        self._square += weights @ offset.abs().square()
        functions = weights[:, None] * matrix_elements(part, self.highest).to(offset.device)  # [q, A]
        for side, coefficients in enumerate(self._coefficients):
            chosen = part.proper.to(offset.device) == (side == 0)
            # Weights sum to one over the whole group; to one over each of its halves, here.
            coefficients += (1 + self.improper) * functions[chosen].T.to(offset.dtype) @ offset[chosen]

    def block(self, label: str) -> BlockMoments:
        """The means of one irrep."""
        chosen = [block.indices.flatten() for block in self.carried.blocks if block.label == label]
        places, copies = torch.cat(chosen), sum(b.multiplicity for b in self.carried.blocks if b.label == label)
        count = max(1, copies * self.origin[..., 0].numel())
        origin = self._taken(self.origin.flatten(), places)  # [f]
        coefficients = self._taken(self._coefficients, places)  # [2, A, f]
        mean = coefficients[:, 0].mean(0)
        variance = float((self._taken(self._square, places) - mean.abs().square()).sum())
        projections = {
            character: float(size) / count for character, size in self._projections(origin, coefficients).items()
        }
        variance = variance if variance != variance else max(0.0, variance)
        square = variance + float((origin + mean).abs().square().sum())
        return BlockMoments(square / count, variance / count, projections)

    def _taken(self, flat: Tensor, places: Tensor) -> Tensor:
        """The components of one irrep out of ``[..., F]``."""
        whole = flat.unflatten(-1, (-1, self.carried.dim)) if self.carried.dim else flat[..., None, :]
        return whole[..., places.to(flat.device)].flatten(-2)

    def _projections(self, origin: Tensor, coefficients: Tensor) -> dict[Character, Tensor]:
        sizes: dict[Character, Tensor] = {}
        start = 0
        for degree in range(self.highest + 1):
            own = coefficients[:, start : start + (2 * degree + 1) ** 2]  # [2, (2 lambda + 1)^2, f]
            start += own.shape[1]
            for sigma in (1, -1) if self.improper else (0,):
                sign = sigma * (-1) ** degree
                both = (own[0] + sign * own[1]) / 2 if self.improper else own[0]
                constant = origin if degree == 0 and sigma != -1 else torch.zeros_like(origin)
                sizes[degree, sigma] = (2 * degree + 1) * (both + constant).abs().square().sum()
        return sizes


def matrix_elements(part: Orbit, highest: int) -> Tensor:
    """``D^lambda(R^-1)_mn`` for all lambda up to `highest`, R the rotation part of each element: ``[q, A]``."""
    return torch.cat([part.wigner(degree).mT.flatten(1) for degree in range(highest + 1)], 1)
