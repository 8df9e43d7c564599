"""Is the control of a probe a network of the same shape that learned nothing, of every kind of model?"""

from __future__ import annotations

import torch

from equiviz.explain.random_network import random_network
from equiviz.models.registry import build, family
from equiviz.training.load import Ensemble


def test_an_ensemble_has_a_random_ensemble_of_as_many_members() -> None:
    small = family("glassy").small
    ensemble = Ensemble([build("glassy", small) for _ in range(2)]).eval()
    for buffer in ensemble.buffers():
        buffer.fill_(3)
    fresh = random_network(ensemble, 0)
    assert isinstance(fresh, Ensemble)
    assert len(fresh.members) == 2
    assert not fresh.training
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(ensemble.buffers(), fresh.buffers(), strict=True))
    assert not torch.equal(fresh.members[0].embed.weight, fresh.members[1].embed.weight)
    assert not torch.equal(fresh.members[0].embed.weight, ensemble.members[0].embed.weight)


def test_a_model_without_a_recipe_has_none() -> None:
    assert random_network(torch.nn.Linear(2, 2), 0) is None
