"""`scan`: the preferences at all sites of a protein, and what follows from them.

Words, as the authors use them: the *pseudo-energy* of an amino acid is its logit (larger is preferred); the *mutation
score* is log p(mutant) - log p(wild type) at the unchanged structure (Pun et al., PNAS 121 (2024) e2300838121).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from equiviz.holograms.channels import with_channels
from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.holograms.projection import Given, neighbourhoods_of
from equiviz.holograms.protein import AMINO_ACIDS, LETTERS, Protein, text
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.nn.hologram_model import reading_of
from equiviz.view.maps import heat_map
from equiviz.view.report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas import DataFrame
    from plotly.graph_objects import Figure
    from torch import Tensor

PREFERENCES = "preferences"
"""The output that a model of proteins has: pseudo-energies "20x0e" per site."""


def scan(model: EquivariantModel, given: Given, name: str = "") -> Scan:
    """Ask a model at every site of a protein which amino acid belongs there: a deep mutational scan.

    Args:
        model: reads holograms, and gives ``preferences``, such as ``equiviz.load("hcnn")``.
        given: the path of a PDB or mmCIF file, a `Protein`, or `Neighbourhoods`.
        name: what to call the protein; by default as its file.

    Raises:
        StructureError: a file that cannot be read, or no usable residue.
        ModelError: a model that reads no proteins.
    """
    around = surroundings(model, given)
    preferences = model.predict(cast(Any, around))[PREFERENCES].values.double()
    return Scan(name or around.protein.name, around, preferences, model.note)


def surroundings(model: EquivariantModel, given: Given) -> Neighbourhoods:
    """The neighbourhoods of a protein as a model reads them: with its channels' hydrogens, around its centres.

    Raises:
        ModelError: a model that reads no proteins.
    """
    reading = reading_of(model)
    return neighbourhoods_of(given, reading.channels, centre=reading.centre)


def surroundings_of(model: EquivariantModel, protein: Protein, residues: Sequence[int]) -> Neighbourhoods:
    """The same of these residues alone, whatever chain they are of; surfaces that are not known are calculated."""
    reading = reading_of(model)
    with_all = with_channels(protein, reading.channels)
    hydrogens = "H" in reading.channels
    return Neighbourhoods.of(with_all, hydrogens=hydrogens, residues=residues, centre=reading.centre)


@dataclass(eq=False, repr=False)
class Scan(Report):
    """Preferences at the S sites of a protein.

    Attributes:
        name: of the protein.
        around: the sites and what surrounds them.
        preferences: ``[S, 20]``, pseudo-energies in the order of `AMINO_ACIDS`, larger is preferred.
        note: of the model.
    """

    name: str
    around: Neighbourhoods
    preferences: Tensor
    note: str = field(default="")

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Which amino acid belongs where in {self.name}"

    def __len__(self) -> int:
        """Number of sites."""
        return len(self.preferences)

    @property
    def protein(self) -> Protein:
        """Its atoms and residues."""
        return self.around.protein

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """What people call each site, "A MET 1"."""
        return tuple(self.protein.label(int(residue)) for residue in self.around.residues)

    @property
    def classes(self) -> Tensor:
        """``[S]``, the wild type as a class 0 to 19."""
        return torch.from_numpy(self.around.classes)

    @property
    def log_probabilities(self) -> Tensor:
        """``[S, 20]``, natural logarithms."""
        return self.preferences.log_softmax(1)

    @property
    def wild_type_energies(self) -> Tensor:
        """``[S]``, the pseudo-energy of the amino acid that is there; their mean is the pseudo-energy of the chain."""
        return self.preferences.gather(1, self.classes[:, None])[:, 0]

    @property
    def entropies(self) -> Tensor:
        """``[S]``, in nats: 0 where one amino acid alone is possible, log 20 = 3.0 where all are alike."""
        logs = self.log_probabilities
        return -(logs.exp() * logs).sum(1)

    @property
    def mutation_scores(self) -> Tensor:
        """``[S, 20]``, log p(amino acid) - log p(wild type), in nats; negative is disfavoured, 0 the wild type."""
        logs = self.log_probabilities
        return logs - logs.gather(1, self.classes[:, None])

    def site(self, chain: str, number: int, insertion_code: str = "") -> int:
        """The number of a site.

        Raises:
            ModelError: there is none; the message tells the numbers of that chain's sites.
        """
        protein, residues = self.protein, self.around.residues
        own = protein.chains[residues] == chain.encode("latin-1")
        found = own & (protein.numbers[residues] == number)
        found &= protein.insertion_codes[residues] == insertion_code.encode("latin-1")
        if not found.any():
            raise ModelError(f"{self.name} has no site {chain} {number}{insertion_code}. {self._offered(own)}")
        return int(np.flatnonzero(found)[0])

    def _offered(self, own: np.ndarray) -> str:
        numbers = self.protein.numbers[self.around.residues][own]
        if len(numbers):
            return f"The sites of this chain lie between {numbers.min()} and {numbers.max()}."
        chains = dict.fromkeys(
            text(chain) or "one without a name" for chain in self.protein.chains[self.around.residues]
        )
        return f"Chains with sites: {', '.join(chains)}."

    def to_frame(self) -> DataFrame:
        """One row per site: residue, wild type, preferred, and the quantities above; a column ``p_X`` per letter."""
        import pandas as pd

        residues, protein = self.around.residues, self.protein
        probabilities = self.log_probabilities.exp().numpy()
        columns: dict[str, object] = {
            "chain": [text(word) for word in protein.chains[residues]],
            "number": protein.numbers[residues],
            "insertion_code": [text(word) for word in protein.insertion_codes[residues]],
            "wild_type": [AMINO_ACIDS[k] for k in self.classes.tolist()],
            "preferred": [AMINO_ACIDS[k] for k in self.preferences.argmax(1).tolist()],
            "wild_type_energy": self.wild_type_energies.numpy(),
            "entropy_nats": self.entropies.numpy(),
        }
        return pd.DataFrame(columns | {f"p_{LETTERS[k]}": probabilities[:, k] for k in range(len(LETTERS))})

    def figure(self) -> Figure:
        """Heat map of mutation scores: amino acids against sites."""
        import pandas as pd

        names = _distinct(self.sites)
        frame = pd.DataFrame(self.mutation_scores.numpy().T, index=list(LETTERS), columns=names)
        title = "log p(mutant) - log p(wild type), nats"
        return heat_map(frame, title, self.title, x_title="site", y_title="amino acid", signed=True)

    def describe(self) -> str:
        """How often the wild type is preferred, and the sites that stand out."""
        scores, classes = self.mutation_scores, self.classes
        share = float((self.preferences.argmax(1) == classes).double().mean())
        energies, entropies = self.wild_type_energies, self.entropies
        worst = scores.amax(1).argmax()
        other = AMINO_ACIDS[int(scores[worst].argmax())]
        parts = [
            f"{len(self)} sites of {self.name}. At {share:.0%} of them the wild type is the preferred amino acid; its "
            f"mean pseudo-energy is {float(energies.mean()):.2f}. The mean entropy is {float(entropies.mean()):.2f} "
            f"nats (log 20 = 3.00 for one who knows nothing), the lowest at {self.sites[int(entropies.argmin())]}."
        ]
        if float(scores[worst].max()) > 0:
            parts.append(
                f"The wild type fits least at {self.sites[int(worst)]}, where {other} is "
                f"{float(scores[worst].max().exp()):.1f} times as probable."
            )
        return " ".join([*parts, *([self.note] if self.note else [])])


def _distinct(names: tuple[str, ...]) -> list[str]:
    """Names as columns need them: one that occurs again gets a number."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found
