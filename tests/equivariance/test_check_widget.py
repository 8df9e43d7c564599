"""Does the widget of a check show what was measured, follow clicks and sliders, and tell what goes wrong in a line?"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from equiviz.equivariance.check import check
from equiviz.equivariance.check_report import CheckReport
from equiviz.equivariance.check_widget.block_words import cell_text, size
from equiviz.equivariance.check_widget.face import CheckFace
from equiviz.equivariance.check_widget.look import trace_of
from equiviz.equivariance.check_widget.points import Points
from equiviz.equivariance.check_widget.turn_errors import ANGLES
from equiviz.features.capture import capture
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import O3
from equiviz.view.escape import escape
from tests.equivariance.hostile_network import hostile_network
from tests.equivariance.planted_faults import FAULTS
from tests.hostile_strings import HOSTILE
from tests.toy_networks import molecule, toy


@pytest.fixture(scope="module")
def report() -> CheckReport:
    return check(FAULTS["relu on vectors"].make(), molecule(), elements=3, wide=0)


@pytest.fixture
def face(report: CheckReport) -> CheckFace:
    return CheckFace(report)


def click(face: CheckFace, irrep: str, stage: str) -> None:
    """What plotly's script sends when a cell is clicked."""
    assert face.blocks is not None
    points = {"trace_indexes": [0], "point_indexes": [[0, 0]], "xs": [irrep], "ys": [stage]}
    face.blocks.figure._js2py_pointsCallback = {"event_type": "plotly_click", "points": points}


def colours(face: CheckFace) -> np.ndarray:
    """One number for each point, from the vertices of its sphere."""
    assert face.blocks is not None
    intensity = np.asarray(trace_of(face.blocks.figure, "points")["intensity"])
    return intensity.reshape(len(molecule()), -1)[:, 0]


def test_it_opens_where_the_report_points(face: CheckFace, report: CheckReport) -> None:
    blocks = face.blocks
    assert blocks is not None
    assert (blocks.stage, blocks.irrep) == report.first_broken == ("stage_layers.0", "1o")
    assert face.tabs.titles[face.tabs.selected_index] == "✗ rotation"
    assert {"✗ inversion", "✓ translation", "✓ permutation", "Turn", "Sphere"} <= set(face.tabs.titles)
    assert "relative error 103 % (103 % locally)" in blocks.block_line.value
    assert "✗ stage_layers.0 breaks rotation in its 1o block" in face.box.children[2].value


def test_points_are_coloured_by_their_share(face: CheckFace, report: CheckReport) -> None:
    assert report.sums is not None
    expected = report.sums.node_shares("rotation", "stage_layers.0", "1o")
    assert face.blocks is not None
    inherited = report.sums.node_shares("rotation", "stage_layers.0", "1o", local=False)
    assert expected is not None
    assert inherited is not None
    np.testing.assert_allclose(colours(face), inherited, rtol=1e-6)
    face.blocks.which.value = "local"
    np.testing.assert_allclose(colours(face), expected, rtol=1e-6)
    assert colours(face).sum() == pytest.approx(1, rel=1e-6)


def test_a_click_on_a_cell_chooses_the_block(face: CheckFace, report: CheckReport) -> None:
    blocks = face.blocks
    assert blocks is not None
    assert report.sums is not None
    click(face, "2e", "stage_layers.1")
    assert (blocks.stage, blocks.irrep, blocks.stages.value, blocks.irreps.value) == ("stage_layers.1", "2e") * 2
    shares = report.sums.node_shares("rotation", "stage_layers.1", "2e", local=False)
    assert shares is not None
    np.testing.assert_allclose(colours(face), shares, rtol=1e-6)
    frame = blocks.figure.layout.shapes[0]
    cells = trace_of(blocks.figure, "cells")
    assert cells["x"][round((frame.x0 + frame.x1) / 2)] == "2e"
    assert cells["y"][round((frame.y0 + frame.y1) / 2)] == "stage_layers.1"
    click(face, "2o", "output.energy")  # an empty cell
    assert (blocks.stage, blocks.irrep) == ("stage_layers.1", "2e")


def test_the_menus_choose_the_block_too(face: CheckFace) -> None:
    blocks = face.blocks
    assert blocks is not None
    blocks.stages.value = "output.energy"
    assert (blocks.stage, blocks.irrep, blocks.irreps.options) == ("output.energy", "0e", ("0e",))
    assert "output.energy gives one value for the whole structure" in blocks.share_line.value
    assert colours(face).tolist() == [0] * len(molecule())


def test_each_kind_has_its_cells(face: CheckFace, report: CheckReport) -> None:
    blocks = face.blocks
    assert blocks is not None
    for kind in face.kinds:
        face.open(kind)
        cells = trace_of(blocks.figure, "cells")
        for finding in (f for f in report.findings if f.group == kind):
            row, column = list(cells["y"]).index(finding.stage), list(cells["x"]).index(finding.irrep)
            text = cells["text"][row][column]
            assert text.startswith("✗") == (finding.passed is False)
            assert math.isnan(finding.error) == (cells["z"][row][column] is None)


