"""Amino-acid recovery: how often, and how surely, a network names the residue that was taken out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.proteins.protein_set import ProteinSet, structure_files
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.hologram_model import reading_of
from equiviz.training.errors import TrainingError
from equiviz.training.load import manifest_of
from equiviz.training.overlap import file_overlap_note
from equiviz.training.score_report import ScoreReport

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

ProteinData: TypeAlias = "str | Path | Iterable[str | Path] | ProteinSet"
BINS = 10


def evaluate_recovery(
    model: EquivariantModel, data: ProteinData, name: str = "", progress: bool = False
) -> RecoveryReport:
    """Score a model that reads holograms on structures.

    Args:
        model: gives ``preferences``, pseudo-energies "20x0e" per site.
        data: see `proteins_for`.
        name: what to call the model; by default its title.
        progress: whether to show a progress bar.

    Raises:
        DatasetError: no such folder, or no file that can be read.
    """
    found = proteins_for(model, data, progress)
    preferences = model.predict(cast(Any, found.around))["preferences"].values.double()
    notes = [note for note in (model.note, file_overlap_note(manifest_of(model), found.files)) if note]
    if found.problems:
        first = next(iter(found.problems))
        notes.append(f"{len(found.problems)} files gave no sites, the first is {first}: {found.problems[first]}")
    classes, source = torch.from_numpy(found.classes), torch.from_numpy(found.source)
    return RecoveryReport(name or model.title, preferences, classes, source, found.files, " ".join(notes))


def proteins_for(model: EquivariantModel, data: ProteinData, progress: bool = False) -> ProteinSet:
    """Structure files as a model reads them: with its channels, around its centres.

    Args:
        model: reads holograms.
        data: a folder of structure files, one file, several, or a `ProteinSet` that was read for this model.
        progress: whether to show a progress bar.

    Raises:
        DatasetError: no such folder, or no file that can be read.
    """
    if isinstance(data, ProteinSet):
        return data
    if isinstance(data, (str, Path)):
        if not Path(data).exists():
            raise DatasetError(data, "no such folder or file; expected protein structures (.pdb, .ent, .cif, .mmcif)")
        data = structure_files(data) if Path(data).is_dir() else [data]
    reading = reading_of(model)
    return ProteinSet.read(data, channels=reading.channels, centre=reading.centre, progress=progress)


def interval_over_files(values: Tensor, source: Tensor, files: int, draws: int = 1000) -> tuple[float, float]:
    """95 % interval of the mean of values ``[S]``, by resampling whole files: residues of one are not independent.

    Args:
        values: one for each site.
        source: ``[S]``, the file of each.
        files: how many there are; of one alone, which tells nothing of others, the ends are NaN.
        draws: resamplings, the same in every call.
    """
    if files < 2:
        return float("nan"), float("nan")
    sums = torch.zeros(files, dtype=torch.float64).index_add(0, source, values.double())
    sizes = torch.bincount(source, minlength=files).double()
    drawn = torch.randint(files, (draws, files), generator=torch.Generator().manual_seed(0))
    means = sums[drawn].sum(1) / sizes[drawn].sum(1)
    low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return low, high


@dataclass(eq=False, repr=False)
class RecoveryReport(ScoreReport):
    """Preferences beside what was there.

    Attributes:
        model: what it is called.
        preferences: ``[S, 20]``, pseudo-energies.
        classes: ``[S]``, the amino acids that were taken out.
        source: ``[S]``, which file each site is of.
        files: their names.
        note: what readers should know besides.
    """

    model: str
    preferences: Tensor
    classes: Tensor
    source: Tensor
    files: tuple[str, ...]
    note: str = field(default="")

    def __post_init__(self) -> None:
        if not len(self.classes):
            raise TrainingError("Expected at least one site to score, got none.")

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Amino acids that {self.model} recovers"

    @property
    def named(self) -> Tensor:
        """``[S]``: the amino acid that is preferred at each site."""
        return self.preferences.argmax(1)

    @property
    def accuracy(self) -> float:
        """Share of the sites whose amino acid is the preferred one."""
        return float((self.named == self.classes).double().mean())

    @property
    def cross_entropy(self) -> float:
        """Mean of -log p(what was there), in nats; log 20 = 3.0 for one who knows nothing."""
        return float(cross_entropy(self.preferences, self.classes))

    @property
    def chance(self) -> float:
        """The share of the commonest amino acid: what naming it everywhere would reach."""
        return float(torch.bincount(self.classes, minlength=20).max() / len(self.classes))

    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy over proteins, see `interval_over_files`."""
        return interval_over_files((self.named == self.classes).double(), self.source, len(self.files))

    def confusion(self) -> DataFrame:
        """Counts: rows are what was there, columns what was named."""
        import pandas as pd

        counts = torch.bincount(20 * self.classes + self.named, minlength=400).reshape(20, 20)
        return pd.DataFrame(counts.numpy(), index=list(AMINO_ACIDS), columns=list(AMINO_ACIDS))

    def reliability(self) -> DataFrame:
        """By stated probability of the preferred amino acid: how often it was right. One row per bin with sites."""
        import pandas as pd

        stated = self.preferences.softmax(1).amax(1)
        bins = (stated * BINS).long().clamp(max=BINS - 1)
        rows = []
        for k in range(BINS):
            own = bins == k
            if own.any():
                right = float((self.named == self.classes)[own].double().mean())
                rows.append({"stated": float(stated[own].mean()), "right": right, "sites": int(own.sum())})
        return pd.DataFrame(rows)

    @property
    def calibration_error(self) -> float:
        """Mean distance between stated probability and share of right answers, over sites in ten bins."""
        table = self.reliability()
        return float(((table["stated"] - table["right"]).abs() * table["sites"]).sum() / table["sites"].sum())

    def to_frame(self) -> DataFrame:
        """One row per amino acid: sites, recovered (share), precision (share of those named), cross_entropy (nats)."""
        import pandas as pd

        each = cross_entropy(self.preferences, self.classes, reduction="none")
        rows = []
        for k, amino_acid in enumerate(AMINO_ACIDS):
            own, named = self.classes == k, self.named == k
            hits = float((own & named).sum())
            rows.append(
                {
                    "amino_acid": amino_acid,
                    "sites": int(own.sum()),
                    "recovered": hits / float(own.sum()) if own.any() else float("nan"),
                    "precision": hits / float(named.sum()) if named.any() else float("nan"),
                    "cross_entropy": float(each[own].mean()) if own.any() else float("nan"),
                }
            )
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """What was named for each amino acid, as shares of the sites where it was."""
        from equiviz.view.maps import HeatMap, heat_map_row

        counts = self.confusion()
        shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
        return heat_map_row([HeatMap(shares, "rows: what was there; columns: what was named", (0.0, 1.0))], self.title)

    def describe(self) -> str:
        """Accuracy beside chance, what is known best and least, and whether probabilities can be trusted."""
        low, high = self.interval()
        known = f" (95 % interval over proteins: {low:.1%} to {high:.1%})" if low == low else ""  # NaN of one protein
        frame = self.to_frame().dropna(subset=["recovered"]).sort_values("recovered")
        best, worst = frame.iloc[-1], frame.iloc[0]
        text = (
            f"{self.model} names {self.accuracy:.1%} of {len(self.classes):,} residues in {len(self.files)} "
            f"protein{'s' if len(self.files) > 1 else ''}{known}; naming the commonest everywhere would reach "
            f"{self.chance:.1%}. Cross entropy {self.cross_entropy:.3f} nats. Best known is {best['amino_acid']} "
            f"({best['recovered']:.0%}), least {worst['amino_acid']} ({worst['recovered']:.0%}). Stated probabilities "
            f"are off by {100 * self.calibration_error:.1f} points on average."
        )
        return f"{text} {self.note}".strip()

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values, for JSON."""
        return {
            "model": self.model,
            "sites": len(self.classes),
            "files": list(self.files),
            "accuracy": self.accuracy,
            "accuracy_interval": [end if end == end else None for end in self.interval()],
            "chance": self.chance,
            "cross_entropy": self.cross_entropy,
            "calibration_error": self.calibration_error,
            "per_class": self.to_frame().astype(object).where(lambda frame: frame.notna(), None).to_dict("records"),
            "note": self.note,
        }
