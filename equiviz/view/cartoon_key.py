"""What the colours of a cartoon mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equiviz.view.errors import ViewError

if TYPE_CHECKING:
    from equiviz.view.colours import Scale


@dataclass(frozen=True)
class CartoonKey:
    """A heading with its unit, the two ends of the scale, and its colours."""

    title: str
    low: float
    high: float
    scale: Scale

    def to_dict(self) -> dict[str, object]:
        """As the page takes it."""
        ends = [f"{self.low:.2g}", f"{self.high:.2g}"]
        return {"title": self.title, "ends": ends, "colours": [list(stop) for stop in self.scale]}


def check_paint(colours: Sequence[str], labels: Sequence[str], residues: int) -> None:
    """Refuse what no cartoon can show.

    Raises:
        ViewError: another number of colours or labels than residues, or what is no colour.
    """
    if len(colours) != residues or len(labels) != residues:
        raise ViewError(
            f"cartoon: expected a colour and a label for each of {residues} residues, got {len(colours)} and "
            f"{len(labels)}."
        )
    bad = next((colour for colour in colours if not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour)), None)
    if bad is not None:
        raise ViewError(f"cartoon: expected colours such as '#4477AA', got {bad[:40]!r}.")
