r"""Windows: how much a neighbour counts, as a function of its distance.

A window is a function w(r) that vanishes from its cutoff on. Steinhardt parameters use one as the weight of a bond,
symmetry functions and density expansions use one as the radial function of a channel. A learned layer whose radial
functions are the same windows spans the same densities, so that its invariants can be compared with these descriptors
without any difference in what they look at.

Symbols: r distance and r_c cutoff, in the length unit of the structure; w no unit.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from equiviz.descriptors.errors import DescriptorError

Taper = Literal["hard", "cosine", "polynomial"]


@dataclass(frozen=True)
class Window(ABC):
    """A radial weight w(r) that is zero from `cutoff` on.

    Attributes:
        cutoff: r_c, in the length unit of the structure; positive and finite.

    Raises:
        DescriptorError: the cutoff is not positive and finite.
    """

    cutoff: float

    def __post_init__(self) -> None:
        require_positive("the cutoff of a window", self.cutoff)

    @abstractmethod
    def __call__(self, distances: Tensor) -> Tensor:
        """Return w(r) for distances [...]: same shape, dtype and device, differentiable."""

    def __str__(self) -> str:
        return f"{type(self).__name__.lower()}({self.cutoff:g})"


@dataclass(frozen=True)
class Hard(Window):
    """w = 1 for r < r_c, else 0: every neighbour counts the same (and w jumps at the cutoff)."""

    def __call__(self, distances: Tensor) -> Tensor:
        """Return 1 or 0 for distances [...]."""
        return (distances < self.cutoff).to(distances.dtype)


@dataclass(frozen=True)
class Cosine(Window):
    """w = (cos(pi r / r_c) + 1) / 2 for r < r_c, else 0.

    Source: f_c of Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007), equation 4.
    """

    def __call__(self, distances: Tensor) -> Tensor:
        """Return w(r) for distances [...]."""
        smooth = 0.5 * (torch.cos(distances * (math.pi / self.cutoff)) + 1)
        return torch.where(distances < self.cutoff, smooth, 0.0)


@dataclass(frozen=True)
class Polynomial(Window):
    """w = 1 - 10 x^3 + 15 x^4 - 6 x^5 with x = r / r_c < 1, else 0: twice continuously differentiable everywhere.

    Source: the envelope u(x) of Gasteiger, Gross and Guennemann, ICLR 2020 (arXiv 2003.03123), equation 8, with p = 3.
    """

    def __call__(self, distances: Tensor) -> Tensor:
        """Return w(r) for distances [...]."""
        x = distances / self.cutoff
        return torch.where(x < 1, 1 - x**3 * (10 - 15 * x + 6 * x**2), 0.0)


@dataclass(frozen=True)
class Gaussian(Window):
    """w = exp(-(r - centre)^2 / (2 width^2)) times a taper that ends it at the cutoff.

    Behler's G2 writes the same with eta = 1 / (2 width^2), r_s = centre and the cosine taper.

    Attributes:
        centre: where the window is largest, in the length unit of the structure.
        width: standard deviation, same unit.
        taper: "hard" (cut off), "cosine" or "polynomial" (times the window of that name).
    """

    centre: float = 0.0
    width: float = 1.0
    taper: Taper = "cosine"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("the width of a Gaussian window", self.width)
        taper_window(self.taper, self.cutoff)

    def __call__(self, distances: Tensor) -> Tensor:
        """Return w(r) for distances [...]."""
        bell = torch.exp(-((distances - self.centre) ** 2) / (2 * self.width**2))
        return bell * taper_window(self.taper, self.cutoff)(distances)

    def __str__(self) -> str:
        return f"gaussian({self.centre:g}, {self.width:g}; {self.taper} {self.cutoff:g})"


def taper_window(taper: Taper, cutoff: float) -> Window:
    """Return the window called `taper`; raises DescriptorError for a name that is none of the three."""
    tapers: dict[str, type[Window]] = {"hard": Hard, "cosine": Cosine, "polynomial": Polynomial}
    if taper not in tapers:
        raise DescriptorError(f"a taper must be one of {', '.join(sorted(tapers))}; got {taper!r}")
    return tapers[taper](cutoff)


def require_positive(what: str, value: float) -> None:
    """Raise DescriptorError unless the value is positive and finite."""
    if not (math.isfinite(value) and value > 0):
        raise DescriptorError(f"{what} must be positive and finite, got {value}")
