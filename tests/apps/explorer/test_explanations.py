"""Do the panels of explanations ask what is chosen, show what `equiviz` finds, and wait until they are asked?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import equiviz
from equiviz.apps.explorer.asking import NORM, asked, offered_components, offered_outputs
from equiviz.apps.explorer.choices import Choice
from equiviz.apps.explorer.clickable_bars import bar_html, strongest
from equiviz.apps.explorer.explanations import METHODS, cost_words, runs, score_scene
from equiviz.apps.explorer.explorer import explore
from equiviz.apps.explorer.face import IRREPS, KNOWN, LOOK, STEER, WHY, Explorer
from equiviz.apps.explorer.irreps_panel import cell_table
from equiviz.apps.explorer.recorded import Recorded
from equiviz.apps.explorer.steered import why_not_steered
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.view.layers import Atoms
from equiviz.view.show import show
from tests.apps.explorer.turning import STAGE
from tests.toy_networks import Declared, molecule, toy


class FromOneAtom(nn.Module):
    """Says the distance between atoms 0 and 1, and nothing else: which atoms it rests on is known."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage("1x0e", "graph")

    def forward(self, graph: Graph) -> torch.Tensor:
        pair = ((graph.senders % 4 == 0) & (graph.receivers % 4 == 1))[:, None]  # of each copy of four atoms
        lengths = graph.edge_vectors.norm(dim=1, keepdim=True) * pair  # [E, 1]
        return self.stage(lengths.new_zeros(graph.n_graphs, 1).index_add(0, graph.batch[graph.receivers], lengths))


@pytest.fixture
def why(explorer: Explorer) -> Explorer:
    explorer.mode.value = WHY
    assert explorer.why is not None
    explorer.why.effort.value = 8
    return explorer


def colours(explorer: Explorer) -> np.ndarray:
    layer = next(layer for layer in explorer.view.current.layers if isinstance(layer, Atoms))
    return np.zeros(0) if layer.values is None else np.asarray(layer.values)


# --- what is asked


def test_the_first_invariant_output_is_asked_about_by_default(recorded: Recorded) -> None:
    titles = offered_outputs(recorded.capture(0))
    assert list(titles) == ["output.energy", "output.vector", "output.tensor"]
    assert titles["output.vector"] == "vector (1x1o per atom)"


def test_what_turns_offers_its_norm_first(recorded: Recorded) -> None:
    capture = recorded.capture(0)
    assert offered_components(capture["output.energy"]) == [("the only one", NORM)]
    assert offered_components(capture["output.vector"])[:2] == [("norm", NORM), ("0", 0)]


def test_the_selected_atom_is_asked_about(recorded: Recorded) -> None:
    capture, labels = recorded.capture(0), recorded.structures[0].labels
    one = asked(capture, "output.vector", 2, [3], labels)
    assert (one.at, one.component, one.words) == (3, 2, "vector, component 2, at atom B 3")
    every = asked(capture, "output.vector", NORM, [], labels)
    assert (every.at, every.component, every.words) == ("all", None, "vector summed over all atoms")
    assert asked(capture, "output.energy", NORM, [3], labels).at is None


# --- why


