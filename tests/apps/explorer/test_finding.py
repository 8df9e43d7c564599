"""Does the panel that searches ask what is chosen, draw what the verbs find, and say what they need?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import equiviz
from equiviz.apps.explorer.asking import asked
from equiviz.apps.explorer.explorer import explore
from equiviz.apps.explorer.face import FIND, LOOK, Explorer
from equiviz.apps.explorer.find_panel import FindPanel
from equiviz.apps.explorer.finding import (
    ALIKE,
    MADE,
    MISSING,
    MOVE,
    QUESTIONS,
    UNSEEN,
    VERBS,
    targets_of,
    unit_of,
    where_asked,
)
from equiviz.apps.explorer.recorded import Recorded
from equiviz.explain.dictionary.report import DictionaryReport
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.view.layers import Arrows, Atoms
from tests.apps.explorer.turning import STAGE
from tests.toy_networks import Declared, molecule, toy

EDGES = "stage_harmonics"
"""Directions of single edges: their invariants are constants, so that every motion of the atoms is unseen."""


@pytest.fixture
def panel(explorer: Explorer) -> FindPanel:
    return opened(explorer)


def opened(explorer: object, what: str = MOVE) -> FindPanel:
    assert isinstance(explorer, Explorer)
    explorer.mode.value = FIND
    assert explorer.find is not None
    explorer.find.what.value = what
    return explorer.find


def arrows(panel: FindPanel) -> np.ndarray:
    """[N, 3]; none where none are drawn."""
    found = [layer for layer in panel.pane.view.current.layers if isinstance(layer, Arrows)]
    return np.asarray(found[0].vectors) if found else np.zeros((0, 3))


def square(stretch: float = 1.0) -> Structure:
    corners = torch.tensor([[1.0, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]], dtype=torch.float64)
    corners = corners * torch.tensor([stretch, 1 / stretch, 1.0], dtype=torch.float64)
    return Structure(corners, torch.ones(4, dtype=torch.long), species_names=("?", "A"))


# --- what is asked


def test_every_question_names_a_verb_of_the_package() -> None:
    assert all(callable(getattr(equiviz, VERBS[what])) for what in QUESTIONS)


def test_the_selected_atom_is_asked_about(panel: FindPanel) -> None:
    panel.question.output.value = "output.vector"
    assert "summed over all atoms" in panel.asked.value
    panel.pane.view.selected = [3]
    assert "vector at atom B 3" in panel.asked.value
    panel.what.value = UNSEEN
    assert f"{panel.pane.choice.stage} at atom B 3" in panel.asked.value
    panel.pane.view.selected = []
    assert "Select an atom to ask at it alone" in panel.asked.value


def test_a_layer_on_edges_is_asked_as_a_whole(recorded: Recorded) -> None:
    labels = recorded.structures[0].labels
    atom, words = where_asked(recorded.capture(0), EDGES, [3], labels)
    assert (atom, "(edge)" in words) == (None, True)
    assert where_asked(recorded.capture(0), STAGE, [3], labels) == (3, f"{STAGE} at atom B 3")


def test_a_change_is_counted_in_the_spread_over_atoms_or_in_the_size(recorded: Recorded) -> None:
    capture, labels = recorded.capture(0), recorded.structures[0].labels
    norms = capture["output.vector"].values.norm(dim=1)
    one = unit_of(capture, asked(capture, "output.vector", -1, [3], labels))
    assert (one.size, one.words) == (pytest.approx(float(norms.std())), "standard deviations over the atoms")
    whole = unit_of(capture, asked(capture, "output.energy", -1, [3], labels))
    assert whole.size == pytest.approx(abs(float(capture["output.energy"].values)))
    assert whole.words == "times its size"


def test_nothing_is_run_before_the_button(panel: FindPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was run")

    monkeypatch.setattr(type(panel.pane.recorded.model), "forward", refuse)
    for what in QUESTIONS:
        panel.what.value = what
    panel.pane.view.selected = [1]
    panel.change.value = -1.0
    assert panel.pane.view.problem == ""


# --- what had to move


def test_the_panel_draws_what_counterfactual_finds(panel: FindPanel) -> None:
    panel.pane.view.selected = [2]
    panel.question.output.value = "output.vector"
    panel.change.value = 0.3
    panel.button.click()
    recorded = panel.pane.recorded
    size = 0.3 * float(recorded.capture(0)["output.vector"].values.norm(dim=1).std())
    expected = equiviz.counterfactual(recorded.model, molecule(), size, "vector", at=2)
    motion = expected.displacement.values.numpy()
    assert np.allclose(arrows(panel), motion, atol=1e-6)  # the view holds float32
    assert np.allclose(panel.scores.values, np.linalg.norm(motion, axis=1), atol=1e-12)
    assert f"goes from {expected.before:.4g}" in panel.words.value
    assert "Done in" in panel.status.value
    assert len(panel.pictures.children) == 1
    panel.pane.view.selected = [5]  # the control: another atom has another answer
    panel.button.click()
    assert np.abs(arrows(panel) - motion).max() > 1e-3


def test_a_bar_selects_its_atom_and_a_button_takes_the_arrows_away(panel: FindPanel) -> None:
    before = panel.pane.view.packet
    panel.button.click()
    second = panel.scores.bars.bars[1]
    panel.scores.bars.buttons[1].click()
    assert panel.pane.view.selected == [second.row]
    assert panel.scores.paint.description == "reset the picture"
    panel.scores.paint.click()
    assert (panel.pane.view.packet, panel.scores.paint.description) == (before, "draw the answer")
    panel.scores.paint.click()
    assert len(arrows(panel))


def test_arrows_go_with_the_panel(explorer: Explorer) -> None:
    panel, before = opened(explorer), explorer.view.packet
    panel.button.click()
    assert explorer.view.packet != before
    explorer.mode.value = LOOK
    assert explorer.view.packet == before


def test_another_structure_or_question_empties_the_answer(explorer: Explorer) -> None:
    panel = opened(explorer)
    for leave in (lambda: explorer.choose(structure=1), lambda: setattr(panel.what, "value", UNSEEN)):
        panel.what.value = MOVE
        panel.button.click()
        assert panel.found is not None
        leave()
        assert (panel.found, panel.words.value, panel.pictures.children) == (None, "", ())
        assert not panel.scores.painted


def test_no_change_at_all_is_one_sentence(panel: FindPanel) -> None:
    panel.change.value = 0.0
    panel.button.click()
    assert "Expected a change that is finite and not zero" in panel.status.value
    assert (panel.found, panel.button.disabled) == (None, False)


# --- what is not seen


def test_the_directions_that_a_layer_does_not_see_are_drawn_one_by_one(explorer: Explorer) -> None:
    explorer.choose(stage=EDGES)
    panel = opened(explorer, UNSEEN)
    panel.button.click()
    expected = equiviz.unseen_directions(panel.pane.recorded.model, molecule(), EDGES)
    assert expected.count == 18  # 9 atoms, without the 6 motions of the whole
    assert np.allclose(arrows(panel), expected.direction(0).values.numpy(), atol=1e-6)
    assert "blind, to first order, to 18" in panel.words.value
    panel.part.value = 4
    assert np.allclose(arrows(panel), expected.direction(4).values.numpy(), atol=1e-6)
    assert "motion 5 of 18" in panel.pane.caption.value


def test_a_layer_that_sees_all_has_nothing_to_draw() -> None:
    panel = opened(explore(toy(), molecule()), UNSEEN)
    panel.pane.choose(replace(panel.pane.choice, stage=STAGE))
    panel.pane.view.selected = [2]
    panel.button.click()
    assert "nothing is left over" in panel.words.value, panel.status.value
    assert (panel.scores.painted, len(panel.pictures.children)) == (False, 1)


def test_another_arrangement_is_drawn_beside_the_first() -> None:
    model = toy()
    panel = opened(explore(model, molecule()), ALIKE)
    panel.pane.choose(replace(panel.pane.choice, stage="stage_layers.0"))
    panel.pane.view.selected = [2]
    panel.button.click()
    expected = equiviz.find_blind_spot(model, molecule(), "stage_layers.0", at=2, attempts=2, steps=60)
    assert expected.found
    assert np.allclose(arrows(panel), expected.displacement.values.numpy(), atol=1e-6)
    assert "A blind spot of stage_layers.0 (node 2)" in panel.words.value
    assert "looks the same to stage_layers.0" in panel.pane.caption.value
    assert len(panel.row.children) == 1


# --- what is missing


def test_other_structures_of_the_same_atoms_and_typed_fields_are_targets(recorded: Recorded) -> None:
    assert [target.title for target in targets_of(recorded, 0)] == ["velocity (1x1o)", "spin (1x1e)"]
    alike = Recorded.of(toy(), [molecule(), molecule(seed=1), molecule(12, seed=2)])
    titles = [target.title for target in targets_of(alike, 0)]
    assert titles[0] == "move to 2. structure (9 atoms)"
    assert len(titles) == 3
    assert "velocity" not in targets_of(recorded, 0)[0].start.node
    assert "spin" in targets_of(recorded, 0)[0].start.node


def test_a_square_needs_a_stretch_to_become_a_rectangle() -> None:
    panel = opened(explore(toy(), [square(), square(1.2)]), MISSING)
    panel.button.click()
    assert panel.found is not None, panel.status.value
    assert "What is missing is 2e" in panel.words.value
    assert panel.found.parts == ("2e",)
    stretch = (0.2 + 1 / 6) / 2  # wider by 0.2, lower by 1/6: the mean of both is a shrinking, which a square allows
    assert np.allclose(np.abs(arrows(panel))[:, :2], stretch, atol=1e-6)


def test_the_same_shape_needs_nothing() -> None:
    panel = opened(explore(toy(), [square(), square(-1.0)]), MISSING)  # turned by half: the symmetry is all kept
    panel.button.click()
    assert "needs nothing besides" in panel.words.value, panel.status.value
    assert not panel.scores.painted


def test_without_a_target_the_panel_says_what_it_takes() -> None:
    panel = opened(explore(toy(), square()), MISSING)
    assert "No target is loaded" in panel.asked.value
    assert "equiviz.symmetry_breaking(model, structure, target)" in panel.asked.value
    assert panel.button.disabled
    panel.what.value = MOVE
    assert not panel.button.disabled


# --- what it is made of


def test_atoms_are_coloured_by_what_they_hold_of_an_atom_of_the_dictionary() -> None:
    panel = opened(explore(toy(), [molecule(12, seed=k) for k in range(11)]), MADE)
    assert "From all 132 environments" in panel.asked.value
    panel.pane.choose(replace(panel.pane.choice, stage="stage_layers.0"))
    panel.button.click()
    assert panel.found is not None, panel.status.value
    report = panel.found.report
    assert isinstance(report, DictionaryReport)
    strengths = report.codes[:12, report.leading()[0]].norm(dim=1).numpy()  # of the first structure, all sampled
    assert np.allclose(panel.scores.values, strengths, atol=1e-9)
    layer = next(layer for layer in panel.pane.view.current.layers if isinstance(layer, Atoms))
    assert layer.values is not None
    assert np.allclose(layer.values, strengths, atol=1e-6)
    panel.part.value = 1
    assert np.abs(panel.scores.values - strengths).max() > 1e-6
    assert len(panel.row.children) == 1  # the gallery


def test_too_few_environments_are_one_sentence(panel: FindPanel) -> None:
    panel.what.value = MADE
    panel.button.click()
    assert "21 environments are too few for 32 atoms: give at least 128" in panel.status.value
    assert panel.found is None


# --- trouble


def test_an_error_is_one_sentence_and_an_interrupt_leaves_the_panel_usable(panel: FindPanel) -> None:
    for raised, told in ((RuntimeError("the model\nfell over"), "the model fell over"), (KeyboardInterrupt(), "Stopp")):

        def fail(*_: object, raised: BaseException = raised) -> None:
            raise raised

        handle = panel.pane.recorded.model.register_forward_pre_hook(fail)
        panel.button.click()
        handle.remove()
        assert "equiviz-problem" in panel.status.value
        assert told in panel.status.value
        assert "Traceback" not in panel.status.value
        assert not panel.button.disabled
        assert panel.pane.view.problem == ""


def test_a_model_of_e3nn_modules_that_was_shown_a_graph_is_asked_too() -> None:
    made = explore(Declared(toy()), Graph.from_structures(molecule(), 3.0, dtype=torch.float64))
    panel = opened(made)
    panel.pane.view.selected = [2]
    panel.button.click()
    assert "Done in" in panel.status.value, panel.status.value
    assert panel.found is not None
