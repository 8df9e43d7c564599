r"""Behler's angular symmetry functions G4 and G5: which angles neighbours of two species span at a point.

    G4(i) = 2^(1-zeta) sum over pairs {j, k} of (1 + lambda cos theta_jik)^zeta exp(-eta (r_ij^2 + r_ik^2 + r_jk^2))
                                              f_c(r_ij) f_c(r_ik) f_c(r_jk)
    G5(i) = the same without the two factors of r_jk

Symbols: theta_jik angle at i; r distances [length unit of the structure]; eta [1/length^2]; zeta >= 1 sharpness of the
angle; lambda = +1 or -1, where the angular factor is largest at 0 or 180 degrees; f_c taper with cutoff r_c [length].
No unit. A pair of neighbours counts once (as in n2p2 and dscribe; a sum over ordered pairs would double all values).
Columns are kept per unordered pair of neighbour species.

Source: Behler, J. Chem. Phys. 134, 074106 (2011), equations 8 and 9.

How it is summed: G4 does not factorise, so it runs over all triplets, in blocks of bounded memory (with gradients, a
block is computed again in the backward pass instead of being kept). G5 with an integer zeta is exact without triplets:
the angular factor is a polynomial, (1 + lambda x)^zeta = sum_l a_l P_l(x), and by the addition theorem

    sum over ordered (j, k) of R(r_ij) R(r_ik) P_l(cos theta_jik) = sum_m c_lm(i)^2,   c_lm(i) = sum_j R(r_ij) Y_lm

from which the terms j = k are taken off: an exact linear function of the invariants of one equivariant layer with l
up to zeta.

Convention: a bond of length zero has no direction. G4 (and G5 with fractional zeta) takes cos theta = 0 there, G5 the
mean of its angular factor over all directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Literal, cast

import torch
from numpy.polynomial.legendre import poly2leg
from numpy.polynomial.polynomial import polypow
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from equiviz.descriptors.density import density
from equiviz.descriptors.errors import DescriptorError
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.registry import DescriptorFamily
from equiviz.descriptors.roots import length, ratio
from equiviz.descriptors.symmetry_functions import SymmetryFunctions, SymmetryFunctionsConfig
from equiviz.descriptors.triplets import pairs_of_bonds
from equiviz.descriptors.windows import Window, taper_window

#: Above this integer zeta, harmonics cost more than triplets (and the subtraction of j = k loses digits).
MAX_DEGREE = 16


@dataclass(frozen=True, kw_only=True)
class AngularSymmetryFunctionsConfig(SymmetryFunctionsConfig):
    """Options of `AngularSymmetryFunctions`, besides those of `SymmetryFunctionsConfig`.

    Attributes:
        functions: triples (eta [1/length^2], zeta, lambda), distinct, at least one; eta >= 0, zeta >= 1, lambda +1 or
            -1.
        form: "G4" (with the distance between the two neighbours) or "G5" (without).
    """

    functions: tuple[tuple[float, float, float], ...]
    form: Literal["G4", "G5"] = "G4"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.form not in ("G4", "G5"):
            raise DescriptorError(f"form must be 'G4' or 'G5', got {self.form!r}")
        good = all(eta >= 0 and zeta >= 1 and abs(sign) == 1 for eta, zeta, sign in self.functions)
        if not self.functions or not good:
            expected = "triples (eta >= 0, zeta >= 1, lambda = +1 or -1), at least one"
            raise DescriptorError(f"functions must be {expected}; got {list(self.functions)}")

    @classmethod
    def customary(cls, cutoff: float) -> tuple[tuple[float, float, float], ...]:
        """Return G4 with eta = 1 / r_c^2, zeta = 1, 2, 4, 8 and both signs of lambda."""
        return tuple((1 / cutoff**2, zeta, sign) for zeta in (1.0, 2.0, 4.0, 8.0) for sign in (1.0, -1.0))

    @property
    def channel_pairs(self) -> tuple[tuple[int, int], ...]:
        """Indices of the unordered pairs of species channels, in the order of the columns."""
        return tuple(combinations_with_replacement(range(len(self.channels)), 2))


class AngularSymmetryFunctions(SymmetryFunctions[AngularSymmetryFunctionsConfig]):
    """G4 or G5 of each point: see the head of the file. Columns: pair of neighbour species, then function."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names such as "G4(A B, eta=0.1, zeta=4, lambda=-1)"."""
        channels = self.config.channels
        return tuple(
            f"{self.config.form}({channels[a]} {channels[b]}, eta={eta:g}, zeta={zeta:g}, lambda={sign:g})"
            for a, b in self.config.channel_pairs
            for eta, zeta, sign in self.config.functions
        )

    def evaluate(self, around: Neighbourhood) -> Tensor:
        """Return [N, D]."""
        functions = self.config.functions
        by_density = [self.config.form == "G5" and zeta == int(zeta) <= MAX_DEGREE for _, zeta, _ in functions]
        slow = [function for function, fast in zip(functions, by_density, strict=True) if not fast]
        columns = iter(sum_over_triplets(around, self.config, slow).unbind(-1)) if slow else iter(())
        every = [
            sum_by_density(around, self.config, function) if fast else next(columns)
            for function, fast in zip(functions, by_density, strict=True)
        ]  # each [N, pairs]
        return torch.stack(every, dim=-1).flatten(1)


