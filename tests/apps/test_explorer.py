"""Does the explorer show what was chosen, send little, link both ways, and measure what the checker measures?"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import current_thread, main_thread
from typing import TypeVar

import numpy as np
import pytest
import torch
from ipywidgets import HTML, Widget
from torch import nn

import equiviz
from equiviz.apps.explorer import pace
from equiviz.apps.explorer.choices import Choice, first_choice, fitted, offered_blocks, offered_styles, rows_of
from equiviz.apps.explorer.drawing import changes, scene_of
from equiviz.apps.explorer.environments import environments, methods
from equiviz.apps.explorer.explorer import explore
from equiviz.apps.explorer.face import COMPARE, TURN, Explorer
from equiviz.apps.explorer.likeness import likeness
from equiviz.apps.explorer.pace import Latest
from equiviz.apps.explorer.power import power_spectrum
from equiviz.apps.explorer.recorded import Recorded
from equiviz.apps.explorer.rotation_hand import RotationHand, error_words
from equiviz.equivariance.squares import KindSquares
from equiviz.equivariance.trials import Trial
from equiviz.features.errors import CaptureError
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar
from equiviz.view.errors import ViewError
from equiviz.view.layers import Arrows, Atoms, Glyphs
from equiviz.view.packet import read_packet
from tests.equivariance.hostile_network import hostile_network
from tests.equivariance.planted_faults import FAULTS
from tests.hostile_strings import ALL, HOSTILE
from tests.toy_networks import Declared, molecule, toy

Result = TypeVar("Result")
STAGE = "stage_layers.1"
G = O3.rotation((1.0, 2.0, 3.0), 0.6)


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded.of(toy(velocity=True), [molecule(), molecule(12, seed=1)])


@pytest.fixture
def explorer() -> Explorer:
    return explore(toy(velocity=True), [molecule(), molecule(12, seed=1)])


@pytest.fixture(autouse=True)
def _no_loop_of_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright leaves a loop running in the main thread; `in_a_kernel` brings its own."""
    real = pace._loop
    monkeypatch.setattr(pace, "_loop", lambda: None if current_thread() is main_thread() else real())