def test_a_right_model_has_nothing_marked() -> None:
    face = CheckFace(check(toy(velocity=True), molecule(cell=True), elements=2, wide=0))
    assert face.blocks is not None
    assert all(title.startswith("✓") for title in face.tabs.titles[: len(face.kinds)])
    assert "✓ lattice" in face.tabs.titles
    assert not any("✗" in text for row in trace_of(face.blocks.figure, "cells")["text"] for text in row)
    assert face.box.children[2].value.startswith('<div class="equiviz-words equiviz-verdict">✓ ToyNetwork keeps')


def test_the_slider_shows_the_error_of_a_direct_computation(face: CheckFace, report: CheckReport) -> None:
    face.open("Turn")
    turn = face.turn
    assert turn is not None
    turn.axis.value = "random"
    turn.slider.value = -70
    g = O3.rotation(turn.axes["random"], math.radians(-70))
    model, x = FAULTS["relu on vectors"].make(), molecule()
    before, after = capture(model, x), capture(model, x.transform(g))
    assert turn.chart is not None
    for stage in ("stage_layers.0", "stage_layers.1", "output.energy", "output.vector"):
        expected = before[stage].transform(g)
        for irrep in expected.representation.labels():
            a, b = expected[irrep], after[stage][irrep]
            direct = float((a - b).norm() / ((a.norm() ** 2 + b.norm() ** 2) / 2).sqrt())
            shown = trace_of(turn.chart.figure, irrep)["x"][report.stages.index(stage)]
            assert shown == pytest.approx(max(direct, 1e-15), rel=1e-6, abs=2e-14)
    assert "Turned by -70°" in turn.line.value


def test_the_structure_turns_with_the_slider(face: CheckFace) -> None:
    face.open("Turn")
    assert face.turn is not None
    assert face.turn.chart is not None
    points = Points.of(molecule())
    assert points is not None
    for angle in (0, 90):
        face.turn.slider.value = angle
        trace = trace_of(face.turn.chart.figure, "points")
        drawn = np.stack([np.asarray(trace[name]) for name in "xyz"], 1).reshape(len(molecule()), -1, 3).mean(1)
        matrix = O3.rotation([1, 0, 0], math.radians(angle)).matrix.numpy()
        np.testing.assert_allclose(drawn, points.turned(matrix), atol=1e-5)


def test_angles_are_run_once_per_axis(report: CheckReport, monkeypatch: pytest.MonkeyPatch) -> None:
    import equiviz.equivariance.check_widget.turn_panel as module

    asked: list[list[float]] = []
    run = module.turn_errors
    monkeypatch.setattr(
        module, "turn_errors", lambda runs, axis, tell: asked.append(axis.tolist()) or run(runs, axis, tell)
    )
    face = CheckFace(report)
    assert asked == []
    face.open("Turn")
    assert face.turn is not None
    for axis in ("y", "x", "worst seen", "y"):
        face.turn.axis.value = axis
        for angle in ANGLES[::6]:
            face.turn.slider.value = angle
    assert len(asked) == 3
    assert asked[-1] == pytest.approx([0.833, -0.240, -0.499], abs=1e-3)


def test_the_sphere_waits_for_the_button(face: CheckFace) -> None:
    face.open("Sphere")
    sphere = face.sphere
    assert sphere is not None
    assert sphere.found is None
    sphere.points.value, sphere.angle.value = 128, 60
    sphere.button.click()
    assert sphere.found is not None
    assert sphere.found.angle == pytest.approx(math.radians(60))
    np.testing.assert_allclose(sphere.box.children[-1].data[0].z, sphere.found.largest.log10().numpy(), atol=1e-3)


