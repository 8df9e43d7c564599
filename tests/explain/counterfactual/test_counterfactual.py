"""Is the smallest displacement the exact one where it is known, and does the report say when there is none?"""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from equiviz.explain.counterfactual.counterfactual import counterfactual
from equiviz.explain.errors import CounterfactualError, ProbeError
from equiviz.explain.pair_distances import shortest_distance
from equiviz.explain.rigid_motions import rigid_basis
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar
from tests.explain.blind_spots.known import Known, cloud
from tests.toy_networks import molecule, toy

POINTS = 6


def _pair_distance(graph: Graph) -> Tensor:
    return (graph.positions[1] - graph.positions[0]).norm().reshape(1, 1)


def _linear(weights: Tensor, graph: Graph) -> Tensor:
    return (graph.positions * weights).sum().reshape(1, 1)


DISTANCE = Known(_pair_distance, "1x0e", "graph")


@pytest.mark.parametrize("change", [0.2, -0.1])
def test_one_distance_changes_by_two_equal_steps(change: float) -> None:
    structure = cloud(POINTS)
    report = counterfactual(DISTANCE, structure, change, descriptors=())
    bond = structure.positions[1] - structure.positions[0]
    step = 0.5 * change * bond / bond.norm()
    exact = torch.zeros(POINTS, 3, dtype=torch.float64)
    exact[0], exact[1] = -step, step
    assert report.converged
    torch.testing.assert_close(report.displacement.values, exact, atol=1e-6, rtol=1e-5)
    assert report.norm == pytest.approx(abs(change) / math.sqrt(2), rel=1e-6)
    assert report.solution.change == pytest.approx(change, rel=1e-6)


