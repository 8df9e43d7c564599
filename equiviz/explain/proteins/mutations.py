"""`score_mutations`: do preferences foretell how much a mutation destabilises a protein?

The score of a mutation is log p(mutant) - log p(wild type) at the unchanged structure. A measured ddG is positive where
a mutation destabilises, so that scores fall with it; correlations are those of ddG with *minus* the score, and a model
that knows something has positive ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.explain.errors import MutationError
from equiviz.explain.proteins.scan import Scan, scan, surroundings_of
from equiviz.holograms.protein import AMINO_ACIDS, Protein, text
from equiviz.training.metrics import pearson, spearman
from equiviz.view.maps import scatter
from equiviz.view.report import Report

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pandas import DataFrame
    from plotly.graph_objects import Figure
    from torch import Tensor

    from equiviz.datasets.proteins.mutation_table import Mutation, MutationTable
    from equiviz.nn.equivariant_model import EquivariantModel

DRAWS = 2_000
"""Resamplings of a bootstrap interval."""


def score_mutations(
    model: EquivariantModel, given: str | os.PathLike[str] | Protein, chain: str, table: MutationTable
) -> MutationReport:
    """Score the mutations of a table.

    Args:
        model: reads holograms, such as ``equiviz.load("hcnn")``.
        given: the path of the wild type's structure, or a `Protein`.
        chain: its name in the structure.
        table: what was measured; rows whose wild type the structure does not have are left out, and told, as are those
            of the table's own ``left_out``.

    Raises:
        MutationError: no such chain, or no row that fits it.
        StructureError: a file that cannot be read.
        ModelError: a model that reads no proteins.
    """
    protein = given if isinstance(given, Protein) else Protein.read(given)
    fitting, left_out = _fitting(protein, chain, table)
    residues = sorted(set(fitting.values()))
    scanned = scan(model, surroundings_of(model, protein, residues))
    place = {residue: k for k, residue in enumerate(residues)}
    scores = scanned.mutation_scores
    mutations = tuple(fitting)
    found = [float(scores[place[fitting[one]], one.mutant]) for one in mutations]
    measured = np.array([one.ddg for one in mutations])
    every = (*table.left_out, *left_out)
    return MutationReport(model.title, scanned, chain, mutations, np.array(found), measured, every)


@dataclass(eq=False, repr=False)
class MutationReport(Report):
    """Scores of M mutations beside measured values.

    Attributes:
        model: what it is called.
        scan: the preferences at the sites that are mutated.
        chain: its name.
        mutations: what was mutated into what.
        scores: ``[M]``, log p(mutant) - log p(wild type), nats.
        ddg: ``[M]``, measured, kcal/mol, positive is destabilising; NaN where the table has none.
        left_out: for each row that was not scored, why: it has no finite ddG, or does not fit the structure.
    """

    model: str
    scan: Scan
    chain: str
    mutations: tuple[Mutation, ...]
    scores: NDArray[np.float64]
    ddg: NDArray[np.float64]
    left_out: tuple[str, ...]

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Mutations of {self.scan.name}, chain {self.chain}"

    @property
    def measured(self) -> bool:
        """Whether there is something to compare with."""
        return bool(np.isfinite(self.ddg).all())

    @property
    def pearson(self) -> float:
        """Correlation of ddG with minus the score; NaN for fewer than three mutations, or where one does not vary."""
        return _correlation(pearson, -self.scores, self.ddg)

    @property
    def spearman(self) -> float:
        """The same of the ranks."""
        return _correlation(spearman, -self.scores, self.ddg)

    def interval(self, kind: str = "pearson", draws: int = DRAWS, seed: int = 0) -> tuple[float, float]:
        """95 % bootstrap interval of ``"pearson"`` or ``"spearman"``, resampling positions.

        Mutations of one position are not independent: they share their surroundings.
        """
        if not self.measured:
            return float("nan"), float("nan")
        generator = np.random.default_rng(seed)
        positions = np.array([(one.position, ord(one.insertion_code or " ")) for one in self.mutations])
        _, owner = np.unique(positions, axis=0, return_inverse=True)
        rows = [np.flatnonzero(owner == k) for k in range(owner.max() + 1)]
        how, found = pearson if kind == "pearson" else spearman, list[float]()
        for _ in range(draws):
            drawn = np.concatenate([rows[k] for k in generator.integers(len(rows), size=len(rows))])
            found.append(_correlation(how, -self.scores[drawn], self.ddg[drawn]))
        low, high = np.nanquantile(found, [0.025, 0.975]) if np.isfinite(found).any() else (np.nan, np.nan)
        return float(low), float(high)

    def to_frame(self) -> DataFrame:
        """One row per mutation: position, wild type, mutant, score (nats), ddG (kcal/mol) where it was measured."""
        import pandas as pd

        measured = {"ddg_kcal_per_mol": self.ddg} if self.measured else {}
        return pd.DataFrame(
            {
                "mutation": [str(one) for one in self.mutations],
                "position": [one.position for one in self.mutations],
                "insertion_code": [one.insertion_code for one in self.mutations],
                "wild_type": [AMINO_ACIDS[one.wild_type] for one in self.mutations],
                "mutant": [AMINO_ACIDS[one.mutant] for one in self.mutations],
                "score_nats": self.scores,
                **measured,
            }
        )

    def figure(self) -> Figure:
        """Measured ddG against minus the score; without measurements, the score against the position."""
        names = [str(one) for one in self.mutations]
        if not self.measured:
            places = np.array([one.position for one in self.mutations], dtype=float)
            score = "log p(mutant) - log p(wild type), nats"
            return scatter(places, self.scores, "position", score, self.title, labels=names)
        across, up = "log p(wild type) - log p(mutant), nats", "measured ddG, kcal/mol (positive: destabilising)"
        return scatter(-self.scores, self.ddg, across, up, self.title, labels=names)

    def describe(self) -> str:
        """Correlations with their intervals, the extremes, and what was left out."""
        least, most = int(self.scores.argmin()), int(self.scores.argmax())
        beside = f", measured {self.ddg[least]:+.2f} kcal/mol" if self.measured else ""
        words = [
            f"{len(self.mutations)} mutations at {len(self.scan)} sites of {self.scan.name}, chain {self.chain}, "
            f"scored by {self.model}. {self._correlations()} The model likes {self.mutations[least]} least (score "
            f"{self.scores[least]:.2f} nats{beside}), and {self.mutations[most]} most ({self.scores[most]:+.2f})."
        ]
        if self.left_out:
            words.append(f"{len(self.left_out)} rows were left out; the first: {self.left_out[0]}.")
        return " ".join([*words, *([self.scan.note] if self.scan.note else [])])

    def _correlations(self) -> str:
        if not self.measured:
            return "The table has no ddG: nothing to compare with."
        told = []
        for kind, value in (("Pearson", self.pearson), ("Spearman", self.spearman)):
            low, high = self.interval(kind.lower())
            told.append(f"{kind} {value:.3f} [{low:.3f}, {high:.3f}]")
        return (
            "Correlation of measured ddG (positive: destabilising) with log p(wild type) - log p(mutant): "
            f"{', '.join(told)}; 95 % intervals by resampling positions."
        )

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values, for JSON."""
        return {
            "model": self.model,
            "protein": self.scan.name,
            "chain": self.chain,
            "mutations": len(self.mutations),
            "sites": len(self.scan),
            "pearson": _known(self.pearson),
            "pearson_interval": [_known(end) for end in self.interval("pearson")],
            "spearman": _known(self.spearman),
            "spearman_interval": [_known(end) for end in self.interval("spearman")],
            "correlated": "ddG with log p(wild type) - log p(mutant)",
            "scores": self.to_frame().to_dict("records"),
            "left_out": list(self.left_out),
            "note": self.scan.note,
        }