def test_nothing_is_run_before_the_button(why: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was run")

    monkeypatch.setattr(type(why.pane.recorded.model), "forward", refuse)
    for mode in (IRREPS, STEER, KNOWN, WHY):
        why.mode.value = mode
    why.view.selected = [1]
    why.choose(channel=1, block="1o")
    assert why.view.problem == ""


def test_the_panel_shows_what_attribute_finds(why: Explorer) -> None:
    assert why.why is not None
    why.view.selected = [2]
    why.question.output.value = "output.vector"
    why.why.button.click()
    x = why.pane.recorded.measured(0)
    expected = equiviz.attribute(why.pane.recorded.model, x, output="vector", at=2, steps=8)
    assert np.allclose(why.why.scores.values, expected.shares.nodes.numpy(), atol=1e-12)
    assert np.allclose(colours(why), expected.shares.nodes.numpy(), atol=1e-6)
    first = why.why.scores.bars.bars[0]
    assert first.row == int(expected.shares.nodes.abs().argmax())
    assert "By integrated gradients, norm of vector at node 2" in why.why.words.value
    assert "explanation is the turned one" in why.why.words.value


@pytest.mark.parametrize("method", METHODS.values())
def test_every_method_finds_the_two_atoms_that_count(method: str) -> None:
    made = explore(FromOneAtom(), Graph.from_structures(_four_in_a_row(), 4.0, dtype=torch.float64))
    made.mode.value = WHY
    assert made.why is not None
    made.why.method.value = method
    made.why.button.click()
    if method == "relevance":  # it needs products on edges, of which this model has none: one sentence
        assert "Done in" in made.why.status.value or "equiviz-problem" in made.why.status.value
        return
    assert {bar.row for bar in made.why.scores.bars.bars if abs(bar.value) > 1e-6} <= {0, 1}, method
    assert made.why.scores.painted


def test_a_bar_selects_its_atom(why: Explorer) -> None:
    assert why.why is not None
    why.why.button.click()
    second = why.why.scores.bars.bars[1]
    why.why.scores.bars.buttons[1].click()
    assert why.view.selected == [second.row]
    assert why.why.scores.painted


def test_colours_go_with_reset_and_with_the_panel(why: Explorer) -> None:
    assert why.why is not None
    before = why.view.packet
    why.why.button.click()
    assert why.view.packet != before
    assert why.why.scores.paint.description == "reset colours"
    why.why.scores.paint.click()
    assert why.view.packet == before
    assert why.why.scores.paint.description == "colour the atoms"
    why.why.scores.paint.click()
    assert why.why.scores.painted
    why.mode.value = LOOK
    assert why.view.packet == before


def test_another_structure_empties_the_answer(why: Explorer) -> None:
    assert why.why is not None
    why.why.button.click()
    why.choose(structure=1)
    assert why.why.found is None
    assert (why.why.words.value, why.why.scores.box.layout.display) == ("", "none")
    assert len(colours(why)) in (0, 12)


def test_an_error_is_one_sentence(why: Explorer) -> None:
    assert why.why is not None
    why.why.button.click()

    def fail(*_: object) -> None:
        raise RuntimeError("the model\nfell over")

    handle = why.pane.recorded.model.register_forward_pre_hook(fail)
    why.why.button.click()
    handle.remove()
    assert "equiviz-problem" in why.why.status.value
    assert "the model fell over" in why.why.status.value
    assert "Traceback" not in why.why.status.value
    assert not why.why.button.disabled
    assert why.why.scores.bars.bars == []


def test_an_interrupt_leaves_the_panel_usable(why: Explorer) -> None:
    assert why.why is not None

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    handle = why.pane.recorded.model.register_forward_pre_hook(stop)
    why.why.button.click()
    handle.remove()
    assert "Stopped" in why.why.status.value
    assert not why.why.button.disabled


def test_a_model_of_e3nn_modules_is_explained_too() -> None:
    made = explore(Declared(toy()), Graph.from_structures(molecule(), 3.0, dtype=torch.float64))
    made.mode.value = WHY
    assert made.why is not None
    made.why.button.click()
    assert "Done in" in made.why.status.value
    assert len(made.why.scores.bars.bars) == 8


def test_long_work_is_told(recorded: Recorded) -> None:
    capture = recorded.capture(0)
    assert runs(capture, "integrated_gradients", 16) == 32
    assert cost_words(32, 0.01) == ""
    assert cost_words(1000, 0.02) == (" That is 1,000 runs of the model, about 60 s; interrupt the kernel to stop it.")


def test_of_many_atoms_the_weak_ones_make_way() -> None:
    many = molecule(300)
    scores = np.linspace(-1.0, 0.5, 300)
    layer = next(layer for layer in score_scene(many, scores, "score").layers if isinstance(layer, Atoms))
    plain = next(layer for layer in show(many).layers if isinstance(layer, Atoms))
    part = layer.radii / plain.radii
    assert part[0] == pytest.approx(1.0)
    assert part[200] == pytest.approx(0.3, abs=0.1)  # its score is about 0
    assert (layer.scale.low, layer.scale.high) == (pytest.approx(scores[4]), pytest.approx(-scores[4]))


# --- irreps


def test_a_cell_chooses_layer_and_irrep(explorer: Explorer) -> None:
    explorer.mode.value = IRREPS
    panel = explorer.irreps
    assert panel is not None
    panel.button.click()
    assert panel.found is not None
    assert panel.figure is not None
    table = cell_table(panel.found)
    x = explorer.pane.recorded.measured(0)
    expected = equiviz.attribute(explorer.pane.recorded.model, x, to="stages", steps=16).by("irrep")
    own = expected[(expected["stage"] == "stage_layers.0") & (expected["irrep"] == "2e")]["score"].item()
    assert table.loc["stage_layers.0", "2e"] == pytest.approx(own, abs=1e-12)
    panel._clicked(None, _Click(["1o"], ["stage_layers.0"]), None)  # type: ignore[arg-type]
    assert (explorer.choice.stage, explorer.choice.block) == ("stage_layers.0", "1o")
    place = list(table.columns).index("1o")
    assert panel.figure.layout.shapes[0].x0 == pytest.approx(place - 0.49)
    panel._clicked(None, _Click(["0o"], ["gone"]), None)  # type: ignore[arg-type]
    assert explorer.choice.stage == "stage_layers.0"


# --- steer


def test_the_sliders_do_what_steer_does(explorer: Explorer) -> None:
    explorer.mode.value = STEER
    panel = explorer.steer
    assert panel is not None
    explorer.question.output.value = "output.tensor"
    panel.scale.value = 2.0
    x, choice = explorer.pane.recorded.measured(0), explorer.choice
    expected = equiviz.steer(explorer.pane.recorded.model, x, choice.stage, choice.block, choice.channel, scale=2.0)
    assert panel.found is not None
    assert torch.equal(panel.found.after["tensor"].values, expected.after["tensor"].values)
    assert f"tensor: changes by {expected.change('tensor'):.1%} of its rms" in panel.words.value
    assert "vector: does not change" in panel.words.value  # the last layer's 2e is not read for it
    assert panel.scores.bars.bars[0].value > 0
    panel.reset.click()
    assert panel.found is None
    assert (panel.scale.value, panel.words.value) == (1.0, "")


def test_only_the_selected_atoms_are_steered(explorer: Explorer) -> None:
    explorer.mode.value = STEER
    panel = explorer.steer
    assert panel is not None
    explorer.view.selected = [2]
    explorer.question.output.value = "output.tensor"
    panel.here.value, panel.scale.value = True, 0.0
    assert np.flatnonzero(np.abs(panel.scores.values) > 1e-12).tolist() == [2]


def test_another_channel_is_steered_alike_and_another_irrep_begins_anew(explorer: Explorer) -> None:
    explorer.mode.value = STEER
    panel = explorer.steer
    assert panel is not None
    panel.scale.value = 0.0
    before = panel.words.value
    explorer.choose(channel=(explorer.choice.channel + 1) % 3)
    assert panel.scale.value == 0.0
    assert panel.words.value != before
    explorer.choose(block="0e")
    assert (panel.scale.value, panel.angle.disabled) == (1.0, True)


def test_what_cannot_be_steered_says_why(recorded: Recorded) -> None:
    capture = recorded.capture(0)
    assert "nothing comes after" in why_not_steered(capture, Choice(0, "output.vector", "1o"))
    assert "choose one irrep" in why_not_steered(capture, Choice(0, STAGE, "all"))
    assert why_not_steered(capture, Choice(0, STAGE, "2e")) == ""


# --- known


def test_the_probe_shows_a_bar_for_each_descriptor_and_its_controls() -> None:
    made = explore(toy(), [molecule(12, seed=k) for k in range(6)])
    made.mode.value = KNOWN
    assert made.known is not None
    made.known.names.value = "coordination"
    made.known.button.click()
    assert made.known.found is not None, made.known.status.value
    assert "coordination" in made.known.table.value
    assert "untrained" in made.known.table.value


def test_a_probe_of_too_little_is_one_sentence(explorer: Explorer) -> None:
    explorer.mode.value = KNOWN
    assert explorer.known is not None
    explorer.known.button.click()
    assert "too few" in explorer.known.status.value


# --- bars


def test_the_strongest_come_first_and_nan_is_left_out() -> None:
    bars = strongest([0.1, -3.0, float("nan"), 2.0], ["A", "B", "C", "D"], 2)
    assert [(bar.row, bar.label, bar.value) for bar in bars] == [(1, "B 1", -3.0), (3, "D 3", 2.0)]


def test_negative_bars_go_to_the_left() -> None:
    assert "left:25.0%;width:25.0%" in bar_html(-1.0, 2.0, signed=True)
    assert "left:50.0%;width:50.0%" in bar_html(2.0, 2.0, signed=True)
    assert "left:0.0%;width:50.0%" in bar_html(1.0, 2.0, signed=False)


class _Click:
    def __init__(self, xs: list[str], ys: list[str]) -> None:
        self.xs, self.ys = xs, ys


def _four_in_a_row() -> Structure:
    positions = torch.tensor([[0.0, 0, 0], [1.1, 0, 0], [2.3, 0.2, 0], [3.1, 0.9, 0.4]], dtype=torch.float64)
    return Structure(positions, torch.ones(4, dtype=torch.long), species_names=("?", "A"))
