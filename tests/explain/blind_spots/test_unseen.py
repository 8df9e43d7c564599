"""Is the rank of the Jacobian what geometry says it is, and are unseen directions really unseen?"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch

from equiviz.explain.blind_spots.unseen import unseen_directions
from equiviz.explain.errors import BlindSpotError
from equiviz.explain.rigid_motions import best_rotation, rigid_basis
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.groups import O3, haar
from tests.explain.blind_spots.known import Known, all_distances, cloud, density, distances_from_first
from tests.toy_networks import molecule, toy

POINTS = 6


def test_distances_to_one_point_leave_the_rest_unseen() -> None:
    model = Known(distances_from_first, f"{POINTS - 1}x0e", "graph")
    report = unseen_directions(model, cloud(POINTS), "stage_read")
    assert (report.rank, report.rigid) == (POINTS - 1, 6)
    assert report.count == 3 * POINTS - 6 - (POINTS - 1)


def test_one_order_parameter_sees_one_direction() -> None:
    model = Known(functools.partial(density, lmax=6, lmin=6), "1x6e")
    report = unseen_directions(model, cloud(POINTS), "stage_read", at=0)
    assert report.rank == 1
    assert report.count == 3 * int(report.reached.sum()) - 6 - 1


def test_control_all_distances_leave_nothing_unseen() -> None:
    model = Known(all_distances, f"{POINTS * (POINTS - 1) // 2}x0e", "graph")
    report = unseen_directions(model, cloud(POINTS), "stage_read")
    assert (report.rank, report.count) == (3 * POINTS - 6, 0)
    assert "nothing is left over" in report.describe()
    with pytest.raises(IndexError, match="expected an unseen direction from 0 to -1, got 0"):
        report.direction()


def test_points_on_a_line_have_five_motions_of_the_whole() -> None:
    line = Structure(torch.tensor([[0.0, 0, 0], [1.0, 0, 0], [2.5, 0, 0]], dtype=torch.float64), torch.ones(3).long())
    report = unseen_directions(Known(all_distances, "3x0e", "graph"), line, "stage_read")
    assert (report.rigid, report.rank, report.count) == (5, 2, 2)  # bends change distances in second order only


def test_unseen_directions_change_features_in_second_order() -> None:
    model, structure = Known(functools.partial(density, lmax=2), "1x0e+1x1o+1x2e", cutoff=9.0), cloud(POINTS)
    report = unseen_directions(model, structure, "stage_read", at=0)
    assert report.count > 0
    before = _invariants(model, structure, torch.zeros(POINTS, 3))
    direction = report.direction().values
    changes = [float((_invariants(model, structure, step * direction) - before).norm()) for step in (1e-2, 1e-3)]
    assert 50 < changes[0] / changes[1] < 200
    rigid = rigid_basis(structure)
    assert float((report.basis @ rigid.T).abs().max()) < 1e-10
    assert float(report.freedom().values.sum()) == pytest.approx(report.count)


def _invariants(model: Known, structure: Structure, shift: torch.Tensor) -> torch.Tensor:
    graph: Graph = model.prepare(Structure(structure.positions + shift, structure.species))
    values = model(graph)["read"]
    return values.invariants("power_spectrum").values[0]


def test_turning_the_structure_changes_no_singular_value() -> None:
    model, structure = toy(lmax=2, layers=1), molecule(6, length=1.4)
    one = unseen_directions(model, structure, "stage_layers.0", at=0)
    other = unseen_directions(model, structure.transform(haar(1, 3)[0]), "stage_layers.0", at=0)
    torch.testing.assert_close(one.singular_values, other.singular_values, atol=1e-9, rtol=1e-6)
    assert (one.rank, one.count) == (other.rank, other.count)


def test_points_out_of_reach_are_not_called_unseen() -> None:
    structure = cloud(POINTS)
    far = Structure(torch.cat([structure.positions, torch.full((1, 3), 50.0).double()]), torch.ones(POINTS + 1).long())
    model = Known(functools.partial(density, lmax=2), "1x0e+1x1o+1x2e")
    alone, beside = (unseen_directions(model, one, "stage_read", at=0) for one in (structure, far))
    assert (alone.rank, alone.count) == (beside.rank, beside.count)
    assert not bool(beside.reached[-1])


def test_bad_questions_are_refused() -> None:
    model, structure = Known(all_distances, "10x0e", "graph"), cloud(5)
    with pytest.raises(BlindSpotError, match="There is no stage"):
        unseen_directions(model, structure, "nowhere")
    with pytest.raises(BlindSpotError, match="Expected at= from 0 to 4, the nodes, got 9"):
        unseen_directions(model, structure, "stage_read", at=9)
    with pytest.raises(BlindSpotError, match=r"Expected one structure.*got 2 structures"):
        unseen_directions(model, [structure, structure], "stage_read")
    with pytest.raises(BlindSpotError, match="whose points can move; got a TypedTensors"):
        unseen_directions(model, TypedTensors.make(torch.ones(4, 3), "1o"), "stage_read")
    with pytest.raises(BlindSpotError, match="No gradient of stage 'stage_read' reaches the positions"):
        unseen_directions(Known(lambda g: all_distances(g).detach(), "10x0e", "graph"), structure, "stage_read")


def test_the_best_rotation_undoes_a_rotation() -> None:
    points, turn = cloud(POINTS).positions, O3.rotation((1, 2, 3), 0.7)
    torch.testing.assert_close(best_rotation(points @ turn.matrix.T, points), turn.matrix)


def test_the_report_has_its_face(tmp_path: Path) -> None:
    model = Known(distances_from_first, f"{POINTS - 1}x0e", "graph")
    report = unseen_directions(model, cloud(POINTS), "stage_read")
    assert "blind, to first order, to 7" in report.describe()
    assert report.to_frame()["seen"].sum() == report.rank
    assert "Unseen directions" in Path(report.to_html(tmp_path / "report.html")).read_text()


def test_positions_that_turn_without_their_velocities_are_seen() -> None:
    """A turn of the positions alone is no motion of the whole, and tells nothing of rounding."""
    x = molecule(5)
    assert "velocity" in x.node
    report = unseen_directions(toy(velocity=True), x, "output.energy")
    assert report.rigid == 3
    assert report.noise < 1e-9
    assert report.rank + report.count + report.rigid == 15
    # Where nobody reads the velocities, turns are motions of the whole, as ever.
    assert unseen_directions(toy(), x, "output.energy").rigid == 6