def test_a_linear_function_has_an_exact_answer() -> None:
    structure = cloud(POINTS)
    rigid = rigid_basis(structure)
    weights = torch.randn(3 * POINTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weights = (weights - rigid.T @ (rigid @ weights)).reshape(POINTS, 3)
    report = counterfactual(Known(functools.partial(_linear, weights), "1x0e", "graph"), structure, 0.3, descriptors=())
    assert report.converged
    torch.testing.assert_close(report.displacement.values, 0.3 * weights / weights.square().sum(), atol=1e-9, rtol=1e-6)


def test_motions_of_the_whole_are_not_used() -> None:
    """A component along x of one point's position would change by moving everything; that is no explanation."""
    weights = torch.zeros(POINTS, 3, dtype=torch.float64)
    weights[0, 0] = 1.0
    structure = cloud(POINTS)
    report = counterfactual(Known(functools.partial(_linear, weights), "1x0e", "graph"), structure, 0.1, descriptors=())
    assert report.converged
    assert float((rigid_basis(structure) @ report.displacement.values.flatten()).abs().max()) < 1e-9


def test_the_turned_structure_has_the_turned_answer() -> None:
    model, structure, g = toy(lmax=2, layers=1), molecule(7, length=1.6), haar(1, 5, "O(3)")[0]
    one, other = (counterfactual(model, s, 2e-4, "energy", descriptors=()) for s in (structure, structure.transform(g)))
    assert one.converged
    torch.testing.assert_close(one.displacement.transform(g).values, other.displacement.values, atol=1e-6, rtol=1e-3)


def test_control_random_displacements_do_far_less() -> None:
    report = counterfactual(DISTANCE, cloud(12, least=0.5), 0.1, descriptors=())
    typical = float(report.random_changes.square().mean().sqrt())
    assert abs(report.solution.change) > 3 * typical
    assert "random displacements of the same norm change it by" in report.describe()


def test_the_answer_is_shorter_than_others_that_do_the_same() -> None:
    model, structure = toy(lmax=2, layers=1), molecule(7, length=1.6)
    report = counterfactual(model, structure, 2e-4, "energy", descriptors=())
    assert abs(report.solution.change) > 1.2 * float(report.random_changes.abs().max())


def test_nothing_changes_a_constant() -> None:
    constant = Known(lambda graph: torch.full((1, 1), 2.5, dtype=torch.float64), "1x0e", "graph")
    report = counterfactual(constant, cloud(POINTS), 0.1)
    assert not report.converged
    assert report.norm == 0
    assert "Nothing changes read here: it has no slope in the positions of the atoms (2.5)" in report.describe()
    assert report.random_changes.abs().max() == 0


def test_where_the_slope_vanishes_by_symmetry_it_looks_beside() -> None:
    square = torch.tensor([[1.0, 0, 0], [-1.0, 0, 0], [0, 1.0, 0], [0, -1.0, 0]], dtype=torch.float64)
    plane = Known(
        lambda g: (g.positions[:, 2] - g.positions[:, 2].mean()).square().sum().reshape(1, 1), "1x0e", "graph"
    )
    report = counterfactual(plane, Structure(square, torch.ones(4).long()), 0.1, descriptors=())
    assert report.solution.reached
    assert report.norm == pytest.approx(math.sqrt(0.1), rel=0.01)


def test_atoms_do_not_overlap_on_the_way() -> None:
    structure = Structure(
        torch.tensor([[0.0, 0, 0], [1.0, 0, 0], [0.5, 0.9, 0.0], [0.4, 0.1, 2.0]], dtype=torch.float64),
        torch.ones(4).long(),
    )
    free = counterfactual(DISTANCE, structure, -0.3, min_distance=0.5, descriptors=())
    bound = counterfactual(DISTANCE, structure, -0.3, min_distance=0.85, descriptors=())
    assert free.converged
    assert not bound.solution.reached
    assert shortest_distance(bound.moved) >= 0.85 * (1 - 1e-5)
    assert "did not converge (the change was not reached)" in bound.describe()


def test_other_atoms_make_way() -> None:
    """Atoms 0 and 1 are to part, and 2 stands close behind 1: it must move along, and the three share the work."""
    line = torch.tensor([[0.0, 0, 0], [1.5, 0, 0], [2.5, 0, 0], [0.0, 3.0, 1.0]], dtype=torch.float64)
    report = counterfactual(
        DISTANCE, Structure(line, torch.ones(4).long()), 0.4, min_distance=0.98, max_displacement=1.0, descriptors=()
    )
    assert report.converged
    assert shortest_distance(report.moved) == pytest.approx(0.98, rel=2e-3)
    assert float(report.displacement.values[2].norm()) > 0.05
    assert report.norm > 0.4 / math.sqrt(2)


def test_no_atom_moves_farther_than_allowed() -> None:
    report = counterfactual(DISTANCE, cloud(POINTS), 0.5, max_displacement=0.1, descriptors=())
    assert float(report.displacement.values.norm(dim=1).max()) <= 0.1 * (1 + 1e-5)
    assert not report.solution.reached
    assert report.solution.change == pytest.approx(0.2, rel=0.01)


def test_outputs_of_nodes_and_vectors() -> None:
    model, structure = toy(lmax=1, layers=1), molecule(6, length=1.6)
    report = counterfactual(model, structure, 1e-4, "vector", at=2, component="norm", descriptors=())
    assert report.output == "norm of vector at node 2"
    assert report.solution.reached
    usual = counterfactual(model, structure, 1e-4, "vector", at=2, descriptors=())
    torch.testing.assert_close(usual.displacement.values, report.displacement.values, rtol=1e-9, atol=1e-12)
    turning = counterfactual(model, structure, 1e-4, "vector", at=2, component=1, descriptors=())
    assert "depends on the frame of the coordinates" in turning.describe()


def test_periodic_structures_keep_their_cell() -> None:
    structure = molecule(5, cell=True, length=4.0)
    report = counterfactual(toy(lmax=1, layers=1), structure, 1e-4, "energy", descriptors=())
    assert report.solution.reached
    assert float(report.displacement.values.sum(0).abs().max()) < 1e-9


def test_where_only_the_whole_can_move_the_question_is_refused() -> None:
    cell = 2.0 * torch.eye(3, dtype=torch.float64)
    single = Structure(torch.zeros(1, 3, dtype=torch.float64), torch.ones(1).long(), cell, (True, True, True))
    count = Known(lambda g: g.edge_vectors.norm(dim=1).sum().reshape(1, 1), "1x0e", "graph")
    with pytest.raises(CounterfactualError, match=r"1 in the cell\) every displacement moves the whole"):
        counterfactual(count, single, 0.1)


def test_two_atoms_in_a_cell_can_move_against_each_other() -> None:
    """The control of the refusal: three of six coordinates are left."""
    cell = 5.0 * torch.eye(3, dtype=torch.float64)
    positions = torch.tensor([[0.0, 0, 0], [1.1, 0, 0]], dtype=torch.float64)
    pair = Structure(positions, torch.ones(2).long(), cell, (True, True, True))
    assert counterfactual(DISTANCE, pair, 0.1, descriptors=()).converged


def test_where_no_atom_may_move_nothing_is_compared() -> None:
    """The two atoms are as near as any two may be already."""
    points = torch.tensor([[0.0, 0, 0], [1.0, 0, 0], [0.5, 2.0, 0.0], [0.4, 0.1, 2.0]], dtype=torch.float64)
    structure = Structure(points, torch.ones(4).long())
    report = counterfactual(DISTANCE, structure, -0.3, min_distance=1.0)
    words = report.describe()
    assert report.norm == 0
    assert not report.descriptors
    assert "No atom moved: read stays at 1, and was asked to change by -0.3" in words
    assert "inf" not in words
    assert "times less" not in words
    assert "changes most" not in words


def test_descriptors_that_change_are_named() -> None:
    structure = cloud(9, least=0.6)
    report = counterfactual(DISTANCE, structure, 0.2, descriptors=["q_4", "radial_symmetry_functions"])
    assert "q_4" in {change.name for change in report.descriptors}
    sizes = [change.rms for change in report.descriptors]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 0
    with pytest.raises(ProbeError, match="There is no descriptor 'nonsense'"):
        counterfactual(DISTANCE, structure, 0.2, descriptors="nonsense")


class _Surroundings(Known):
    """Reads a distance, and a measured attribute that follows from it, outside autograd."""

    def __init__(self) -> None:
        super().__init__(lambda g: _pair_distance(g) + g.graph["measured"].values, "1x0e", "graph")

    def measure(self, structure: Structure) -> Structure:
        if "measured" in structure.graph:
            return structure
        distance = (structure.positions[1] - structure.positions[0]).norm().detach().reshape(1, 1)
        return structure.with_graph("measured", Field(2 * distance, "1x0e", "graph"))


def test_what_is_measured_beforehand_is_said_to_be_held() -> None:
    report = counterfactual(_Surroundings(), cloud(POINTS), 0.1, descriptors=())
    assert report.held == ("measured",)
    assert report.solution.change == pytest.approx(0.1, rel=1e-5)
    assert report.anew == pytest.approx(0.3, rel=1e-5)
    assert "Gradients reach the positions only in part: the model also reads measured" in report.describe()


def test_slopes_that_miss_something_are_noticed() -> None:
    partly = Known(lambda g: _pair_distance(g) + 2 * _pair_distance(g).detach(), "1x0e", "graph")
    report = counterfactual(partly, cloud(POINTS), 0.1, descriptors=())
    assert report.slope_error == pytest.approx(2 / 3, rel=1e-3)
    assert "67% off finite differences" in report.describe()


def test_models_without_gradients_are_refused() -> None:
    with pytest.raises(CounterfactualError, match="its gradient does not reach them: the model leaves autograd"):
        counterfactual(Known(lambda g: _pair_distance(g).detach(), "1x0e", "graph"), cloud(POINTS), 0.1)


def test_bad_questions_are_refused() -> None:
    model, structure = toy(lmax=1, layers=1), molecule(6, length=1.6)
    cases = {
        "There is no output 'mass'; this model gives energy, vector, tensor": {"output": "mass"},
        "one per node: say which, at=0 to at=5, or at='all' for their sum; got nothing": {"output": "vector"},
        "'stage_harmonics' lives on edges, which come and go": {"output": "stage_harmonics", "at": 0},
        r"Expected at= from 0 to 0 \(graphs\), got 1": {"output": "energy", "at": 1},
        "Expected component= from 0 to 2 of 'vector'": {"output": "vector", "at": 0, "component": 3},
        "already: expected min_distance up to that": {"output": "energy", "min_distance": 50.0},
        "Expected a displacement above 0": {"output": "energy", "max_displacement": 0.0},
        "Expected at least one step of the search, got steps=0": {"output": "energy", "steps": 0},
    }
    for text, question in cases.items():
        with pytest.raises(CounterfactualError, match=text):
            counterfactual(model, structure, 0.1, **question)  # type: ignore[arg-type]
    with pytest.raises(CounterfactualError, match="finite and not zero, got 0"):
        counterfactual(model, structure, 0.0, "energy")
    with pytest.raises(CounterfactualError, match="Expected one structure"):
        counterfactual(model, [structure, replace(structure)], 0.1, "energy")


def test_the_report_has_its_face(tmp_path: Path) -> None:
    report = counterfactual(DISTANCE, cloud(9, least=0.6).transform(O3.inversion()), 0.2)
    assert "read goes from" in report.describe()
    both = report.to_frame().nlargest(2, "displacement_Å")  # a pair distance moves its two points alike
    names = [f"{species} {atom} moves most" for species, atom in zip(both["species"], both["atom"], strict=True)]
    assert any(name in report.describe() for name in names)
    assert "displacement_Å" in report.to_frame()
    assert "rms_change_sd" in report.descriptor_frame()
    assert report.scene().layers
    assert "What experts would call it" in Path(report.to_html(tmp_path / "report.html")).read_text()
