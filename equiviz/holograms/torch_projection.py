"""The projection in torch: differentiable in positions and weights, on any device. Its quick twin is compiled.

Sites are taken in chunks, their neighbours padded to the longest; the moments of a chunk are one batched product.

Shapes: S sites, P neighbours padded, C channels, M = (L+1)^2, J polynomials, K orders.
"""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.holograms.errors import HologramError
from equiviz.holograms.zernike import Zernike, recurrence
from equiviz.symmetry.harmonics import spherical_harmonics

CHUNK = 128
"""Sites per batched product: its arrays stay in the cache of a processor."""


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
    places = _padded(points / basis.radius, counts)  # [S, P, 3]
    solid = spherical_harmonics(basis.l_max, places, normalize=False, normalization="integral")  # [S, P, M]
    family = _family(2 * places.square().sum(-1) - 1, basis.polynomials)  # [S, P, J]
    spread = _padded(weights, counts)  # [S, P, C]
    right = (spread[..., :, None] * family[..., None, :]).flatten(2)  # [S, P, C x J]
    moments = (solid.transpose(1, 2) @ right).unflatten(2, (weights.shape[1], -1))  # [S, M, C, J]
    blocks = []
    for degree, matrix in enumerate(matrices):
        block = moments[:, degree**2 : (degree + 1) ** 2]  # [S, 2l+1, C, J]
        blocks.append((block @ matrix.T).permute(0, 2, 3, 1).flatten(1))  # [S, C x K x (2l+1)]
    return torch.cat(blocks, dim=1)


def _padded(rows: Tensor, counts: Tensor) -> Tensor:
    """``[sum of counts, ...]`` as ``[S, P, ...]`` with zeros: a padded neighbour has weight zero."""
    return torch.nn.utils.rnn.pad_sequence(list(torch.split(rows, counts.tolist())), batch_first=True)


def _family(z: Tensor, count: int) -> Tensor:
    """The shared Jacobi polynomials ``[..., J]``."""
    a, b, c = torch.as_tensor(recurrence(), dtype=z.dtype, device=z.device)
    found = [torch.ones_like(z)]
    lower = torch.zeros_like(z)
    for j in range(count - 1):
        upper = (a[j] * z + b[j]) * found[-1] - c[j] * lower
        lower = found[-1]
        found.append(upper)
    return torch.stack(found, dim=-1)


def _matrix(basis: Zernike, degree: int, like: Tensor) -> Tensor:
    return torch.as_tensor(basis.matrix(degree), dtype=like.dtype, device=like.device)
