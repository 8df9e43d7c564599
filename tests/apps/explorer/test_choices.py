"""What can be chosen, and what does a choice draw?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from equiviz.apps.explorer.choices import Choice, first_choice, fitted, offered_blocks, offered_styles, rows_of
from equiviz.apps.explorer.drawing import changes, scene_of
from equiviz.apps.explorer.face import Explorer
from equiviz.apps.explorer.recorded import Recorded
from equiviz.view.errors import ViewError
from equiviz.view.layers import Arrows, Atoms, Glyphs
from equiviz.view.scene import Scene
from tests.apps.explorer.turning import STAGE


def scene(recorded: Recorded, choice: Choice) -> Scene:
    return scene_of(recorded.place(0, choice.stage), recorded.seen(0)[choice.stage], choice)


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
    copies = offered_blocks(recorded.capture(0)[stage])[block]
    scenes = [scene(recorded, Choice(0, stage, block, k, style)) for k in (0, copies - 1)]  # type: ignore[arg-type]
    assert any(isinstance(layer, shape) for layer in scenes[0].layers)
    found = changes(*scenes)
    assert found is not None
    assert len(found) == (copies > 1)
    for arrays in found.values():
        assert set(arrays) <= {"vectors", "coefficients", "values"}


def test_scalars_are_colours_on_one_scale_with_limits_from_all_channels(recorded: Recorded) -> None:
    capture = recorded.capture(0)
    scenes = [scene(recorded, Choice(0, STAGE, "0e", k)) for k in (0, 1)]
    atoms = [drawn.layers[0] for drawn in scenes]
    assert isinstance(atoms[0], Atoms)
    assert isinstance(atoms[1], Atoms)
    assert atoms[0].scale == atoms[1].scale
    assert np.allclose(atoms[1].values, capture[STAGE]["0e"][:, 1, 0])
    assert set(changes(*scenes) or {}) == {0}


def test_a_scale_of_its_own_follows_the_channel(recorded: Recorded) -> None:
    choices = [Choice(0, STAGE, "1o", k, shared=False) for k in (0, 1)]
    assert changes(*(scene(recorded, choice) for choice in choices)) is None


def test_features_on_edges_stand_in_their_middle(recorded: Recorded) -> None:
    drawn = scene(recorded, Choice(0, "stage_harmonics", "1o"))
    arrows = next(layer for layer in drawn.layers if isinstance(layer, Arrows))
    graph = recorded.capture(0).graph
    assert graph is not None
    middle = (graph.positions[graph.senders] + graph.positions[graph.receivers]) / 2
    assert np.allclose(arrows.origins, middle)
    assert np.allclose(arrows.vectors, recorded.capture(0)["stage_harmonics"]["1o"][:, 0])


def test_one_value_for_the_whole_structure_is_told_in_numbers(explorer: Explorer) -> None:
    explorer.choose(stage="output.energy")
    energy = float(explorer.pane.field.values[0, 0])
    assert f"0e, channel 0: {energy:.6g}" in explorer.pane.caption.value
    assert "one value for the whole structure" in explorer.pane.caption.value
