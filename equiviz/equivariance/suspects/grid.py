"""Functions on a grid on the sphere: a non-linearity there raises the degree beyond what the grid can hold."""

from __future__ import annotations

import copy
from typing import Any, cast

from torch import nn

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis

FINER = 3


def grid(case: Case) -> list[Diagnosis]:
    """e3nn's `S2Activation`, with a finer grid in its place."""
    if case.kind not in ("rotation", "inversion"):
        return []
    names = [name for name, module in case.model.named_modules() if _is_grid(module)]
    if not names:
        return []
    try:
        finer = copy.deepcopy(case.model)
        resolutions = [_refine(finer, name) for name in names]
    except Exception:
        return []
    after = case.error_with(model=finer)
    if not after < case.error / 5:
        return []
    shown = f"{min(resolutions)} to {FINER * min(resolutions)} points per half circle"
    fix = "Raise the resolution, lower lmax, or use a smoother activation: the error falls as the grid grows."
    cause = "a grid on the sphere is too coarse for what its activation makes"
    return [case.found("grid-resolution", cause, f"a finer grid, from {shown}", after, fix)]


def _is_grid(module: nn.Module) -> bool:
    return type(module).__name__ == "S2Activation" and hasattr(module, "to_s2")


def _refine(model: nn.Module, name: str) -> int:
    """Put an activation on a grid three times as fine in its place; returns the old number of latitudes."""
    old = cast(Any, model.get_submodule(name))
    resolution = int(old.to_s2.res_beta)
    new = type(old)(
        old.irreps_in,
        old.act,
        FINER * resolution,
        lmax_out=old.irreps_out.lmax,
        random_rot=getattr(old, "random_rot", False),
    )
    like = next(iter(model.parameters()), next(iter(old.buffers()), None))
    if like is not None:
        new = new.to(like.dtype)
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, new.train(old.training))
    return resolution
