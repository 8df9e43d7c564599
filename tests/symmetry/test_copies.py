"""Copies of another representation's blocks: do they transform as the blocks do, in any number?"""

from __future__ import annotations

import pytest
import torch

from equiviz.symmetry.copies import CopiesOf
from equiviz.symmetry.errors import RepresentationError
from equiviz.symmetry.generators import Generator
from equiviz.symmetry.groups import GroupElement
from equiviz.symmetry.representations import O3Irreps, Position, Representation
from equiviz.symmetry.sphere_signals import SphereSignals
from equiviz.symmetry.unitary_irreps import UnitaryIrreps

# Each with what it should be, written down directly.
PAIRS: list[tuple[Representation, tuple[tuple[int, str], ...], Representation]] = [
    (O3Irreps("2x0e+3x1o+1x2e"), ((5, "1o"), (1, "0e"), (2, "2e")), O3Irreps("5x1o+1x0e+2x2e")),
    (O3Irreps("4x1o", "ir_mul"), ((2, "1o"),), O3Irreps("2x1o")),
    (UnitaryIrreps("2xV(3)+1xA(3)+1x1(3)"), ((3, "V(3)"), (2, "1(3)")), UnitaryIrreps("3xV(3)+2x1(3)")),
    (SphereSignals(1, 2, "regular"), ((5, "regular"),), SphereSignals(1, 5, "regular")),
]


def elements(rep: Representation) -> list[GroupElement]:
    return [g for kind in rep.transformed_by() for g in kind.draw(2, 0)]


def generators(rep: Representation) -> list[Generator]:
    return [x for kind in rep.transformed_by() if rep.smooth for x in kind.generators().values()]


@pytest.mark.parametrize(("whole", "terms", "direct"), PAIRS, ids=str)
def test_copies_are_what_they_would_be_by_themselves(
    whole: Representation, terms: tuple[tuple[int, str], ...], direct: Representation
) -> None:
    copies = CopiesOf(whole, terms)
    dtype = torch.complex128 if whole.is_complex else torch.float64
    values = torch.randn(2, 3, direct.dim, dtype=dtype, generator=torch.Generator().manual_seed(0))
    assert copies.dim == direct.dim
    assert [(b.label, b.multiplicity, b.size, b.invariant) for b in copies.blocks] == [
        (b.label, b.multiplicity, b.size, b.invariant) for b in direct.blocks
    ]
    for g in elements(whole):
        torch.testing.assert_close(copies.transform(g, values), direct.transform(g, values), rtol=0, atol=1e-12)
        torch.testing.assert_close(copies.matrix(g), direct.matrix(g), rtol=0, atol=1e-12)
    for x in generators(whole):
        torch.testing.assert_close(copies.generator(x), direct.generator(x), rtol=0, atol=1e-12)


def test_other_copies_are_another_representation() -> None:
    """The control: V* for V is seen."""
    whole = UnitaryIrreps("1xV(3)+1xV*(3)")
    g = elements(whole)[0]
    first, second = (CopiesOf(whole, ((2, label),)).matrix(g) for label in ("V(3)", "V*(3)"))
    assert (first - second).abs().max() > 0.1


@pytest.mark.parametrize("terms", [((1, "2e"),), ((-1, "1o"),)])
def test_blocks_that_are_not_there_are_refused(terms: tuple[tuple[int, str], ...]) -> None:
    with pytest.raises(RepresentationError, match=r"Expected 0 or more copies of blocks out of \['1o'\] of 2x1o"):
        CopiesOf(O3Irreps("2x1o"), terms)


def test_positions_are_refused() -> None:
    with pytest.raises(RepresentationError, match="of position, got"):
        CopiesOf(Position(), ((2, "1o"),))
