"""What `symmetry_breaking` returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import torch

from equiviz.explain.errors import SymmetryBreakingError
from equiviz.explain.symmetry_breaking.gradients import Pull
from equiviz.explain.symmetry_breaking.order_parameter import Carrier
from equiviz.explain.symmetry_breaking.own_symmetry import SAME, OwnSymmetry
from equiviz.explain.symmetry_breaking.words import sentences
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.irreps import Irrep
from equiviz.view.page import Section
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.view.scene import Scene

ANY_MODEL = "any equivariant model"
ROUNDING = 1e-6
"""Of the largest gradient in a place: smaller ones are rounding of float32."""


@dataclass(eq=False, repr=False)
class SymmetryBreakingReport(Report):
    """What the data need beyond the symmetry of the input.

    Attributes:
        model: whose gradients are told; "the data" without one.
        structure: the input.
        own: its symmetry.
        kept: the elements that the target has too.
        target: what is wanted.
        missing: the part of it that no equivariant model can give.
        carriers: by irrep, how much of it an order parameter reaches; empty where nothing is missing.
        enough: the lowest irreps that together reach all of it.
        pulls: the gradients, by place and irrep; empty without a model.
        loss: of the model, in the unit of the loss function; None without one.
        output: which of the model's outputs was compared with the target; None without one.
        model_breaks: by how much of its norm the model's own output breaks the symmetry of the input.
    """

    model: str
    structure: Structure
    own: OwnSymmetry
    kept: OwnSymmetry
    target: Field
    missing: Field
    carriers: list[Carrier] = field(default_factory=list)
    enough: list[Irrep] = field(default_factory=list)
    pulls: list[Pull] = field(default_factory=list)
    loss: float | None = None
    output: str | None = None
    model_breaks: float = 0.0

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"What {self.structure.name or 'the input'} lacks to reach its target"

    @property
    def missing_share(self) -> float:
        """The share of the target's squares that no equivariant model can give, 0 to 1."""
        whole = float(self.target.values.double().square().sum())
        return float(self.missing.values.square().sum()) / whole if whole else 0.0

    @property
    def needed(self) -> list[str]:
        """The lowest irreps that an order parameter needs, as ``["2e"]``; empty where nothing is missing."""
        return [str(irrep) for irrep in self.enough]

    def order_parameter(self, irrep: str | None = None, size: float = 1.0) -> Field:
        """An order parameter of one irrep that brings the target within reach, on the graph, values [1, 2l+1].

        Args:
            irrep: by default the first of `needed`. Any other may be given, as a control: it then points along its
                first component, for no direction of it helps.
            size: its norm; the target fixes the direction, up to its sign, but no size.

        Raises:
            SymmetryBreakingError: nothing is missing.
        """
        if not self.enough:
            raise SymmetryBreakingError("Nothing is missing, so that no order parameter is needed.")
        chosen = self.enough[0] if irrep is None else Irrep.parse(irrep)
        own = [carrier.directions for carrier in self.carriers if carrier.irrep == chosen]
        useless = torch.eye(chosen.dim, dtype=torch.float64)
        rows = own[0] if own and len(own[0]) else useless
        return Field(size * rows[:1], f"1x{chosen}", "graph")

    def lifted(self, name: str = "order", irrep: str | None = None, size: float = 1.0) -> Structure:
        """The input with that order parameter as a graph attribute: a model that reads it can learn the target.

        Raises:
            SymmetryBreakingError: as `order_parameter`.
        """
        return self.structure.with_graph(name, self.order_parameter(irrep, size))

    def to_frame(self) -> DataFrame:
        """One row per place and irrep: place, spread, irrep, share_of_missing (of squares, for any model), directions;

        needed, allowed, floor (norms of gradients, loss per unit of the values) for the model.
        """
        import pandas as pd

        rows: list[dict[str, object]] = [
            {
                "place": ANY_MODEL,
                "spread": "one for all",
                "irrep": str(carrier.irrep),
                "share_of_missing": carrier.share,
                "directions": len(carrier.directions),
            }
            for carrier in self.carriers
        ]
        columns = ["place", "spread", "irrep", "share_of_missing", "directions", "needed", "allowed", "floor"]
        return pd.DataFrame([*rows, *(asdict(pull) for pull in self.pulls)], columns=columns)

    def figure(self) -> Figure:
        """How much of what is missing each irrep reaches."""
        from equiviz.view.charts import Series, bars

        if not self.carriers:
            return bars(["nothing is missing"], [Series("share", [0], [0.0])], _SHARE, self.title)
        shares = [carrier.share for carrier in self.carriers]
        series = Series("share", range(len(shares)), shares)
        chart = bars([str(carrier.irrep) for carrier in self.carriers], [series], _SHARE, self.title)
        chart.update_yaxes(range=[0, 1.05], tickformat=".0%")
        chart.update_xaxes(title_text="irrep of the order parameter")
        return chart

    def pull_figure(self) -> Figure:
        """What of the gradient the input's symmetry does not allow, by place and irrep, as a share of the whole."""
        import pandas as pd

        from equiviz.view.maps import heat_map

        frame = pd.DataFrame([asdict(pull) for pull in self.pulls])
        frame["name"] = frame["place"] + ", " + frame["spread"]
        order, irreps = list(dict.fromkeys(frame["name"])), sorted(set(frame["irrep"]))
        squares = frame[["needed", "allowed", "floor"]].pow(2).sum(axis=1)
        whole = squares.groupby(frame["name"]).transform("sum").clip(lower=1e-300)
        frame["share"] = frame["needed"].pow(2) / whole
        frame["note"] = [f"norm {p.needed:.3g}, allowed {p.allowed:.3g}, floor {p.floor:.1g}" for p in self.pulls]
        shares = frame.pivot(index="name", columns="irrep", values="share").loc[order, irreps]
        notes = frame.pivot(index="name", columns="irrep", values="note").loc[order, irreps].fillna("")
        return heat_map(
            shares, "share of the gradient's squares", "Where the loss pulls against the symmetry", x_title="irrep",
            value_range=(0, 1), notes=notes,
        )  # fmt: skip

    def scene(self, irrep: str | None = None) -> Scene:
        """The structure, what is missing on its nodes, and the order parameter as a glyph at its centre.

        Raises:
            SymmetryBreakingError: nothing is missing.
        """
        from equiviz.explain.symmetry_breaking.picture import missing_scene

        return missing_scene(self.structure, self.missing, self.order_parameter(irrep))

    def sections(self) -> list[Section]:
        """The picture in space first, for that is what is missing."""
        found: list[Section] = []
        if self.enough:
            found.append(Section("What is missing", _SCENE, [self.scene(str(irrep)) for irrep in self.enough]))
        found.append(Section("Which irreps reach it", _REACH, self.figure()))
        if self.pulls:
            found.append(Section("What the model's loss pulls at", _PULL, self.pull_figure()))
        return [*found, Section("Numbers", "", self.to_frame())]

    def describe(self) -> str:
        """What is out of reach and for how much of it, what would bring it within reach, and what the model says."""
        return "\n".join(sentences(self))

    def pulled(self, spread: str = "one for all") -> Sequence[Pull]:
        """The gradients above their noise floor, the strongest first."""
        largest = {
            place: max(p.needed for p in self.pulls if p.place == place) for place in {p.place for p in self.pulls}
        }
        found = [
            pull
            for pull in self.pulls
            if pull.spread == spread and pull.needed > max(_above(pull), ROUNDING * largest[pull.place])
        ]
        return sorted(found, key=lambda pull: pull.needed, reverse=True)


_SHARE = "share of what is missing, within reach"
_SCENE = (
    "The part of the target that no equivariant model can give, and, at the centre, the order parameter that brings it "
    "within reach: a function on the sphere, whose sign may be turned."
)
_REACH = (
    "An order parameter is a further input, one for the whole structure. The bar says how much of what is missing an "
    "equivariant map can make of it at first order."
)
_PULL = (
    "Rows: places where a dummy input could enter, as one value for all nodes, or one for each node. Colour: the part "
    "of the loss's gradient there that the input's symmetry does not allow."
)


def _above(pull: Pull) -> float:
    return max(10 * pull.floor, SAME * pull.allowed)
