"""`evaluate` of models of fields on the sphere: errors when the sphere is turned, beside those of plainer guesses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from equiviz.structures.sphere_signal import SphereSignal
from equiviz.training.score_report import ScoreReport
from equiviz.training.turned_spheres import TURNED, Turned
from equiviz.view.page import Section
from equiviz.view.show import show

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.view.scene import Scene

EXACT = 1e-11
"""The largest deviation in float64, relative to the largest answer, that is rounding: some 1e-15 for each of the few
hundred terms of a convolution, layer after layer."""
UNIT = "m/s"

# Shapes: N maps, V points.


@dataclass(frozen=True, eq=False)
class Guess:
    """What was guessed of a field, beside what is so.

    Attributes:
        guessed, known: ``[N, V]`` m/s.
        counted: ``[N, V]`` where the field counts.
    """

    guessed: Tensor
    known: Tensor
    counted: Tensor

    @property
    def errors(self) -> Tensor:
        """``[n]`` m/s, where the field counts."""
        return (self.guessed - self.known)[self.counted].double()

    def rmse(self) -> float:
        """Root mean square of the errors, in m/s; all points of the grid count alike."""
        return float(self.errors.square().mean().sqrt())

    def mae(self) -> float:
        """Mean absolute error, in m/s."""
        return float(self.errors.abs().mean())

    def explained(self) -> float:
        """The share of the variance of the field that is explained, R^2."""
        known = self.known[self.counted].double()
        return 1 - float(self.errors.square().mean() / known.var(correction=0))


@dataclass(eq=False, repr=False)
class FieldReport(ScoreReport):
    """A field guessed on spheres that were not turned, and turned, beside what plainer guesses reach.

    Attributes:
        model, data: their names.
        guesses: by how spheres were turned ("N", "I", "R") what the network says.
        plainer: by their names, other guesses of the unturned spheres.
        deviation: by how much turned answers differ from answers to turned spheres, at most: 60 symmetries of the
            icosahedron, float64, relative to the largest answer.
        note: what readers should know besides.
    """

    model: str
    data: str
    guesses: Mapping[Turned, Guess]
    plainer: Mapping[str, Guess]
    deviation: float
    note: str = ""

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"{self.model} on {self.data}"

    def rmse(self, turned: Turned = "N") -> float:
        """Root mean square of the errors of the network, in m/s."""
        return self.guesses[turned].rmse()

    def is_exact(self) -> bool:
        """Whether symmetries of the icosahedron leave nothing but rounding."""
        return self.deviation < EXACT

    def to_frame(self) -> DataFrame:
        """One row per guess: rmse and mae in m/s, the share of the variance explained, how many numbers."""
        import pandas as pd

        named = {f"network, spheres {TURNED[turned]}": guess for turned, guess in self.guesses.items()}
        rows = [
            {
                "guess": name,
                f"rmse [{UNIT}]": guess.rmse(),
                f"mae [{UNIT}]": guess.mae(),
                "R2": guess.explained(),
                "numbers": guess.errors.numel(),
            }
            for name, guess in {**named, **self.plainer}.items()
        ]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """Guessed against known speeds, of unturned spheres, where they count."""
        from equiviz.view.maps import parity

        own = self.guesses["N"]
        known, guessed = (values[own.counted].numpy() for values in (own.known, own.guessed))
        return parity(known, guessed, f"wind speed [{UNIT}]", self.title)

    def scene(self, shown: Literal["known", "guessed", "error"] = "guessed", map_number: int = 0) -> Scene:
        """One map on the sphere: what is so, what the network says, or the error, 0 where it does not count."""
        own = self.guesses["N"]
        error = torch.where(own.counted, own.guessed - own.known, 0)
        values = {"known": own.known, "guessed": own.guessed, "error": error}[shown][map_number]
        top = float(own.known[map_number].max())
        return show(
            SphereSignal.of(values[None, None]),
            title=f"{shown.capitalize()}, map {map_number}",
            name="error" if shown == "error" else "wind speed",
            unit=UNIT,
            signed=shown == "error",
            limits=(-top / 2, top / 2) if shown == "error" else (0.0, top),
        )

    def sections(self) -> list[Section]:
        """Numbers, then one map on the sphere, then all numbers of the field."""
        globes = [
            Section("What is so", "The first map.", self.scene("known")),
            Section("What the network says", "Near the equator nothing is asked of it.", self.scene("guessed")),
            Section("The error", "", self.scene("error")),
        ]
        return [Section("Numbers", "", self.to_frame()), *globes, Section("Guessed and known", "", self.figure())]

    def describe(self) -> str:
        """Errors of the network and of plainer guesses, and whether symmetries change anything."""
        own = self.guesses["N"]
        turned = ", ".join(f"{TURNED[way]} {self.rmse(way):.3g}" for way in self.guesses if way != "N")
        plainer = ", ".join(f"{name} {guess.rmse():.3g}" for name, guess in self.plainer.items())
        exact = (
            f"The 60 symmetries of the icosahedron turn its answers along, to {self.deviation:.0e} of the largest."
            if self.is_exact()
            else f"Symmetries of the icosahedron change answers by {self.deviation:.1e} of the largest: the network "
            "breaks what it claims."
        )
        lines = [
            f"{self.title}: wind speed, {len(own.known)} maps, {own.errors.numel():,} numbers outside the tropics; "
            f"RMSE {self.rmse():.3g} {UNIT}, R2 {own.explained():.3f}; spheres {turned} {UNIT}.",
            *([f"Other guesses, RMSE in {UNIT}: {plainer}."] if plainer else []),
            exact,
        ]
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values, for JSON."""
        own = {f"rmse_N_{turned}_m_per_s": guess.rmse() for turned, guess in self.guesses.items()}
        other = {f"rmse_m_per_s, {name}": guess.rmse() for name, guess in self.plainer.items()}
        found = {"explained": self.guesses["N"].explained(), "deviation_I": self.deviation}
        count = len(self.guesses["N"].known)
        return {"model": self.model, "data": self.data, "maps": count, **own, **found, **other, "note": self.note}
