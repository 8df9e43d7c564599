"""Batches of 3 x 3 orthogonal matrices: validation, and conversion from and to axes, quaternions and Euler pairs.

Conventions are e3nn's: column vectors, ``x' = R x``; y is the polar axis; Euler angles mean
``R = R_y(alpha) R_x(beta) R_y(gamma)``. Everything is float64, whatever the default dtype.

Shapes: ... any batch axes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.symmetry.errors import GroupError

ORTHOGONALITY_TOLERANCE = 1e-5
"""Largest entry of ``|R^T R - 1|`` that is taken for round-off (float32 input leaves about 1e-6) and polished away."""
_NEGLIGIBLE_SINE = 1e-30


def orthogonal(matrices: Tensor) -> Tensor:
    """Validate orthogonal matrices and polish them to float64 round-off.

    Two Newton-Schulz steps ``R <- R (3 - R^T R) / 2`` (Higham, Functions of Matrices, eq. 8.20) take a deviation of
    1e-5 to 1e-20, so that a float32 matrix becomes the exact rotation next to it.

    Args:
        matrices: ``[..., 3, 3]``, real.

    Returns:
        ``[..., 3, 3]`` float64, orthogonal to about 4e-16.

    Raises:
        GroupError: wrong shape, complex, not finite, or further than 1e-5 from orthogonal.
    """
    if matrices.shape[-2:] != (3, 3):
        raise GroupError(f"Expected orthogonal matrices of shape [..., 3, 3], got shape {list(matrices.shape)}.")
    if matrices.is_complex():
        raise GroupError(f"Expected real orthogonal matrices, got dtype {matrices.dtype}.")
    exact = matrices.to(torch.float64)
    defect = _defect(exact)
    _refuse_deviation(exact, defect)
    polished = exact - 0.5 * exact @ defect
    return polished - 0.5 * polished @ _defect(polished)


def _defect(matrices: Tensor) -> Tensor:
    identity = torch.eye(3, dtype=torch.float64, device=matrices.device)
    return matrices.mT @ matrices - identity


def _refuse_deviation(matrices: Tensor, defect: Tensor) -> None:
    deviation = defect.detach().abs().amax().item() if defect.numel() else 0.0
    if deviation <= ORTHOGONALITY_TOLERANCE:
        return
    if not matrices.isfinite().all():
        raise GroupError("Expected finite orthogonal matrices, got NaN or infinite entries.")
    raise GroupError(
        f"Expected orthogonal matrices (largest entry of |R^T R - 1| at most {ORTHOGONALITY_TOLERANCE:g}), "
        f"got a deviation of {deviation:.3g}. A scaled or sheared matrix is no element of O(3): take it apart first, "
        "for example by torch.linalg.svd, and use U @ Vh."
    )


def determinants(matrices: Tensor) -> Tensor:
    """Signs +1 or -1 of orthogonal matrices ``[..., 3, 3]``, as float64 ``[...]``."""
    triple = torch.linalg.cross(matrices[..., 0, :], matrices[..., 1, :]) * matrices[..., 2, :]
    return triple.sum(-1).sign()


def euler_pairs(rotations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Factor rotations as ``R_y(alpha) R_x(beta) R_y(gamma)`` without ever forming an angle.

    Each factor is a unit complex number ``cos + i sin``. Near the poles alpha alone is ill-conditioned, so gamma and
    then beta are read off what is left after alpha is taken away: whatever alpha became, the product gives R back to
    round-off, at any rotation.

    Args:
        rotations: ``[..., 3, 3]`` float64, proper orthogonal.

    Returns:
        ``exp(i alpha), exp(i beta), exp(i gamma)``, each ``[...]`` complex128.
    """
    r = rotations
    alpha = _unit(r[..., 2, 1], r[..., 0, 1])
    first = alpha.real[..., None] * r[..., 0, :] - alpha.imag[..., None] * r[..., 2, :]  # row x of R_y(-alpha) R
    third = alpha.imag[..., None] * r[..., 0, :] + alpha.real[..., None] * r[..., 2, :]  # row z of R_y(-alpha) R
    gamma = _unit(first[..., 0], first[..., 2])
    beta = _unit(r[..., 1, 1], third[..., 1])
    return alpha, beta, gamma


def _unit(cosine: Tensor, sine: Tensor) -> Tensor:
    """Normalise ``cosine + i sine``; what is shorter than 1e-30 means no rotation."""
    length = torch.hypot(cosine, sine)
    known = length > _NEGLIGIBLE_SINE
    length = torch.where(known, length, 1.0)
    return torch.complex(torch.where(known, cosine / length, 1.0), torch.where(known, sine / length, 0.0))


def from_euler(alpha: Tensor, beta: Tensor, gamma: Tensor) -> Tensor:
    """``R_y(alpha) R_x(beta) R_y(gamma)`` for angles in radians ``[...]``; returns ``[..., 3, 3]`` float64."""
    return about_y(alpha) @ about_x(beta) @ about_y(gamma)


def about_x(angle: Tensor) -> Tensor:
    """Rotation about x by `angle` in radians ``[...]``; returns ``[..., 3, 3]`` float64."""
    c, s, one, zero = _circle(angle)
    return _matrix([one, zero, zero, zero, c, -s, zero, s, c])


def about_y(angle: Tensor) -> Tensor:
    """Rotation about y, the polar axis, by `angle` in radians ``[...]``; returns ``[..., 3, 3]`` float64."""
    c, s, one, zero = _circle(angle)
    return _matrix([c, zero, s, zero, one, zero, -s, zero, c])


def _circle(angle: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    angle = angle.to(torch.float64)
    return angle.cos(), angle.sin(), torch.ones_like(angle), torch.zeros_like(angle)


def _matrix(entries: list[Tensor]) -> Tensor:
    return torch.stack(entries, dim=-1).unflatten(-1, (3, 3))


def from_quaternions(quaternions: Tensor) -> Tensor:
    """Rotations of quaternions ``[..., 4]``, real part first; normalised here. Returns ``[..., 3, 3]`` float64.

    Raises:
        GroupError: wrong shape, not finite, or zero.
    """
    if quaternions.shape[-1:] != (4,):
        raise GroupError(f"Expected quaternions (w, x, y, z) of shape [..., 4], got shape {list(quaternions.shape)}.")
    exact = quaternions.to(torch.float64)
    length = torch.linalg.vector_norm(exact, dim=-1, keepdim=True)
    if not (length.isfinite() & (length > 0)).all():
        raise GroupError("Expected finite quaternions that are not zero, got one of length 0, NaN or infinity.")
    w, x, y, z = (exact / length).unbind(-1)
    return _matrix(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
        ]
    )  # fmt: skip


def to_quaternion(rotation: Tensor) -> Tensor:
    """The quaternion ``[4]`` (real part first, not negative) of one rotation ``[3, 3]``.

    The rows of ``4 q q^T`` are linear in R; the longest of them is never small, so no rotation is ill-conditioned
    (Shepperd, J. Guidance and Control 1, 223 (1978)).
    """
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    outer = torch.tensor(
        [
            [1 + a + e + i, h - f, c - g, d - b],
            [h - f, 1 + a - e - i, b + d, c + g],
            [c - g, b + d, 1 - a + e - i, f + h],
            [d - b, c + g, f + h, 1 - a - e + i],
        ],
        dtype=torch.float64,
    )
    row = outer[outer.diagonal().argmax()]
    row = row / torch.linalg.vector_norm(row)
    return -row if row[0] < 0 else row
