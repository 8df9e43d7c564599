"""`likeness(model, structures, other)`: how alike are stages to each other, to another model's, to descriptors?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast, get_args

import torch
from torch import Tensor, nn

from equiviz.explain.chunks import DaskClient, in_chunks
from equiviz.explain.errors import LikenessError
from equiviz.explain.likeness.cca import canonical
from equiviz.explain.likeness.centred_columns import columns_of_descriptor, columns_of_stage, leading
from equiviz.explain.likeness.cka import FEWEST, aligned, aligned_by_chance, centred_gram
from equiviz.explain.likeness.dependence import COMPONENTS, correlations, mutual_information
from equiviz.explain.likeness.report import LikenessReport, Measure, Pair
from equiviz.explain.probing.asked_targets import Asked, as_targets
from equiviz.explain.probing.environments import Environments
from equiviz.explain.probing.folds import folds_of, groups
from equiviz.explain.probing.looking import Look, chosen_parts
from equiviz.explain.probing.targets import Targets
from equiviz.features.model_input import measured_inputs
from equiviz.nn.equivariant_model import title_of

if TYPE_CHECKING:
    from equiviz.structures.interchange.recognised import StructureLike

Columns: TypeAlias = "Mapping[str, Tensor]"
CANONICAL = 10
"""Leading components of each side of a canonical correlation."""
ROWS = 24
"""Invariants that a map of correlations shows: those that follow some descriptor most closely."""
FOLDS = 5
SHUFFLES = {"cka": 20, "cca": 20, "mi": 5, "correlation": 20}


def likeness(
    model: nn.Module,
    structures: StructureLike | Sequence[StructureLike],
    other: nn.Module | Asked | None = None,
    *,
    measure: Measure = "cka",
    stages: Collection[str] | None = None,
    species: Collection[int] | None = None,
    max_environments: int = 1_000,
    shuffles: int | None = None,
    seed: int = 0,
    client: DaskClient | None = None,
    progress: bool = True,
) -> LikenessReport:
    """Compare the invariants of node stages over the same environments.

    Every number stands beside a noise floor: the same with the environments of one side shuffled.

    Example:
        >>> report = likeness(model, glass)  # stages among themselves  # doctest: +SKIP
        >>> report = likeness(model, glass, ["steinhardt", "soap"], measure="cca")  # doctest: +SKIP

    Args:
        model: anything that `equiviz.capture` takes.
        structures: as for `equiviz.probe`, but no iterator.
        other: None compares the stages of the model among themselves; another model, which is shown the same
            structures; or descriptors, as the targets of `equiviz.probe`, each compared as one set of columns.
        measure: "cka": debiased linear CKA. "cca": mean canonical correlation of leading components, held out by
            structure. "mi": nearest-neighbour estimate of the mutual information, in nats, of the best pair of leading
            components (of stages) or columns (of descriptors). "correlation": map of single invariants against single
            columns of the other side; the ones that follow it most closely are shown.
        stages, species: names of the stages of the model, and nodes of which species; None for all.
        max_environments: a larger set is sampled; CKA needs matrices of its square.
        shuffles: how often environments are shuffled for the noise floor; None: 20, of mutual information 5.
        seed, client, progress: as for `equiviz.probe`.

    Raises:
        LikenessError: an unknown measure or stage, too few environments, values that are not finite.
        ProbeError: descriptors that are none, species of what has none, fewer structures or environments than folds.
    """
    if measure not in get_args(Measure):
        raise LikenessError(f"Expected a measure out of {', '.join(get_args(Measure))}, got {measure!r}.")
    second = other if isinstance(other, nn.Module) else None
    listed = measured_inputs(model, structures)
    listed = listed if second is None else measured_inputs(second, listed)
    targets: Targets = [] if other is None or second is not None else as_targets(cast("Asked", other), listed)
    look = Look([model] if second is None else [model, second], species, seed, 1.0, counting=False)
    parts = chosen_parts(listed, targets, max_environments, species, seed)
    sample = Environments.of(list(in_chunks(look, parts, client, progress=progress)), [])
    rows = len(sample.places)
    if rows < FEWEST:
        raise LikenessError(f"Expected at least {FEWEST} environments, got {rows}: give more structures.")
    own = _stage_columns(sample, 0, stages)
    others = _others(sample, second, targets, own)
    comparing = _Comparing(measure, seed, shuffles or SHUFFLES[measure], _folds(sample) if measure == "cca" else None)
    same = other is None
    pairs = list(in_chunks(lambda pair: comparing(*pair), _pairs(own, others, comparing), progress=progress))
    title = title_of(model)
    named = (title, "itself" if same else "descriptors" if second is None else _another(title, second))
    return LikenessReport(named, measure, pairs, rows, comparing.shuffles, same)


@dataclass(frozen=True, eq=False)
class _Side:
    """One stage, or one set of descriptors.

    Attributes:
        name: of it.
        columns: centred, [N, F].
        labels: of the columns.
    """

    name: str
    columns: Tensor
    labels: Sequence[str]


@dataclass(eq=False)
class _Comparing:
    """The measure, and its noise floor; what one side needs is made once."""

    measure: Measure
    seed: int
    shuffles: int
    folds: Tensor | None

    def __post_init__(self) -> None:
        self._grams: dict[int, Tensor] = {}
        self._leading: dict[int, Tensor] = {}

    def __call__(self, first: _Side, second: _Side) -> Pair:
        """Compare two sides, and the first with the second shuffled."""
        generator = torch.Generator().manual_seed(self.seed)
        count = len(first.columns)
        orders = torch.stack([torch.randperm(count, generator=generator) for _ in range(self.shuffles)])
        compared = {"cka": self._cka, "cca": self._cca, "mi": self._mi, "correlation": self._correlation}
        value, chance = compared[self.measure](first, second, orders)
        return Pair(first.name, second.name, value, float(chance.abs().quantile(0.95)))

    def _cka(self, first: _Side, second: _Side, orders: Tensor) -> tuple[float, Tensor]:
        k, l = (self._kept(self._grams, side, centred_gram) for side in (first, second))  # noqa: E741
        return aligned(k, l), aligned_by_chance(k, l, orders)

    def _cca(self, first: _Side, second: _Side, orders: Tensor) -> tuple[float, Tensor]:
        assert self.folds is not None  # they are made for this measure
        folds = self.folds
        x, y = (self._kept(self._leading, side, lambda c: leading(c, CANONICAL)) for side in (first, second))
        return canonical(x, y, folds), torch.tensor([canonical(x, y[order], folds) for order in orders])

    def _mi(self, first: _Side, second: _Side, orders: Tensor) -> tuple[float, Tensor]:
        x, y = (self._kept(self._leading, side, lambda c: leading(c, COMPONENTS)) for side in (first, second))
        chance = [mutual_information(x, y[order], self.seed) for order in orders]
        return mutual_information(x, y, self.seed), torch.tensor(chance)

    def _correlation(self, first: _Side, second: _Side, orders: Tensor) -> tuple[float, Tensor]:
        x, y = first.columns, second.columns
        chance = torch.stack([correlations(x, y[order]).flatten() for order in orders])
        return float(correlations(x, y)), chance.flatten()

    def _kept(self, made: dict[int, Tensor], side: _Side, make: Callable[[Tensor], Tensor]) -> Tensor:
        if id(side) not in made:
            made[id(side)] = make(side.columns)
        return made[id(side)]


def _stage_columns(sample: Environments, model: int, stages: Collection[str] | None) -> list[_Side]:
    fields = sample.stages(model)
    unknown = sorted(set(stages or ()) - set(fields))
    if unknown or not fields:
        raise LikenessError(f"No stage {unknown} on nodes; the model has {', '.join(fields) or 'none'}.")
    sides: list[_Side] = []
    for name, field in fields.items():
        if stages is not None and name not in stages:
            continue
        try:
            columns, labels = columns_of_stage(field)
        except LikenessError as problem:
            raise LikenessError(f"Stage {name!r}: {problem}") from problem
        sides.append(_Side(name, columns, [f"{name} {label}" for label in labels]))
    return sides


def _others(sample: Environments, second: nn.Module | None, targets: Targets, own: list[_Side]) -> list[_Side]:
    """The other side; the very same objects where a model is compared with itself."""
    if second is not None:
        return _stage_columns(sample, 1, None)
    sets = list(targets.items()) if isinstance(targets, Mapping) else [("", target) for target in targets]
    if not sets:
        return own
    values = torch.cat([part.targets for part in sample.parts]).split([len(target.names) for _, target in sets], 1)
    return [
        _Side(key or _set_name(target.names, target), columns_of_descriptor(block), target.names)
        for (key, target), block in zip(sets, values, strict=True)
    ]


def _set_name(names: Sequence[str], target: object) -> str:
    return names[0] if len(names) == 1 else type(target).__name__


def _pairs(own: list[_Side], others: list[_Side], comparing: _Comparing) -> list[tuple[_Side, _Side]]:
    """All with all; of correlations, single columns with single columns, those that follow most closely."""
    if comparing.measure != "correlation":
        return [(first, second) for first in own for second in others]
    singles, columns = _singles(own), _singles(others)
    if not singles or not columns:
        raise LikenessError("Correlations need columns that vary, on both sides; one is the same everywhere.")
    follow = correlations(*(torch.cat([side.columns for side in sides], 1) for sides in (singles, columns)))
    best = follow.abs().amax(1).argsort(descending=True)[:ROWS].sort().values.tolist()
    across = follow.abs().amax(0).argsort(descending=True)[:ROWS].sort().values.tolist()
    return [(singles[i], columns[j]) for i in best for j in across]


def _singles(sides: Sequence[_Side]) -> list[_Side]:
    return [single for side in sides for single in _of_columns(side)]


def _of_columns(side: _Side) -> Iterator[_Side]:
    for place, column in enumerate(side.columns.T):
        own = side.labels[place] if len(side.labels) == side.columns.shape[1] else f"{side.name}: {place}"
        yield _Side(own, column[:, None], (own,))


def _folds(sample: Environments) -> Tensor:
    return folds_of(groups(sample.positions, FOLDS), FOLDS)


def _another(title: str, second: nn.Module) -> str:
    name = type(second).__name__
    return f"another {name}" if name == title else name
