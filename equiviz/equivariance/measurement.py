"""The runs of one check, and the findings that follow from their sums of squares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from equiviz.equivariance.claims import KINDS, Kind
from equiviz.equivariance.double_twin import Rebuild
from equiviz.equivariance.finding import Finding, Status
from equiviz.equivariance.natural_scale import NaturalScales
from equiviz.equivariance.precise_runs import PreciseRuns
from equiviz.equivariance.round_off import DROWNED, REAL, base_tolerance, tolerance
from equiviz.equivariance.runs import Runs
from equiviz.equivariance.squares import BlockSquares, KindSquares
from equiviz.equivariance.sweep import sweep
from equiviz.equivariance.transformed_input import acting_on, disturbed, floating_type, listed, node_counts
from equiviz.equivariance.trials import Trial, trials
from equiviz.features.capture import Capture
from equiviz.features.inferred_model import InferredModel
from equiviz.features.model_input import ModelInput
from equiviz.features.precision import coarsest
from equiviz.nn.stage import Support
from equiviz.structures.graph import Graph
from equiviz.structures.typed_tensors import TypedTensors

DISTURBANCES = 2
# Of more nodes than this, no stage is forced where nothing seems to break.
LARGE = 400


@dataclass(eq=False)
class Measurement:
    """The sums of all trials of one check.

    Attributes:
        runs: the model and its reference record.
        x: the input as it came.
        inherited: by kind, what the model does.
        local: by kind, what each stage does when it reads what it should.
        rounding, local_rounding: the same for an input disturbed by rounding.
        scales: how large each block is where nothing cancels.
        precise: runs of a float64 copy, where the model computes in less.
        dtype: the coarsest floating type among parameters and stages.
        notes: what else was seen.
    """

    runs: Runs
    x: ModelInput
    dtype: torch.dtype
    inherited: dict[Kind, KindSquares] = field(default_factory=lambda: {kind: KindSquares() for kind in KINDS})
    local: dict[Kind, KindSquares] = field(default_factory=lambda: {kind: KindSquares() for kind in KINDS})
    rounding: KindSquares = field(default_factory=KindSquares)
    local_rounding: KindSquares = field(default_factory=KindSquares)
    scales: NaturalScales = field(default_factory=NaturalScales)
    precise: PreciseRuns | None = None
    notes: list[str] = field(default_factory=list)

    @classmethod
    def make(
        cls,
        model: nn.Module,
        x: ModelInput,
        elements: int,
        seed: int,
        supports: Mapping[str, Support] | None,
        wide: int,
        rebuild: Rebuild | None = None,
        step: Callable[[], object] = bool,
    ) -> Measurement:
        """Run the model on the input, on every trial of it, and on the input disturbed by rounding.

        Args:
            model: the model.
            x: its input.
            elements: rotations to compare stage by stage, free and forced.
            seed: of everything random.
            supports: as in `equiviz.capture`.
            wide: rotations to try beyond these, free only.
            rebuild: makes another model of the same shape, for the float64 copy.
            step: called after each run, for a bar.
        """
        runs = Runs.of(model, x, supports)
        made = cls(runs, x, coarsest(model, runs.reference.values()))
        made.scales = NaturalScales.of(model, x, runs.reference, supports, seed)
        tried = list[Trial]()
        for trial in trials(x, elements, seed, batches=hasattr(model, "prepare")):
            made.inherited[trial.kind].add(*runs.free(trial))
            step()
            tried += [trial] if trial.comparable else []
        made._disturb(x, seed)
        for known in acting_on(x):
            if known.wide:
                made.inherited[known.kind].merge(sweep(runs, x, known, wide, seed, made._mixes_batches(), step))
        if made.dtype != torch.float64 and torch.finfo(made.dtype).eps > torch.finfo(torch.float64).eps:
            made.precise = PreciseRuns.make(model, x, supports, seed, rebuild)
            made.precise.scales = made.scales
        made._force(tried, sum(node_counts(x)) <= LARGE, step)
        made.notes += _notes(made)
        return made

    @property
    def reference(self) -> Capture:
        """The record of the input as it came."""
        return self.runs.reference

    def _force(self, tried: Sequence[Trial], always: bool, step: Callable[[], object]) -> None:
        """Local errors, in all trials of the kinds in which something may break, for forcing costs as much again.

        Where a kind holds at every stage, also in the float64 copy, what is forced is what came anyhow: one trial
        measures that, with `always`; the last of its kind, for the first mirror is the inversion itself, with which
        every linear map commutes.
        """
        broken = {kind for kind in self.inherited if self._may_break(kind)}
        for trial in reversed(tried):
            if trial.kind in broken or (always and not self.local[trial.kind].trials):
                self.local[trial.kind].add(*self.runs.forced(trial))
                step()

    def _disturb(self, x: ModelInput, seed: int) -> None:
        generator, unit = torch.Generator().manual_seed(seed), torch.finfo(self.dtype).eps
        for _ in range(DISTURBANCES):
            near = Trial("determinism", "rounding", disturbed(x, unit, generator))
            for sums, run in ((self.rounding, self.runs.free), (self.local_rounding, self.runs.forced)):
                found, matching = run(near)
                # A neighbour that comes or goes with the last digit is no rounding: the model jumps there.
                if not matching.counts_other_edges():
                    sums.add(found, matching)

    def _mixes_batches(self) -> bool:
        """Whether structures in one batch change each other, so that a sweep must run them one by one."""
        return self._seems_broken("batch")

    def _may_break(self, kind: Kind) -> bool:
        """Whether anything speaks against a kind: here, in the float64 copy, or that no two calls agree."""
        copy = self.precise.inherited.get(kind) if self.precise is not None else None
        hidden = copy is not None and not copy.largest <= REAL
        return hidden or self._seems_broken(kind) or self._seems_broken("determinism")

    def _seems_broken(self, kind: Kind) -> bool:
        if self.inherited[kind].missing:
            return True
        blocks = self.inherited[kind].blocks
        floors = {name: self.scales.floor(name, block, self.dtype) for name, block in blocks.items()}
        told = [name for name, block in blocks.items() if block.norm > 0 or not block.finite]
        return any(not blocks[name].relative <= tolerance(self.dtype, floors[name]) for name in told)

    def findings(self, claimed: frozenset[Kind]) -> list[Finding]:
        """One per stage, irrep and kind that was tried."""
        tried: list[Kind] = [kind for kind, squares in self.inherited.items() if squares.trials]
        found = [
            self._finding(name, label, kind, kind in claimed)
            for name, item in self.reference.items()
            for label in item.representation.labels()
            for kind in tried
        ]
        guessed = self.runs.model.guessed if isinstance(self.runs.model, InferredModel) else frozenset[str]()
        if any(finding.alarming for finding in found if finding.stage not in guessed):
            return found
        return [replace(finding, claimed=False) if finding.stage in guessed else finding for finding in found]

    def _finding(self, stage: str, irrep: str, kind: Kind, claimed: bool) -> Finding:
        free, forced = self.inherited[kind], self.local[kind]
        own_free, own_forced = free.block(stage, irrep), forced.block(stage, irrep)
        floor = self._floor(stage, irrep, self.rounding, own_free)
        local_floor = self._floor(stage, irrep, self.local_rounding, own_forced)
        missing = stage in free.missing
        inherited = math.inf if missing else own_free.relative
        local = math.inf if stage in forced.missing else own_forced.relative
        precise = math.nan if self.precise is None else self.precise.error(stage, irrep, kind)
        even = own_free.is_even
        status: Status = "not passed" if missing else self._status(inherited, floor, precise, even)
        local_precise = math.nan if self.precise is None else self.precise.local_error(stage, irrep, kind)
        local_status = self._status(local, local_floor, local_precise, own_forced.is_even)
        return Finding(
            stage=stage,
            support=self.reference[stage].support,
            irrep=irrep,
            group=kind,
            inherited=inherited,
            local=local,
            floor=floor,
            precise=precise,
            tolerance=tolerance(self.dtype, floor),
            claimed=claimed,
            status=status,
            guilty=local_status in ("breaks", "not finite"),
            trials=own_free.trials or free.trials,
            drawn=own_free.drawn,
            worst=free.missing.get(stage, own_free.worst_trial),
        )

    def _floor(self, stage: str, irrep: str, squares: KindSquares, tried: BlockSquares) -> float:
        """What rounding does; nothing where the model is not even deterministic, for chance is no rounding."""
        natural = self.scales.floor((stage, irrep), tried, self.dtype)
        repeated, near = self.inherited["determinism"].block(stage, irrep), squares.block(stage, irrep)
        if natural <= DROWNED and repeated.norm > 0 and repeated.relative > base_tolerance(self.dtype):
            return 0.0
        return max(near.relative if near.finite and near.norm > 0 else 0.0, natural)

    def _status(self, error: float, floor: float, precise: float, even: bool) -> Status:
        if math.isinf(error):
            return "not finite"
        if math.isnan(error):
            return "all zero"
        if precise > REAL and error > floor:
            return "breaks"
        if floor > DROWNED:
            return "holds" if precise <= REAL else "drowned in rounding"
        if error <= tolerance(self.dtype, floor):
            return "holds"
        # What shrinks a hundredfold in float64 is rounding, however much the network amplifies it; but the few elements
        # that were tried there say nothing of a break that few elements show.
        return "holds" if even and precise < error / 100 else "breaks"

    def node_shares(self, kind: Kind, stage: str, irrep: str, local: bool = True) -> Tensor | None:
        """The part of each node in the squared error of a block [N], summing to 1; None where it is not known.

        The error of an edge is shared by its two nodes.
        """
        if stage not in self.reference:
            return None
        rows = (self.local if local else self.inherited)[kind].block(stage, irrep).rows
        support, graph = self.reference[stage].support, self.reference.graph
        if rows is None or not float(rows.sum()) or support not in ("node", "edge"):
            return None
        if support == "edge":
            if graph is None:
                return None
            ends = graph.edge_index[:, : len(rows)].to(rows.device)
            rows = rows.new_zeros(len(graph)).index_add(0, ends.flatten(), rows.repeat(2))
        return rows / rows.sum()

    def release(self) -> None:
        """Let go of what only the diagnosis needed: the float64 copy, and the inputs of the worst trials."""
        if self.precise is not None:
            self.precise.twin = replace(self.precise.twin, model=None)
        for squares in (*self.inherited.values(), *self.local.values(), self.rounding, self.local_rounding):
            for block in squares.blocks.values():
                if block.worst_of is not None:
                    block.worst_element, block.worst_of = block.worst_of.g, None


def _notes(made: Measurement) -> list[str]:
    model, notes = made.runs.model, list[str]()
    notes += model.notes if isinstance(model, InferredModel) else []
    if any(module.training for module in model.modules()):
        notes.append("The model is in training mode; call model.eval() to check what it does in use.")
    for kind, squares in made.inherited.items():
        for words, edges in list(squares.changed_edges.items())[:1]:
            notes.append(
                f"Under {kind} ({words}), {edges} edges came or went: neighbours at the cutoff, or truncation."
            )
    notes += [f"{name} was not checked: {why}." for name, why in made.reference.skipped.items()]
    notes += _coarse_stages(made)
    if not made.inherited["lattice"].trials and _has_cell(made.x):
        notes.append("Not tried: the choice of the cell (this input is a graph, or repeats along no axis).")
    if made.precise is not None:
        notes.append(made.precise.describe())
    return notes


def _has_cell(x: ModelInput) -> bool:
    if isinstance(x, TypedTensors):
        return False
    if isinstance(x, Graph):
        return x.cells is not None
    return any(structure.cell is not None for structure in listed(x))


def _coarse_stages(made: Measurement) -> list[str]:
    """A note where a stage computes in less than parameters, or, without any, than the input."""
    own = {parameter.dtype for parameter in made.runs.model.parameters()} or {floating_type(made.x)}
    fine = max(
        (t for t in own if t is not None and t.is_floating_point), key=lambda t: torch.finfo(t).eps, default=None
    )
    if fine is None:
        return []
    stages = {name: f.values.real.dtype for name, f in made.reference.items()}
    coarse = [name for name, t in stages.items() if torch.finfo(t).eps > torch.finfo(fine).eps]
    if not coarse:
        return []
    low, high = (str(t).removeprefix("torch.") for t in (stages[coarse[0]], fine))
    return [f"{coarse[0]} came in {low}, although the model is in {high}: errors are judged as {low}."]
