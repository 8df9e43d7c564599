"""`evaluate` of models of motions in phase space: how far predicted states are from those that were computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equiviz.datasets.phase_space.motion_file import motions_named
from equiviz.datasets.phase_space.motions import Motions
from equiviz.datasets.phase_space.systems import SYSTEMS, TIME
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.phase_space import STATE
from equiviz.training.errors import TrainingError
from equiviz.training.score_report import ScoreReport

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

TESTED = 512
"""Motions of a system that a model is scored on."""


@dataclass(eq=False, repr=False)
class MotionReport(ScoreReport):
    """Predicted states beside true ones.

    Attributes:
        model, data: their names.
        before, known, predicted: ``[B, N, n]`` complex: N vectors of C^n before, and after `TIME`.
        note: what readers should know besides.
    """

    model: str
    data: str
    before: Tensor
    known: Tensor
    predicted: Tensor
    note: str = ""

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"{self.model} on {self.data}"

    def error(self) -> float:
        """Root mean square of the error of the states, over that of the states."""
        return float((self.predicted - self.known).norm() / self.known.norm())

    def guess(self) -> float:
        """The same of the plainest guess, that nothing moves."""
        return float((self.before - self.known).norm() / self.known.norm())

    def to_frame(self) -> DataFrame:
        """One row per vector: its error, and that of the guess that nothing moves, relative to its size."""
        import pandas as pd

        size = self.known.abs().square().sum((0, 2)).sqrt()  # [N]
        errors = [
            (other - self.known).abs().square().sum((0, 2)).sqrt() / size for other in (self.predicted, self.before)
        ]
        rows = zip(*(error.tolist() for error in errors), strict=True)
        return pd.DataFrame(
            [{"vector": place, "error": mine, "nothing moves": plain} for place, (mine, plain) in enumerate(rows)]
        )

    def figure(self) -> Figure:
        """Predicted against true components, real and imaginary parts."""
        from equiviz.view.maps import parity

        known, predicted = (torch.view_as_real(z).flatten().numpy() for z in (self.known, self.predicted))
        return parity(known, predicted, "component of the state", self.title)

    def describe(self) -> str:
        """The error beside the plainest guess."""
        over = f" over a time of {TIME:g}" if self.data in SYSTEMS else ""  # of a file's nobody knows
        line = (
            f"{self.title}: {len(self.known):,} motions{over}; relative error of the state {self.error():.2%} (that "
            f"nothing moves: {self.guess():.0%})."
        )
        return "\n".join([line, *([self.note] if self.note else [])])

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values, for JSON."""
        found = {"relative_error": self.error(), "nothing_moves": self.guess(), "motions": len(self.known)}
        return {"model": self.model, "data": self.data, **found, "note": self.note}


def evaluate_motions(model: EquivariantModel, data: object, name: str = "") -> MotionReport:
    """Score a model of motions.

    Args:
        model: with the task "phase space".
        data: "oscillators" or "charges", whose test set is computed; an .npz file of motions, see
            `equiviz.datasets.phase_space.motion_file`; or motions.
        name: what to call the model; by default its title.

    Raises:
        TrainingError: none of these.
        DatasetError: another name, or a file that holds something else.
        ModelError: motions of another system than the model reads.
    """
    motions = data if isinstance(data, Motions) else motions_named(_name(data), "test", TESTED)
    found = model.predict(motions.inputs)[STATE].values  # type: ignore[arg-type]  # TypedTensors are read as they are
    predicted = found.to(torch.complex128).reshape(motions.after.shape)
    return MotionReport(name or model.title, motions.system, motions.before, motions.after, predicted, model.note)


def _name(data: object) -> str | Path:
    if isinstance(data, (str, Path)):
        return data
    raise TrainingError(
        f"Expected a system in phase space, {' or '.join(SYSTEMS)}, or motions, got {type(data).__name__}."
    )