class FailsLater(nn.Module):
    """Right until it is told to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.stage, self.broken = Stage("1x1o"), False

    def forward(self, structure: Structure) -> Tensor:
        if self.broken:
            raise RuntimeError("<b>out of\nmemory</b>")
        return self.stage(structure.positions - structure.positions.mean(0))


def test_an_exception_of_the_model_is_one_escaped_line() -> None:
    model = FailsLater()
    face = CheckFace(check(model, molecule(), elements=2, wide=0))
    model.broken = True
    face.open("Turn")
    face.open("Sphere")
    assert face.turn is not None
    assert face.sphere is not None
    face.sphere.button.click()
    for line in (face.turn.line.value, face.sphere.line.value):
        assert "RuntimeError: &lt;b&gt;out of memory&lt;/b&gt;" in line
        assert "<b>" not in line
    assert face.turn.progress.layout.display == "none"
    assert not face.sphere.button.disabled
    model.broken = False
    face.turn.axis.value = "y"
    assert "Turned by" in face.turn.line.value


def test_without_measurements_the_live_tabs_say_why(report: CheckReport) -> None:
    bare = CheckReport(report.model, report.claimed, report.findings, report.stages, report.dtype)
    face = CheckFace(bare)
    assert face.blocks is not None
    assert "holds no measurements" in face.blocks.share_line.value
    for title in ("Turn", "Sphere"):
        face.open(title)
        assert "run equiviz.check again" in face.places[title].children[0].value


def strings(found: object) -> list[str]:
    """Every string inside nested containers."""
    if isinstance(found, str):
        return [found]
    inside = [*found, *found.values()] if isinstance(found, dict) else found
    return [text for part in inside for text in strings(part)] if isinstance(inside, (list, tuple)) else []


def test_hostile_names_stay_text() -> None:
    face = CheckFace(check(hostile_network(), molecule(), elements=1, wide=0))
    blocks = face.blocks
    assert blocks is not None
    face.open("Turn")
    assert face.turn is not None
    assert face.turn.chart is not None
    assert blocks.stages.value == blocks.stage == f"output.{HOSTILE[0]}"  # menus show text as it is
    drawn = strings([blocks.figure.to_dict(), face.turn.chart.figure.to_dict()])
    lines = [blocks.block_line, blocks.share_line, face.turn.line, face.box.children[1], face.box.children[2]]
    lines += [face.box.children[3].children[0], *face.tabs.children]
    told = [*drawn, *(line.value for line in lines)]
    assert any("&lt;svg onload=&#34;" in text for text in told)
    assert not [text for text in told for mark in ("<script", "<img", "<svg", "<a ") if mark in text]
    click(face, "1o", escape(f"output.{HOSTILE[1]}"))
    assert blocks.stage == f"output.{HOSTILE[1]}"


def test_tensors_without_positions_have_bars() -> None:
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    face = CheckFace(check(torch.relu, x, elements=2, wide=0, inputs="1o", outputs="1o"))
    assert face.blocks is not None
    assert face.report.sums is not None
    shares = face.report.sums.node_shares("rotation", face.blocks.stage, face.blocks.irrep, local=False)
    assert shares is not None
    np.testing.assert_allclose(trace_of(face.blocks.figure, "shares")["y"], shares)
    face.open("Turn")
    assert face.turn is not None
    assert "Turned by" in face.turn.line.value


def graph() -> Graph:
    return toy().prepare([molecule(cell=True), molecule(5, seed=1, cell=True)])


def many() -> Structure:
    generator = torch.Generator().manual_seed(0)
    return Structure(20 * torch.randn(2_600, 3, generator=generator), torch.ones(2_600, dtype=torch.long))


INPUTS: dict[str, Callable[[], object]] = {
    "a list": lambda: [molecule(cell=True), molecule(4)],
    "a graph": graph,
    "too many for spheres": many,
}


@pytest.mark.parametrize("name", INPUTS)
def test_other_inputs_are_drawn(name: str) -> None:
    points = Points.of(INPUTS[name]())  # type: ignore[arg-type]
    assert points is not None
    low, high = (np.array(corner) for corner in points.limits)
    for g in (O3.rotation([1, 2, 3], 1.0), O3.inversion()):
        for drawn in (points.turned(g.matrix.numpy()), points.turned_edges(g.matrix.numpy())):
            known = drawn[np.isfinite(drawn).all(1)]
            assert ((known >= low) & (known <= high)).all()


def test_a_large_structure_is_drawn_by_markers() -> None:
    class Centred(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = Stage("1x1o")

        def forward(self, structure: Structure) -> Tensor:
            return self.stage((structure.positions - structure.positions.mean(0)).relu())

    face = CheckFace(check(Centred(), many(), elements=1, wide=0))
    assert face.blocks is not None
    trace = trace_of(face.blocks.figure, "points")
    assert trace.type == "scatter3d"
    assert len(trace["marker"]["color"]) == 2_600
    face.open("Turn")
    assert face.turn is not None
    assert "Turned by 30°" in face.turn.line.value


def test_sizes_are_short() -> None:
    assert [size(e) for e in (0.0, 1e-7, 0.2, 1.03, math.inf)] == ["0", "1.0e-07", "20 %", "103 %", "not finite"]


def test_signs_tell_without_colour(report: CheckReport) -> None:
    finding = next(f for f in report.findings if f.passed is False)
    assert cell_text(finding, 0.2, broken=True) == "✗ 2e-1"
    assert cell_text(finding, 1e-16, broken=False) == "1e-16"
    assert cell_text(finding, math.inf, broken=True) == "✗ inf"


def test_the_libraries_are_asked_for_in_words(report: CheckReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    with pytest.raises(ImportError, match=r"This needs ipywidgets\. Install it with: pip install"):
        report.widget()
