"""The control of a probe: the same network with weights that learned nothing."""

from __future__ import annotations

import torch
from torch import nn

from equiviz.nn.equivariant_model import EquivariantModel


def random_network(model: nn.Module, seed: int) -> EquivariantModel | None:
    """A fresh network of the same family, configuration, dtype, device and mode; None for a model that has no recipe.

    Buffers, and parameters that the family itself does not train, are copied: what they hold (scales of the data,
    constants) is no learned weight. The global random state is restored.
    """
    if not isinstance(model, EquivariantModel) or getattr(model, "config", None) is None:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = model.fresh()
    first = next(model.parameters(), torch.zeros(()))
    fresh.to(device=first.device, dtype=first.dtype)
    fixed = {name for name, parameter in fresh.named_parameters() if not parameter.requires_grad}
    kept = {name: parameter.detach() for name, parameter in model.named_parameters() if name in fixed}
    fresh.load_state_dict({**kept, **dict(model.named_buffers())}, strict=False)
    return fresh.train(model.training)
