"""Does the quench find the minimum below, without LAMMPS, and do the things measured there keep their promises?"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.basin import measured
from equiviz.datasets.glass.cage import CageRuns, explore_cage
from equiviz.datasets.glass.inherent_structure import Quench, inherent_positions, quench, with_inherent_displacement
from equiviz.datasets.glass.kob_andersen import kob_andersen, liquid_of, local_mechanics
from equiviz.datasets.glass.surroundings import Surroundings, emphasis, surroundings
from equiviz.structures.neighbours import neighbours
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import O3

COUNT = 216


def liquid(seed: int = 0, jitter: float = 0.08) -> Structure:
    """A shaken lattice of 216 particles at density 1.2, every fifth a B."""
    generator = torch.Generator().manual_seed(seed)
    edge = (COUNT / 1.2) ** (1 / 3)
    axis = (torch.arange(6, dtype=torch.float64) + 0.5) * edge / 6
    points = torch.cartesian_prod(axis, axis, axis)
    points = points + jitter * torch.randn(COUNT, 3, generator=generator, dtype=torch.float64)
    species = 1 + (torch.randperm(COUNT, generator=generator) % 5 == 0).long()
    cell = edge * torch.eye(3, dtype=torch.float64)
    return Structure(points, species, cell=cell, pbc=(True,) * 3, length_unit="sigma", name="shaken")


def energy(positions: torch.Tensor, structure: Structure) -> torch.Tensor:
    """The potential energy written plainly, from a neighbour list of the structures module; differentiable."""
    potential = kob_andersen()
    found = neighbours(positions, 2.5, structure.cell, True)
    j, i = found.edge_index
    kinds = (structure.species - 1).numpy()
    epsilon, sigma, cutoff = (
        torch.from_numpy(table[kinds[i.numpy()], kinds[j.numpy()]])
        for table in (potential.epsilon, potential.sigma, potential.cutoff)
    )
    r = found.vectors.norm(dim=1)

    def lennard_jones(distance: torch.Tensor) -> torch.Tensor:
        return 4 * epsilon * ((sigma / distance) ** 12 - (sigma / distance) ** 6)

    return 0.5 * torch.where(r < cutoff, lennard_jones(r) - lennard_jones(cutoff), 0.0).sum()


def test_forces_vanish_at_the_inherent_structure_and_the_energy_is_lower():
    structure = liquid()
    inherent = quench(structure)
    points = inherent.positions.clone().requires_grad_()
    at_rest = energy(points, structure)
    (gradient,) = torch.autograd.grad(at_rest, points)
    # The minimiser stops below 1e-5; the plain sum adds rounding only.
    assert gradient.abs().max() < 2e-5
    assert at_rest < energy(structure.positions, structure) - 1.0


def test_quenching_twice_moves_nothing_and_positions_stay_continuous():
    once = quench(liquid(jitter=0.02))
    assert torch.allclose(quench(once).positions, once.positions, atol=1e-5)
    far = liquid(jitter=0.02)
    shifted = Structure(far.positions + 2 * far.cell[0], far.species, cell=far.cell, pbc=far.pbc, length_unit="sigma")
    assert torch.allclose(quench(shifted).positions - 2 * far.cell[0], once.positions, atol=1e-4)


def test_attached_displacements_are_used_and_not_recomputed():
    structure = with_inherent_displacement(liquid())
    moved = inherent_positions(structure)
    assert torch.equal(moved, structure.positions + structure.node["inherent_displacement"].values)
    assert with_inherent_displacement(structure) is structure


def test_energies_of_particles_add_up_to_the_energy_of_all():
    structure = liquid()
    mechanics = local_mechanics(liquid_of(structure), kob_andersen())
    assert mechanics[:, 2].sum() == pytest.approx(float(energy(structure.positions, structure)), rel=1e-12)
    assert mechanics[:, :2].sum() == pytest.approx(mechanics[:, 2].sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cell": None, "pbc": (False,) * 3}, "expected a cell that is periodic"),
        ({"species": torch.full((COUNT,), 18)}, "expected species 1 (A) and 2 (B)"),
    ],
)
def test_what_is_no_such_liquid_is_refused(change, said):
    with pytest.raises(DatasetError) as caught:
        quench(replace(liquid(), **change))
    assert said in str(caught.value)


@pytest.mark.parametrize("family", ["glassy", "ridge", "bapst"])
def test_models_lead_with_what_they_read(family):
    from equiviz.models.registry import build

    ethanol = replace(liquid(), species=6 + torch.arange(COUNT) % 3, species_names=None, name="ethanol")
    words = (
        rf"^{family} reads Kob-Andersen A/B liquids only. ethanol: expected species 1 \(A\).*got C, N, O. .*--species"
    )
    with pytest.raises(DatasetError, match=words):
        build(family).measure(ethanol)


def test_a_skew_box_is_refused_and_its_angle_told():
    cell = liquid().cell.clone()
    cell[0, 1] = 1e-6 * cell[0, 0]
    with pytest.raises(DatasetError, match=r"whose edges miss right angles by 1.0e-06; no triclinic box is known here"):
        quench(replace(liquid(), cell=cell))


def test_a_turned_box_in_single_precision_is_rectangular():
    turned = liquid().transform(O3.rotation([1, 2, 3], 0.7))
    single = replace(turned, positions=turned.positions.float(), cell=turned.cell.float())
    assert liquid_of(single).box == pytest.approx(torch.diag(liquid().cell).numpy(), rel=1e-6)


# A rotation, a rotary reflection, the inversion (all edges point backwards), and a swap of two axes.
TURNS = {
    "turned": O3.rotation([1, 2, 3], 0.7),
    "turned and mirrored": O3.inversion() @ O3.rotation([2, -1, 1], 2.1),
    "inverted": O3.inversion(),
    "axes swapped": O3.from_matrix(torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=torch.float64)),
}


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_what_is_measured_turns_with_the_glass(turn):
    structure = liquid()
    turned = structure.transform(turn)
    before, after = measured(structure), measured(turned)
    moved = before.node["inherent_displacement"].transform(turn).values
    # The same descent in the frame of the box, but for rounding that FIRE's some hundred steps amplify; a wrong frame
    # would be off by the displacements themselves, 0.1 sigma.
    torch.testing.assert_close(after.node["inherent_displacement"].values, moved, rtol=0, atol=1e-8)
    energies = [known.node["inherent_energy"].values for known in (before, after)]
    torch.testing.assert_close(energies[1], energies[0], rtol=0, atol=1e-7)
    features = [known.node["surroundings"].values.double() for known in (before, after)]
    # float32, after differences of sums.
    assert (features[1] - features[0]).abs().max() < 1e-4 * features[0].abs().max()


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_a_cage_turns_with_the_glass(turn):
    structure, settings = quench(liquid()), CageRuns(0.1, runs=2, steps=100)
    before, after = explore_cage(structure, settings), explore_cage(structure.transform(turn), settings)
    # Fresh velocities are drawn in the frame of the box, so they turn along; 100 steps amplify rounding (1e-15) by a
    # few orders, while centres are 0.01 sigma.
    torch.testing.assert_close(after.centre, before.centre @ turn.matrix.T, rtol=0, atol=1e-10)
    torch.testing.assert_close(after.spread, before.spread, rtol=0, atol=1e-10)


def test_a_box_along_the_axes_is_taken_to_the_last_bit():
    structure = liquid()
    taken = liquid_of(structure)
    assert torch.equal(torch.from_numpy(taken.positions), structure.positions)
    assert torch.equal(torch.from_numpy(taken.box), torch.diag(structure.cell))


def test_giving_up_says_so():
    with pytest.raises(DatasetError, match="after 3 steps of FIRE the largest force is still"):
        quench(liquid(), Quench(most_steps=3))


def test_surroundings_have_the_announced_size_and_no_mean():
    settings = Surroundings(rounds=(1, 2))
    values = surroundings(with_inherent_displacement(liquid()), settings)
    assert values.shape == (COUNT, settings.size)
    assert emphasis(settings).shape == (settings.size,)
    species = liquid().species
    for kind in (1, 2):
        own = values[species == kind].double()
        # float32 sums of features up to 1e4.
        assert own.mean(0).abs().max() < 1e-4 * own.abs().max()


def test_surroundings_know_nothing_of_axes_and_origin():
    structure = with_inherent_displacement(liquid())
    turn = O3.from_matrix(torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]], dtype=torch.float64))
    turned = structure.transform(turn)
    turned = Structure(
        turned.positions + 0.37, structure.species, structure.cell, (True,) * 3, dict(turned.node), length_unit="sigma"
    )
    before, after = surroundings(structure).double(), surroundings(turned).double()
    # float32, after differences of sums; a feature that saw an axis would be off by its own size.
    assert (before - after).abs().max() < 1e-4 * before.abs().max()


def test_a_cage_is_small_and_reproducible_and_refuses_no_temperature():
    structure = quench(liquid())
    settings = CageRuns(0.1, runs=2, steps=200)
    first, again = explore_cage(structure, settings), explore_cage(structure, settings)
    assert torch.equal(first.centre, again.centre)
    rms = float(first.spread[:, 0].mean().sqrt())
    assert 0.005 < rms < 0.3  # a solid at T = 0.1 rattles by a few hundredths of sigma
    with pytest.raises(DatasetError, match="expected a temperature above zero"):
        explore_cage(structure, CageRuns(0.0))
