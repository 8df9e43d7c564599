"""Spectra from dynamics beside the normal modes, as one report: does each line stand where a vibration is?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equiviz.calculators.errors import CalculatorError
from equiviz.view.charts import Series, line_chart
from equiviz.view.colours import GUIDE
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.calculators.hessian import NormalModes
    from equiviz.calculators.spectra import Spectrum

TOLERANCE = 0.03
"""How far a line may be from a normal mode, as a share of it: at 300 K anharmonicity moves lines by percents."""


@dataclass(eq=False, repr=False)
class VibrationReport(Report):
    """Lines of spectra beside normal modes.

    Attributes:
        name: of the molecule, or what else to call it.
        spectra: of one run.
        modes: of the same model.
        note: what readers should know besides: the temperature, the run.
    """

    name: str
    spectra: Sequence[Spectrum]
    modes: NormalModes
    note: str = ""

    def __post_init__(self) -> None:
        if not self.spectra:
            raise CalculatorError(
                "VibrationReport: expected a spectrum or several, got none. Make one with infrared()."
            )

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Vibrations of {self.name}"

    def to_frame(self) -> DataFrame:
        """One row per line: spectrum, line_per_cm, intensity (of the highest), mode_per_cm (nearest), off_per_cm."""
        import pandas as pd

        rows = []
        for one in self.spectra:
            shown = one.normalised()
            for line in one.peaks():
                mode = float(self.modes.wavenumbers[np.abs(self.modes.wavenumbers - line).argmin()])
                height = float(np.interp(line, shown.wavenumbers, shown.intensities))
                rows.append((one.name, float(line), height, mode, float(line) - mode))
        return pd.DataFrame(rows, columns=["spectrum", "line_per_cm", "intensity", "mode_per_cm", "off_per_cm"])

    def agree(self, tolerance: float = TOLERANCE) -> bool:
        """Whether there are lines, and each stands at a normal mode, to `tolerance` of it or the resolution."""
        lines = self.to_frame()
        width = lines["spectrum"].map({one.name: one.resolution for one in self.spectra})
        allowed = np.maximum(tolerance * lines["mode_per_cm"].abs(), width.astype(float))
        return len(lines) > 0 and bool((lines["off_per_cm"].abs() <= allowed).all())

    def figure(self) -> Figure:
        """The spectra, each with a highest intensity of one; dashed: the normal modes."""
        last = 1.15 * float(self.modes.wavenumbers.max())
        curves = []
        for one in self.spectra:
            shown = one.normalised()
            inside = shown.wavenumbers <= last
            curves.append(Series(one.name, shown.wavenumbers[inside], shown.intensities[inside]))
        chart = line_chart(curves, "wavenumber [cm⁻¹] (dashed: normal modes)", "intensity [of the highest]", self.title)
        for place in self.modes.wavenumbers[self.modes.wavenumbers > 0]:
            chart.add_vline(float(place), line={"dash": "dash", "color": GUIDE, "width": 1})
        return chart

    def describe(self) -> str:
        """The modes, and the lines of each spectrum beside them."""
        words = [f"{self.title}.", self.modes.describe()]
        for name, lines in self.to_frame().groupby("spectrum", sort=False):
            told = ", ".join(
                f"{line:.0f} ({off:+.0f})" for line, off in zip(lines["line_per_cm"], lines["off_per_cm"], strict=True)
            )
            words.append(f"  {name}: {told} cm^-1 (in brackets: from the nearest normal mode).")
        agreed = "Every line stands at a normal mode" if self.agree() else "NOT every line stands at a normal mode"
        words.append(f"{agreed}, to {100 * TOLERANCE:.0f} % or the resolution.")
        return "\n".join([*words, *([self.note] if self.note else [])])
