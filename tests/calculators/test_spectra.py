"""Spectra: does a line stand where it should, as wide and as strong as theory has it?"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.spectra import (
    GREEN,
    KELVIN,
    PER_FS,
    Spectrum,
    autocorrelation,
    density_of_states,
    infrared,
    power_spectrum,
    raman,
)

FRAMES, INTERVAL, RESOLUTION = 20_000, 1.0, 20.0
TIME = INTERVAL * np.arange(FRAMES)  # fs


def oscillation(wavenumber: float, phase: float = 0.3) -> NDArray[np.float64]:
    return np.cos(2.0 * np.pi * wavenumber / PER_FS * TIME + phase)


def area(spectrum: Spectrum, middle: float, half: float = 100.0) -> float:
    near = np.abs(spectrum.wavenumbers - middle) < half
    return float(spectrum.intensities[near].sum())


@pytest.mark.parametrize("wavenumber", [400.0, 1648.5, 3943.0])
def test_a_harmonic_oscillator_stands_at_its_wavenumber(wavenumber: float) -> None:
    found = power_spectrum(oscillation(wavenumber), INTERVAL, RESOLUTION)
    finest = float(found.wavenumbers[1])
    assert found.peaks() == pytest.approx([wavenumber], abs=finest)
    above = found.wavenumbers[found.intensities > 0.5 * found.intensities.max()]
    assert np.ptp(above) == pytest.approx(RESOLUTION, abs=2 * finest)


def test_a_wrong_time_step_is_seen() -> None:
    """The control: frames said to be 2 % further apart than they are shift the line by 2 %, far beyond its width."""
    found = power_spectrum(oscillation(3943.0), 1.02 * INTERVAL, RESOLUTION)
    assert abs(found.peaks()[0] - 3943.0) > 3 * RESOLUTION
    assert found.peaks()[0] == pytest.approx(3943.0 / 1.02, abs=RESOLUTION / 4)


def test_wiener_and_khinchin() -> None:
    draw = np.random.default_rng(0)
    signal = np.cumsum(draw.standard_normal((500, 3)), axis=0)
    centred = signal - signal.mean(0)
    naive = [float((centred[: 500 - k] * centred[k:]).sum() / (500 - k)) for k in range(40)]
    np.testing.assert_allclose(autocorrelation(signal, 40), naive, rtol=1e-10)
    spectrum = power_spectrum(signal, INTERVAL, 400.0)
    both_sides = 2.0 * spectrum.intensities.sum() - spectrum.intensities[0]
    per_point = spectrum.wavenumbers[1] / PER_FS  # 1/fs
    # The point at the highest frequency is counted once too often: 1 of hundreds, of small height.
    assert both_sides * per_point == pytest.approx(centred.var(0).sum(), rel=1e-3)


def test_an_end_does_not_meet_the_start() -> None:
    """A signal that ends elsewhere than it starts: without the zeros behind it the last lags would know the first."""
    signal = np.zeros(200)
    signal[0] = signal[-1] = 1.0
    far = autocorrelation(signal, 100)[1]
    assert abs(far) < 1e-3


def test_infrared_strength_is_that_of_the_dipole_not_of_the_frequency() -> None:
    """Modes of one temperature have <Q^2> ~ 1/f^2; equal dipole derivatives then mean equal strength."""
    slow, fast = 600.0, 3000.0
    moved = oscillation(slow) / slow + oscillation(fast, 1.0) / fast
    dipoles = moved[:, None] * np.array([0.6, 0.0, 0.8])
    found = infrared(dipoles, INTERVAL, RESOLUTION)
    assert area(found, fast) == pytest.approx(area(found, slow), rel=0.02)  # a finite run: 1 % of cross terms
    raw = power_spectrum(dipoles, INTERVAL, RESOLUTION)
    assert area(raw, slow) > 20 * area(raw, fast)  # the control: without f^2 they are 25 times apart


def test_raman_counts_trace_and_anisotropy_as_45_and_7() -> None:
    place, kelvin = 1000.0, 300.0
    isotropic = oscillation(place)[:, None, None] * np.eye(3)
    skewed = oscillation(place)[:, None, None] * np.diag([1.0, -1.0, 0.0])  # g^2 = 3
    first, second = (raman(one, INTERVAL, kelvin, RESOLUTION) for one in (isotropic, skewed))
    assert area(second, place) / area(first, place) == pytest.approx(3 * 7 / 45, rel=1e-6)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    turned = raman(turn @ skewed @ turn.T, INTERVAL, kelvin, RESOLUTION)
    np.testing.assert_allclose(turned.intensities, second.intensities, rtol=1e-8, atol=1e-10 * turned.intensities.max())


def test_raman_knows_the_occupation_and_the_colour_of_the_laser() -> None:
    slow, fast, kelvin = 500.0, 2500.0, 300.0
    moved = oscillation(slow) / slow + oscillation(fast, 1.0) / fast
    found = raman(moved[:, None, None] * np.eye(3), INTERVAL, kelvin, RESOLUTION)
    expected = np.prod(
        [
            ((GREEN - fast) / (GREEN - slow)) ** 4,
            slow / fast,
            np.expm1(-KELVIN * slow / kelvin) / np.expm1(-KELVIN * fast / kelvin),
        ]
    )
    assert area(found, fast) / area(found, slow) == pytest.approx(expected, rel=0.03)  # the factors vary over a line
    assert pytest.approx(1.438777, rel=1e-6) == KELVIN  # second radiation constant, cm K (CODATA 2018)


def test_density_of_states_weighs_by_mass() -> None:
    velocities = np.zeros((FRAMES, 2, 3))
    velocities[:, 0, 0], velocities[:, 1, 1] = oscillation(700.0), oscillation(1900.0)
    found = density_of_states(velocities, [16.0, 1.0], INTERVAL, RESOLUTION)
    assert area(found, 700.0) / area(found, 1900.0) == pytest.approx(16.0, rel=0.01)


def test_a_run_too_short_is_refused() -> None:
    with pytest.raises(
        CalculatorError, match=r"100 frames each 1\.0 fs cannot give 20\.0 cm\^-1; expected 667 or more"
    ):
        power_spectrum(np.ones(100), INTERVAL, RESOLUTION)


def test_a_run_that_blew_up_is_refused() -> None:
    signal = oscillation(700.0)
    signal[17] = np.nan
    with pytest.raises(CalculatorError, match="infrared: expected finite numbers in all frames"):
        infrared(signal[:, None] * np.ones(3), INTERVAL, RESOLUTION)
