"""Does the hand that turns the input measure what the checker measures?"""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
import torch

import equiviz
from equiviz.apps.explorer.explorer import explore
from equiviz.apps.explorer.face import TURN, Explorer
from equiviz.apps.explorer.pace import Latest
from equiviz.apps.explorer.recorded import Recorded
from equiviz.apps.explorer.rotation_hand import BROKEN, HOLDS, RotationHand, error_words
from equiviz.equivariance.squares import KindSquares
from equiviz.equivariance.trials import Trial
from equiviz.symmetry.groups import haar
from equiviz.view.layers import Arrows
from equiviz.view.packet import read_packet
from tests.apps.explorer.turning import G, in_a_kernel, turned
from tests.equivariance.planted_faults import FAULTS
from tests.toy_networks import molecule, toy


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
    mark, lines = error_words(hand, hand.at(G), "stage_layers.0", "all")
    assert mark == BROKEN
    assert "stage_layers.0, 1o: relative error" in lines[0]
    assert lines[1].startswith("Largest of all")


def test_an_honest_model_has_the_mark_of_one_at_all_stages() -> None:
    hand = RotationHand(Recorded.of(toy(), molecule()), 0)
    for stage in hand.recorded.capture(0):
        assert error_words(hand, hand.at(G), stage, "all")[0] == HOLDS


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
