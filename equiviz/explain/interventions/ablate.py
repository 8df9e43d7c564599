"""`ablate(model, structures, by="l")`: what does a prediction lose when a part of a stage is taken away?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast, get_args

from torch import nn

from equiviz.explain.chunks import DaskClient, in_chunks
from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.ablation_report import AblationReport, AblationScore, AblationSubject
from equiviz.explain.interventions.ablation_run import AblationRun, Shown, parts_in
from equiviz.explain.interventions.changes import HOWS, How
from equiviz.explain.interventions.intervened_run import inputs_of, output_of, run
from equiviz.explain.interventions.parts import By
from equiviz.explain.interventions.tally import Tally
from equiviz.explain.interventions.targets import Targets, named_targets, split_targets
from equiviz.explain.outputs import own_name
from equiviz.features.model_input import prepared
from equiviz.structures.graph import Graph
from equiviz.structures.interchange.recognised import StructureLike
from equiviz.symmetry.field import Field


def ablate(
    model: nn.Module,
    structures: StructureLike | Graph | Sequence[StructureLike],
    by: By = "l",
    how: How | Sequence[How] = ("zero", "rotate"),
    targets: Targets | Mapping[str, Targets] | None = None,
    output: str | None = None,
    stages: Collection[str] | None = None,
    *,
    seed: int = 0,
    progress: bool = True,
    client: DaskClient | None = None,
) -> AblationReport:
    """Take away one part of one stage at a time, and measure what becomes of an output. Nothing is trained again.

    With targets, the loss is the mean square error, and what counts is its increase; without, the loss is the mean
    square change of the output. Both are divided by the variance of the reference (targets, or the output as it is):
    an effect of 0.1 is a loss of 0.1 in R2, or a tenth of the output's variance that changed.

    Example:
        >>> report = ablate(load("glassy-T056"), glass, by="l", output="propensity")  # doctest: +SKIP
        >>> report.prune(threshold=0.01).pruned  # doctest: +SKIP

    Args:
        model: anything that `equiviz.capture` takes; it is run in evaluation mode, and left as it was.
        structures: one or several, as `equiviz.probe` takes them, or a Graph.
        by: "l", "parity", "irrep", "channel" (one copy of an irrep), "stage" (all of it), or "path" (of the products of
            typed tensors that `equiviz.nn.product_paths.paths_of` finds).
        how: "zero", "mean", "shuffle", "rotate", or several of them; see `equiviz.explain.interventions.changes`.
        targets: what the output should be, one row per row of the output (atoms; structures for an energy): one array
            for all structures, a list with one for each, or a dict with such under the name of the output.
        output: name of the output (or of a stage) that is watched; None for the first that no rotation changes, or the
            first.
        stages: names of the stages to act on; of paths, of the modules that hold them. None for all.
        seed: of shuffling, rotations and intervals.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.
        client: a Dask client, to run structures beside each other.

    Raises:
        InterventionError: an unknown word, stage or output; targets that do not fit; an output that is not finite.
        CaptureError: as `equiviz.capture`.
    """
    ways = _ways(how)
    _refuse_word(by)
    inputs = inputs_of(model, structures)
    given, output = named_targets(targets, output)
    first = run(model, prepared(model, inputs[0]))
    name, watched = output_of(first, output)
    parts, irreps = parts_in(model, first, by, stages, name)
    job = AblationRun(model, parts, ways, name, seed)
    shown = _shown(model, inputs, given, name, watched)
    found = list(in_chunks(job, shown, client, progress=progress, what="ablating"))
    told = Tally(found, watched, given is not None, seed)
    scores = [_score(told, job, place, way) for place in range(len(parts)) for way in range(len(ways))]
    subject = AblationSubject(model, shown, job, told)
    return AblationReport(
        model=first.model, output=own_name(name), by=by, ways=ways, supervised=given is not None,
        scores=scores, irreps=irreps, loss=told.loss, variance=told.variance, nothing=max(e.nothing for e in found),
        subject=subject, structures=len(inputs), rows=len(told.reference), resampled=told.resampled,
    )  # fmt: skip


def _shown(model: nn.Module, inputs: Sequence[object], given: object, name: str, watched: Field) -> list[Shown]:
    """The inputs with their targets."""
    wide = watched.values.flatten(1).shape[1] * (2 if watched.values.is_complex() else 1)
    if given is None:
        return [Shown(place, cast(Graph, x)) for place, x in enumerate(inputs)]
    rows = [len(output_of(run(model, prepared(model, cast(Graph, x))), name)[1]) for x in inputs]
    targets = split_targets(given, rows, wide)
    return [Shown(place, cast(Graph, x), t) for place, (x, t) in enumerate(zip(inputs, targets, strict=True))]


def _score(told: Tally, job: AblationRun, place: int, way: int) -> AblationScore:
    """What one ablation does."""
    part = job.parts[place]
    increase, effect = told.effect([errors.ablated[place, way] for errors in told.found])
    return AblationScore(part.stage, part.name, job.ways[way], told.loss + increase, increase, *effect)


def _ways(how: How | Sequence[How]) -> tuple[How, ...]:
    asked: tuple[How, ...] = (how,) if isinstance(how, str) else tuple(how)
    unknown = [way for way in asked if way not in HOWS]
    if unknown or not asked:
        raise InterventionError(f"Expected how= one or several of {', '.join(map(repr, HOWS))}, got {how!r}.")
    return tuple(dict.fromkeys(asked))


def _refuse_word(by: str) -> None:
    if by not in get_args(By):
        raise InterventionError(f"Expected by= one of {', '.join(map(repr, get_args(By)))}, got {by!r}.")
