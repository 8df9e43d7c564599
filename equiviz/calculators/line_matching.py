"""Lines of a spectrum and the modes that they belong to, one to one.

Modes nearer to each other than the resolution have one line between them: a band. Lines and bands are matched such
that as many as possible stand within reach, those of active modes first, and then as near as possible (H. W. Kuhn,
"The Hungarian method for the assignment problem", Naval Res. Logist. Q. 2, 83 (1955)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.calculators.spectra import Spectrum

# Shapes: M modes, L lines, B bands.
ACTIVE = 0.1
"""A mode of this share of the strongest must have a line: five times what `Spectrum.peaks` takes for one, since heights
of a run of picoseconds are off by factors of two."""
SILENT = 0.001
"""A mode below this share has none: a line there, at least 0.02 high, has no mode."""
LOWEST = 100.0
"""In cm^-1: below, no lines are looked for (`Spectrum.peaks`); an imaginary mode has none, and counts as missing."""
SHARE = 0.01
"""Of a mode, how far a line may be from it besides half the resolution. At 300 K the lines of a smooth potential
through the energies of water stand within 0.2 % of its normal modes and 0.3 % of its thermal ones
(`benchmarks/water_modes.py`): what anharmonicity leaves. Three times that, for potentials less smooth."""


@dataclass(frozen=True)
class Match:
    """A band and its line, in cm^-1; what is not there is NaN.

    Attributes:
        low, high: of the band's lowest and highest mode.
        strength: of the band, as a share of the strongest.
        line: where the spectrum peaks.
        intensity: there, as a share of the highest.
        allowed: how far from the band a line may be.
    """

    low: float
    high: float
    strength: float
    line: float
    intensity: float
    allowed: float

    @property
    def off(self) -> float:
        """From the band to the line; zero inside, NaN where either is missing."""
        return float(self.line - np.clip(self.line, self.low, self.high)) if np.isfinite(self.low) else np.nan

    @property
    def verdict(self) -> str:
        """What is to be said of it."""
        if np.isnan(self.low):
            return "line without a mode"
        if np.isfinite(self.line):
            return "line at a mode"
        return "line missing" if self.strength >= ACTIVE else "weak, no line"

    @property
    def right(self) -> bool:
        """Whether nothing is missing."""
        return self.verdict in ("line at a mode", "weak, no line")


def matches(spectrum: Spectrum, modes: NDArray[np.float64], strengths: NDArray[np.float64]) -> list[Match]:
    """Every band of a spectrum with its line, then lines that have none.

    Args:
        spectrum: with its peaks and its resolution.
        modes: [M] in cm^-1, ascending.
        strengths: [M] of their lines.
    """
    shown = spectrum.normalised()
    lines = spectrum.peaks(above=LOWEST) if spectrum.intensities.max() > 0 else np.empty(0)
    heights = np.interp(lines, shown.wavenumbers, shown.intensities)
    bands = _bands(modes, strengths, spectrum.resolution)
    allowed = np.array([spectrum.resolution / 2 + SHARE * abs(low + high) / 2 for low, high, _ in bands])
    partner = _assigned(bands, lines, allowed)
    found = []
    for place, (low, high, strength) in enumerate(bands):
        line = partner.get(place)
        own = (np.nan, np.nan) if line is None else (float(lines[line]), float(heights[line]))
        found.append(Match(low, high, strength, *own, float(allowed[place])))
    taken = set(partner.values())
    alone = [place for place in range(len(lines)) if place not in taken]
    return found + [Match(np.nan, np.nan, np.nan, float(lines[a]), float(heights[a]), np.nan) for a in alone]


def _bands(
    modes: NDArray[np.float64], strengths: NDArray[np.float64], resolution: float
) -> list[tuple[float, float, float]]:
    """Lowest, highest and strength of modes that a spectrum shows as one; those that it does not show left out."""
    strongest = max(float(strengths.max()), np.finfo(float).tiny)
    groups: list[list[tuple[float, float]]] = []
    for mode, strength in zip(modes.tolist(), (strengths / strongest).tolist(), strict=True):
        if strength < SILENT or 0.0 <= mode < LOWEST + resolution:
            continue
        if groups and mode - groups[-1][-1][0] < resolution:
            groups[-1].append((mode, strength))
        else:
            groups.append([(mode, strength)])
    return [(group[0][0], group[-1][0], sum(strength for _, strength in group)) for group in groups]


def _assigned(
    bands: list[tuple[float, float, float]], lines: NDArray[np.float64], allowed: NDArray[np.float64]
) -> dict[int, int]:
    """Band -> line, where one is within reach."""
    if not bands or not len(lines):
        return {}
    low, high, strength = np.array(bands).T[:, :, None]  # [B, 1] each
    away = np.abs(lines - np.clip(lines, low, high)) / allowed[:, None]  # [B, L]
    pair = 1.0 + min(away.shape)  # worth more than all distances together, and an active band worth more than all pairs
    gain = np.where(away <= 1.0, pair * np.where(strength >= ACTIVE, pair, 1.0) - away, 0.0)
    return {
        int(band): int(line)
        for band, line in zip(*linear_sum_assignment(gain, maximize=True), strict=True)
        if gain[band, line] > 0
    }
