r"""Representations of U(n): vectors, their conjugates, Hermitian traceless matrices, and invariants.

====================  ===========================  =================================================================
text                  an element U acts on it by   what carries it
====================  ===========================  =================================================================
``"4xV(3)"``          z -> U z                     phase-space vectors z = q + ip, amplitudes; complex
``"2xV*(3)"``         z -> conj(U) z               their conjugates q - ip; complex
``"1xA(3)"``          H -> U H U^dagger            the traceless part of a Hermitian matrix (a field, a density
                                                   matrix), n^2 - 1 real numbers in the basis of `hermitian_basis`
``"3x1(3)"``          a -> a                       norms, inner products, traces
====================  ===========================  =================================================================

V is the fundamental representation, V* its conjugate, A the adjoint. Values of a sum that holds V or V* are complex.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from equiviz.symmetry.errors import RepresentationError
from equiviz.symmetry.generators import Generator
from equiviz.symmetry.groups import GroupElement
from equiviz.symmetry.points import PointValues
from equiviz.symmetry.representations import Block, O3Irreps, Representation, apply_matrix
from equiviz.symmetry.transformations import Transformations
from equiviz.symmetry.unitary_group import LARGEST_N, Unitary, UnitaryGenerator, unitary_transformations

Kind: TypeAlias = Literal["V", "V*", "A", "1"]
_TERM = re.compile(r"(?:(\d{1,6})x)?(V\*|V|A|1)\((\d{1,3})\)")
MAX_DIM = 1_000_000


class UnitaryTerm(NamedTuple):
    """Some copies of one irrep of U(n)."""

    multiplicity: int
    kind: Kind
    n: int

    @property
    def label(self) -> str:
        """For example ``"V(3)"``."""
        return f"{self.kind}({self.n})"

    @property
    def size(self) -> int:
        """Components of one copy."""
        return {"V": self.n, "V*": self.n, "A": self.n**2 - 1, "1": 1}[self.kind]


@dataclass(frozen=True, init=False)
class UnitaryIrreps(Representation):
    """A direct sum of irreps of U(n), copy after copy: ``[mul, size]`` within a term.

    An element of another U(n) than a term's leaves it alone.

    Args:
        terms: ``"4xV(3)+2xA(3)"``, or terms.

    Raises:
        RepresentationError: a text that cannot be read, or an n or a dimension out of range.
    """

    terms: tuple[UnitaryTerm, ...]

    def __init__(self, terms: str | Iterable[UnitaryTerm]) -> None:
        found = _parsed(terms) if isinstance(terms, str) else tuple(terms)
        if any(term.multiplicity < 0 or not 1 <= term.n <= LARGEST_N for term in found):
            raise RepresentationError(f"Expected 0 or more copies, and an n from 1 to {LARGEST_N}, got {terms!r}.")
        if sum(term.multiplicity * term.size for term in found) > MAX_DIM:
            raise RepresentationError(f"Expected at most {MAX_DIM} components, got more: {terms!r}.")
        object.__setattr__(self, "terms", found)

    @property
    def dim(self) -> int:
        """Sum over the terms."""
        return sum(term.multiplicity * term.size for term in self.terms)

    @property
    def is_complex(self) -> bool:
        """Whether there are vectors or their conjugates."""
        return any(term.kind in ("V", "V*") for term in self.terms)

    def transformed_by(self) -> tuple[Transformations, ...]:
        """Unitary matrices of each n that occurs, and their subgroups."""
        sizes = dict.fromkeys(term.n for term in self.terms)
        return tuple(kind for n in sizes for kind in unitary_transformations(n))

    def _blocks(self) -> tuple[Block, ...]:
        blocks, start = list[Block](), 0
        for term in self.terms:
            places = torch.arange(start, start + term.multiplicity * term.size)
            indices = places.reshape(term.multiplicity, term.size)
            blocks.append(Block(term.label, term.multiplicity, term.size, indices, invariant=term.kind == "1"))
            start += len(places)
        return tuple(blocks)

    def matrix(self, g: GroupElement) -> Tensor:
        """The block-diagonal matrix."""
        return self._block_diagonal([element_matrix(term, g) for term in self.terms])

    def on_points(self, values: Tensor) -> PointValues | None:
        """Vectors z = q + ip of one row ``[dim]`` at their q, each with its p as a vector "1x1o" of the same unit.

        Of vectors of C^2 the third coordinate is zero; conjugates are drawn as what they are the conjugates of. None
        where there are no vectors of C^2 or C^3.
        """
        self.check(values)
        found = [
            (block.take(values.detach().cpu()), -1 if term.kind == "V*" else 1)
            for term, block in zip(self.terms, self.blocks, strict=True)
            if term.kind in ("V", "V*") and term.n in (2, 3)
        ]
        if not any(len(vectors) for vectors, _ in found):
            return None
        q = torch.cat([_in_space(vectors.real) for vectors, _ in found])  # [P, 3]
        p = torch.cat([sign * _in_space(vectors.imag) for vectors, sign in found])
        return PointValues(q, p, O3Irreps("1x1o"), {"1o": "momentum"}, "vector", "unit of q")

    def generator(self, x: Generator) -> Tensor:
        """The block-diagonal generator; zero for generators of other groups."""
        return self._block_diagonal([generator_matrix(term, x) for term in self.terms])

    def tangent(self, x: Generator, values: Tensor) -> Tensor:
        """See `Representation.tangent`; term by term, as `transform`."""
        self.check(values)
        return self._termwise([generator_matrix(term, x) for term in self.terms], values)

    def _apply(self, g: GroupElement, values: Tensor) -> Tensor:
        return self._termwise([element_matrix(t, g) for t in self.terms], values) if self._knows(g) else values

    def _knows(self, g: GroupElement) -> bool:
        return isinstance(g, Unitary) and any(term.n == g.n for term in self.terms)

    def _termwise(self, matrices: list[Tensor], values: Tensor) -> Tensor:
        parts = [
            apply_matrix(matrix, block.take(values)).flatten(-2)
            for matrix, block in zip(matrices, self.blocks, strict=True)
        ]
        return torch.cat(parts, dim=-1) if parts else values

    def _block_diagonal(self, matrices: list[Tensor]) -> Tensor:
        dtype = torch.complex128 if self.is_complex else torch.float64
        copies = [m.to(dtype) for t, m in zip(self.terms, matrices, strict=True) for _ in range(t.multiplicity)]
        return torch.block_diag(*copies) if copies else torch.zeros(0, 0, dtype=dtype)

    def check(self, values: Tensor) -> None:
        """Raise `RepresentationError` unless `values` is ``[..., dim]``, and complex where there are vectors."""
        super().check(values)
        if self.is_complex and not values.is_complex():
            raise RepresentationError(
                f"Expected complex values for {self}, got dtype {values.dtype}; torch.complex(q, p) makes them."
            )

    def __str__(self) -> str:
        return "+".join(f"{term.multiplicity}x{term.label}" for term in self.terms)

    def __repr__(self) -> str:
        return f"UnitaryIrreps({str(self)!r})"


def hermitian_basis(n: int) -> Tensor:
    """An orthonormal basis of the traceless Hermitian matrices, tr(T_a T_b) = delta_ab: ``[n^2 - 1, n, n]`` complex128.

    First ``(E_ab + E_ba) / sqrt 2`` and ``-i (E_ab - E_ba) / sqrt 2`` for a < b, then the diagonal ones: the matrices
    of Gell-Mann (n = 3; Pauli for n = 2) up to order and a factor 1 / sqrt 2.
    """
    basis = torch.zeros(n**2 - 1, n, n, dtype=torch.complex128)
    row = 0
    for a, b in combinations(range(n), 2):
        basis[row, a, b] = basis[row, b, a] = 0.5**0.5
        basis[row + 1, a, b], basis[row + 1, b, a] = -1j * 0.5**0.5, 1j * 0.5**0.5
        row += 2
    for k in range(1, n):
        diagonal = torch.tensor([1.0] * k + [-float(k)], dtype=torch.float64) / (k * (k + 1)) ** 0.5
        basis[row, range(k + 1), range(k + 1)] = diagonal.to(torch.complex128)
        row += 1
    return basis


def adjoint_coefficients(matrices: Tensor) -> Tensor:
    """Hermitian matrices ``[..., n, n]`` -> their A(n) part, ``[..., n^2 - 1]`` real; the trace is left out."""
    basis = hermitian_basis(matrices.shape[-1]).to(matrices.device, matrices.dtype)
    return torch.einsum("aij,...ji->...a", basis, matrices).real


def hermitian_matrices(coefficients: Tensor, n: int) -> Tensor:
    """The inverse: A(n) values ``[..., n^2 - 1]`` -> traceless Hermitian matrices ``[..., n, n]``."""
    wanted = torch.promote_types(coefficients.dtype, torch.complex64)
    return torch.einsum("...a,aij->...ij", coefficients.to(wanted), hermitian_basis(n).to(coefficients.device, wanted))


def element_matrix(term: UnitaryTerm, g: GroupElement) -> Tensor:
    """The matrix of one copy, ``[size, size]``."""
    if not isinstance(g, Unitary) or g.n != term.n or term.kind == "1":
        return torch.eye(term.size, dtype=torch.float64)
    if term.kind == "A":
        return adjoint_coefficients(g.matrix @ hermitian_basis(term.n) @ g.matrix.mH).T
    return g.matrix if term.kind == "V" else g.matrix.conj()


def generator_matrix(term: UnitaryTerm, x: Generator) -> Tensor:
    """The generator of one copy, ``[size, size]``."""
    if not isinstance(x, UnitaryGenerator) or x.n != term.n or term.kind == "1":
        return torch.zeros(term.size, term.size, dtype=torch.float64)
    if term.kind == "A":
        basis = hermitian_basis(term.n)
        return adjoint_coefficients(x.matrix @ basis - basis @ x.matrix).T
    return x.matrix if term.kind == "V" else x.matrix.conj()


def _in_space(components: Tensor) -> Tensor:
    """``[P, 2 or 3]`` as ``[P, 3]`` float64."""
    return torch.nn.functional.pad(components.double(), (0, 3 - components.shape[1]))


def reads_unitary(text: str) -> bool:
    """Whether a text is meant as irreps of U(n): each of its terms ends in a number in brackets."""
    return bool(text.strip()) and all(part.strip().endswith(")") and "(" in part for part in text.split("+"))


def _parsed(text: str) -> tuple[UnitaryTerm, ...]:
    terms: list[UnitaryTerm] = []
    for part in (part.strip() for part in text.split("+")) if text.strip() else ():
        found = _TERM.fullmatch(part)
        if found is None:
            raise RepresentationError(
                f"Expected irreps of U(n) such as '4xV(3)+2xV*(3)+1xA(3)+3x1(3)', got {part!r} in {text[:80]!r}: V is "
                "a vector, V* its conjugate, A a traceless Hermitian matrix, 1 an invariant; n stands in brackets."
            )
        copies, kind, n = found.groups()
        terms.append(UnitaryTerm(int(copies or 1), kind, int(n)))  # type: ignore[arg-type]  # the pattern knows only these
    return tuple(terms)
