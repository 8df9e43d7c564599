"""Trainings that are stopped half-way: by Ctrl-C in the middle of an epoch, after weights and random states moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from equiviz.models.registry import Family
from equiviz.training.bundle import read_bundle, write_bundle


def stopping(family: Family, finished: int) -> Family:
    """The family, whose networks press Ctrl-C when they are validated for the next time after `finished` epochs."""
    left = finished

    class Stopping(family.model_class):  # type: ignore[misc, name-defined]  # of whatever family comes
        def forward(self, graph: Any) -> Any:
            nonlocal left
            if not self.training:
                if left == 0:
                    raise KeyboardInterrupt
                left -= 1
            return super().forward(graph)

    return replace(family, model_class=Stopping)


def without_memory(state: Path) -> None:
    """Make a saved state forget what the optimiser had gathered: the control that going on is more than weights."""
    tensors, document = read_bundle(state)
    forgotten = {
        name: torch.zeros_like(value) if "exp_avg" in name else value
        for name, value in tensors.items()
        if name.startswith("optimiser/")
    }
    assert any(bool(tensors[name].any()) for name in forgotten if "exp_avg" in name)
    kept = {name: value for name, value in document.items() if name not in ("weights", "manifest_sha256")}
    write_bundle(state, {**tensors, **forgotten}, kept)


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Bit for bit."""
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(torch.equal(states[1][k], v) for k, v in states[0].items())
