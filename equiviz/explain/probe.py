"""`probe(model, structures, targets)`: which expert descriptors can be read off each stage, and what do they miss?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TypeAlias, TypeVar

from torch import Tensor, nn

from equiviz.equivariance.late_bar import counted
from equiviz.explain.chunks import DaskClient, in_chunks
from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.asked_targets import Asked, as_targets, streamed_targets
from equiviz.explain.probing.environments import Environments
from equiviz.explain.probing.folds import folds_of, groups
from equiviz.explain.probing.invariant_columns import Invariants, invariant_columns
from equiviz.explain.probing.looking import Limit, Look, chosen_parts, drawn_parts
from equiviz.explain.probing.missed import missed_of_stage
from equiviz.explain.probing.named_targets import Named
from equiviz.explain.probing.question import Question
from equiviz.explain.probing.report import COMPOSITION, ProbeReport, ProbeScore
from equiviz.explain.probing.targets import column_names
from equiviz.explain.random_network import random_network
from equiviz.features.model_input import measured_inputs
from equiviz.nn.equivariant_model import title_of
from equiviz.structures.interchange.recognised import StructureLike
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

Part = TypeVar("Part")
Probes: TypeAlias = "StructureLike | Sequence[StructureLike] | Iterator[StructureLike]"
# Environments per feature, at least: with fewer the folds do not tell the penalties apart.
FEWEST_ROWS = 2
MOST_FEATURES = 512
"""Features of one regression, unless said otherwise: its time grows with their cube."""
HEAD = 4
"""Structures of an iterator that are looked at first, for the reach of descriptors that are asked by name."""


def probe(
    model: nn.Module,
    structures: Probes,
    targets: Asked,
    *,
    stages: Collection[str] | None = None,
    species: Collection[int] | None = None,
    invariants: Sequence[Invariants] = ("norms", "inner_products"),
    folds: int = 5,
    seed: int = 0,
    max_environments: int = 10_000,
    max_features: int | None = None,
    random_networks: int = 3,
    client: DaskClient | None = None,
    progress: bool = True,
) -> ProbeReport:
    """Regress descriptors on the invariants of each node stage, by ridge with nested cross-validation, and back.

    Folds hold whole structures, or slabs of space where there are fewer structures than folds. Three controls: targets
    shuffled over environments (must give R2 of about 0), a network of the same shape with random weights (what the
    architecture gives without learning), and species of a node and its neighbours alone (what no geometry gives).
    The other direction, how much of each stage all descriptors together miss, is in `ProbeReport.missed`.

    Example:
        >>> report = probe(model, glass, ["q_4", "q_6"])  # doctest: +SKIP
        >>> report = probe(model, glass, {"mobility": mobility})  # [nodes]  # doctest: +SKIP

    Args:
        model: anything that `equiviz.capture` takes; it is run under `torch.no_grad`.
        structures: one or several, in any form that `equiviz.capture` takes; or an iterator (a generator) of very many,
            drawn one by one, of which only chosen nodes are kept. Of a model that reads something else, such as
            holograms of proteins, what it reads, or files; targets are arrays then.
        targets: names of descriptors such as ``"q_4"``, ``"q_bar_6"``, ``"density"``, ``"soap"``, or of their
            families (`equiviz.descriptors.available()`), which then look as far as the first shell of about 12
            neighbours; a descriptor; a list of those; or a dict of names to any of these or to arrays with one row per
            node (over all structures, one after the other, or a list with an array for each).
        stages: names of the stages to read; None for all on nodes.
        species: only nodes of these species.
        invariants: what is read of a stage; by default its scalars, norms, and the power spectrum of all l > 0. Others
            are "power_spectrum" (with products of scalars, too), "ratios" and "bispectrum"; see `invariant_columns`.
        folds: number of folds, at least 3.
        seed: of the sample, the shuffling, the random network and the intervals.
        max_environments: a larger set is sampled.
        max_features: more columns than this are reduced to their leading principal components, at their own variance;
            None for half as many as environments, 512 at most.
        random_networks: how many networks with random weights to compare with. Networks differ by their seeds.
        client: of a Dask cluster, which then looks at the structures in parallel; regressions are made here.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.

    Raises:
        ProbeError: too few environments; unknown stage; no target, or what is none; values that are not finite.
        CaptureError: as `equiviz.capture`.
    """
    fresh = [network for i in range(random_networks) if (network := random_network(model, seed + i)) is not None]
    work = _Work([model, *fresh], max_environments, species, seed, client, progress)
    looked = work.on_stream(structures, targets) if isinstance(structures, Iterator) else work.on(structures, targets)
    return _report(title_of(model), looked, _How(invariants, stages, max_features, folds, seed, progress))


@dataclass(frozen=True, eq=False)
class _How:
    """How regressions are made: options of `probe`."""

    invariants: Sequence[Invariants]
    stages: Collection[str] | None
    max_features: int | None
    folds: int
    seed: int
    progress: bool


def _report(model: str, looked: _Looked, how: _How) -> ProbeReport:
    """All regressions of what was found."""
    sample, group = looked.sample, groups(looked.sample.positions, how.folds)
    question = Question(sample.targets(), sample.names, group, folds_of(group, how.folds), how.seed)
    most = how.max_features or min(MOST_FEATURES, len(group) // FEWEST_ROWS)
    reading = _Reading(sample, how.invariants, most, how.stages)
    own = list(reading.columns(0))
    scores = question.scores(counted(own, "stages", progress=how.progress), ("trained", "shuffled"))
    fresh = counted(range(1, sample.models), "random networks", progress=how.progress)
    scores += _hull([question.scores(reading.columns(number), ("random weights",)) for number in fresh])
    return ProbeReport(
        model,
        scores + _composition_scores(sample, question),
        len(group),
        int(group.max()) + 1,
        tuple(how.invariants),
        features=dict(question.features),
        networks=sample.models - 1,
        unexplained={name: missed_of_stage(name, columns, question) for name, columns in own},
        places=sample.places,
        structures=looked.structures,
        reach=looked.reach,
    )


@dataclass(frozen=True, eq=False)
class _Looked:
    """What was found, and what is left to draw."""

    sample: Environments
    structures: Sequence[Structure] | None
    reach: float


@dataclass(frozen=True, eq=False)
class _Work:
    """How structures are looked at."""

    models: list[nn.Module]
    most: int
    species: Collection[int] | None
    seed: int
    client: DaskClient | None
    progress: bool

    def on(self, structures: StructureLike | Sequence[StructureLike], targets: Asked) -> _Looked:
        """All structures lie in memory: of each the same share of nodes."""
        listed = measured_inputs(self.models[0], structures)
        asked, reach = as_targets(targets, listed), Named(listed).reach
        names = column_names(asked)
        parts = chosen_parts(listed, asked, self.most, self.species, self.seed)
        found = in_chunks(self._look(reach), parts, self.client, progress=self.progress)
        known = [one for one in listed if isinstance(one, Structure)]
        sample = Environments.of(list(found), names)
        return _Looked(sample, known if len(known) == len(listed) else None, reach)

    def on_stream(self, structures: Iterator[StructureLike], targets: Asked) -> _Looked:
        """Structures come one by one: chance chooses among all of their nodes, and nothing else is kept of them."""
        head = list(islice(structures, HEAD))
        if not head:
            raise ProbeError("Expected an iterator of structures, this one is empty: was it used before?")
        known = measured_inputs(self.models[0], head)
        asked, reach = streamed_targets(targets, known), Named(known).reach
        names = column_names(asked)
        limit = Limit(self.most)
        parts = drawn_parts(chain(head, structures), asked, limit)
        found = in_chunks(self._look(reach), parts, self.client, progress=self.progress)
        return _Looked(Environments.of(limit.gathered(found), names), None, reach)

    def _look(self, reach: float) -> Look:
        return Look(self.models, self.species, self.seed, reach)


def _composition_scores(sample: Environments, question: Question) -> list[ProbeScore]:
    """The control of species counts; none of what has no species."""
    found = sample.composition()
    if found is None:
        return []
    columns = invariant_columns(Field(found, f"{found.shape[1]}x0e"), ("norms",), MOST_FEATURES)
    return replace(question, features={}).scores([(COMPOSITION, columns)], (COMPOSITION,))


def _hull(of_networks: Sequence[Sequence[ProbeScore]]) -> list[ProbeScore]:
    """Several random networks as one control: their mean, and the hull of their intervals."""
    joined: list[ProbeScore] = []
    for same in zip(*of_networks, strict=True):
        mean = sum(score.r2 for score in same) / len(same)
        low, high = min(score.low for score in same), max(score.high for score in same)
        joined.append(replace(same[0], r2=mean, low=low, high=high))
    return joined


@dataclass(frozen=True, eq=False)
class _Reading:
    """How stages become regression columns."""

    sample: Environments
    invariants: Sequence[Invariants]
    max_features: int
    stages: Collection[str] | None

    def columns(self, model: int) -> Iterator[tuple[str, Tensor]]:
        """Stage names and their features [N, F], one stage at a time."""
        for name, values in self._wanted(self.sample.stages(model)).items():
            try:
                yield name, invariant_columns(values, self.invariants, self.max_features)
            except ProbeError as problem:
                raise ProbeError(f"Stage {name!r}: {problem}") from problem

    def _wanted(self, fields: Mapping[str, Field]) -> dict[str, Field]:
        unknown = set(self.stages or ()) - set(fields)
        if unknown or not fields:
            raise ProbeError(f"No stage {sorted(unknown)} on nodes; the model has {', '.join(fields) or 'none'}.")
        return {name: values for name, values in fields.items() if self.stages is None or name in self.stages}
