"""Lines and modes, one to one: what must have a line, what may, and what a report says where one is missing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from equiviz.calculators.errors import CalculatorError
from equiviz.calculators.hessian import NormalModes
from equiviz.calculators.line_matching import matches
from equiviz.calculators.spectra import Spectrum
from equiviz.calculators.vibration_report import VibrationReport

RESOLUTION = 35.0
MODES = np.array([1653.0, 3871.0, 3997.0])
EQUAL = np.ones(3)


def spectrum(*lines: float, heights: tuple[float, ...] = ()) -> Spectrum:
    """Gaussians of the resolution's width, at half of their height, at these places."""
    places = np.arange(0.0, 5000.0, 2.0)
    width = RESOLUTION / np.sqrt(8.0 * np.log(2.0))
    tall = heights or (1.0,) * len(lines)
    shape = np.zeros_like(places)
    for line, height in zip(lines, tall, strict=True):
        shape += height * np.exp(-0.5 * np.square((places - line) / width))
    return Spectrum("infrared", places, shape, RESOLUTION)


def verdicts(shown: Spectrum, modes: NDArray[np.float64] = MODES, strengths: NDArray[np.float64] = EQUAL) -> list[str]:
    return [match.verdict for match in matches(shown, modes, strengths)]


def report(
    shown: Spectrum, modes: NDArray[np.float64] = MODES, strengths: NDArray[np.float64] = EQUAL
) -> VibrationReport:
    known = NormalModes(modes, np.zeros((len(modes), 3, 3)), np.zeros(6), 0.0)
    return VibrationReport("water", [shown], known, {"infrared": strengths})


def test_three_lines_at_three_modes_agree() -> None:
    found = report(spectrum(1660.0, 3886.0, 3978.0))
    assert found.agree()
    assert "Every active mode has its line, and every line its mode" in found.describe()
    np.testing.assert_allclose(found.to_frame()["off_per_cm"], [7.0, 15.0, -19.0], atol=1.0)  # half a point


def test_one_right_line_is_not_enough() -> None:
    found = report(spectrum(1653.0))
    assert verdicts(found.spectra[0]) == ["line at a mode", "line missing", "line missing"]
    assert not found.agree()
    assert "NO LINE within 56 of the mode at 3871 cm^-1" in found.describe()


def test_two_modes_do_not_share_a_line() -> None:
    """A line halfway between two stretches is within reach of both where they are near; the other one is missing."""
    modes = np.array([1653.0, 3900.0, 3970.0])
    assert sorted(verdicts(spectrum(1653.0, 3935.0), modes)) == ["line at a mode", "line at a mode", "line missing"]
    assert report(spectrum(1653.0, 3900.0, 3970.0), modes).agree()


@pytest.mark.parametrize("shift", [-80.0, 80.0])
def test_stretches_are_told_apart(shift: float) -> None:
    """The control: 122 apart, the tolerance of 56 is less than half of it; 80 off, which 3 % let pass, is refused."""
    assert not report(spectrum(1653.0, 3871.0 + shift, 3997.0 + shift)).agree()
    assert not report(spectrum(1653.0, 3997.0)).agree()


def test_a_line_without_a_mode_is_told() -> None:
    found = report(spectrum(1653.0, 2600.0, 3871.0, 3997.0))
    assert verdicts(found.spectra[0])[-1] == "line without a mode"
    assert not found.agree()
    assert "2600 cm^-1 WITHOUT A MODE" in found.describe()


def test_strengths_say_what_must_have_a_line() -> None:
    shown = spectrum(1653.0, 3997.0)
    assert report(shown, strengths=np.array([1.0, 0.05, 0.9])).agree()  # weak: it may have one
    assert report(spectrum(*MODES, heights=(1.0, 0.05, 0.9)), strengths=np.array([1.0, 0.05, 0.9])).agree()
    assert not report(shown, strengths=np.array([1.0, 0.2, 0.9])).agree()
    silent = np.array([1.0, 1e-6, 0.9])  # by symmetry: a line there is of something else
    assert report(shown, strengths=silent).agree()
    assert verdicts(spectrum(*MODES), strengths=silent)[-1] == "line without a mode"


def test_an_active_mode_comes_before_a_nearer_weak_one() -> None:
    modes, strengths = np.array([2000.0, 2045.0]), np.array([1.0, 0.01])
    assert verdicts(spectrum(2030.0), modes, strengths) == ["line at a mode", "weak, no line"]


def test_modes_nearer_than_the_resolution_have_one_line() -> None:
    """The bends of CO2 are two modes of one wavenumber."""
    modes = np.array([665.0, 667.0, 2350.0])
    assert verdicts(spectrum(668.0, 2350.0), modes) == ["line at a mode", "line at a mode"]
    assert verdicts(spectrum(668.0, 760.0, 2350.0), modes)[-1] == "line without a mode"


def test_an_imaginary_mode_has_no_line() -> None:
    assert not report(spectrum(1653.0, 3871.0), np.array([-200.0, 1653.0, 3871.0])).agree()
    # Below 100 cm^-1 no lines are looked for, and so none is missed.
    assert report(spectrum(1653.0, 3871.0), np.array([40.0, 1653.0, 3871.0])).agree()


def test_no_lines_do_not_agree() -> None:
    assert not report(spectrum()).agree()
    assert not report(spectrum(), strengths=np.zeros(3)).agree()


def test_what_a_report_needs_is_said() -> None:
    with pytest.raises(CalculatorError, match="expected a spectrum or several, got none"):
        VibrationReport("nothing", [], report(spectrum()).modes, {})
    with pytest.raises(CalculatorError, match=r"expected 3 strengths for 'infrared', got none.*line_strengths"):
        VibrationReport("nothing", [spectrum()], report(spectrum()).modes, {"Raman": EQUAL})
