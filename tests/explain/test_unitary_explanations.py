"""Do the tools of explanation work on complex vectors of U(n), without knowing them?"""

from __future__ import annotations

import pytest
import torch

from equiviz.datasets.phase_space.motions import Motions
from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.probe import probe
from equiviz.models.registry import build
from equiviz.models.unitary import UnitaryNetwork


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
