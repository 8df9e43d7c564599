"""Chance: training mode, dropout, random numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import nn

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.features.model_input import prepared
from equiviz.features.model_state import untouched
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field


class _Seeded(EquivariantModel):
    """The same random numbers in each call."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(None)
        self.model = model
        self.takes_structures = not hasattr(model, "prepare")
        self.training = model.training

    @property
    def observed(self) -> nn.Module:
        """The model itself."""
        return self.model.observed if isinstance(self.model, EquivariantModel) else self.model

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """As the model does."""
        return cast(Graph, prepared(self.model, structures))

    def forward(self, graph: Graph) -> dict[str, Field]:
        """As the model does, from the same seeds; the random states are put back."""
        states = random.getstate(), np.random.get_state()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            random.seed(0)
            np.random.seed(0)
            try:
                return cast("dict[str, Field]", self.model(graph))
            finally:
                random.setstate(states[0])
                np.random.set_state(states[1])


def training_mode(case: Case) -> list[Diagnosis]:
    """Dropout, or statistics of the batch, because `eval` was not called."""
    if not any(module.training for module in case.model.modules()):
        return []
    drops = any(m.training and "dropout" in type(m).__name__.lower() and not _idle(m) for m in case.model.modules())
    after = _in_evaluation(case)
    return case.if_cured(
        "dropout" if drops else "training-mode",
        "dropout is on, for the model is in training mode" if drops else "the model is in training mode",
        "model.eval()",
        after,
        "Call model.eval() before using the model.",
    )


def chance(case: Case) -> list[Diagnosis]:
    """Random numbers that are drawn in each call."""
    if case.kind != "determinism":
        return []
    again = case.error_with(model=case.model, forced=False)
    if case.cured(again):
        cause = "the first call differs from those that follow: something is made or measured in it, and kept"
        fix = "Make it when the model is built, or call the model once before it is used."
        return [case.found("first-call", cause, "comparing later calls only", again, fix)]
    acts = sorted({f"torch.{name}" for name, _ in case.acts.of("chance")})
    cause = f"random numbers are drawn in each call ({', '.join(acts)})" if acts else "random numbers in each call"
    after = _with_seeds(case)
    fix = "Draw random numbers once, or from a generator with a fixed seed, or not in evaluation."
    if case.cured(after):
        return [case.found("randomness", cause, "the same seed before each call", after, fix)]
    memory = "something is kept from call to call"
    fix = "Look for caches and running statistics that are changed in forward."
    return [case.found("memory", memory, "the same seed before each call", after, fix, sure=False)]


def _in_evaluation(case: Case) -> float:
    with untouched(case.model):
        case.model.eval()
        return case.error_with(model=case.model, forced=False)


def _with_seeds(case: Case) -> float:
    return case.error_with(model=_Seeded(case.model), forced=False)


def _idle(module: nn.Module) -> bool:
    return getattr(module, "p", 1.0) == 0.0
