"""Does the compiled search find the bonds of the general one, and step back where it does not serve?"""

from __future__ import annotations

import pytest
import torch

from equiviz.structures.bonds import _bins, find_bonds
from equiviz.structures.errors import StructureError
from equiviz.structures.neighbours import neighbours
from equiviz.structures.structure import Structure
from tests.descriptors.lattices import fcc, hcp, random_mixture

TRICLINIC = torch.tensor([[6.0, 0.0, 0.0], [1.5, 5.5, 0.0], [-1.0, 2.0, 6.5]], dtype=torch.float64)


@pytest.mark.parametrize("cutoff", [1.0, 1.6])
@pytest.mark.parametrize(
    "structure",
    [
        random_mixture(200, seed=42),
        random_mixture(200, seed=43, cell=TRICLINIC),
        random_mixture(9, seed=44, density=0.05),
    ],
    ids=["cubic", "triclinic", "dilute"],
)
def test_bonds_vs_general_search(structure, cutoff):
    shifted = Structure(
        structure.positions * 1.7 - 3, structure.species, structure.cell, structure.pbc
    )  # outside the cell
    for system in (structure, shifted):
        assert _bins(system, cutoff) is not None  # else this would compare the general search with itself
        vectors, sender, receiver = find_bonds(system, cutoff)
        expected = neighbours(system.positions, cutoff, system.cell, system.pbc)
        assert (receiver[1:] >= receiver[:-1]).all()
        order = torch.argsort(receiver * len(system) + sender, stable=True)
        assert torch.equal(torch.stack([sender, receiver])[:, order], expected.edge_index)
        torch.testing.assert_close(vectors[order], expected.vectors, atol=1e-13, rtol=0)


def test_dense_spot_in_an_empty_box_is_searched_twice():
    cell = torch.eye(3, dtype=torch.float64) * 30
    generator = torch.Generator().manual_seed(1)
    positions = torch.rand(600, 3, generator=generator, dtype=torch.float64)
    crowd = Structure(positions, torch.ones(600, dtype=torch.long), cell, (True, True, True))
    assert _bins(crowd, 3.0) is not None
    assert len(find_bonds(crowd, 3.0)[1]) == 600 * 599


def test_small_cells_take_the_general_search():
    assert _bins(random_mixture(10, seed=45), 1.5) is None
    assert _bins(fcc(), 10.0) is None
    assert len(find_bonds(hcp(), 1.1)[1]) == 12 * len(hcp())


def test_bad_cutoff_is_refused():
    with pytest.raises(StructureError, match="cutoff must be positive and finite"):
        find_bonds(fcc(), float("nan"))
