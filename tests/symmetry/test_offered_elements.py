"""Do the kinds of transformation know their own elements, and nobody else's?"""

from __future__ import annotations

import pytest
import torch

from equiviz.symmetry.groups import O3
from equiviz.symmetry.icosahedral_group import IcosahedralRotations
from equiviz.symmetry.transformations import Inversions, Rotations, Transformations, Translations
from equiviz.symmetry.unitary_group import DiagonalPhases, RealRotations, UnitaryMatrices

WIDER: dict[type[Transformations], set[type[Transformations]]] = {
    Rotations: {Rotations},
    Inversions: {Inversions},
    Translations: {Translations},
    IcosahedralRotations: {Rotations, IcosahedralRotations},
    UnitaryMatrices: {UnitaryMatrices},
    RealRotations: {UnitaryMatrices, RealRotations},
    DiagonalPhases: {UnitaryMatrices, DiagonalPhases},
}
"""Of which kinds random elements of a kind are."""
IN_SPACE = (Rotations(), Inversions(), Translations(), IcosahedralRotations())
EVERY = (*IN_SPACE, UnitaryMatrices(3), RealRotations(3), DiagonalPhases(3))


@pytest.mark.parametrize("known", EVERY, ids=lambda known: known.kind)
def test_a_kind_contains_what_it_draws_and_no_other(known: Transformations) -> None:
    for g in known.draw(4, seed=1):
        assert {type(kind) for kind in EVERY if kind.contains(g)} == WIDER[type(known)]


def test_unitary_matrices_of_another_size_are_not_contained() -> None:
    assert not UnitaryMatrices(2).contains(UnitaryMatrices(3).draw(1, 0)[0])


def test_finite_kinds_list_all_their_elements() -> None:
    listed = IcosahedralRotations().elements()
    matrices = torch.stack([g.matrix for g in listed])
    assert len(listed) == 60
    assert torch.equal(matrices[0], torch.eye(3, dtype=torch.float64))
    distances = torch.cdist(matrices.flatten(1), matrices.flatten(1)) + 9 * torch.eye(60, dtype=torch.float64)
    assert float(distances.min()) > 0.5  # none twice
    assert all(not kind.elements() for kind in EVERY if not isinstance(kind, IcosahedralRotations))


def test_an_element_that_came_rounded_is_still_one_of_the_sixty() -> None:
    g = IcosahedralRotations().elements()[23]
    assert IcosahedralRotations().contains(O3.from_matrix(g.matrix.float().double()))
    near = O3.rotation((1.0, 2.0, 3.0), 1e-4) @ g  # the control: a hundredth of a degree away
    assert not IcosahedralRotations().contains(near)
