"""What `spectrum` returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from equiviz.equivariance.block_spectrum import BlockSpectrum
from equiviz.equivariance.orbit_moments import Character
from equiviz.equivariance.percent import percent
from equiviz.equivariance.round_off import base_tolerance, tolerance_words
from equiviz.equivariance.spectrum_words import sentences
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

_BEYOND = "beyond"


@dataclass(eq=False, repr=False)
class SpectrumReport(Report):
    """How each stage varies with the orientation of its input, and as which irrep.

    Attributes:
        model: class name.
        group: the group over which means were taken.
        band_limit: of the rule; lambda up to half of it is resolved.
        elements: number of elements of the rule.
        smaller: band limit of the smaller rule; None where there was none.
        blocks: one per stage and irrep, in the order of the stages.
        dtype: the coarsest floating type among parameters and stages; the tolerance follows from it.
        notes: what else was seen.
    """

    model: str
    group: str
    band_limit: int
    elements: int
    smaller: int | None
    blocks: list[BlockSpectrum]
    dtype: torch.dtype
    notes: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"How {self.model} varies over {self.group}"

    @property
    def passed(self) -> bool:
        """No informative block varies over the group by more than rounding."""
        return not any(block.status in ("varies", "not finite") for block in self.blocks)

    def block(self, stage: str, irrep: str) -> BlockSpectrum:
        """The spectrum of one irrep of one stage.

        Raises:
            KeyError: there is none; the message lists those that there are.
        """
        for found in self.blocks:
            if (found.stage, found.irrep) == (stage, irrep):
                return found
        raise KeyError(f"no block {irrep!r} of {stage!r}; there are {[(b.stage, b.irrep) for b in self.blocks]}")

    def to_frame(self) -> DataFrame:
        """One row per stage, irrep, function and character.

        Columns: stage, support, irrep, status; variance and mean_square, in the stage's unit squared, per row and copy;
        relative_std, floor, tolerance, smaller_rule (the variance by the smaller rule); function ("back-transformed":
        D(g^-1) f(g x); "raw": f(g x), of outputs only), lambda, sigma (0 on SO(3), which does not know it), share (of
        the mean square of the function), share_of_break (of the variance; NaN for raw), beyond (the share of the mean
        square above the largest lambda, of the back-transformed values).
        """
        import pandas as pd

        rows = [row for block in self.blocks for row in _rows(block)]
        names = ["stage", "support", "irrep", "status", "variance", "mean_square", "relative_std", "floor"]
        names += ["tolerance", "smaller_rule", "beyond", "function", "lambda", "sigma", "share", "share_of_break"]
        return pd.DataFrame(rows, columns=names)

    def figure(self) -> Figure:
        """Stage and irrep against the character of the break: the root of its share, on a logarithmic scale.

        The part (0, +1), all that an exact model has, is left out.
        """
        import pandas as pd

        from equiviz.view.maps import error_heat_map

        told = [block for block in self.blocks if block.status != "all zero"] or self.blocks
        characters = list(told[0].broken) if told else []
        names = [*(_column(character) for character in characters), _BEYOND]
        index = [f"{block.stage}  {block.irrep}" for block in told]
        values = pd.DataFrame([_amplitudes(block, characters) for block in told], index=index, columns=names)
        notes = pd.DataFrame([_notes(block, characters) for block in told], index=index, columns=names)
        return error_heat_map(
            values,
            self.title,
            floor=base_tolerance(self.dtype) / 1e3,
            x_title="how the break changes with orientation",
            y_title="stage and irrep",
            colour_title="relative amplitude",
            notes=notes,
        )

    def describe(self) -> str:
        """In words: what varies, how, by how much; and whether the rule was fine enough."""
        head = (
            f"{self.model}, means over {self.group} by a rule of {self.elements} elements, of D(g^-1) f(g x) at each "
            "stage f, which an exact model keeps constant (lambda = 0, sigma = +1)."
        )
        highest = self.band_limit // 2
        told = sentences(self.blocks, highest, self.band_limit, self.smaller)
        return "\n".join([head, *told, *self.notes, tolerance_words(self.dtype)])


def _rows(block: BlockSpectrum) -> list[list[object]]:
    head: list[object] = [block.stage, block.support, block.irrep, block.status, block.variance, block.mean_square]
    head += [block.relative_std, block.floor, block.tolerance, block.smaller, block.beyond]
    rows: list[list[object]] = [
        [*head, "back-transformed", *character, share, block.share_of_break(character)]
        for character, share in block.shares.items()
    ]
    rows += [[*head, "raw", *character, share, math.nan] for character, share in (block.raw or {}).items()]
    return rows


def _column(character: Character) -> str:
    degree, sigma = character
    return f"λ = {degree}" + {1: ", σ = +1", -1: ", σ = −1", 0: ""}[sigma]


def _amplitudes(block: BlockSpectrum, characters: list[Character]) -> list[float]:
    if block.status == "not finite":
        return [math.inf] * (len(characters) + 1)
    return [math.sqrt(block.shares[c]) for c in characters] + [math.sqrt(block.beyond)]


def _notes(block: BlockSpectrum, characters: list[Character]) -> list[str]:
    if block.status not in ("constant", "varies"):
        return [block.status] * (len(characters) + 1)
    spread = f"standard deviation {percent(block.relative_std)} of the rms, floor {percent(block.floor)}"
    return [f"{percent(block.share_of_break(c))} of the break; {spread}" for c in characters] + [spread]
