"""Do the tools of explanation work on complex vectors of U(n), without knowing them?"""

from __future__ import annotations

import pytest
import torch

from equiviz.datasets.phase_space.motions import Motions
from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.steer import steer
from equiviz.explain.probe import probe
from equiviz.models.registry import build
from equiviz.models.unitary import UnitaryNetwork
from equiviz.symmetry.groups import O3
from equiviz.symmetry.unitary_group import Unitary, haar_unitaries
from equiviz.training.seeds import seeded


def network() -> UnitaryNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = build("unitary", {"channels": 4, "hidden": 8}).double().eval()
    assert isinstance(made, UnitaryNetwork)
    return made


def test_scores_of_complex_vectors_sum_up_to_the_prediction() -> None:
    found = attribute(network(), Motions.make("oscillators", "test", 5).inputs, output="state", at=3)
    assert found.quality.completeness < 0.01
    assert found.quality.equivariance == pytest.approx(1)
    assert int(found.shares.nodes.abs().argmax()) == 3


def test_every_stage_carries_the_prediction() -> None:
    inputs = Motions.make("oscillators", "test", 5).inputs
    words = attribute(network(), inputs, output="state", at=3, to="stages").describe()
    assert "feature_stages.1: most is carried by V(3)" in words
    assert "Nothing flows" not in words


def test_invariants_of_complex_vectors_are_probed() -> None:
    parts = [Motions.make("oscillators", "test", 30, seed=seed) for seed in range(4)]
    energies = [part.before.abs().square().sum((1, 2)).numpy() for part in parts]
    found = probe(network(), [part.inputs for part in parts], {"size": energies})
    assert "size is known best at" in found.describe()


def test_relevance_of_complex_stages_is_what_they_add() -> None:
    """With constant weights the last features enter linearly: their share is what is missing without them."""
    with seeded(0):
        model = build("unitary", {"channels": 4, "weights": "constant"}).double().eval()
    inputs, stage = Motions.make("oscillators", "test", 3).inputs, "feature_stages.1"
    found = attribute(model, inputs, output="state", at=1, component=2, to="stages", method="relevance")
    share = float(found.to_frame().query("stage == @stage")["score"].sum())
    whole = model(inputs)["state"].values.detach()[1, 2]
    without = steer(model, inputs, stage, "V(3)", scale=0.0).after["state"].values.detach()[1, 2]
    expected = float(((whole - without) * whole.conj()).real / whole.abs())
    assert share == pytest.approx(expected, rel=1e-9)
    lost = float((whole - without).real)  # the control: what is left of it where imaginary parts are dropped
    assert abs(lost - expected) > 0.01 * abs(expected)


def test_steering_turns_and_directs_complex_vectors() -> None:
    model, inputs = network(), Motions.make("oscillators", "test", 3).inputs
    element = Unitary(haar_unitaries(1, 3, 0)[0])
    turned = steer(model, inputs.transform(element), "entering_stage", "V(3)", rotate=element.inverse())
    plain = model(inputs)["state"].values.detach()
    torch.testing.assert_close(turned.after["state"].values.detach(), plain, rtol=0, atol=1e-12)
    with pytest.raises(InterventionError, match=r"does not act on V\(3\)\. What does: unitary, real rotation, d"):
        steer(model, inputs, "entering_stage", "V(3)", rotate=O3.inversion())
    directed = steer(model, inputs, "entering_stage", "V(3)", direction=[1j, 0, 1])
    assert "directed along (0+1j, 0+0j, 1+0j)" in directed.describe()
    with pytest.raises(InterventionError, match="Expected a direction of real numbers"):
        steer(model, inputs, "invariant_stages.0", "1(3)", direction=[1j])
