"""`AblationReport.prune`: what is unused goes for good, as much as can go together."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.ablation_report import AblationReport, AblationScore
from equiviz.explain.interventions.idle import idle, numbers_in
from equiviz.explain.interventions.intervened_run import Draw, evaluated, output_of, outputs_of, run, without
from equiviz.explain.interventions.parts import Part
from equiviz.explain.interventions.prune_report import PruneReport
from equiviz.explain.interventions.pruned_model import Rebuilt, copied, without_parts, without_paths
from equiviz.features.capture import Capture
from equiviz.features.model_input import ModelInput, own_copy, prepared
from equiviz.nn.equivariant_model import claimed_group
from equiviz.nn.product_paths import paths_of

# Structures that are differentiated to see what is idle, and repeats of a timing.
_LOOKED_AT = 4
_REPEATS = 9


def pruned(report: AblationReport, threshold: float) -> PruneReport:
    """See `AblationReport.prune`.

    Raises:
        InterventionError: parts were not set to zero; the model cannot be copied.
    """
    if "zero" not in report.ways:
        raise InterventionError("What is unused was not measured: call ablate with how='zero', or ('zero', 'rotate').")
    work = _Pruning(report, threshold)
    parts, joint = work.largest_set()
    return work.report(parts, joint)


@dataclass(frozen=True, eq=False)
class _Pruning:
    """One pruning.

    Attributes:
        ablation: what was measured.
        threshold: of the joint effect.
    """

    ablation: AblationReport
    threshold: float

    @property
    def model(self) -> nn.Module:
        """The model as it is."""
        return self.ablation.subject.model

    def largest_set(self) -> tuple[list[Part], tuple[float, float, float]]:
        """The most of the unused parts, the least needed first, whose joint effect stays below the threshold."""
        found = self._whole(self.ablation.unused(self.threshold))
        low, high, best = 0, len(found), (0.0, 0.0, 0.0)
        while low < high:  # the joint effect grows with the set, nearly always
            middle = (low + high + 1) // 2
            effect = self._joint(found[:middle])
            if (effect[0] if effect[2] != effect[2] else max(effect[0], effect[2])) < self.threshold:
                low, best = middle, effect
            else:
                high = middle - 1
        return found[:low], best

    def _whole(self, scores: Sequence[AblationScore]) -> list[Part]:
        """The parts of these scores; of a stage that is passed several times, only what no pass uses."""
        job = self.ablation.subject.job
        known = {(part.stage, part.name): part for part in job.parts}
        if job.parts and job.parts[0].path is None:
            # A mask sits on the stage, and so on all its passes, also on those that nobody looked at.
            looked_at = {part.stage for part in job.parts}
            missed = {name.split("#")[0] for name in self._dims() if "#" in name and name not in looked_at}
            scores = [score for score in scores if score.stage.split("#")[0] not in missed]
        unused = {(score.stage, score.part) for score in scores}
        passes: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for stage, name in known:
            passes.setdefault((stage.split("#")[0], name), set()).add((stage, name))
        ordered = [(score.stage.split("#")[0], score.part) for score in scores]
        return [
            known[key] for first in dict.fromkeys(ordered) if passes[first] <= unused for key in sorted(passes[first])
        ]

    def _joint(self, parts: Sequence[Part]) -> tuple[float, float, float]:
        subject = self.ablation.subject
        squares: list[Tensor] = []
        for shown, errors in zip(subject.shown, subject.tally.found, strict=True):
            name, field = output_of(self._ablated(prepared(self.model, shown.x), parts), subject.job.output)
            values = field.values.detach().cpu().flatten(1)
            if not bool(values.isfinite().all()):
                raise InterventionError(f"Without all unused parts together, the output {name!r} is not finite.")
            values = torch.view_as_real(values).flatten(1) if values.is_complex() else values
            squares.append((values.double() - errors.reference).square().sum(1))
        return subject.tally.effect(squares)[1]

    def _ablated(self, taken: ModelInput, parts: Sequence[Part]) -> Capture:
        paths = paths_of(self.model) if any(part.path is not None for part in parts) else {}
        return without(self.model, taken, parts, Draw("zero", claimed_group(self.model), 0), paths)

    def report(self, parts: list[Part], joint: tuple[float, float, float]) -> PruneReport:
        """Build the pruned model, compare it with the ablated one, and time both."""
        first = self.ablation.subject.shown[: _LOOKED_AT if parts else 1]
        shown = [prepared(self.model, one.x) for one in first]
        made, rebuilt, known = self._made(parts, shown)
        before, after = idle(self.model, shown), idle(made, shown)
        seconds = _side_by_side(self.model, made, shown[0])
        sums = paths_of(self.model)
        return PruneReport(
            model=self.ablation.model, output=self.ablation.output, by=self.ablation.by, threshold=self.threshold,
            removed=[(part.stage, part.name) for part in parts], candidates=len(self.ablation.unused(self.threshold)),
            joint=joint, rebuilt=rebuilt, masked=sorted({part.stage for part in parts if part.stage not in rebuilt}),
            products=sum(len(one.paths) for one in sums.values()),
            disagreement=self._disagreement(made, parts, shown), other_outputs=self._others(made, shown),
            parameters=(_count(self.model), _count(made)),
            idle_parameters=(before.parameters, after.parameters) if known and after.known else None,
            seconds=seconds, pruned=made,
        )  # fmt: skip

    def _made(self, parts: list[Part], shown: Sequence[ModelInput]) -> tuple[nn.Module, Rebuilt, bool]:
        """The pruned model; paths that the masks made idle go too."""
        if not parts:
            return copied(self.model), Rebuilt(), True
        made, rebuilt = without_parts(self.model, parts, self._dims())
        before, after = idle(self.model, shown), idle(made, shown)
        if not (before.known and after.known) or self.ablation.by == "path":
            return made, rebuilt, before.known and after.known
        newly = {name: places - before.paths.get(name, frozenset()) for name, places in after.paths.items()}
        found = paths_of(made)
        smaller = {name: places for name, places in newly.items() if places and _is_e3nn(found[name].contract)}
        made, more = without_paths(made, smaller)
        return made, {**rebuilt, **more}, True

    def _dims(self) -> dict[str, int]:
        """Components of each stage."""
        first = run(self.model, prepared(self.model, self.ablation.subject.shown[0].x))
        return {name: field.dim for name, field in first.items()}

    def _disagreement(self, made: nn.Module, parts: Sequence[Part], shown: Sequence[ModelInput]) -> float:
        """Largest difference of any output between the pruned and the ablated model, over the output's rms."""
        worst = 0.0
        for taken in shown:
            expected, found = outputs_of(self._ablated(taken, parts)), outputs_of(run(made, taken))
            for name, field in expected.items():
                worst = max(worst, _largest(found[name].values, field.values))
        return worst

    def _others(self, made: nn.Module, shown: Sequence[ModelInput]) -> dict[str, float]:
        """Root mean square change of the outputs that were not watched, over their rms."""
        changes: dict[str, list[float]] = {}
        for taken in shown:
            before, after = outputs_of(run(self.model, taken)), outputs_of(run(made, taken))
            for name in before:
                if name != self.ablation.output:
                    changes.setdefault(name, []).append(_typical(after[name].values, before[name].values))
        return {name: statistics.fmean(values) for name, values in changes.items()}


