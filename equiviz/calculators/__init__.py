"""Models as ASE calculators: molecular dynamics, normal modes, and the spectra that follow from both.

Names are imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.lazy_names import lazy_names

if TYPE_CHECKING:
    from equiviz.calculators.activity import line_strengths as line_strengths
    from equiviz.calculators.dynamics import Trajectory as Trajectory
    from equiviz.calculators.dynamics import copies_apart as copies_apart
    from equiviz.calculators.dynamics import microcanonical as microcanonical
    from equiviz.calculators.dynamics import thermalise as thermalise
    from equiviz.calculators.errors import CalculatorError as CalculatorError
    from equiviz.calculators.hessian import NormalModes as NormalModes
    from equiviz.calculators.hessian import normal_modes as normal_modes
    from equiviz.calculators.model_calculator import ModelCalculator as ModelCalculator
    from equiviz.calculators.model_calculator import tensors_along as tensors_along
    from equiviz.calculators.self_consistent import thermal_modes as thermal_modes
    from equiviz.calculators.spectra import density_of_states as density_of_states
    from equiviz.calculators.spectra import infrared as infrared
    from equiviz.calculators.spectra import raman as raman
    from equiviz.calculators.vibration_report import VibrationReport as VibrationReport

_HOME = {
    "CalculatorError": "errors",
    "ModelCalculator": "model_calculator",
    "NormalModes": "hessian",
    "Trajectory": "dynamics",
    "VibrationReport": "vibration_report",
    "copies_apart": "dynamics",
    "density_of_states": "spectra",
    "infrared": "spectra",
    "line_strengths": "activity",
    "microcanonical": "dynamics",
    "normal_modes": "hessian",
    "raman": "spectra",
    "tensors_along": "model_calculator",
    "thermal_modes": "self_consistent",
    "thermalise": "dynamics",
}

__all__ = [
    "CalculatorError",
    "ModelCalculator",
    "NormalModes",
    "Trajectory",
    "VibrationReport",
    "copies_apart",
    "density_of_states",
    "infrared",
    "line_strengths",
    "microcanonical",
    "normal_modes",
    "raman",
    "tensors_along",
    "thermal_modes",
    "thermalise",
]


__getattr__ = lazy_names(__name__, _HOME)
