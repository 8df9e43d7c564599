r"""Steinhardt's bond-orientational order parameters q_l and w_l, local, averaged, weighted.

Formulas, for point i with bonds to neighbours j of weight w_ij (1 for the hard window and for k nearest neighbours):

    q_lm(i)     = sum_j w_ij Y_lm(r_ij / r_ij) / sum_j w_ij
    qbar_lm(i)  = (q_lm(i) + sum_j w_ij q_lm(j)) / (1 + sum_j w_ij)                          (average=True)
    q_l(i)      = sqrt(4 pi / (2l+1) sum_m |q_lm(i)|^2)
    w_l(i)      = sum over m1 + m2 + m3 = 0 of (l l l; m1 m2 m3) q_lm1 q_lm2 q_lm3
    w_hat_l(i)  = w_l(i) / (sum_m |q_lm(i)|^2)^(3/2)                                         (normalise_w=True)

Symbols: Y_lm spherical harmonics with integral of |Y|^2 = 1, (l l l; ...) Wigner's 3j symbols, l the degree; all
without unit; 0 <= q_l <= 1. w_l vanishes for odd l. w_hat_l is a ratio of two small numbers, hence noise, where q_l
vanishes by symmetry.

Sources: q_l, w_l: Steinhardt, Nelson and Ronchetti, Phys. Rev. B 28, 784 (1983), equations 1.3-1.6. Averages: Lechner
and Dellago, J. Chem. Phys. 129, 114707 (2008), equations 5 and 6. Weights: smooth ones make q_l continuous in the
positions; that weights are allowed at all is the point of Mickel et al., J. Chem. Phys. 138, 044501 (2013).

Relation to an equivariant layer: the layer's density c_lm(i) = sum_j w(r_ij) Y_lm has the norm q_l times sum_j w_ij.
With `normalise=False, squared=True` this descriptor is that norm's square, 4 pi / (2l+1) |c_lm|^2, a linear function
of the layer's invariants; with the division it is a ratio of two of them.

Departures: a point without neighbours (or with zero total weight) has q_l = w_l = 0 (freud: NaN); with species
channels the average runs over neighbours of every species.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, cat, stack

from equiviz.descriptors.density import density
from equiviz.descriptors.descriptor import Descriptor, DescriptorConfig, require_degrees, require_distinct
from equiviz.descriptors.errors import DescriptorError
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.registry import DescriptorFamily
from equiviz.descriptors.roots import ratio, root
from equiviz.descriptors.threefold_coupling import threefold_product
from equiviz.descriptors.windows import Hard, Window
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure

MAX_DEGREE = 12


@dataclass(frozen=True, kw_only=True)
class SteinhardtConfig(DescriptorConfig):
    """Options of `Steinhardt`.

    Attributes:
        degrees: the l, distinct, from 1 to 12.
        quantities: "q", "w" or both, in the order of the columns.
        window: weight w(r) of a bond; Hard(r_c) counts all neighbours within r_c alike. Exactly one of window and
            nearest.
        nearest: number of nearest neighbours, each of weight 1.
        average: whether q_lm is averaged over the neighbours and the point itself (Lechner and Dellago).
        squared: whether q_l^2 is given instead of q_l.
        normalise: whether q_lm is divided by the total weight; without it, sums instead of means.
        normalise_w: whether w_hat_l is given instead of w_l.
    """

    degrees: tuple[int, ...] = (4, 6)
    quantities: tuple[Literal["q", "w"], ...] = ("q",)
    window: Window | None = None
    nearest: int | None = None
    average: bool = False
    squared: bool = False
    normalise: bool = True
    normalise_w: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_degrees(self.degrees, 1, MAX_DEGREE)
        require_distinct("quantities", self.quantities)
        if not self.quantities or set(self.quantities) - {"q", "w"}:
            raise DescriptorError(f"quantities must be 'q', 'w' or both, got {self.quantities!r}")
        if (self.window is None) == (self.nearest is None):
            raise DescriptorError(
                "give exactly one of window=Hard(cutoff) (or a smooth window) and nearest=k neighbours"
            )
        if self.nearest is not None and self.nearest < 1:
            raise DescriptorError(f"nearest must be at least 1, got {self.nearest}")
        if self.average and not self.normalise:
            raise DescriptorError(
                "an average of sums over unequal numbers of neighbours means nothing: use normalise=True"
            )

    @classmethod
    def standard(
        cls, cutoff: float, species: tuple[int, ...] = (), species_names: tuple[str, ...] = ()
    ) -> SteinhardtConfig:
        """Return q_l for l = 2 ... 8 with a hard cutoff, neighbours of all species alike (species are not used)."""
        return cls(degrees=tuple(range(2, 9)), window=Hard(cutoff))


class Steinhardt(Descriptor[SteinhardtConfig]):
    """q_l and w_l of each point: formulas at the head of the file. Columns: quantity, then species, then degree."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names such as "q_6", "q_bar_4", "w_hat_6(A)", "sum q_6^2"."""
        channels = [f"({name})" if self.config.species else "" for name in self.config.channels]
        symbols = [self._symbol(quantity) for quantity in self.config.quantities]
        power = "^2" if self.config.squared else ""
        ends = [power if quantity == "q" else "" for quantity in self.config.quantities]
        return tuple(
            f"{symbol}_{degree}{end}{channel}"
            for symbol, end in zip(symbols, ends, strict=True)
            for channel in channels
            for degree in self.config.degrees
        )

    def _symbol(self, quantity: str) -> str:
        bar = "_bar" if self.config.average else ""
        hat = "_hat" if quantity == "w" and self.config.normalise_w else ""
        return f"{'' if self.config.normalise or hat else 'sum '}{quantity}{bar}{hat}"

    def neighbourhood(self, system: Structure | Graph) -> Neighbourhood:
        """Return the bonds within the window's cutoff, or to the k nearest neighbours."""
        if self.config.window is not None:
            return Neighbourhood.within(system, self.config.window.cutoff)
        return Neighbourhood.nearest(system, self.config.nearest or 0)

    def evaluate(self, around: Neighbourhood) -> Tensor:
        """Return [N, D]."""
        q = self._multipoles(around)
        columns = {"q": self._second_order, "w": self._third_order}
        return cat([columns[quantity](q) for quantity in self.config.quantities], dim=-1)

    def _multipoles(self, around: Neighbourhood) -> dict[int, Tensor]:
        """Return l -> sqrt(4 pi / (2l+1)) q_lm, averaged where asked: [N, S, 2l+1]."""
        weights = self._weights(around)  # [E]
        by_species = weights[:, None] * around.species_channels(self.config.species)  # [E, S]
        if self.config.normalise:  # the total weight of the bonds is their density of degree 0
            total, *sums = density(around, by_species, (0, *self.config.degrees)).values()
            q = {degree: ratio(c, total) for degree, c in zip(self.config.degrees, sums, strict=True)}
        else:
            q = density(around, by_species, self.config.degrees)
        if self.config.average:
            q = {degree: _averaged(around, weights, values) for degree, values in q.items()}
        return q

    def _weights(self, around: Neighbourhood) -> Tensor:
        # A hard window is one on all bonds that `neighbourhood` returns: no need of distances.
        window = self.config.window
        if window is None or isinstance(window, Hard):
            return around.vectors.new_ones(len(around.sender))
        return window(around.distances)

    def _second_order(self, q: dict[int, Tensor]) -> Tensor:
        squares = stack([values.square().sum(-1) for values in q.values()], dim=-1)  # [N, S, degrees]
        return (squares if self.config.squared else root(squares)).flatten(1)

    def _third_order(self, q: dict[int, Tensor]) -> Tensor:
        return stack([self._coupled(degree, values) for degree, values in q.items()], dim=-1).flatten(1)

    def _coupled(self, degree: int, q: Tensor) -> Tensor:
        """Return w_l or w_hat_l [N, S]."""
        product = threefold_product(q.flatten(0, 1)).view(q.shape[:-1])  # [N, S]
        if self.config.normalise_w:
            return ratio(product, root(q.square().sum(-1)) ** 3)
        return product * ((2 * degree + 1) / (4 * math.pi)) ** 1.5  # back to harmonics of unit integral


def _averaged(around: Neighbourhood, weights: Tensor, q: Tensor) -> Tensor:
    """Return qbar_lm [N, S, 2l+1] of q_lm [N, S, 2l+1]."""
    total = q + around.sum_to_centres(weights[:, None, None] * q[around.sender])
    return total / (1 + around.sum_to_centres(weights))[:, None, None]


FAMILY = DescriptorFamily(
    name="steinhardt",
    config_class=SteinhardtConfig,
    descriptor_class=Steinhardt,
    source="Steinhardt, Nelson and Ronchetti, Phys. Rev. B 28, 784 (1983)",
    summary="how much the directions to a point's neighbours resemble a crystal's, for each angular degree l",
)
