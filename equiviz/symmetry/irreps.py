"""Irreducible representations of O(3), and sums of them, in e3nn's notation: ``"8x0e+4x1o"``.

Read without e3nn, so that importing the kernel costs nothing; `Irreps.to_e3nn` and `Irreps.from_e3nn` cross the border.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, overload

from equiviz.symmetry.errors import IrrepsError

if TYPE_CHECKING:
    from e3nn import o3

MAX_DEGREE = 64
"""Largest degree l that the kernel accepts; the accuracies it promises are tested up to 12."""
MAX_DIM = 1_000_000
"""Largest dimension of a sum of irreps; more is taken for a typing error, before it costs memory."""

_SIGN = {"e": 1, "o": -1}
_LETTER = {1: "e", -1: "o"}
_TERM = re.compile(r"(?:(?P<mul>\d{1,9})\s*x\s*)?(?P<l>\d{1,9})(?P<p>[eo])")
_EXPECTED = "expected terms such as '8x0e' or '1o' (multiplicity x degree, then e for even or o for odd), joined by '+'"


@dataclass(frozen=True, order=True)
class Irrep:
    """One irreducible representation of O(3).

    Attributes:
        l: degree, 0 to 64; dimension ``2l + 1``.
        p: parity under inversion, ``1`` (even, "e") or ``-1`` (odd, "o").

    Raises:
        IrrepsError: if the degree or the parity is out of range.
    """

    l: int  # noqa: E741 - the field's own name for it
    p: int

    def __post_init__(self) -> None:
        if not 0 <= self.l <= MAX_DEGREE:
            raise IrrepsError(f"Expected a degree l from 0 to {MAX_DEGREE}, got l={self.l}.")
        if self.p not in _LETTER:
            raise IrrepsError(f"Expected parity p=1 (even) or p=-1 (odd), got p={self.p}.")

    @classmethod
    def parse(cls, text: str) -> Irrep:
        """Read ``"1o"``. Raises `IrrepsError` for anything else."""
        match = _TERM.fullmatch(text.strip())
        if match is None or match["mul"] is not None:
            raise IrrepsError(f"Expected one irrep such as '0e' or '1o', got {text!r}.")
        return cls(int(match["l"]), _SIGN[match["p"]])

    @property
    def dim(self) -> int:
        """Dimension ``2l + 1``."""
        return 2 * self.l + 1

    def __str__(self) -> str:
        return f"{self.l}{_LETTER[self.p]}"


@dataclass(frozen=True, init=False)
class Irreps:
    """An ordered direct sum of irreps, written ``"8x0e+4x1o"``.

    Args:
        source: the text, other `Irreps`, or pairs ``(multiplicity, irrep)`` where the irrep is an `Irrep` or its text.
            The empty text is the space of dimension 0.

    Iteration yields the pairs ``(multiplicity, Irrep)``. Order is kept, equal neighbours are not merged.

    Raises:
        IrrepsError: if the text cannot be read, a degree is above 64, or the dimension is above one million.
    """

    terms: tuple[tuple[int, Irrep], ...]

    def __init__(self, source: str | Irreps | Iterable[tuple[int, Irrep | str]]) -> None:
        terms = _parse(source) if isinstance(source, str) else tuple(_as_term(mul, ir) for mul, ir in source)
        dim = sum(mul * ir.dim for mul, ir in terms)
        if dim > MAX_DIM:
            raise IrrepsError(f"Expected irreps of dimension {MAX_DIM} at most, got {dim}. Is a multiplicity mistyped?")
        object.__setattr__(self, "terms", terms)

    @classmethod
    def spherical(cls, lmax: int, mul: int = 1) -> Irreps:
        """The irreps of functions on the sphere up to `lmax`: ``"0e+1o+2e+..."``, each `mul` times."""
        return cls((mul, Irrep(degree, (-1) ** degree)) for degree in range(lmax + 1))

    @property
    def dim(self) -> int:
        """Number of components."""
        return sum(mul * ir.dim for mul, ir in self.terms)

    @property
    def num_irreps(self) -> int:
        """Number of irreps, counted with multiplicity."""
        return sum(mul for mul, _ in self.terms)

    @property
    def lmax(self) -> int:
        """Largest degree; -1 for the empty sum."""
        return max((ir.l for _, ir in self.terms), default=-1)

    def slices(self) -> list[slice]:
        """Where each term lies in the last axis."""
        starts, start = [], 0
        for mul, ir in self.terms:
            starts.append(slice(start, start := start + mul * ir.dim))
        return starts

    def __iter__(self) -> Iterator[tuple[int, Irrep]]:
        return iter(self.terms)

    def __len__(self) -> int:
        return len(self.terms)

    @overload
    def __getitem__(self, index: int) -> tuple[int, Irrep]: ...
    @overload
    def __getitem__(self, index: slice) -> Irreps: ...
    def __getitem__(self, index: int | slice) -> tuple[int, Irrep] | Irreps:
        return Irreps(self.terms[index]) if isinstance(index, slice) else self.terms[index]

    def __add__(self, other: Irreps) -> Irreps:
        return Irreps(self.terms + other.terms)

    def __str__(self) -> str:
        return "+".join(f"{mul}x{ir}" for mul, ir in self.terms)

    def __repr__(self) -> str:
        return f"Irreps({str(self)!r})"

    @classmethod
    def from_e3nn(cls, irreps: o3.Irreps) -> Irreps:
        """The same irreps, from an `e3nn.o3.Irreps`."""
        return cls(str(irreps))

    def to_e3nn(self) -> o3.Irreps:
        """The same irreps as an `e3nn.o3.Irreps`."""
        from e3nn import o3

        return cast("o3.Irreps", o3.Irreps(str(self)))


def _parse(text: str) -> tuple[tuple[int, Irrep], ...]:
    if not text.strip():
        return ()
    return tuple(_parse_term(part.strip(), text) for part in text.split("+"))


def _parse_term(part: str, text: str) -> tuple[int, Irrep]:
    match = _TERM.fullmatch(part)
    if match is None:
        raise IrrepsError(f"Cannot read {_shortened(part)} in irreps {_shortened(text)}: {_EXPECTED}.")
    return int(match["mul"] or 1), Irrep(int(match["l"]), _SIGN[match["p"]])


def _as_term(mul: int, ir: Irrep | str) -> tuple[int, Irrep]:
    if mul < 0:
        raise IrrepsError(f"Expected a multiplicity of 0 or more, got {mul} for irrep {ir}.")
    return int(mul), Irrep.parse(ir) if isinstance(ir, str) else ir


def _shortened(text: str, limit: int = 80) -> str:
    return repr(text if len(text) <= limit else text[:limit] + "...")
