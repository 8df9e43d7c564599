"""`substitutions`: which amino acids a network takes for each other, beside those that evolution exchanges.

For amino acids a (there) and b (preferred), with p the mean probability of b over the sites of a, and q its mean over
all sites:

    s(a, b) = log2 p(b | a) / q(b),    made symmetric: (s(a, b) + s(b, a)) / 2

This is a log-odds score in bits, as those of BLOSUM62 are in half bits (Henikoff and Henikoff, PNAS 89 (1992) 10915).
The diagonal is left out of all comparisons: that like resembles like is no finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.holograms.protein import LETTERS
from equiviz.symmetry.errors import MissingLibrary
from equiviz.training.metrics import spearman
from equiviz.view.maps import HeatMap, heat_map_row
from equiviz.view.report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.training.recovery import RecoveryReport

ORDER = "ILVMCAGSTPFYWHNQDEKR"
"""Letters, neighbours alike: aliphatic, small, aromatic, polar, charged."""
SHUFFLES = 2_000


def substitutions(found: RecoveryReport) -> Substitutions:
    """Compare the confusion of a recovery with BLOSUM62.

    Args:
        found: of a set in which all twenty amino acids occur.

    Raises:
        MissingLibrary: biotite, which brings the matrix.
    """
    probabilities = found.preferences.softmax(1)
    sums = torch.zeros(20, 20, dtype=torch.float64).index_add(0, found.classes, probabilities.double())
    counts = torch.bincount(found.classes, minlength=20).double()
    mean = sums / counts.clamp_min(1)[:, None]  # [there, preferred]
    odds = torch.log2(mean / probabilities.double().mean(0)).numpy()
    odds[counts.numpy() == 0] = np.nan
    return Substitutions(found.model, (odds + odds.T) / 2, _blosum62())


@dataclass(eq=False, repr=False)
class Substitutions(Report):
    """Both matrices ``[20, 20]``, in the order of `AMINO_ACIDS`.

    Attributes:
        model: what it is called.
        odds: of the network, in bits; NaN for amino acids that did not occur.
        blosum: BLOSUM62, in half bits.
    """

    model: str
    odds: NDArray[np.float64]
    blosum: NDArray[np.float64]

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"What {self.model} confuses, and what evolution exchanges"

    @property
    def spearman(self) -> float:
        """Rank correlation over the 190 pairs of different amino acids."""
        return _rank_correlation(self.odds, self.blosum)

    def p_value(self, seed: int = 0) -> float:
        """How often the amino acids of one matrix, in a random order, correlate as well (Mantel's test)."""
        random = np.random.default_rng(seed)
        orders = (random.permutation(20) for _ in range(SHUFFLES))
        above = sum(
            _rank_correlation(self.odds, self.blosum[np.ix_(order, order)]) >= self.spearman for order in orders
        )
        return (above + 1) / (SHUFFLES + 1)

    def to_frame(self) -> DataFrame:
        """One row per pair of different amino acids."""
        import pandas as pd

        rows, columns = np.triu_indices(20, 1)
        return pd.DataFrame(
            {
                "one": [LETTERS[k] for k in rows],
                "other": [LETTERS[k] for k in columns],
                "confused_bits": self.odds[rows, columns],
                "blosum62_half_bits": self.blosum[rows, columns],
            }
        )

    def figure(self) -> Figure:
        """Both matrices side by side, alike amino acids beside each other."""
        import pandas as pd

        order = [LETTERS.index(letter) for letter in ORDER]
        panels = [
            HeatMap(
                pd.DataFrame(matrix[np.ix_(order, order)], index=list(ORDER), columns=list(ORDER)),
                title,
                (-largest, largest),
                signed=True,
            )
            for matrix, title, largest in (
                (self.odds, f"{self.model}, bits", 3.0),
                (self.blosum, "BLOSUM62, half bits", 6.0),
            )
        ]
        return heat_map_row(panels, self.title, ".1f")

    def describe(self) -> str:
        """The correlation, and the pairs that are confused most."""
        frame = self.to_frame().dropna()
        order = np.argsort(-frame["confused_bits"].to_numpy())[:5]
        pairs = ", ".join(f"{frame['one'].iloc[k]}-{frame['other'].iloc[k]}" for k in order)
        return (
            f"Confusion and BLOSUM62 have a rank correlation of {self.spearman:.2f} over the pairs of different amino "
            f"acids (Mantel's test: p = {self.p_value():.1g}). {self.model} confuses most {pairs}."
        )


def _rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Over the pairs of different amino acids that occurred."""
    rows, columns = np.triu_indices(20, 1)
    x, y = one[rows, columns], other[rows, columns]
    known = np.isfinite(x) & np.isfinite(y)
    return float(spearman(torch.from_numpy(x[known]), torch.from_numpy(y[known])))


def _blosum62() -> NDArray[np.float64]:
    try:
        from biotite.sequence.align import SubstitutionMatrix
    except ImportError as reason:
        raise MissingLibrary("biotite", "protein") from reason
    matrix = SubstitutionMatrix.std_protein_matrix()
    return np.array([[matrix.get_score(a, b) for b in LETTERS] for a in LETTERS], dtype=np.float64)
