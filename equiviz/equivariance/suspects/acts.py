"""Acts of torch between the stage before and the broken one: leave one out, and see whether the break goes with it."""

from __future__ import annotations

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.op_watch import Act

# A layer with more acts than this is searched in this many tries; the rest is not tried.
MOST = 24
# Left out, the act that breaks the symmetry takes the squared difference with it, to rounding; another act at most
# changes its scale.
FALL = 1e-4


def activation(case: Case) -> list[Diagnosis]:
    """A pointwise non-linearity on components of l > 0 (or on the odd ones of l = 0)."""
    if case.kind not in ("rotation", "inversion"):
        return []
    act, after = _guilty(case, "activation")
    if act is None:
        return []
    return [
        case.found(
            "pointwise-nonlinearity",
            f"torch.{act[0]} acts on the components of {case.irrep}, one by one",
            f"leaving out torch.{act[0]} before {case.stage}",
            after,
            "Apply non-linearities to 0e only, and scale other irreps by gates or by functions of their norms.",
        )
    ]


def normalisation(case: Case) -> list[Diagnosis]:
    """Statistics over components instead of norms."""
    if case.kind not in ("rotation", "inversion", "batch"):
        return []
    act, after = _guilty(case, "normalisation")
    if act is None:
        return []
    code = "batch-dependence" if case.kind == "batch" else "component-normalisation"
    return [
        case.found(
            code,
            f"torch.{act[0]} normalises over the components of {case.irrep}",
            f"leaving out torch.{act[0]} before {case.stage}",
            after,
            "Normalise each copy of an irrep by its norm (as e3nn's BatchNorm does), and subtract no mean for l > 0.",
        )
    ]


def order(case: Case) -> list[Diagnosis]:
    """Running sums, rolls, sorts."""
    if case.irrep in ("0e", "0o") and case.kind in ("rotation", "inversion"):
        return []
    act, after = _guilty(case, "order")
    if act is None:
        return []
    if case.kind in ("rotation", "inversion"):
        cause = f"torch.{act[0]} moves components of {case.irrep} about"
        return [case.found("axis-order", cause, f"leaving out torch.{act[0]}", after, "Keep the order of components.")]
    return [
        case.found(
            "order-dependence",
            f"torch.{act[0]} runs over atoms in the order in which they are listed",
            f"leaving out torch.{act[0]} before {case.stage}",
            after,
            "Use sums, means or maxima over atoms, which do not depend on their order.",
        )
    ]


def _guilty(case: Case, kind: str) -> tuple[Act | None, float]:
    """The act without which the block no longer breaks; the last ones first, for they are nearest.

    The difference itself must fall, not only its ratio: without a sigmoid that damps it a block may grow beside an
    error that stays as it was.
    """
    if case.rare:  # whatever moves the block moves the few directions in which it fails: no act is proven guilty
        return None, float("nan")
    acts = [act for act in case.acts.of(kind) if act in case.moved_acts]
    before = case.squares_with().difference if acts else 0.0
    for act in list(reversed(acts))[:MOST]:
        after = case.squares_with(without=frozenset({act}))
        if case.cured(after.relative) and after.difference <= FALL * before:
            return act, after.relative
    return None, float("nan")
