"""Is a block that was taken from a turned copy turned back?"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.patch import patch
from equiviz.explain.interventions.steer import steer
from equiviz.explain.interventions.superposed import superposed
from equiviz.models.hcnn import SMALL, example
from equiviz.models.registry import build
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import O3, Permutation, Translation, haar
from tests.explain.interventions.known_network import KnownNetwork
from tests.toy_networks import molecule, toy

TARGET, OTHER = molecule(seed=1), molecule(seed=2)
SHIFT = Translation(torch.tensor([0.3, -2.0, 1.1], dtype=torch.float64))


@pytest.mark.parametrize("g", haar(4, 7), ids=repr)
def test_a_turned_copy_changes_nothing_when_it_is_aligned_and_something_when_it_is_not(g: O3) -> None:
    source = TARGET.transform(g).transform(SHIFT)
    aligned = patch(toy(), source, TARGET, "stage_layers.0")
    assert aligned.superposition.rmsd < 1e-12
    assert all(aligned.change(name) < 1e-10 for name in aligned.before)
    raw = patch(toy(), source, TARGET, "stage_layers.0", align=False)  # the control
    assert all(raw.change(name) > 0.05 for name in raw.before)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), mirrored=st.booleans())
def test_superposition_finds_the_element(seed: int, mirrored: bool) -> None:
    points = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    g = haar(1, seed, "SO(3)")[0]
    g = O3.inversion() @ g if mirrored else g
    moved = points @ g.matrix.T + SHIFT.vector
    found = superposed(points, moved, mirrors=True)
    assert found.rmsd < 1e-12
    assert torch.allclose(found.element.matrix, g.matrix, atol=1e-9)
    proper = superposed(points, moved, mirrors=False)
    assert proper.element.is_proper
    assert (proper.rmsd < 1e-9) != mirrored


def test_a_flat_structure_is_not_mirrored() -> None:
    points = torch.randn(6, 3, dtype=torch.float64) * torch.tensor([1.0, 1.0, 0.0])
    assert superposed(points, points, mirrors=True).element.is_proper


# Primitive face-centred cells: rock salt with both atoms off their places, and one atom of copper.
FCC = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]], dtype=torch.float64)
SALT = Structure(
    torch.tensor([[0.05, -0.08, 0.11], [2.75, 2.91, 2.70]], dtype=torch.float64), torch.tensor([11, 17]), 2.8 * FCC,
    (True, True, True),
)  # fmt: skip
COPPER = Structure(torch.tensor([[0.2, 0.1, 0.0]], dtype=torch.float64), torch.tensor([29]), 1.8 * FCC, SALT.pbc)
CRYSTALS = {"salt": SALT, "copper": COPPER}


@pytest.mark.parametrize("name", CRYSTALS)
def test_a_crystal_lies_upon_itself_as_it_is(name: str) -> None:
    report = patch(toy(), CRYSTALS[name], CRYSTALS[name], "stage_layers.0")
    assert torch.equal(report.superposition.element.matrix, torch.eye(3, dtype=torch.float64))
    assert report.moved < 1e-14
    assert all(report.change(output) < 1e-14 for output in report.before)


@pytest.mark.parametrize("g", haar(4, 11), ids=repr)
@pytest.mark.parametrize("name", CRYSTALS)
def test_a_turned_crystal_is_turned_back_by_its_lattice(name: str, g: O3) -> None:
    target = CRYSTALS[name]
    report = patch(toy(), target.transform(g).transform(SHIFT), target, "stage_layers.0")
    assert torch.allclose(report.superposition.element.matrix, g.inverse().matrix, atol=1e-12)
    assert report.moved < 1e-10
    graphs = [Graph.from_structures(x, toy().config.cutoff, torch.float64) for x in (target.transform(g), target)]
    assert patch(toy(), graphs[0], graphs[1], "stage_layers.0").moved < 1e-10
    raw = patch(toy(), target.transform(g), target, "stage_layers.0", align=False)  # the control
    assert name == "copper" or raw.moved > 0.05  # vectors and tensors of l = 2 are zero in a cubic crystal


def test_what_is_zero_by_symmetry_has_no_share() -> None:
    """Vectors vanish in a crystal with centres of inversion; rounding is no change of them, and no way."""
    still = replace(SALT, positions=torch.tensor([[0.0, 0.0, 0.0], [2.8, 2.8, 2.8]], dtype=torch.float64))
    squeezed = replace(still, cell=2.7 * FCC, positions=still.positions * 2.7 / 2.8)
    report = patch(toy(), squeezed, still, "stage_layers.0")
    assert report.change("vector") == 0
    assert math.isnan(report.way("vector"))
    assert report.change("energy") > 1e-6
    assert "vector: is zero by symmetry or rounding, before and after." in report.describe()
    broken = patch(toy(), SALT, still, "stage_layers.1")  # the control: a source without centres of inversion
    assert broken.change("vector") == math.inf
    assert broken.way("vector") == pytest.approx(1.0)
    assert "vector: was zero by symmetry or rounding, and has an rms of" in broken.describe()
    assert "100% of the way" in broken.describe()
    assert len(str(broken.to_html())) > 1000
    steered = steer(toy(), still, "stage_layers.0", "0e", scale=2.0)
    assert "vector is zero by symmetry or rounding" in steered.describe()


def test_points_alone_do_not_fix_the_rotation_of_a_small_cell() -> None:
    """The control: a turn about the line through both atoms is not seen without the lattice."""
    turn = O3.rotation(SALT.positions[1] - SALT.positions[0], 0.7)
    turned, cell = SALT.transform(turn), SALT.cell
    assert cell is not None
    assert turned.cell is not None
    bare = superposed(turned.positions, SALT.positions, True)
    assert torch.allclose(bare.element.matrix, torch.eye(3, dtype=torch.float64))
    whole = superposed(turned.positions, SALT.positions, True, (turned.cell, cell))
    assert torch.allclose(whole.element.matrix, turn.inverse().matrix, atol=1e-12)


def test_a_period_of_one_structure_alone_is_not_compared() -> None:
    report = patch(toy(), replace(SALT, cell=None, pbc=(False, False, False)), SALT, "stage_layers.0")
    assert torch.equal(report.superposition.element.matrix, torch.eye(3, dtype=torch.float64))


def test_all_of_the_last_stage_brings_the_source_s_own_output() -> None:
    report = patch(toy(), OTHER, TARGET, "stage_layers.1")
    assert all(report.way(name) == pytest.approx(1.0) for name in report.before)
    vectors = patch(toy(), OTHER, TARGET, "stage_layers.1", "1o")
    assert vectors.way("vector") == pytest.approx(1.0)  # the vector is read from 1o alone
    assert vectors.change("tensor") == 0
    both = patch(toy(), OTHER, TARGET, "stage_layers.1", "3x1o + 2e")
    assert both.irreps == ["1o", "2e"]
    assert both.change("energy") == 0


def test_only_some_nodes() -> None:
    report = patch(toy(), OTHER, TARGET, "stage_layers.1", "1o", nodes=[0, 3])
    changed = (report.before["vector"].values != report.after["vector"].values).any(1)
    assert changed.nonzero().flatten().tolist() == [0, 3]
    assert (report.nodes, report.of_nodes) == (2, 9)


def test_inputs_without_positions_are_not_aligned() -> None:
    report = patch(build("hcnn", SMALL), example(6, 0), example(6, 1), "feature_stages.0", "1o")
    assert not report.aligned
    assert "taken as it is, without alignment" in report.describe()


def test_words_frame_and_page() -> None:
    report = patch(KnownNetwork(), TARGET.transform(haar(1, 0)[0]), TARGET, "features")
    assert "source and target agree already" in report.describe()
    assert list(report.to_frame().columns) == ["output", "support", "row", "component", "before", "after", "source"]
    assert len(report.figure().data) == 2
    swapped = replace(OTHER, species=OTHER.species.flip(0) * 0 + 1)
    assert (
        "4 of 9 nodes have partners of another species" in patch(KnownNetwork(), swapped, TARGET, "features").describe()
    )


def test_another_order_of_the_atoms_is_no_copy() -> None:
    """Partners are told by their order: a permuted copy is another structure, and its RMSD says so."""
    report = patch(KnownNetwork(), TARGET.transform(Permutation.random(9, 0)), TARGET, "features")
    assert report.superposition.rmsd > 0.1
    assert report.change("scalar") > 0.01


def test_errors() -> None:
    model = toy()
    for arguments, words in [
        (
            (molecule(atoms=8), TARGET, "stage_layers.0"),
            "one the partner of the other, got 8 and 9",
        ),
        ((OTHER, TARGET, "x"), "There is no stage 'x'; this model passes stage_harmonics, stage_inputs"),
        ((OTHER, TARGET, "stage_harmonics"), "lives on edges, and those of two structures have no partners"),
        ((OTHER, TARGET, "stage_layers.0", "5o"), "There is no '5o' in this stage; it holds 0e, 1o"),
        ((OTHER, TARGET, "stage_layers.0", "1o", [9]), "There is no node 9: they are numbered 0 to 8"),
        (([OTHER, OTHER], TARGET, "stage_layers.0"), "works on one structure at a time, got 2"),
    ]:
        with pytest.raises(InterventionError, match=words):
            patch(model, *arguments)  # type: ignore[arg-type]
