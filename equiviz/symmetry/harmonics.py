"""Real spherical harmonics as polynomials in x, y, z, in e3nn's basis and order.

With y the polar axis and ``z + i x`` the equatorial plane, component m = -l ... l of degree l is

    Y_lm = N_lm  Q_lm(y, r^2)  *  Im (z + i x)^|m|   for m < 0,
                                  Re (z + i x)^m     for m >= 0,

where ``Q_lm = r^(l-m) P_lm(y / r) / sin^m`` is a polynomial in y and r^2. No angle and no division occurs, so the poles
and the origin are as smooth as any other point. ``Y_1 = sqrt(3) (x, y, z)`` for component normalisation.

Source of the recurrence: Press et al., Numerical Recipes (3rd ed.), section 6.7, made homogeneous by powers of r.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from equiviz.symmetry.errors import BandLimitError, RepresentationError
from equiviz.symmetry.irreps import MAX_DEGREE

Normalization: TypeAlias = Literal["component", "integral", "norm"]


def spherical_harmonics(
    lmax: int, vectors: Tensor, normalize: bool = True, normalization: Normalization = "component"
) -> Tensor:
    """All real spherical harmonics of degree 0 to `lmax`.

    Args:
        lmax: largest degree, 0 to 64 (equal to e3nn's to 1e-13 up to 12).
        vectors: ``[..., 3]``, any floating dtype and device, any length unit.
        normalize: whether to divide the vectors by their length first. Otherwise degree l grows as length^l.
        normalization: on the unit sphere, "component": the squares of one degree sum to 2l+1; "norm": to 1;
            "integral": each component has integral of squares 1.

    Returns:
        ``[..., (lmax+1)^2]`` of the same dtype, irreps ``0e+1o+2e+...``; differentiable any number of times. A zero
        vector gives 0 for all degrees above 0, with a finite gradient.

    Raises:
        BandLimitError: if `lmax` is out of range.
        RepresentationError: wrong shape, not floating point, or unknown normalisation.
    """
    _refuse_arguments(lmax, vectors, normalization)
    points = unit_vectors(vectors) if normalize else vectors
    x, y, z = points.unbind(-1)
    square = (points * points).sum(-1)
    columns: dict[tuple[int, int], Tensor] = {}
    for m, (cosine, sine) in enumerate(_equatorial_powers(z, x, lmax)):
        for degree, polar in enumerate(_polar_polynomials(m, lmax, y, square), start=m):
            scaled = _scale(degree, normalization) * polar
            columns[degree, m] = scaled * cosine
            columns[degree, -m] = scaled * sine if m else columns[degree, 0]
    return torch.stack([columns[key] for key in sorted(columns)], dim=-1)  # [..., (L+1)^2]


def unit_vectors(vectors: Tensor) -> Tensor:
    """Vectors ``[..., 3]`` divided by their length; zero stays zero, with a finite gradient.

    Dividing by the largest component first keeps the square of very long and very short vectors in range.
    """
    largest = vectors.detach().abs().amax(-1, keepdim=True)
    largest = torch.where(largest > torch.finfo(vectors.dtype).tiny, largest, 1.0)
    scaled = vectors / largest
    square = (scaled * scaled).sum(-1, keepdim=True)
    return scaled * torch.where(square >= 1.0, square, 1.0).rsqrt()


def _equatorial_powers(z: Tensor, x: Tensor, lmax: int) -> list[tuple[Tensor, Tensor]]:
    """Real and imaginary part of ``(z + i x)^m`` for m = 0 ... lmax."""
    powers = [(torch.ones_like(z), torch.zeros_like(z))]
    for _ in range(lmax):
        cosine, sine = powers[-1]
        powers.append((z * cosine - x * sine, x * cosine + z * sine))
    return powers


def _polar_polynomials(m: int, lmax: int, y: Tensor, square: Tensor) -> list[Tensor]:
    """``N_lm Q_lm`` for l = m ... lmax, in component normalisation."""
    polynomials = [torch.full_like(y, _sectoral(m))]
    if m < lmax:
        polynomials.append(math.sqrt(2 * m + 3) * y * polynomials[0])
    for degree in range(m + 2, lmax + 1):
        ascend = math.sqrt((4 * degree**2 - 1) / (degree**2 - m**2))
        descend = math.sqrt(((degree - 1) ** 2 - m**2) / (4 * (degree - 1) ** 2 - 1))
        polynomials.append(ascend * (y * polynomials[-1] - descend * square * polynomials[-2]))
    return polynomials


def _sectoral(m: int) -> float:
    """``N_mm Q_mm``, a constant: sqrt of 2 (2m+1)!! / (2m)!!, or 1 for m = 0."""
    return math.sqrt((2.0 if m else 1.0) * math.prod((2 * k + 1) / (2 * k) for k in range(1, m + 1)))


def _scale(degree: int, normalization: Normalization) -> float:
    if normalization == "component":
        return 1.0
    return 1 / math.sqrt(2 * degree + 1) if normalization == "norm" else 1 / math.sqrt(4 * math.pi)


def _refuse_arguments(lmax: int, vectors: Tensor, normalization: str) -> None:
    if not 0 <= lmax <= MAX_DEGREE:
        raise BandLimitError(f"Expected lmax from 0 to {MAX_DEGREE}, got {lmax}.")
    if vectors.shape[-1:] != (3,) or not vectors.is_floating_point():
        raise RepresentationError(
            f"Expected real floating-point vectors of shape [..., 3], got dtype {vectors.dtype}, "
            f"shape {list(vectors.shape)}."
        )
    if normalization not in ("component", "integral", "norm"):
        raise RepresentationError(f"Expected normalization 'component', 'integral' or 'norm', got {normalization!r}.")
