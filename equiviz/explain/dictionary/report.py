"""What `dictionary` returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from torch import Tensor

from equiviz.explain.dictionary.gallery import Placed, atom_row, first_shell
from equiviz.explain.dictionary.irreps_dictionary import IrrepsDictionary
from equiviz.explain.dictionary.judged import Explained
from equiviz.explain.dictionary.sample import Sample
from equiviz.explain.dictionary.words import sentences
from equiviz.explain.errors import DictionaryError
from equiviz.structures.structure import Structure
from equiviz.symmetry.irreps import Irrep
from equiviz.symmetry.representations import O3Irreps
from equiviz.view.fragments import Fragment
from equiviz.view.page import Section
from equiviz.view.picture_fragment import picture_fragment
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from equiviz.view.scene import SceneRow

TOGETHER = 40
"""Environments whose neighbours are drawn as one cloud."""
HUNG = 10
"""Atoms whose pictures hang in the page: those that explain most."""
DEAD = 1e-3


@dataclass(frozen=True)
class AtomUse:
    """What one atom does.

    Attributes:
        atom: its name, as ``"1o #3"``.
        irrep: its label.
        used: share of the environments that hold it.
        strength: root mean square of |s_k| where it is held; the irrep's channels have 1 in all.
        share: of the squares of all codes.
        dead: whether hardly any environment holds it.
    """

    atom: str
    irrep: str
    used: float
    strength: float
    share: float
    dead: bool


@dataclass(frozen=True)
class Meaning:
    """How an atom's strength goes with a descriptor: Spearman's rank correlation.

    Attributes:
        atom: its name.
        descriptor: the other.
        correlation: -1 to 1.
        chance: the largest that shuffled descriptors reach with any atom.
    """

    atom: str
    descriptor: str
    correlation: float
    chance: float


@dataclass(eq=False, repr=False)
class DictionaryReport(Report):
    """A dictionary of a stage, and how good it is.

    Attributes:
        model: what it is called.
        stage: whose values are coded.
        dictionary: codes values, and decodes them.
        sample: the environments.
        codes: [N, K, M] of all of them.
        scores: of the dictionary and its controls, on those held out.
        meanings: correlations with descriptors; empty where none were asked for.
        commuting: largest relative difference between codes of turned values and turned codes.
        unlearned: whether the stage is the same in a network with random weights.
    """

    model: str
    stage: str
    dictionary: IrrepsDictionary
    sample: Sample
    codes: Tensor
    scores: list[Explained]
    meanings: list[Meaning]
    commuting: float
    unlearned: bool = False

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"Of what {self.stage} of {self.model} is made"

    @cached_property
    def atoms(self) -> list[AtomUse]:
        """One for each atom, in the order of the dictionary."""
        strengths = self.codes.norm(dim=2)  # [N, K]
        used, squares = strengths.gt(0).double().mean(0), strengths.square()
        shares = squares.sum(0) / squares.sum().clamp(min=1e-300)
        typical = (squares.mean(0) / used.clamp(min=1e-300)).sqrt()
        rows = zip(used.tolist(), typical.tolist(), shares.tolist(), strict=True)
        return [
            AtomUse(self.dictionary.name(k), self.dictionary.atoms.labels[k], u, size, share, u < DEAD)
            for k, (u, size, share) in enumerate(rows)
        ]

    @property
    def explained(self) -> float:
        """The share of the variance of held-out environments that the dictionary explains."""
        return [score.share for score in self.scores if score.of == "dictionary"][-1]

    def to_frame(self) -> DataFrame:
        """One row per atom: atom, irrep, used (share), strength, share, dead, and a rank correlation per descriptor."""
        import pandas as pd

        frame = pd.DataFrame([asdict(atom) for atom in self.atoms])
        if not self.meanings:
            return frame
        wide = pd.DataFrame([asdict(m) for m in self.meanings]).pivot(
            index="atom", columns="descriptor", values="correlation"
        )
        names = list(dict.fromkeys(meaning.descriptor for meaning in self.meanings))
        return frame.merge(wide[names].add_prefix("rank_correlation_"), left_on="atom", right_index=True)

    def scores_frame(self) -> DataFrame:
        """One row per dictionary or control and number of active atoms: the share explained, with its interval."""
        import pandas as pd

        return pd.DataFrame([asdict(score) for score in self.scores])

    def figure(self) -> Figure:
        """What few atoms explain of environments held out, beside the controls."""
        from equiviz.view.charts import Series, line_chart

        curves: list[Series] = []
        for name in dict.fromkeys(score.of for score in self.scores):
            own = [s for s in self.scores if s.of == name and s.active <= self.dictionary.active]
            columns = [[getattr(s, key) for s in own] for key in ("active", "share", "low", "high")]
            curves.append(Series(name, *columns))
        chart = line_chart(curves, "active atoms per environment", "share of variance explained", self.title)
        chart.update_yaxes(tickformat=".0%")
        return chart

    def meaning_figure(self) -> Figure:
        """Rank correlations of strengths with descriptors, atom by descriptor."""
        import pandas as pd

        from equiviz.view.maps import heat_map

        frame = pd.DataFrame([asdict(meaning) for meaning in self.meanings])
        wide = frame.pivot(index="atom", columns="descriptor", values="correlation")
        wide = wide.loc[list(dict.fromkeys(frame["atom"])), list(dict.fromkeys(frame["descriptor"]))]
        title = "Strength of atoms against descriptors"
        return heat_map(wide, "rank correlation", title, signed=True, value_range=(-1, 1))

    def gallery(self, atom: int | str, shown: int = 3, together: int = TOGETHER) -> SceneRow:
        """The environments that hold most of an atom, each turned so that its code points alike.

        Args:
            atom: its number, or its name, as ``"1o #3"``.
            shown: how many are drawn by themselves, beside the cloud of the neighbours of many.
            together: how many make the cloud.

        Raises:
            DictionaryError: no such atom, a dead one, inputs that have no positions, or codes without a shape.
        """
        if not self.drawable:
            raise DictionaryError(
                f"Environments are drawn where they have positions and codes are irreps of O(3); here codes are "
                f"{self.dictionary.representation}, of {type(self.sample.structures[0]).__name__} inputs."
            )
        number = self._number(atom)
        strengths = self.codes[:, number].norm(dim=1)
        count = min(together, int(strengths.gt(0).sum()))
        irrep = Irrep.parse(self.dictionary.atoms.labels[number])
        found = [self._placed(row, number, irrep) for row in strengths.topk(count).indices.tolist()]
        return atom_row(self.dictionary.name(number), irrep, found, self._reach, shown)

    def sections(self) -> list[Section]:
        """What is explained, then the gallery, then numbers."""
        found = [Section("What few atoms explain", _CURVES, self.figure())]
        if self.drawable:
            found.append(Section("Gallery", _GALLERY, [self._picture(k) for k in self.leading()]))
        if self.meanings:
            found.append(Section("What the atoms go with", _MEANING, self.meaning_figure()))
        found.append(Section("Atoms", "", self.to_frame()))
        return [*found, Section("Scores", "", self.scores_frame())]

    def leading(self, most: int = HUNG) -> list[int]:
        """Numbers of the atoms with the largest shares, dead ones left out."""
        order = sorted(range(len(self.atoms)), key=lambda k: -self.atoms[k].share)
        return [k for k in order[:most] if not self.atoms[k].dead]

    def describe(self) -> str:
        """What is explained, and by the controls; which atoms; whether codes turn as they should."""
        return "\n".join(sentences(self))

    @property
    def drawable(self) -> bool:
        """Whether the environments have positions, and codes a shape in space."""
        in_space = isinstance(self.dictionary.channels.representation, O3Irreps)
        return in_space and all(isinstance(structure, Structure) for structure in self.sample.structures)

    def _picture(self, number: int) -> Fragment:
        row = self.gallery(number)
        atom = self.atoms[number]
        words = f"{atom.atom}: held by {atom.used:.0%} of the environments, {atom.share:.0%} of all squares of codes"
        return picture_fragment(row, words)

    def _placed(self, row: int, number: int, irrep: Irrep) -> Placed:
        where, node = self.sample.places[row].tolist()
        structure = self.sample.structures[where]
        assert isinstance(structure, Structure)  # `gallery` refuses others
        return Placed(structure, node, self.codes[row, number, : irrep.dim])

    def _number(self, atom: int | str) -> int:
        names = [self.dictionary.name(k) for k in range(len(self.dictionary.atoms.labels))]
        if atom in names:
            return names.index(str(atom))
        if isinstance(atom, int) and 0 <= atom < len(names):
            return atom
        raise DictionaryError(
            f"There is no atom {atom!r}; expected a number from 0 to {len(names) - 1}, or a name such as {names[0]!r}."
        )

    @cached_property
    def _reach(self) -> float:
        return first_shell([one for one in self.sample.structures[:4] if isinstance(one, Structure)])


_CURVES = (
    "Environments that the dictionary never saw. Principal components: the same few directions for all environments. "
    "Shuffled channels: each taken from another environment, so that only the freedom to pick the best atoms is left."
)
_GALLERY = (
    "First the neighbours of the environments that hold most of the atom, as one cloud; then the strongest by "
    "themselves. All are turned so that the atom's code, the shape in the middle, points alike."
)
_MEANING = "Spearman's rank correlation over all environments; those within chance mean nothing."