def _is_e3nn(contract: object) -> bool:
    from equiviz.nn.e3nn_paths import E3nnPaths

    return isinstance(contract, E3nnPaths)


def _largest(found: Tensor, expected: Tensor) -> float:
    """The largest difference over the root mean square; over one where all is zero."""
    if not expected.numel():
        return 0.0
    size = float(expected.abs().double().square().mean().sqrt()) or 1.0
    return float((found - expected).abs().max()) / size


def _typical(found: Tensor, expected: Tensor) -> float:
    size = float(expected.abs().double().square().sum())
    return float((found - expected).abs().double().square().sum() / size) ** 0.5 if size else 0.0


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _side_by_side(model: nn.Module, made: nn.Module, taken: ModelInput) -> tuple[float, float]:
    """Median seconds of a forward pass of each, in turns, so that what else the machine does falls on both."""
    spent: tuple[list[float], list[float]] = ([], [])
    with evaluated(model), evaluated(made):
        for _ in range(_REPEATS + 1):
            for one, found in zip((model, made), spent, strict=True):
                found.append(_seconds(lambda one=one: one(own_copy(taken, linked=False))))
    return statistics.median(spent[0][1:]), statistics.median(spent[1][1:])  # the first of each warms up


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    numbers_in(act())
    return time.perf_counter() - start