def in_a_kernel(work: Coroutine[object, object, Result]) -> Result:
    """Run where an event loop runs, as in a kernel."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asyncio.wait_for(work, 60)).result()


def turned(explorer: Explorer, g: O3) -> list[float]:
    return [float(x) for x in g.matrix.flatten()]


# --- what can be chosen


def test_it_opens_on_a_layer_that_has_a_shape(recorded: Recorded) -> None:
    choice = first_choice(recorded.capture(0))
    assert (choice.stage, choice.block) == (STAGE, "2e")
    powers = recorded.capture(0)[STAGE]["2e"].square().sum((0, 2))
    assert choice.channel == int(powers.argmax())


def test_a_choice_is_brought_to_what_there_is(recorded: Recorded) -> None:
    capture = recorded.capture(0)
    choice = Choice(0, "output.vector", "2e", 2, "glyphs")
    assert fitted(choice, capture) == Choice(0, "output.vector", "1o", 0, "glyphs")
    assert fitted(replace(choice, stage="output.energy"), capture).style == "glyphs"
    assert fitted(replace(choice, stage="gone"), capture).stage == STAGE
    assert fitted(Choice(0, STAGE, "1o", 99), capture).channel == 2
    assert fitted(Choice(0, STAGE, "1o", 0, "colour"), capture).style == "colour"
    assert fitted(Choice(0, STAGE, "all", 0, "colour"), capture).style == "auto"


def test_all_degrees_are_offered_where_they_make_a_function_on_the_sphere(recorded: Recorded) -> None:
    capture = recorded.capture(0)
    assert offered_blocks(capture[STAGE])["all"] == 3
    assert "all" not in offered_blocks(capture["output.vector"])
    assert offered_styles("1o") == ("auto", "colour", "arrows", "glyphs")
    assert "arrows" not in offered_styles("2e")


@pytest.mark.parametrize(("text", "rows"), [("", []), ("3, 1", [1, 3]), ("2-4, 3", [2, 3, 4]), ("0", [0])])
def test_atoms_can_be_written_as_numbers(text: str, rows: list[int]) -> None:
    assert rows_of(text, 9) == rows


@pytest.mark.parametrize(
    ("text", "said"), [("x", "such as 3, 17-20"), ("9", "no atom 9"), ("1-", ""), ("7-99", "no atom")]
)
def test_atoms_that_do_not_exist_are_told(text: str, said: str) -> None:
    if not said:
        assert rows_of(text, 9) == [1]
        return
    with pytest.raises(ViewError, match=said):
        rows_of(text, 9)


# --- what is drawn


@pytest.mark.parametrize(
    ("stage", "block", "style", "shape"),
    [
        (STAGE, "1o", "auto", Arrows),
        (STAGE, "1e", "auto", Arrows),
        (STAGE, "2e", "auto", Glyphs),
        (STAGE, "1o", "glyphs", Glyphs),
        (STAGE, "all", "auto", Glyphs),
        ("stage_harmonics", "1o", "auto", Arrows),
    ],
)
def test_another_channel_changes_one_array_only(
    recorded: Recorded, stage: str, block: str, style: str, shape: type
) -> None:
    capture, structure = recorded.capture(0), recorded.structures[0]
    copies = offered_blocks(capture[stage])[block]
    scenes = [scene_of(structure, capture, Choice(0, stage, block, k, style)) for k in (0, copies - 1)]  # type: ignore[arg-type]
    assert any(isinstance(layer, shape) for layer in scenes[0].layers)
    found = changes(*scenes)
    assert found is not None
    assert len(found) == (copies > 1)
    for arrays in found.values():
        assert set(arrays) <= {"vectors", "coefficients", "values"}


def test_scalars_are_colours_on_one_scale_with_limits_from_all_channels(recorded: Recorded) -> None:
    capture = recorded.capture(0)
    scenes = [scene_of(recorded.structures[0], capture, Choice(0, STAGE, "0e", k)) for k in (0, 1)]
    atoms = [scene.layers[0] for scene in scenes]
    assert isinstance(atoms[0], Atoms)
    assert isinstance(atoms[1], Atoms)
    assert atoms[0].scale == atoms[1].scale
    assert np.allclose(atoms[1].values, capture[STAGE]["0e"][:, 1, 0])
    assert set(changes(*scenes) or {}) == {0}


def test_a_scale_of_its_own_follows_the_channel(recorded: Recorded) -> None:
    capture = recorded.capture(0)
    choices = [Choice(0, STAGE, "1o", k, shared=False) for k in (0, 1)]
    assert changes(*(scene_of(recorded.structures[0], capture, choice) for choice in choices)) is None


def test_features_on_edges_stand_in_their_middle(recorded: Recorded) -> None:
    capture, structure = recorded.capture(0), recorded.structures[0]
    scene = scene_of(structure, capture, Choice(0, "stage_harmonics", "1o"))
    arrows = next(layer for layer in scene.layers if isinstance(layer, Arrows))
    graph = capture.graph
    assert graph is not None
    middle = (graph.positions[graph.senders] + graph.positions[graph.receivers]) / 2
    assert np.allclose(arrows.origins, middle)
    assert np.allclose(arrows.vectors, capture["stage_harmonics"]["1o"][:, 0])


def test_one_value_for_the_whole_structure_is_told_in_numbers(explorer: Explorer) -> None:
    explorer.choose(stage="output.energy")
    energy = float(explorer.pane.field.values[0, 0])
    assert f"0e, channel 0: {energy:.6g}" in explorer.pane.caption.value
    assert "one value for the whole structure" in explorer.pane.caption.value


# --- the widget


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


# --- the rotation hand


@pytest.mark.parametrize("fault", ["none", "relu on vectors"])
def test_the_error_is_that_of_the_checker(fault: str) -> None:
    model = toy() if fault == "none" else FAULTS[fault].make()
    recorded = Recorded.of(model, molecule())
    hand = RotationHand(recorded, 0)
    made = hand.at(G)
    expected = KindSquares()
    x = recorded.measured(0)
    expected.add(*hand.runs.free(Trial("rotation", "", x.transform(G), g=G)))
    reference, found = recorded.capture(0), equiviz.capture(recorded.model, x.transform(G))
    for (stage, block), squares in expected.blocks.items():
        assert made.error(stage, block) == pytest.approx(squares.relative, rel=1e-9, nan_ok=True)
        one = reference[stage].with_values(reference[stage].values.double()).transform(G)[block]
        other = found[stage][block].double()
        if reference[stage].support != "node" or not float(one.norm()):
            continue
        by_hand = float((one - other).norm()) / math.sqrt(float(one.square().sum() + other.square().sum()) / 2)
        assert made.error(stage, block) == pytest.approx(by_hand, rel=1e-3, abs=1e-15)


def test_the_error_over_many_turns_is_the_report_of_check() -> None:
    model, structure = FAULTS["relu on vectors"].make(), molecule()
    report = equiviz.check(model, structure, elements=4, seed=0, wide=0)
    hand = RotationHand(Recorded.of(model, structure), 0)
    sums = KindSquares()
    for g in haar(4, 0, "SO(3)"):
        sums.merge(hand.at(g).squares)
    finding = next(f for f in report.findings if (f.stage, f.irrep, f.group) == ("stage_layers.0", "1o", "rotation"))
    assert sums.block("stage_layers.0", "1o").relative == pytest.approx(finding.inherited, rel=1e-9)


def test_the_hand_says_rounding_or_broken() -> None:
    for model, said, sign in ((toy(), "rounding", "✓"), (FAULTS["relu on vectors"].make(), "broken", "✗")):
        made = explore(model, molecule())
        made.choose(stage="stage_layers.0", block="1o", channel=0)
        made.mode.value = TURN
        assert made.hand is not None
        made.hand.hand.turn = turned(made, G)
        told = made.hand.verdict.value
        assert "Turned by 34° about (0.27, 0.53, 0.80). stage_layers.0, 1o: relative error" in told
        assert said in told
        assert sign in told


def test_what_the_model_gives_is_drawn_turned_back_in_a_view_that_is_turned(explorer: Explorer) -> None:
    explorer.choose(block="1o", channel=0)
    explorer.mode.value = TURN
    hand = explorer.hand
    assert hand is not None
    hand.hand.turn = turned(explorer, G)
    found, still = hand.views[1], hand.views[2]
    assert found.turn == pytest.approx(turned(explorer, G))
    arrows = next(layer for layer in still.scene.layers if isinstance(layer, Arrows))
    sent = read_packet(found.update)["updates"][0]["vectors"]
    assert np.allclose(sent, arrows.vectors, atol=1e-6 * np.abs(arrows.vectors).max())  # the model is equivariant
    assert len(found.update) < len(found.packet)
    assert still.linked == hand.hand.linked != ""
    assert found.linked == ""


def test_a_broken_model_is_drawn_broken() -> None:
    made = explore(FAULTS["relu on vectors"].make(), molecule())
    made.choose(stage="stage_layers.0", block="1o", channel=0)
    made.mode.value = TURN
    assert made.hand is not None
    made.hand.hand.turn = turned(made, G)
    sent = read_packet(made.hand.views[1].update)["updates"][0]["vectors"]
    arrows = next(layer for layer in made.hand.views[2].scene.layers if isinstance(layer, Arrows))
    turned_back = made.hand.turned.found["stage_layers.0"].transform(G.inverse())["1o"][:, 0]  # type: ignore[union-attr]
    assert np.allclose(sent, turned_back, rtol=1e-5, atol=1e-6 * np.abs(arrows.vectors).max())
    assert np.abs(sent - arrows.vectors).max() > 0.1 * np.abs(arrows.vectors).max()


def test_the_hand_tells_numbers_of_the_whole_structure(explorer: Explorer) -> None:
    explorer.choose(stage="output.energy")
    explorer.mode.value = TURN
    assert explorer.hand is not None
    explorer.hand.turn_to(G)
    energy = float(explorer.pane.field.values[0, 0])
    assert explorer.hand.values.value.count(f"{energy:.6g}") == 2


def test_edges_of_the_turned_input_are_matched() -> None:
    recorded = Recorded.of(toy(), molecule(cell=True))
    made = RotationHand(recorded, 0).at(G)
    back, before = made.turned_back("stage_harmonics"), recorded.capture(0)["stage_harmonics"]
    assert torch.allclose(back.values, before.values, atol=1e-10)


def test_words_on_all_degrees_name_the_worst_of_them() -> None:
    hand = RotationHand(Recorded.of(FAULTS["relu on vectors"].make(), molecule()), 0)
    lines = error_words(hand, hand.at(G), "stage_layers.0", "all")
    assert "stage_layers.0, 1o: relative error" in lines[0]
    assert lines[1].startswith("Largest of all")


def test_only_the_latest_turn_is_run() -> None:
    seen: list[int] = []

    async def live() -> None:
        latest = Latest[int](seen.append)
        for value in range(50):
            latest(value)
        await asyncio.sleep(0.1)
        latest(99)
        await asyncio.sleep(0.1)

    in_a_kernel(live())
    assert seen == [49, 99]


# --- two layers, two models


def test_two_models_are_seen_from_the_same_side() -> None:
    made = explore(toy(), molecule(), other=toy(seed=1), names=["first", "second"])
    made.mode.value = COMPARE
    second = made.second
    assert second is not None
    assert (second.right.recorded.name, second.right.choice.stage) == ("second", STAGE)
    assert second.right.view.linked == made.view.linked != ""
    assert "Likeness of their invariants" in second.words.value
    made.view.selected = [4]
    assert second.right.view.selected == [4]
    second.right.view.selected = [5, 6]
    assert made.view.selected == [5, 6]
    second.right.pickers.model.value = "first"
    assert "linear CKA) over 9 nodes: 1.00" in second.words.value
    assert f"Relative difference of all channels of {made.choice.block}: 0." in second.words.value


def test_two_layers_of_one_model_follow_the_structure(explorer: Explorer) -> None:
    explorer.mode.value = COMPARE
    assert explorer.second is not None
    assert explorer.second.right.choice.stage == "stage_layers.0"
    explorer.choose(structure=1)
    assert explorer.second.right.choice.structure == 1
    assert "over 12 nodes" in explorer.second.words.value


def test_two_models_of_one_class_have_two_names() -> None:
    assert list(explore(toy(), molecule(), other=toy(seed=1)).models) == ["ToyNetwork 1", "ToyNetwork 2"]


def test_likeness_knows_rotations_and_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(400, 6, generator=generator, dtype=torch.float64)
    mixed = values @ torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))[0]
    same = likeness(Field(values, "6x0e"), Field(3 * mixed, "6x0e"))
    assert same is not None
    assert same.value == pytest.approx(1)
    assert same.chance < 0.1
    other = likeness(Field(values, "6x0e"), Field(torch.randn(400, 6, generator=generator).double(), "6x0e"))
    assert other is not None
    assert other.value < 0.1
    assert likeness(Field(values, "6x0e"), Field(values[:1], "6x0e", "graph")) is None


# --- numbers


def test_the_power_spectrum_is_the_sum_of_squares_and_does_not_turn(recorded: Recorded) -> None:
    field = recorded.capture(0)[STAGE]
    spectrum = power_spectrum(field)
    assert spectrum.values.sum() == pytest.approx(float(field.values.square().sum()) / len(field))
    assert np.allclose(power_spectrum(field.transform(G)).values, spectrum.values)
    assert np.allclose(power_spectrum(field, [3]).values.sum(), float(field.values[3].square().sum()))


def test_the_map_is_the_principal_plane_of_standardised_invariants(recorded: Recorded) -> None:
    recorded.capture(1)
    made = environments(recorded.captures, STAGE)
    columns = torch.cat([capture[STAGE].invariants().values for capture in recorded.captures.values()]).numpy()
    columns = columns[:, columns.std(0) > 0]
    standard = (columns - columns.mean(0)) / columns.std(0)
    _, sizes, axes = np.linalg.svd(standard, full_matrices=False)
    assert np.allclose(np.abs(made.points), np.abs(standard @ axes[:2].T))
    assert made.axes[0] == f"PC 1 ({sizes[0] ** 2 / (sizes**2).sum():.0%} of the variance)"
    assert made.places(1, [0, 5]) == [9, 14]


def test_a_map_of_what_is_not_on_nodes_says_so(recorded: Recorded) -> None:
    assert "no features on nodes" in environments(recorded.captures, "output.energy").note
    assert methods()[0] == "PCA"
    if methods() == ("PCA",):
        with pytest.raises(ViewError, match="pip install umap-learn"):
            environments(recorded.captures, STAGE, "UMAP")


# --- what can be explored


def test_a_graph_and_modules_of_e3nn_can_be_explored() -> None:
    graph = Graph.from_structures(molecule(), cutoff=3.0, dtype=torch.float64)
    made = explore(Declared(toy()), graph)
    assert made.describe().startswith("Explorer of Declared; 1. structure (9 atoms)")
    made.mode.value = TURN
    assert made.hand is not None
    made.hand.turn_to(G)
    assert "rounding" in made.hand.verdict.value
    with pytest.raises(CaptureError, match="Graph of one structure, got one of 2"):
        explore(Declared(toy()), Graph.from_structures([molecule(), molecule()], 3.0, dtype=torch.float64))


def test_a_model_that_declares_nothing_is_explored_with_inferred_types() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.arrows = nn.Identity()

        def forward(self, graph: Graph) -> torch.Tensor:
            arms = graph.edge_vectors
            return self.arrows(arms.new_zeros(len(graph), 3).index_add(0, graph.receivers, arms))

    made = explore(Plain(), Graph.from_structures(molecule(), 3.0, dtype=torch.float64))
    assert any(isinstance(layer, Arrows) for layer in made.view.scene.layers)


def everything(widget: Widget) -> Iterator[Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def test_hostile_names_stay_text() -> None:
    structure = replace(molecule(), species_names=("?", *HOSTILE[:2]), name=ALL)
    made = explore(hostile_network(), structure, names=[HOSTILE[1]])
    for mode in (TURN, COMPARE):
        made.mode.value = mode
    shown = [widget.value for widget in everything(made) if isinstance(widget, HTML)]
    assert any("&lt;img src=x" in text for text in shown)  # the control: hostile names do come here
    for text in shown:
        assert "<script>" not in text
        assert "<img" not in text
        assert "<svg" not in text
    figure = str(made.side.charts.figure.to_json())
    assert "<img" not in figure
    assert "\\u003cimg" not in figure
