"""The projection in torch: differentiable in positions and weights, on any device. Its quick twin is compiled.

Sites are taken in chunks. The neighbours of each site that have a weight in a channel stand in blocks of the same size,
the last of them filled up with zeros; all blocks of a chunk are one batched product, and their sums the moments.

Shapes: E neighbours of all sites, S sites, C channels, B blocks of P places, M = (L+1)^2, J polynomials, K orders.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equiviz.holograms.errors import HologramError
from equiviz.holograms.zernike import Zernike, recurrence
from equiviz.symmetry.legendre import legendre_recurrence

CHUNK = 160
"""Sites per batched product: fewer have more overhead, and more leave the cache of a processor."""
BLOCK = 16
"""Places per block: larger ones stay emptier."""


def project_offsets(offsets: Tensor, weights: Tensor, counts: Tensor, basis: Zernike) -> Tensor:
    """Coefficients of S sites from their neighbours, one site after the other.

    Args:
        offsets: ``[E, 3]``, from each site to its neighbours, in Å; any floating dtype and device.
        weights: ``[E, C]``, of each neighbour in each channel.
        counts: ``[S]`` integers, how many neighbours each site has; E in all.
        basis: the radial functions.

    Returns:
        ``[S, C x basis.width]``, as `Hologram` holds them; differentiable any number of times.

    Raises:
        HologramError: numbers of rows that do not agree.
    """
    total = int(counts.sum())
    if offsets.shape != (total, 3) or weights.ndim != 2 or len(weights) != total:
        raise HologramError(
            f"Expected offsets [{total}, 3] and weights [{total}, channels], as counts say, got "
            f"{list(offsets.shape)} and {list(weights.shape)}."
        )
    matrices = [_matrix(basis, degree, offsets) for degree in range(basis.l_max + 1)]  # each [K, J]
    points, spread = torch.split(offsets, _rows(counts)), torch.split(weights, _rows(counts))
    parts = counts.split(CHUNK)
    found = [_chunk(p, w, c, basis, matrices) for p, w, c in zip(points, spread, parts, strict=True)]
    return torch.cat(found) if found else offsets.new_zeros(0, weights.shape[1] * basis.width)


def _rows(counts: Tensor) -> list[int]:
    """How many neighbours each chunk of sites has."""
    return [int(part.sum()) for part in counts.split(CHUNK)]


def _chunk(points: Tensor, weights: Tensor, counts: Tensor, basis: Zernike, matrices: list[Tensor]) -> Tensor:
    sites, channels = len(counts), weights.shape[1]
    member, channel, owner, place = _blocks(weights, counts)
    given = torch.cat([points[member].T / basis.radius, weights[member, channel][None]])  # x, y, z, weight
    blank = given.new_zeros(4, len(owner) * BLOCK)
    x, y, z, heavy = blank.index_copy(1, place, given).reshape(4, len(owner), BLOCK)  # each [B, P]
    square = x * x + y * y + z * z
    solid, factors = _solid(x, y, z, square, basis.l_max)  # [M, B, P], [M]
    family = _family(2 * square - 1, heavy, basis.polynomials)  # [B, J, P]
    parts = family @ solid.permute(1, 2, 0)  # [B, J, M]
    moments = parts.new_zeros(channels * sites, *parts.shape[1:]).index_add(0, owner, parts)
    moments = moments.permute(1, 2, 0) * factors[:, None]  # [J, M, C x S]
    found: list[Tensor] = []
    for degree, matrix in enumerate(matrices):
        block = moments[:, degree**2 : (degree + 1) ** 2].flatten(1)  # [J, (2l+1) C S]
        made = (matrix @ block).reshape(len(matrix), -1, channels, sites)  # [K, 2l+1, C, S]
        found.append(made.permute(3, 2, 0, 1).flatten(1))  # [S, C x K x (2l+1)]
    return torch.cat(found, dim=1)


def _blocks(weights: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Neighbours with a weight, by channel and site, each of these in blocks that its neighbours fill in part.

    Returns:
        Of each weight its neighbour and its channel; of each block ``[B]`` the number channel x S + site; of each
        weight where it stands among the places of all blocks.
    """
    sites, channels = len(counts), weights.shape[1]
    used = torch.ones_like(weights, dtype=torch.bool) if weights.requires_grad else weights != 0
    channel, member = used.T.nonzero(as_tuple=True)
    site = torch.arange(sites, device=counts.device).repeat_interleave(counts)
    pair = channel * sites + site[member]  # ascending
    many = torch.bincount(pair, minlength=channels * sites)
    blocks = (many + BLOCK - 1) // BLOCK
    owner = torch.arange(channels * sites, device=counts.device).repeat_interleave(blocks)
    shift = BLOCK * (blocks.cumsum(0) - blocks) - (many.cumsum(0) - many)
    return member, channel, owner, torch.arange(len(pair), device=counts.device) + shift[pair]


def _solid(x: Tensor, y: Tensor, z: Tensor, square: Tensor, l_max: int) -> tuple[Tensor, Tensor]:
    """The solid harmonics ``[M, B, P]`` up to a factor each ``[M]``, with which the squares of one degree sum to d^2l.

    All m of one degree at once: few operations on large arrays, where `spherical_harmonics` has many on small ones.
    The recurrence (see `moments_kernel.py`) is divided by its leading coefficients, which saves two operations of five.
    """
    start, a, b = torch.as_tensor(legendre_recurrence(l_max).copy(), dtype=x.dtype, device=x.device)
    waves = [(torch.ones_like(x), torch.zeros_like(x))]
    for _ in range(l_max):
        cosine, sine = waves[-1]
        waves.append((z * cosine - x * sine, x * cosine + z * sine))
    cosines, sines = (torch.stack(part) for part in zip(*waves, strict=True))  # [L+1, B, P]
    lower = current = cosines[:1]
    found, scale = [current], start[:1, 0]  # of m = 0 ... l
    factors, before = [scale], scale
    for degree in range(1, l_max + 1):
        grown = a[degree, :degree] * scale
        share = (b[degree, :degree] * before / grown)[:, None, None]
        upper = torch.addcmul(y * current, share * square, lower, value=-1)
        lower = torch.cat([current, torch.zeros_like(x)[None]])
        current = torch.cat([upper, cosines[:1]])  # without the power of the axis: 1 for m = l
        before, scale = torch.cat([scale, scale[-1:]]), torch.cat([grown, start[degree, degree, None]])
        found += [(current[1:] * sines[1 : degree + 1]).flip(0), current * cosines[: degree + 1]]
        factors += [scale[1:].flip(0), scale]
    return torch.cat(found), torch.cat(factors)


def _family(z: Tensor, weights: Tensor, count: int) -> Tensor:
    """The shared Jacobi polynomials times weights, ``[B, J, P]``."""
    found, lower = [weights], torch.zeros_like(z)
    for a, b, c in recurrence().T[: count - 1].tolist():
        upper = (a * z + b) * found[-1] - c * lower
        lower = found[-1]
        found.append(upper)
    return torch.stack(found, dim=1)


def _matrix(basis: Zernike, degree: int, like: Tensor) -> Tensor:
    """From polynomials to orders, ``[K, J]``."""
    matrix = basis.matrix(degree) * math.sqrt((2 * degree + 1) / (4 * math.pi))
    return torch.as_tensor(matrix, dtype=like.dtype, device=like.device)
