"""Which rotations does the break spare? The subgroup that is kept tells what kind of act it was."""

from __future__ import annotations

import math

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.round_off import REAL
from equiviz.symmetry.groups import O3

_CYCLIC = [O3.rotation((1.0, 1.0, 1.0), 2 * math.pi / 3), O3.rotation((1.0, 1.0, 1.0), -2 * math.pi / 3)]
_HALF_TURNS = [O3.rotation(axis, math.pi) for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))]
_AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


def separate_components(case: Case) -> list[Diagnosis]:
    """Components treated one by one survive an exchange of axes; what else survives tells how they are treated."""
    if case.kind != "rotation" or case.irrep not in ("1o", "1e") or case.error < REAL or case.rare:
        return []
    exchanged = exchanged_axes(case)
    if not case.cured(exchanged):
        return []
    single_signs = case.cured(case.error_with(case.at(_HALF_TURNS)))
    all_signs = case.cured(case.error_with(case.at([O3.inversion()])))
    cause = f"{case.irrep} is kept by exchanges of the axes only"
    code, fix = "pointwise-nonlinearity", "Apply non-linearities to 0e only, and scale other irreps by their norms."
    # A mean over components that is subtracted bears a change of all signs, not of two; ReLU bears neither.
    if single_signs:
        cause += ": an odd function of components (tanh), a box or a grid along the axes, or rounding to few digits"
        code = "separate-components"
        fix += " Turn the box with the atoms."
    elif all_signs:
        cause += " and by inversion: a normalisation over components, or a mean of them that is subtracted"
        code, fix = (
            "component-normalisation",
            "Normalise by the norm of the vector, and subtract no mean of components.",
        )
    else:
        cause += ": a function of single components (ReLU, exp), or a normalisation together with other numbers"
    return [case.found(code, cause, "turning by exchanges of the axes only", exchanged, fix, sure=False)]


def exchanged_axes(case: Case) -> float:
    """The error under exchanges of the axes only, which no treatment of single components breaks."""
    return case.error_with(case.at(_CYCLIC))


def preferred_axis(case: Case) -> list[Diagnosis]:
    """Rotations about one axis are kept, others are not."""
    if case.kind != "rotation" or case.rare:
        return []
    errors = {name: case.error_with(case.at([O3.rotation(axis, 1.0)])) for name, axis in _AXES.items()}
    kept = [name for name, error in errors.items() if case.cured(error)]
    if len(kept) != 1:
        return []
    axis = kept[0]
    fix = f"Look for the {axis} component, or for a vector of constants: gravity, a field, 'up', a polar axis."
    cause = f"the {axis} axis is singled out: only rotations about it are kept"
    return [case.found("preferred-axis", cause, f"turning about {axis} only", errors[axis], fix)]
