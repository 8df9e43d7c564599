"""Spectra from dynamics beside modes, as one report: has each line a mode, and has each active mode a line?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.line_matching import ACTIVE, SHARE, Match, matches
from equiviz.view.charts import Series, line_chart
from equiviz.view.colours import GUIDE
from equiviz.view.report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.calculators.hessian import NormalModes
    from equiviz.calculators.spectra import Spectrum


@dataclass(eq=False, repr=False)
class VibrationReport(Report):
    """Lines of spectra beside modes.

    Attributes:
        name: of the molecule, or what else to call it.
        spectra: of one run.
        modes: of the same model, from `normal_modes` or `thermal_modes`.
        strengths: [M] for each spectrum, by its name, from `line_strengths`: which modes must have a line.
        note: what readers should know besides: the temperature, the run.

    Raises:
        CalculatorError: no spectrum, or one without the strengths of all modes.
    """

    name: str
    spectra: Sequence[Spectrum]
    modes: NormalModes
    strengths: Mapping[str, NDArray[np.float64]]
    note: str = ""

    def __post_init__(self) -> None:
        if not self.spectra:
            raise CalculatorError(
                "VibrationReport: expected a spectrum or several, got none. Make one with infrared()."
            )
        for one in self.spectra:
            known = self.strengths.get(one.name)
            if known is None or len(known) != len(self.modes.wavenumbers):
                raise CalculatorError(
                    f"VibrationReport: expected {len(self.modes.wavenumbers)} strengths for {one.name!r}, got "
                    f"{'none' if known is None else len(known)}. Make them with line_strengths(atoms, modes), where "
                    "the calculator of the atoms gives what the spectrum is of."
                )

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Vibrations of {self.name}"

    def matched(self) -> list[tuple[Spectrum, list[Match]]]:
        """Of each spectrum its bands with their lines, then lines that have none."""
        return [(one, matches(one, self.modes.wavenumbers, self.strengths[one.name])) for one in self.spectra]

    def to_frame(self) -> DataFrame:
        """One row per mode (those closer than the resolution: one), then per line without a mode.

        Columns: spectrum, mode_per_cm (the middle), strength (of the strongest), line_per_cm, intensity (of the
        highest), off_per_cm, allowed_per_cm, verdict.
        """
        import pandas as pd

        rows = [
            (one.name, (m.low + m.high) / 2, m.strength, m.line, m.intensity, m.off, m.allowed, m.verdict)
            for one, found in self.matched()
            for m in found
        ]
        names = "spectrum mode_per_cm strength line_per_cm intensity off_per_cm allowed_per_cm verdict"
        return pd.DataFrame(rows, columns=names.split())

    def agree(self) -> bool:
        """Whether in each spectrum every active mode has a line of its own, every line a mode, and there are some."""
        return all(
            all(match.right for match in found) and any(match.verdict == "line at a mode" for match in found)
            for _, found in self.matched()
        )

    def figure(self) -> Figure:
        """The spectra, each with a highest intensity of one; dashed: the modes."""
        last = 1.15 * float(self.modes.wavenumbers.max())
        curves = []
        for one in self.spectra:
            shown = one.normalised()
            inside = shown.wavenumbers <= last
            curves.append(Series(one.name, shown.wavenumbers[inside], shown.intensities[inside]))
        label = f"wavenumber [cm⁻¹] (dashed: {self.modes.kind})"
        chart = line_chart(curves, label, "intensity [of the highest]", self.title)
        for place in self.modes.wavenumbers[self.modes.wavenumbers > 0]:
            chart.add_vline(float(place), line={"dash": "dash", "color": GUIDE, "width": 1})
        return chart

    def describe(self) -> str:
        """The modes, the lines of each spectrum beside them, and what is missing."""
        words = [f"{self.title}.", self.modes.describe()]
        for one, found in self.matched():
            words.append(f"  {one.name}: {'; '.join(_told(match) for match in found) or 'no line, no mode'}.")
        agreed = (
            "Every active mode has its line, and every line its mode"
            if self.agree()
            else "NOT every active mode has its line and every line its mode"
        )
        words.append(
            f"{agreed}, to half the resolution and {100 * SHARE:.0f} %; active: {100 * ACTIVE:.0f} % of the strongest."
        )
        return "\n".join([*words, *([self.note] if self.note else [])])


def _told(match: Match) -> str:
    if match.verdict == "line without a mode":
        return f"{match.line:.0f} cm^-1 WITHOUT A MODE"
    middle = (match.low + match.high) / 2
    if match.verdict == "line at a mode":
        return f"{match.line:.0f} cm^-1 ({match.off:+.0f} from the mode)"
    missing = "NO LINE" if match.verdict == "line missing" else "no line, a weak one at most,"
    return f"{missing} within {match.allowed:.0f} of the mode at {middle:.0f} cm^-1"