def sum_over_triplets(
    around: Neighbourhood,
    config: AngularSymmetryFunctionsConfig,
    functions: list[tuple[float, float, float]],
) -> Tensor:
    """Return [N, pairs, F] for the functions given, by walking all triplets in blocks."""
    table = torch.tensor(functions, dtype=around.vectors.dtype, device=around.vectors.device)  # [F, 3]
    channel = around.species_channels(config.species).argmax(-1)  # [E]
    pair_of = _pair_table(config).to(channel.device)  # [S, S]
    sums = around.vectors.new_zeros(around.n_points * len(config.channel_pairs), len(functions))
    taper = taper_window(config.taper, config.cutoff)
    for first, second in pairs_of_bonds(around):
        if config.form == "G4":
            first, second = _close_pairs(around, first, second, config.cutoff)
        rows = around.receiver[first] * len(config.channel_pairs) + pair_of[channel[first], channel[second]]  # [T]
        values = _of_block(around.vectors, first, second, table, taper, config.form == "G4")  # [T, F]
        sums = sums.index_add(0, rows, values)
    return sums.view(around.n_points, len(config.channel_pairs), len(functions))


def _pair_table(config: AngularSymmetryFunctionsConfig) -> Tensor:
    size = len(config.channels)
    table = torch.zeros(size, size, dtype=torch.long)
    for index, (a, b) in enumerate(config.channel_pairs):
        table[a, b] = table[b, a] = index
    return table


def _close_pairs(around: Neighbourhood, first: Tensor, second: Tensor, cutoff: float) -> tuple[Tensor, Tensor]:
    """Return the pairs whose two neighbours are within the cutoff of each other: the others add nothing to G4."""
    apart = (around.vectors[first] - around.vectors[second]).detach().square().sum(-1)  # [T]
    close = apart < cutoff**2
    return first[close], second[close]


def _of_block(vectors: Tensor, first: Tensor, second: Tensor, table: Tensor, taper: Window, with_third: bool) -> Tensor:
    """Return the terms [T, F] of one block; with gradients, intermediates are computed again instead of kept."""
    if not (torch.is_grad_enabled() and vectors.requires_grad):
        return _terms(vectors, first, second, table, taper, with_third)
    arguments = (vectors, first, second, table, taper, with_third)
    return checkpoint(_terms, *arguments, use_reentrant=False, preserve_rng_state=False)


def _terms(vectors: Tensor, first: Tensor, second: Tensor, table: Tensor, taper: Window, with_third: bool) -> Tensor:
    a, b = vectors[first], vectors[second]  # [T, 3]
    r_a, r_b = length(a), length(b)  # [T]
    cosine = ratio((a * b).sum(-1), r_a * r_b)  # [T]
    squares, tapers = r_a**2 + r_b**2, taper(r_a) * taper(r_b)
    if with_third:
        r_ab = length(a - b)
        squares, tapers = squares + r_ab**2, tapers * taper(r_ab)
    eta, zeta, sign = table.T  # each [F]
    base = (1 + sign * cosine[:, None]).clamp(min=0) / 2  # [T, F] rounding may leave cosine just outside of [-1, 1]
    return 2 * base**zeta * torch.exp(-eta * squares[:, None]) * tapers[:, None]


def sum_by_density(
    around: Neighbourhood, config: AngularSymmetryFunctionsConfig, function: tuple[float, float, float]
) -> Tensor:
    """Return G5 [N, pairs] of one function with integer zeta, from densities with l = 0 ... zeta."""
    eta, zeta, sign = function[0], int(function[1]), function[2]
    series = poly2leg(2 * polypow([0.5, 0.5 * sign], zeta))  # 2^(1-zeta) (1 + sign x)^zeta = sum_l a_l P_l(x)
    radial = torch.exp(-eta * around.distances**2) * taper_window(config.taper, config.cutoff)(around.distances)  # [E]
    weights = radial[:, None] * around.species_channels(config.species)  # [E, S]
    projected = density(around, weights, tuple(range(zeta + 1)))
    terms = (float(a) * (c @ c.transpose(1, 2)) for a, c in zip(series, projected.values(), strict=True))
    every = cast("Tensor", sum(terms))  # [N, S, S]; there is at least l = 0
    alone = torch.where(around.distances > 0, 1.0 + sign, float(series[0]))  # [E] angular factor of a bond with itself
    same = around.sum_to_centres(alone[:, None] * weights**2)  # [N, S]
    columns = [(every[:, a, a] - same[:, a]) / 2 if a == b else every[:, a, b] for a, b in config.channel_pairs]
    return torch.stack(columns, dim=-1)


FAMILY = DescriptorFamily(
    name="angular_symmetry_functions",
    config_class=AngularSymmetryFunctionsConfig,
    descriptor_class=AngularSymmetryFunctions,
    source="Behler, J. Chem. Phys. 134, 074106 (2011)",
    summary="which angles pairs of neighbours span, for each pair of species",
)
