"""Vibrational spectra from classical dynamics: of velocities, dipoles and polarizabilities, by Wiener and Khinchin.

A spectrum is the Fourier transform of an autocorrelation. Classical motion lacks the quantum detailed balance; the
harmonic correction factor b h f / (1 - exp(-b h f)), b = 1 / (k_B T), mends that, exactly for harmonic motion (Ramirez,
Lopez-Ciudad, Kumar, Marx, J. Chem. Phys. 121, 3973 (2004)). With it the absorption is f^2 times the spectrum of the
dipole, at any temperature.

Infrared and Raman as in Thomas, Brehm, Fligg, Voehringer, Kirchner, Phys. Chem. Chem. Phys. 15, 6608 (2013): for light
of wavenumber k_0, scattered unpolarised, (k_0 - k)^4 / (k (1 - exp(-h c k / k_B T))) (45 a^2 + 7 g^2), where a^2 and
g^2 are the spectra of the time derivatives of a third of the trace and of the anisotropy of the polarizability.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import constants
from scipy.fft import next_fast_len
from scipy.signal import find_peaks

from equiviz.calculators.errors import CalculatorError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Shapes: T frames, D numbers of each, W wavenumbers.
PER_FS = 1e15 / (100.0 * constants.c)
"""One oscillation per fs, in cm^-1."""
KELVIN = 100.0 * constants.h * constants.c / constants.k
"""One cm^-1, in K."""
GREEN = 1e7 / 532.0
"""Wavenumber of a frequency-doubled Nd:YAG laser, 532 nm, in cm^-1."""
FINER = 4
"""Points drawn per independent point: a line's top lies between them otherwise."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Intensities over wavenumbers.

    Attributes:
        name: what it is.
        wavenumbers: [W] in cm^-1, from zero, evenly.
        intensities: [W] in a unit of their own.
        resolution: width of a sharp line at half of its height, in cm^-1.
    """

    name: str
    wavenumbers: NDArray[np.float64]  # [W]
    intensities: NDArray[np.float64]  # [W]
    resolution: float

    def peaks(self, least: float = 0.02, above: float = 100.0) -> NDArray[np.float64]:
        """Where it peaks, in cm^-1: tops of at least `least` of the highest, beyond `above` cm^-1."""
        shown = np.where(self.wavenumbers > above, self.intensities, 0.0)
        floor = least * shown.max()
        return self.wavenumbers[find_peaks(shown, height=floor, prominence=floor)[0]]

    def normalised(self) -> Spectrum:
        """With a highest intensity of one."""
        top = float(self.intensities.max())
        return replace(self, intensities=self.intensities / top if top > 0 else self.intensities)


def autocorrelation(signal: ArrayLike, lags: int) -> NDArray[np.float64]:
    """<x(t) . x(t + k)>, over all t and summed over components, about the mean of the run.

    Args:
        signal: [T, ...].
        lags: how many, from zero.

    Returns:
        [lags], in the unit of the signal squared.
    """
    values = np.asarray(signal, dtype=np.float64)
    values = values.reshape(len(values), -1)
    values = values - values.mean(0)
    size = next_fast_len(len(values) + lags)  # zeros behind, or the end would meet the start
    power = np.square(np.abs(np.fft.rfft(values, size, axis=0))).sum(1)
    return np.fft.irfft(power, size)[:lags] / (len(values) - np.arange(lags))


def power_spectrum(signal: ArrayLike, interval: float, resolution: float, name: str = "power") -> Spectrum:
    """The transform of the autocorrelation under a Hann window.

    Args:
        signal: [T, ...].
        interval: between frames, in fs.
        resolution: width of a sharp line at half of its height, in cm^-1.
        name: of the spectrum.

    Returns:
        Intensities in (unit of the signal)^2 fs: twice their integral over frequencies (1/fs) is the variance.

    Raises:
        CalculatorError: a run that is shorter than twice the longest lag, numbers that are not finite.
    """
    values = np.asarray(signal, dtype=np.float64)
    lags = round(PER_FS / (resolution * interval)) if resolution > 0 and interval > 0 else 0
    if lags < 2 or 2 * lags > len(values):
        best = 2.0 * PER_FS / (max(len(values), 1) * interval) if interval > 0 else np.inf
        raise CalculatorError(
            f"{name}: {len(values)} frames each {interval} fs cannot give {resolution} cm^-1; expected {best:.3g} "
            f"or more, up to {PER_FS / max(2.0 * interval, 1e-9):.4g}. Run longer, or ask for a coarser resolution."
        )
    if not np.isfinite(values).all():
        raise CalculatorError(
            f"{name}: expected finite numbers in all frames. Did the run blow up? Take a shorter step."
        )
    window = np.square(np.cos(0.5 * np.pi * np.arange(lags) / lags))  # the falling half of Hann's
    folded = window * autocorrelation(values, lags)
    size = int(next_fast_len(2 * FINER * lags) or 0)
    intensities = interval * (2.0 * np.fft.rfft(folded, size).real - folded[0])
    wavenumbers = np.arange(len(intensities), dtype=np.float64) * (PER_FS / (size * interval))
    return Spectrum(name, wavenumbers, intensities, resolution)


def density_of_states(
    velocities: NDArray[np.float64], masses: ArrayLike, interval: float, resolution: float = 20.0
) -> Spectrum:
    """Vibrational density of states: the spectrum of the velocities, weighted by masses.

    Args:
        velocities: [T, N, 3] in Å/fs.
        masses: [N] in atomic mass units.
        interval: between frames, in fs.
        resolution: in cm^-1.
    """
    weighted = velocities * np.sqrt(np.asarray(masses, dtype=np.float64))[:, None]
    return power_spectrum(weighted, interval, resolution, "density of states")


def infrared(dipoles: NDArray[np.float64], interval: float, resolution: float = 20.0) -> Spectrum:
    """Absorption of one molecule or of several, in arbitrary units: f^2 times the spectrum of the dipole.

    Args:
        dipoles: [T, 3], or [T, M, 3] of M molecules, whose spectra are added; any unit.
        interval: between frames, in fs.
        resolution: in cm^-1.
    """
    raw = power_spectrum(dipoles, interval, resolution, "infrared")
    return replace(raw, intensities=np.square(raw.wavenumbers) * raw.intensities)


def raman(
    polarizabilities: NDArray[np.float64],
    interval: float,
    temperature: float,
    resolution: float = 20.0,
    light: float = GREEN,
) -> Spectrum:
    """Unpolarised Raman scattering (Stokes side), in arbitrary units; see the module's docstring.

    Args:
        polarizabilities: [T, 3, 3], or [T, M, 3, 3] of M molecules; any unit.
        interval: between frames, in fs.
        temperature: in K, for the occupation of the modes.
        resolution: in cm^-1.
        light: wavenumber of the laser, in cm^-1.
    """
    isotropic = np.trace(polarizabilities, axis1=-2, axis2=-1) / 3.0  # [T, ...]
    rest = polarizabilities - isotropic[..., None, None] * np.eye(3)
    trace = power_spectrum(isotropic, interval, resolution, "Raman")
    # g^2 = (3/2) tr(rest^2), written out in components in the paper.
    anisotropy = power_spectrum(np.sqrt(1.5) * rest, interval, resolution, "Raman")
    k = trace.wavenumbers[1:]
    shape = 45.0 * trace.intensities[1:] + 7.0 * anisotropy.intensities[1:]
    factor = np.clip(light - k, 0.0, None) ** 4 * k / -np.expm1(-KELVIN * k / temperature)
    return replace(trace, intensities=np.concatenate([[0.0], factor * shape]))