def _fitting(protein: Protein, chain: str, table: MutationTable) -> tuple[dict[Mutation, int], list[str]]:
    """By mutation the number of its residue, and why the other rows have none."""
    places = _places(protein, chain)
    fitting: dict[Mutation, int] = {}
    left_out: list[str] = []
    for one in table.mutations:
        residue = places.get((one.position, one.insertion_code))
        where = f"line {one.line}, {one}: "
        if residue is None:
            left_out.append(where + f"chain {chain} has no residue {one.position}{one.insertion_code}")
        elif protein.classes[residue] != one.wild_type or protein.alphas[residue] < 0:
            left_out.append(where + f"the structure has {protein.label(residue)}")
        else:
            fitting[one] = residue
    if not fitting:
        raise MutationError(
            f"No mutation of {table.name} fits chain {chain} of {protein.name or 'the structure'}: {left_out[0]}. "
            "Positions are those of the structure file."
        )
    return fitting, left_out


def _places(protein: Protein, chain: str) -> dict[tuple[int, str], int]:
    """The residues of a chain, by number and insertion code."""
    own = np.flatnonzero(protein.chains == chain.encode("latin-1", "replace"))
    if not len(own):
        known = ", ".join(dict.fromkeys(text(word) or "one without a name" for word in protein.chains))
        raise MutationError(f"{protein.name or 'The structure'} has no chain {chain!r}. It has {known}.")
    # Standard amino acids last: they win where a ligand has the same number.
    ordered = sorted(own.tolist(), key=lambda residue: protein.classes[residue] >= 0)
    return {(int(protein.numbers[k]), text(protein.insertion_codes[k])): k for k in ordered}


def _correlation(how: Callable[[Tensor, Tensor], Tensor], x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """NaN for fewer than three pairs, which any line fits."""
    return float(how(torch.from_numpy(x), torch.from_numpy(y))) if len(x) > 2 else float("nan")


def _known(value: float) -> float | None:
    """JSON has no NaN."""
    return value if np.isfinite(value) else None
