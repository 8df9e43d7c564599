"""Does the widget send little, link both ways, and say what went wrong?"""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from torch import nn

from equiviz.apps.explorer.explorer import explore
from equiviz.apps.explorer.face import TURN, Explorer
from equiviz.apps.explorer.power import power_spectrum
from equiviz.structures.graph import Graph
from equiviz.symmetry.groups import O3
from equiviz.view.layers import Glyphs
from equiviz.view.packet import read_packet
from tests.apps.explorer.turning import G, in_a_kernel
from tests.toy_networks import molecule, toy


def test_another_channel_is_an_update_and_another_layer_a_scene(explorer: Explorer) -> None:
    packet = explorer.view.packet
    explorer.pane.pickers.channel.value = (explorer.choice.channel + 1) % 3
    assert explorer.pane.sent == "update"
    assert explorer.view.packet is packet
    assert len(explorer.view.update) < len(packet) / 3
    sent = read_packet(explorer.view.update)["updates"][0]
    glyphs = explorer.view.scene.layers[sent["layer"]]
    assert isinstance(glyphs, Glyphs)
    found = sent["amplitudes"][:, None] * sent["coefficients"] / 32767
    assert np.allclose(found, glyphs.coefficients, atol=1e-3 * np.abs(glyphs.coefficients).max())
    explorer.pane.pickers.block.value = "1o"
    assert explorer.pane.sent == "scene"
    assert explorer.view.update == b""


def test_selection_and_camera_stay_while_one_looks_at_the_same_structure(explorer: Explorer) -> None:
    explorer.view.selected = [2, 3]
    camera = {**explorer.view.camera, "height": 3.5}
    explorer.view.camera = camera
    explorer.choose(block="1o")
    assert (explorer.view.selected, explorer.view.camera) == ([2, 3], camera)
    explorer.choose(structure=1)
    assert explorer.view.selected == []


def test_the_menus_follow_a_choice_made_in_python(explorer: Explorer) -> None:
    explorer.choose(stage="stage_layers.0", block="1o", channel=1)
    pickers = explorer.pane.pickers
    assert (pickers.stage.value, pickers.block.value, pickers.channel.value) == ("stage_layers.0", "1o", 1)
    assert "stage_layers.0, 1o, channel 1 of 3" in explorer.pane.caption.value


def test_a_selection_in_the_view_marks_the_map_and_adds_a_spectrum(explorer: Explorer) -> None:
    explorer.view.selected = [1, 4]
    here, chosen = explorer.side.charts.figure.data[1], explorer.side.charts.figure.data[3]
    assert tuple(here.selectedpoints) == (1, 4)
    expected = power_spectrum(explorer.pane.field, [1, 4])
    assert np.allclose(chosen.y, expected.values)
    assert list(chosen.x) == ["0e", "1o", "1e", "2o", "2e"]
    explorer.view.selected = []
    assert here.selectedpoints is None


def test_a_box_on_the_map_selects_in_the_view(explorer: Explorer) -> None:
    points = {"trace_indexes": [1, 1], "point_indexes": [5, 2], "xs": [0, 0], "ys": [0, 0]}
    explorer.side.charts.figure._js2py_pointsCallback = {
        "event_type": "plotly_selected",
        "points": points,
        "selector": {"type": "box", "selector_state": {"xrange": [0, 1], "yrange": [0, 1]}},
    }
    assert explorer.view.selected == [2, 5]


def test_a_click_on_another_structure_goes_there(explorer: Explorer) -> None:
    points = {"trace_indexes": [0], "point_indexes": [3], "xs": [0], "ys": [0]}
    explorer.side.charts.figure._js2py_pointsCallback = {"event_type": "plotly_click", "points": points}
    assert (explorer.choice.structure, explorer.view.selected) == (1, [3])
    assert len(explorer.side.charts.figure.data[1].x) == 12


def test_atoms_are_selected_from_the_keyboard(explorer: Explorer) -> None:
    explorer.side.atoms.value = "0, 2-3"
    assert explorer.view.selected == [0, 2, 3]
    explorer.side.atoms.value = "nothing"
    assert explorer.view.problem.startswith("ViewError: Expected numbers of atoms")
    assert "Traceback" in explorer.view.problem


def test_errors_of_a_model_show_in_the_view(explorer: Explorer) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("the model fell over")

    explorer.mode.value = TURN
    assert explorer.hand is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explorer.hand.runs, "at", failing)
        explorer.hand.turn_to(G)
        assert explorer.hand.hand.problem.startswith("RuntimeError: the model fell over\nTraceback")
    explorer.hand.turn_to(O3.identity())
    assert explorer.hand.hand.problem == ""


def test_every_structure_is_on_the_map(explorer: Explorer) -> None:
    made = explorer.side.charts.environments
    assert made is not None
    assert sorted(np.bincount(made.structure).tolist()) == [9, 12]
    assert explorer.side.progress.layout.display == "none"


def test_a_page_that_connects_later_gets_the_charts(explorer: Explorer) -> None:
    explorer.view.selected = [2]
    known = explorer.side.charts.figure.get_state()["_widget_data"]
    assert [len(trace["text"]) for trace in known[:2]] == [12, 9]
    assert known[2]["x"] == known[3]["x"] == ["0e", "1o", "1e", "2o", "2e"]
    assert list(known[1]["selectedpoints"]) == [2]


def test_structures_are_recorded_one_by_one_while_the_kernel_stays_free() -> None:
    async def live() -> tuple[int, int]:
        made = explore(toy(), [molecule(seed=k) for k in range(3)])
        at_first = len(made.pane.recorded.captures)
        while made.pane.recorded.missing() is not None or made.side.progress.layout.display != "none":
            await asyncio.sleep(0.01)
        return at_first, len(made.side.charts.environments.structure)  # type: ignore[union-attr]

    assert in_a_kernel(live()) == (1, 27)


def test_a_structure_on_which_the_model_raises_is_told_and_not_tried_for_ever() -> None:
    calls: list[int] = []

    def refuse(_: nn.Module, given: tuple[Graph]) -> None:
        if len(given[0].positions) == 12:
            calls.append(12)
            raise ValueError("too large for me")

    model = toy()
    model.register_forward_pre_hook(refuse)

    async def live() -> str:
        made = explore(model, [molecule(), molecule(12, seed=1), molecule(seed=2)])
        while made.pane.recorded.missing() is not None or made.side.progress.layout.display != "none":
            await asyncio.sleep(0.01)
        assert sorted(made.pane.recorded.captures) == [0, 2]
        assert calls == [12]
        return str(made.side.words.value)

    told = in_a_kernel(live())
    assert "Not recorded: 2. " in told
    assert "ValueError: too large for me" in told


def test_it_describes_itself_and_carries_a_picture(explorer: Explorer) -> None:
    bundle = explorer._repr_mimebundle_()
    assert bundle is not None
    assert bundle["text/plain"] == explorer.describe()
    assert bundle["text/plain"].startswith("Explorer of ToyNetwork; 1. structure (9 atoms)")
    assert bundle["image/png"].startswith("iVBOR")
    assert "application/vnd.jupyter.widget-view+json" in bundle
