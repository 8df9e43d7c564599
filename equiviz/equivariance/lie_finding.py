"""One line of a Lie derivative: one irrep of one stage along one generator, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Motion: TypeAlias = str
"""The kind of a generator: that of the transformations it makes, `Transformations.kind`."""
Method: TypeAlias = Literal["forward mode", "finite differences"]
LieStatus: TypeAlias = Literal["holds", "breaks", "not finite", "all zero", "drowned in rounding"]


@dataclass(frozen=True)
class LieFinding:
    """What one generator says of one irrep of one stage.

    Attributes:
        stage, support, irrep: which block.
        generator: for example "rotation about x".
        motion: the kind of the generator: "rotation", "translation", "unitary" ...
        value: ||L_X f|| / ||f||, per radian, or per shift by the structure's own size. NaN where the block is zero.
        floor: what rounding, and for finite differences their truncation, explain of it; in the same unit.
        tolerance: values above it count.
        per: the unit of the generator: "radian", or a length such as "2.31 Å".
        method: how it was found.
        claimed: whether the model claims this symmetry.
        status: "holds"; "breaks" and "not finite", which are failures; "all zero" and "drowned in rounding", which are
            not informative.
    """

    stage: str
    support: str
    irrep: str
    generator: str
    motion: Motion
    value: float
    floor: float
    tolerance: float
    per: str
    method: Method
    claimed: bool
    status: LieStatus

    @property
    def passed(self) -> bool | None:
        """True, False, or None where the block is not informative."""
        if self.status in ("all zero", "drowned in rounding"):
            return None
        return self.status == "holds"

    @property
    def alarming(self) -> bool:
        """A failure of something that the model claims."""
        return self.claimed and self.passed is False
