"""`attribute_each`: attributions over a data set, one structure at a time, here or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
from torch import nn

from equiviz.explain.attribution.attribute import attribute
from equiviz.explain.attribution.attribution import Attribution
from equiviz.explain.chunks import DaskClient, in_chunks
from equiviz.explain.errors import AttributionError
from equiviz.features.model_input import Given
from equiviz.nn.equivariant_model import title_of
from equiviz.view.charts import Series, bars
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

RESAMPLES = 500


def attribute_each(
    model: nn.Module,
    structures: Iterable[Given],
    *,
    client: DaskClient | None = None,
    progress: bool = True,
    **settings: object,
) -> Attributions:
    """Attribute the same output of many structures; only the scores are kept, so that memory stays bounded.

    Args:
        model: as `equiviz.attribute`.
        structures: one after the other, drawn as they are needed: a generator will do.
        client: a `dask.distributed.Client`; by default the work is done here.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.
        settings: as `equiviz.attribute` takes them, to="edges" or "positions".

    Raises:
        AttributionError: no structures; as `equiviz.attribute`.
    """
    ask = _Ask(model, settings)
    tables = list(in_chunks(ask, structures, client, progress=progress))
    if not tables:
        raise AttributionError("Expected at least one structure, got none.")
    return Attributions(title_of(model), tables[0].asked, tables[0].method, tables)


@dataclass(frozen=True)
class _Scores:
    """What is kept of one attribution."""

    asked: str
    method: str
    species: list[str]
    scores: list[float]
    missing: float
    departure: float


@dataclass(frozen=True, eq=False)
class _Ask:
    """An attribution of one structure; can be sent to another process."""

    model: nn.Module
    settings: Mapping[str, object] = field(default_factory=dict)

    def __call__(self, structure: Given) -> _Scores:
        report = cast(Attribution, attribute(self.model, structure, progress=False, **self.settings))  # type: ignore[call-overload]
        if not isinstance(report, Attribution):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise AttributionError("Over many structures predictions are shared out among edges: leave out to=.")
        quality = report.quality
        kinds = report.structure.labels
        return _Scores(
            report.asked, report.method, kinds, report.shares.nodes.tolist(), quality.completeness, quality.departure
        )


@dataclass(eq=False, repr=False)
class Attributions(Report):
    """Scores of the atoms of many structures.

    Attributes:
        model: class name.
        asked: which number of the outputs.
        method: title of the method.
        found: by structure.
    """

    model: str
    asked: str
    method: str
    found: list[_Scores]

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"What {self.asked} of {self.model} rests on, in {len(self.found)} structures"

    def to_frame(self) -> DataFrame:
        """One row per atom: structure (its number), node, species, score (in the unit of the prediction)."""
        import pandas as pd

        rows = [
            (number, node, kind, score)
            for number, one in enumerate(self.found)
            for node, (kind, score) in enumerate(zip(one.species, one.scores, strict=True))
        ]
        return pd.DataFrame(rows, columns=["structure", "node", "species", "score"])

    def by_species(self, seed: int = 0) -> DataFrame:
        """One row per species: atoms, mean score of one, low and high (95 % interval over structures)."""
        import pandas as pd

        kinds = sorted({kind for one in self.found for kind in one.species})
        rows = [(kind, *_mean([_of(one, kind) for one in self.found], seed)) for kind in kinds]
        return pd.DataFrame(rows, columns=["species", "atoms", "mean_score", "low", "high"])

    def figure(self) -> Figure:
        """Mean score by species, with intervals."""
        table = self.by_species()
        series = Series("mean", range(len(table)), table["mean_score"], table["low"], table["high"])
        labels = list(table["species"])
        return bars(
            labels, [series], f"mean score of an atom, in the unit of {self.asked}", self.title, horizontal=True
        )

    def describe(self) -> str:
        """Mean scores by species, and how far the explanations can be trusted."""
        table = self.by_species()
        columns = zip(table["species"], table["mean_score"], table["low"], table["high"], strict=True)
        told = "; ".join(f"{kind} {mean:+.3g} [{low:+.3g}, {high:+.3g}]" for kind, mean, low, high in columns)
        missing = np.nanmax([0.0, *(one.missing for one in self.found)])
        turned = np.nanmax([0.0, *(one.departure for one in self.found)])
        return (
            f"By {self.method}, mean score of an atom in {len(self.found)} structures: {told}.\n"
            f"At worst {missing:.1%} of all scores is missing, and the explanation of a turned structure departs from "
            f"the turned explanation by {turned:.1g} (relative)."
        )


def _of(one: _Scores, kind: str) -> list[float]:
    return [score for label, score in zip(one.species, one.scores, strict=True) if label == kind]


def _mean(scores: list[list[float]], seed: int) -> tuple[int, float, float, float]:
    """Number, mean, and its interval by resampling structures."""
    sums, counts = np.array([sum(own) for own in scores]), np.array([len(own) for own in scores])
    drawn = np.random.default_rng(seed).integers(len(scores), size=(RESAMPLES, len(scores)))
    with np.errstate(invalid="ignore"):
        means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.nanquantile(means, [0.025, 0.975])
    return int(counts.sum()), float(sums.sum() / counts.sum()), float(low), float(high)
