"""`ablate_hologram`: what a network loses when a channel, or a degree, of its holograms is set to zero.

As the authors did with their channels (Pun et al., PNAS 121 (2024) e2300838121). Nothing is trained again: a loss
says what this network uses, not what the task needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from equiviz.explain.errors import PerturbationError
from equiviz.explain.proteins.scan import PREFERENCES
from equiviz.holograms.hologram import Hologram
from equiviz.holograms.two_centres import channel_groups
from equiviz.training.recovery import ProteinData, interval_over_files, proteins_for
from equiviz.view.charts import Series, bars
from equiviz.view.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandas import DataFrame
    from plotly.graph_objects import Figure
    from torch import Tensor

    from equiviz.nn.equivariant_model import EquivariantModel


def ablate_hologram(model: EquivariantModel, data: ProteinData, *, progress: bool = False) -> HologramAblation:
    """Score a model with each channel, each degree, and, of two, each centre set to zero.

    Args:
        model: reads holograms, such as ``equiviz.load("hcnn")``.
        data: whose residues are to be recovered: a folder, files, or a `ProteinSet` that was read for this model.
        progress: whether to show a progress bar.

    Raises:
        ModelError: a model that reads no holograms.
        PerturbationError: nothing but one channel and one degree, so that nothing can be left out.
    """
    from tqdm.auto import tqdm

    proteins = proteins_for(model, data, progress)
    hologram = model.reads(proteins.around)
    assert isinstance(hologram, Hologram)  # models of amino acids read nothing else
    classes, source = torch.from_numpy(proteins.classes), torch.from_numpy(proteins.source)
    whole = _scores(model, hologram, classes)
    masks = list(_masks(hologram))
    if not masks:
        raise PerturbationError("This hologram has one channel and one degree: nothing can be left out.")
    rows = [Ablated("all", "nothing", *whole, (0.0, 0.0))]  # nothing is left out: nothing is lost
    for kind, name, mask in tqdm(masks, desc="leaving out", disable=not progress):
        right, entropy = _scores(model, _masked(hologram, mask), classes)
        rows.append(
            Ablated(kind, name, right, entropy, interval_over_files(whole[0] - right, source, len(proteins.files)))
        )
    return HologramAblation(model.title, rows, len(classes))


@dataclass(frozen=True, eq=False)
class Ablated:
    """What is left without one part.

    Attributes:
        kind: "channel", "degree", "centre" where a hologram is seen from two, or "all" for the whole hologram.
        name: what was left out.
        right: ``[S]``, 1 where the wild type is preferred.
        cross_entropy: mean of -log p(wild type), nats.
        loss: 95 % interval of the accuracy that is lost, by resampling files.
    """

    kind: str
    name: str
    right: Tensor
    cross_entropy: float
    loss: tuple[float, float]

    @property
    def accuracy(self) -> float:
        """A share."""
        return float(self.right.mean())


@dataclass(eq=False, repr=False)
class HologramAblation(Report):
    """Accuracy without each part.

    Attributes:
        model: what it is called.
        rows: the whole first.
        sites: how many were scored.
    """

    model: str
    rows: list[Ablated]
    sites: int

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"What {self.model} uses of a hologram"

    def to_frame(self) -> DataFrame:
        """One row per part: accuracy without it, what is lost with its interval, cross entropy (nats)."""
        import pandas as pd

        whole = self.rows[0].accuracy
        return pd.DataFrame(
            [
                {
                    "kind": row.kind,
                    "left_out": row.name,
                    "accuracy": row.accuracy,
                    "lost": whole - row.accuracy,
                    "lost_low": row.loss[0],
                    "lost_high": row.loss[1],
                    "cross_entropy_nats": row.cross_entropy,
                }
                for row in self.rows
            ]
        )

    def figure(self) -> Figure:
        """What is lost, as bars."""
        frame = self.to_frame().iloc[1:]
        each = [f"{row.kind} {row.left_out}" for row in frame.itertuples()]
        ends = (frame["lost_low"], frame["lost_high"]) if frame["lost_low"].notna().all() else (None, None)
        series = Series("lost", np.arange(len(frame)), frame["lost"], *ends)
        return bars(each, [series], "accuracy lost (share)", self.title, horizontal=True)

    def describe(self) -> str:
        """The channel, the centre and the degree that are missed most, and those that are not."""
        parts = [f"{self.sites} sites; with the whole hologram {self.rows[0].accuracy:.1%} are recovered."]
        for kind in ("channel", "centre", "degree"):
            own = sorted((row for row in self.rows if row.kind == kind), key=lambda row: row.accuracy)
            if own:
                parts.append(
                    f"Without {kind} {own[0].name} {own[0].accuracy:.1%} are left, without {kind} {own[-1].name} "
                    f"{own[-1].accuracy:.1%}."
                )
        return " ".join(parts)


def _masks(hologram: Hologram) -> Iterator[tuple[str, str, Tensor]]:
    """By part a factor for each coefficient ``[W]``."""
    degrees = range(hologram.basis.l_max + 1)
    shapes = [hologram.degree(degree).shape[1:] for degree in degrees]  # (C, K, 2l+1)
    for kind, groups in channel_groups(hologram).items():
        for name, places in groups.items() if len(groups) > 1 else ():
            parts = [torch.ones(shape) for shape in shapes]
            for part in parts:
                part[places] = 0
            yield kind, name, torch.cat([part.flatten() for part in parts])
    for left_out in degrees if len(degrees) > 1 else ():
        kept = [torch.full(shape, float(degree != left_out)) for degree, shape in zip(degrees, shapes, strict=True)]
        yield "degree", f"l = {left_out}", torch.cat([part.flatten() for part in kept])


def _masked(hologram: Hologram, mask: Tensor) -> Hologram:
    coefficients = hologram.coefficients * mask.to(hologram.coefficients)
    return hologram.with_coefficients(coefficients)


def _scores(model: EquivariantModel, hologram: Hologram, classes: Tensor) -> tuple[Tensor, float]:
    found = model.predict(hologram)[PREFERENCES].values.double()  # type: ignore[arg-type]
    return (found.argmax(1) == classes).double(), float(cross_entropy(found, classes))
