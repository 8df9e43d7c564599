"""The tour of a protein: check the network, say what it prefers, and link it all on one page that opens offline."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tqdm.auto import tqdm

from equiviz.apps.destination import destination
from equiviz.apps.protein_explorer.explained import Explained, explained
from equiviz.apps.protein_explorer.page import linked_section
from equiviz.apps.protein_explorer.subject import Subject
from equiviz.datasets.proteins.rhodopsin import rhodopsin
from equiviz.equivariance.check import check
from equiviz.explain.proteins.responsible import Responsible, responsible
from equiviz.explain.proteins.scan import Scan, scan, surroundings
from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.holograms.protein import AMINO_ACIDS
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.training.load import load
from equiviz.training.recovery import RecoveryReport
from equiviz.view.page import Section
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.equivariance.check_report import CheckReport

CHECKED = 8
"""Sites on which the symmetry is checked."""


def tour_protein(out: Path | str, path: Path | str | None = None, model: str = "hcnn", seed: int = 0) -> ProteinTour:
    """Run the tour and write its page.

    Args:
        out: the HTML file to write, atomically.
        path: a PDB or mmCIF file; None for the rhodopsin that is part of the package.
        model: the name or folder of weights of a model of amino acids.
        seed: of the random rotations of the check.

    Raises:
        ViewError: the page cannot be written to this place; found out before anything is computed.
        ModelError: a model that reads no proteins.
        StructureError: a file that cannot be read.
    """
    out = destination(out, "protein.html")
    network = load(model)
    given = rhodopsin() if path is None else path
    journey = ProteinTour(network, surroundings(network, given), Path(model).name, seed)
    with tqdm(journey.steps(), unit="step") as steps:
        for name in steps:
            steps.set_description(f"{name:12}")
            getattr(journey, name)
    journey.to_html(out)
    return journey


@dataclass(eq=False, repr=False)
class ProteinTour(Report):
    """A network of amino acids on one protein. Each part is computed once, when first asked for.

    Attributes:
        model: reads holograms.
        around: the sites of the protein.
        name: what to call the model.
        seed: of the check's rotations.
    """

    model: EquivariantModel
    around: Neighbourhoods
    name: str = "hcnn"
    seed: int = 0

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the page."""
        return f"What a network sees in {self.scan.name}"

    @staticmethod
    def steps() -> tuple[str, ...]:
        """The names of the parts, in order."""
        return ("scan", "equivariance", "reasons", "explained")

    @cached_property
    def scan(self) -> Scan:
        """The preferences at all sites."""
        return scan(self.model, self.around)

    @cached_property
    def equivariance(self) -> CheckReport:
        """The check of one network on some sites, evenly spread over the protein."""
        around, residues = self.around, self._checked_residues
        few = Neighbourhoods.of(around.protein, around.radius, hydrogens=True, residues=residues, centre=around.centre)
        return check(self._networks[0], cast(Any, few), elements=10, seed=self.seed)

    @property
    def _networks(self) -> list[EquivariantModel]:
        """Those whose mean the model is, or the model itself."""
        return [part for part in self.model.children() if isinstance(part, EquivariantModel)] or [self.model]

    @property
    def _checked_residues(self) -> list[int]:
        step = max(1, len(self.around) // CHECKED)
        return self.around.residues[::step][:CHECKED].tolist()

    @property
    def strangest(self) -> int:
        """The site where the wild type fits least."""
        return int(self.scan.mutation_scores.amax(1).argmax())

    @cached_property
    def reasons(self) -> Responsible:
        """What the preferred amino acid rests on, at the strangest site."""
        preferred = int(self.scan.preferences[self.strangest].argmax())
        return responsible(self.model, self.around, self.strangest, preferred)

    @cached_property
    def explained(self) -> Explained:
        """Neighbourhoods and reasons at the sites that surprise most."""
        return explained(Subject(self.model, self.around, _scans={0: self.scan}), self.strangest)

    @cached_property
    def recovery(self) -> RecoveryReport:
        """How often the wild type is preferred, by amino acid."""
        import torch

        source = torch.zeros(len(self.scan), dtype=torch.long)
        return RecoveryReport(self.name, self.scan.preferences, self.scan.classes, source, (self.scan.name,))

    def to_frame(self) -> DataFrame:
        """One row per site, as `Scan.to_frame`."""
        return self.scan.to_frame()

    def figure(self) -> Figure:
        """The heat map of mutation scores."""
        return self.scan.figure()

    def describe(self) -> str:
        """Accuracy, what is preferred, and whether the network keeps its symmetry."""
        symmetry = self.equivariance.describe().splitlines()[0]
        return f"{self._accuracy()}\n\n{self.scan.describe()}\n\n{symmetry} {self._checked()}"

    def sections(self) -> list[Section]:
        """The page, the protein first; what the lead says is not said again."""
        site, scores = self.strangest, self.scan.mutation_scores
        wild, preferred = int(self.scan.classes[site]), int(self.scan.preferences[site].argmax())
        strange = (
            f"At {self.scan.sites[site]} the network prefers {AMINO_ACIDS[preferred]} to {AMINO_ACIDS[wild]} by "
            f"{float(scores[site, preferred]):.2f} nats. {self.reasons.describe()}"
        )
        atoms = self.reasons.to_frame().head(12)
        more = "\n\n".join(self.equivariance.describe().splitlines()[1:])
        return [
            linked_section(self.scan, self.explained),
            Section("Where does the wild type fit least?", strange, [self.reasons.figure(), atoms]),
            Section("How often is the wild type preferred?", "By amino acid:", self.recovery.to_frame()),
            Section("Is it equivariant?", more, self.equivariance),
        ]

    def _checked(self) -> str:
        """On what the symmetry was checked."""
        sites, networks = len(self._checked_residues), len(self._networks)
        if networks == 1:
            return f"Checked at {sites} of the {len(self.around)} sites."
        return (
            f"That is the first of the {networks} networks whose mean {self.name} is, at {sites} of the "
            f"{len(self.around)} sites; the others have the same layers, and `equiviz check` checks all of them."
        )

    def _accuracy(self) -> str:
        from scipy.stats import binomtest

        recovery, sites = self.recovery, len(self.scan)
        hits = int((recovery.named == recovery.classes).sum())
        interval = binomtest(hits, sites).proportion_ci(0.95, method="wilson")
        return (
            f"{self.name} prefers the wild type at {hits} of {sites} sites of {self.scan.name}: {hits / sites:.1%} "
            f"(95 % interval {interval.low:.1%} to {interval.high:.1%}, Wilson, as if sites were independent). Naming "
            f"the commonest amino acid everywhere would reach {recovery.chance:.1%}."
        )
