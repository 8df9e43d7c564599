"""Wigner D matrices of O(3) in e3nn's basis, in float64, accurate to round-off at every rotation.

A rotation about the polar axis y only mixes the components m and -m, by cos(m a) and sin(m a). A rotation about x is
the same thing seen through J, the matrix of the half-turn that swaps x and y (Pinchon and Hoggan, J. Phys. A 40, 1597
(2007), who swap y and z):

    D(R) = Z(alpha) d(beta) Z(gamma),    d(beta) = J Z(beta) J,    R = R_y(alpha) R_x(beta) R_y(gamma).

Three choices make it exact and fast. The angles are never formed: `rotations.euler_pairs` gives unit complex numbers
whose product is R to round-off even at the poles, and cos(m a), sin(m a) are their powers. J comes from integer
arithmetic. And d(beta) is linear in these powers, so that all rotations are one matrix product with a constant.

Shapes: N rotations, l degree, M = 2l+1 components. N is the last axis inside, so that all arithmetic runs along it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import accumulate
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from equiviz.symmetry import rotations
from equiviz.symmetry.errors import BandLimitError
from equiviz.symmetry.groups import O3
from equiviz.symmetry.irreps import MAX_DEGREE, Irrep, Irreps

_CHUNK = 2048
"""Rotations per matrix product: keeps the working set in the cache (measured fastest from 1024 to 4096)."""


def wigner_d(l: int, matrices: Tensor) -> Tensor:  # noqa: E741 - the field's own name for it
    """Wigner D matrices of degree l: ``Y_l(R x) = D_l(R) Y_l(x)``.

    Of an improper matrix the rotation part ``det * matrix`` is taken; the parity of the irrep decides about the sign
    (see `irreps_matrix`).

    Args:
        l: degree, 0 to 64 (tested to 1e-13 up to 12).
        matrices: ``[..., 3, 3]``, orthogonal to within 1e-5; polished to the exact rotation first.

    Returns:
        ``[..., 2l+1, 2l+1]`` float64 on the device of `matrices`.

    Raises:
        BandLimitError: degree out of range.
        GroupError: matrices of the wrong shape, not finite, or not orthogonal.
    """
    return wigner_blocks([l], matrices)[0]


def wigner_blocks(degrees: Sequence[int], matrices: Tensor) -> list[Tensor]:
    """`wigner_d` for several degrees; the matrices are validated and factored only once."""
    for degree in degrees:
        _refuse_degree(degree)
    powers = _euler_powers(matrices, max(degrees, default=0))
    blocks = [powers.real.new_empty(powers.shape[-1], 2 * degree + 1, 2 * degree + 1) for degree in degrees]
    _fill(blocks, degrees, powers)
    return [block.reshape(*matrices.shape[:-2], *block.shape[1:]) for block in blocks]


def irreps_matrices(irreps: Irreps | str, matrices: Tensor) -> Tensor:
    """Block-diagonal matrices of many elements of O(3) at once, parity included (`irreps_matrix` for one).

    Args:
        irreps: for example ``"8x0e+4x1o"``.
        matrices: ``[..., 3, 3]``, orthogonal to within 1e-5.

    Returns:
        ``[..., dim, dim]`` float64 on the device of `matrices`. Mostly zeros: `wigner_blocks` costs half of it.

    Raises:
        BandLimitError: degree out of range.
        GroupError: matrices of the wrong shape, not finite, or not orthogonal.
    """
    irreps = Irreps(irreps)
    copies = [(ir.l, ir.p) for mul, ir in irreps for _ in range(mul)]
    for degree, _ in copies:
        _refuse_degree(degree)
    powers = _euler_powers(matrices, max((degree for degree, _ in copies), default=0))
    dense = powers.real.new_zeros(powers.shape[-1], irreps.dim, irreps.dim)
    widths = [2 * degree + 1 for degree, _ in copies]
    starts = accumulate(widths, initial=0)
    blocks = [dense[:, at : at + width, at : at + width] for at, width in zip(starts, widths, strict=False)]
    _fill(blocks, [degree for degree, _ in copies], powers)
    improper = rotations.determinants(matrices).flatten() < 0
    for block, (_, parity) in zip(blocks, copies, strict=True):
        if parity < 0 and improper.any():
            block[improper] *= -1
    return dense.reshape(*matrices.shape[:-2], irreps.dim, irreps.dim)


def irreps_matrix(irreps: Irreps | str, g: O3) -> Tensor:
    """Block-diagonal matrix of an O(3) element in a sum of irreps, parity included.

    Args:
        irreps: for example ``"8x0e+4x1o"``.
        g: the element.

    Returns:
        ``[dim, dim]`` float64.
    """
    irreps = Irreps(irreps)
    return block_diagonal(irreps, irrep_matrices(irreps, g))


def block_diagonal(irreps: Irreps, blocks: Mapping[Irrep, Tensor]) -> Tensor:
    """The blocks of all copies of all irreps along the diagonal, ``[dim, dim]`` float64, in the order of the terms."""
    copies = [blocks[ir] for mul, ir in irreps for _ in range(mul)]
    return torch.block_diag(*copies) if copies else torch.zeros(0, 0, dtype=torch.float64)


def irrep_matrices(irreps: Irreps, g: O3) -> dict[Irrep, Tensor]:
    """The matrix ``[2l+1, 2l+1]`` of each irrep that occurs, parity included."""
    distinct = sorted({ir for _, ir in irreps})
    # One element acts on many fields, so its matrices are kept as long as it lives.
    blocks = _KNOWN.setdefault(g, {})
    missing = sorted({ir.l for ir in distinct} - set(blocks))
    if missing:
        blocks.update(zip(missing, wigner_blocks(missing, g.matrix), strict=True))
    sign = {1: 1, -1: g.det}
    return {ir: sign[ir.p] * blocks[ir.l] for ir in distinct}


def foresee(elements: Sequence[O3], lmax: int) -> None:
    """Compute the matrices of many elements at once, up to degree lmax: a tenth of the time of one by one."""
    if not elements:
        return
    degrees = list(range(lmax + 1))
    blocks = wigner_blocks(degrees, torch.stack([g.matrix for g in elements]))
    for place, g in enumerate(elements):
        _KNOWN[g] = {degree: block[place] for degree, block in zip(degrees, blocks, strict=True)}


_KNOWN: WeakKeyDictionary[O3, dict[int, Tensor]] = WeakKeyDictionary()


def wigner_generators(l: int) -> Tensor:  # noqa: E741 - the field's own name for it
    """Generators of the rotations about x, y, z in degree l: ``wigner_d(l, matrix_exp(t X_k)) = matrix_exp(t G_k)``.

    Angular momentum in the real basis: a rotation about the polar axis y turns m into -m at the rate m, those about x
    and z change m by one, with the ladder factors ``sqrt((l - m)(l + m + 1))`` of every textbook. Exact to one unit in
    the last place; proper rotations only, so parity plays no part.

    Args:
        l: degree, 0 to 64.

    Returns:
        ``[3, 2l+1, 2l+1]`` float64, antisymmetric; ``G_x G_y - G_y G_x = G_z``, and so on in turn.

    Raises:
        BandLimitError: degree out of range.
    """
    _refuse_degree(l)
    lower = torch.zeros(3, 2 * l + 1, 2 * l + 1, dtype=torch.float64)  # one entry of each antisymmetric pair
    x, y, z = lower
    for m in range(l):
        ladder = math.sqrt((l - m) * (l + m + 1) / (4 if m else 2))
        x[l + m + 1, l + m] = ladder
        y[l - m - 1, l + m + 1] = m + 1
        z[l + m, l - m - 1] = ladder
        if m:
            x[l - m - 1, l - m] = ladder
            z[l + m + 1, l - m] = ladder
    return lower - lower.mT


def irrep_generators(irreps: Irreps, axis: Tensor) -> dict[Irrep, Tensor]:
    """The generator ``[2l+1, 2l+1]`` of the rotation about `axis` ``[3]``, of each irrep that occurs."""
    distinct = {ir for _, ir in irreps}
    return {ir: torch.einsum("k,kij->ij", axis, _generators(ir.l)) for ir in distinct}


@cache
def _generators(degree: int) -> Tensor:
    return wigner_generators(degree)


def _euler_powers(matrices: Tensor, highest: int) -> Tensor:
    """Powers 0 ... highest of the three Euler pairs of the rotation parts of ``[..., 3, 3]``: ``[3, highest+1, N]``."""
    exact = rotations.orthogonal(matrices)
    proper = rotations.determinants(exact)[..., None, None] * exact
    return torch.stack([_powers(pair, highest) for pair in rotations.euler_pairs(proper.reshape(-1, 3, 3))])


def _fill(blocks: Sequence[Tensor], degrees: Sequence[int], powers: Tensor) -> None:
    """Write the matrices of each degree into its block ``[N, M, M]``, a few rotations at a time."""
    for start in range(0, powers.shape[-1], _CHUNK):
        rows = slice(start, start + _CHUNK)
        for degree, block in zip(degrees, blocks, strict=True):
            block[rows] = _from_powers(degree, powers[..., rows])


def _powers(pair: Tensor, highest: int) -> Tensor:
    """Powers 0 ... highest of unit complex numbers ``[N]``, as complex128 ``[highest+1, N]``."""
    powers = [torch.ones_like(pair)]
    for _ in range(highest):
        powers.append(powers[-1] * pair)
    return torch.stack(powers)


def _from_powers(degree: int, powers: Tensor) -> Tensor:
    """``Z(alpha) d(beta) Z(gamma)`` from powers ``[3, >l, N]`` of the three unit numbers; returns ``[N, M, M]``."""
    alpha, beta, gamma = powers[:, : degree + 1].unbind()  # [l+1, N]
    size = 2 * degree + 1
    series = torch.cat([beta.real, beta.imag[1:]])  # [M, N]
    right = (_folded_series_of_d(degree).to(beta.device) @ series).unflatten(0, (size, size))  # [M, M, N]
    cosine, sine = _mirrored(gamma)
    right[:degree] *= torch.cat([cosine[:degree], sine[degree:]])  # d does not mix rows of -m with columns of +n,
    right[degree:] *= torch.cat([sine[:degree], cosine[degree:]])  # so that one of the two terms is always zero
    cosine, sine = _mirrored(alpha)
    return torch.addcmul(right * cosine[:, None], right.flip(0), -sine[:, None]).permute(2, 0, 1)


def _mirrored(powers: Tensor) -> tuple[Tensor, Tensor]:
    """cos(m a) and sin(m a) for m = -l ... l, each ``[M, N]``."""
    cosine, sine = powers.real, powers.imag
    return torch.cat([cosine[1:].flip(0), cosine]), torch.cat([-sine[1:].flip(0), sine])


@cache
def _folded_series_of_d(degree: int) -> Tensor:
    """Coefficients of ``J Z(beta) J`` in ``1, cos beta ... cos l beta, sin beta ... sin l beta``: ``[M * M, M]``.

    Of the columns n and -n a row has only one that is not zero; it is written into both.
    """
    half_turn = _half_turn(degree)
    up, down = half_turn[degree:], half_turn[: degree + 1].flip(0)  # rows m = 0 ... l and 0 ... -l; J is symmetric
    cosines = _outer(up, up) + _outer(down, down)
    cosines[0] = torch.outer(up[0], up[0])
    sines = _outer(down, up) - _outer(up, down)
    series = torch.cat([cosines, sines[1:]])
    folded = series + series.flip(-1)
    folded[..., degree] /= 2
    return folded.flatten(1).T.contiguous()


def _outer(rows: Tensor, columns: Tensor) -> Tensor:
    return rows[:, :, None] * columns[:, None, :]


def _half_turn(degree: int) -> Tensor:
    """J, the matrix ``[M, M]`` of the half-turn that swaps x and y: ``Z(pi/2) d(pi/2) Z(pi/2)``, to 1 ulp."""
    quarter = _quarter_turn_about_y(degree)
    return quarter @ _quarter_turn_about_x(degree) @ quarter


def _quarter_turn_about_y(degree: int) -> Tensor:
    orders = range(-degree, degree + 1)
    cosines = torch.tensor([(1.0, 0.0, -1.0, 0.0)[m % 4] for m in orders], dtype=torch.float64)
    sines = torch.tensor([(0.0, 1.0, 0.0, -1.0)[m % 4] for m in orders], dtype=torch.float64)
    return torch.diag(cosines) - torch.diag(sines).flip(-1)


def _quarter_turn_about_x(degree: int) -> Tensor:
    """d(pi/2) in the real basis: components of sign +m mix among themselves, and those of sign -m."""
    matrix = torch.zeros(2 * degree + 1, 2 * degree + 1, dtype=torch.float64)
    for m in range(degree + 1):
        for n in range(degree + 1):
            matrix[degree + m, degree + n] = _quarter_turn_entry(degree, m, n, +1)
            if m and n:
                matrix[degree - m, degree - n] = _quarter_turn_entry(degree, m, n, -1)
    return matrix


def _quarter_turn_entry(degree: int, m: int, n: int, sign: int) -> float:
    """``(-1)^(m+n) d_mn + sign (-1)^m d_m,-n`` (times 1/sqrt2 for each zero among m, n), rounded once.

    d_mn = d^l_mn(pi/2) is ``sqrt(ratio) * integer / 2^l`` with the integer sums of `_wigner_sum` and a ratio of
    factorials that is the same for n and -n, so both terms are added before the only square root.
    """
    integer = (-1) ** (m + n) * _wigner_sum(degree, m, n) + sign * (-1) ** m * _wigner_sum(degree, m, -n)
    ratio = Fraction(
        math.factorial(degree + m) * math.factorial(degree - m),
        math.factorial(degree + n) * math.factorial(degree - n) * 4**degree * 2 ** ((m == 0) + (n == 0)),
    )
    return math.copysign(math.sqrt(integer**2 * ratio), integer)


def _wigner_sum(degree: int, m: int, n: int) -> int:
    """Sum of Wigner's formula at pi/2 (Varshalovich, Quantum Theory of Angular Momentum, eq. 4.16(2)), in integers."""
    return sum(
        (-1) ** (m - n + s) * math.comb(degree + n, s) * math.comb(degree - n, degree - m - s)
        for s in range(max(0, n - m), min(degree + n, degree - m) + 1)
    )


def _refuse_degree(degree: int) -> None:
    if not 0 <= degree <= MAX_DEGREE:
        raise BandLimitError(f"Expected a degree l from 0 to {MAX_DEGREE}, got l={degree}.")
