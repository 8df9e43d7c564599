"""`spectrum(model, x)`: how each stage varies with the orientation of its input, and as which irrep of the group.

Of a stage f whose values carry D, two functions on the group are taken:

    back-transformed   h(g) = D(g^-1) f(g x), of every stage: constant for an exact model, which has nothing but
                       lambda = 0, sigma = +1. Its variance is the break, its spectrum what the break looks like;
    raw                u(g) = f(g x), of the outputs: an exact output of irrep l, parity p has nothing but lambda = l,
                       sigma = p (-1)^l.

The variance <|h|^2> - |<h>|^2 is metatomic's `o3::variance` (there divided by 2l + 1, and per row); the projections
B_{lambda,sigma} of u are its `o3::character_projection` (arXiv 2603.24638; see `equiviz.equivariance.orbit_moments`).

A rule of band limit L integrates every Wigner D of degree <= L exactly, and so a square exactly where the function has
content up to L / 2. Projections are taken up to lambda = L // 2; what the rule sees above is told as "beyond", and a
second, smaller rule tells whether the variance has settled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from equiviz.equivariance.block_spectrum import BlockSpectrum
from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.late_bar import late_bar
from equiviz.equivariance.orbit import Orbit
from equiviz.equivariance.orbit_moments import StageMoments
from equiviz.equivariance.orbit_runs import OrbitRuns
from equiviz.equivariance.round_off import tolerance
from equiviz.equivariance.spectrum_report import SpectrumReport
from equiviz.equivariance.subject import as_subject
from equiviz.equivariance.transformed_input import orientations
from equiviz.features.model_input import ModelInput, measured
from equiviz.features.model_state import as_found
from equiviz.features.precision import wide
from equiviz.nn.declared_function import Outputs, Per
from equiviz.nn.stage import Support
from equiviz.structures.typed_tensors import Inputs
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import OrthogonalGroup
from equiviz.symmetry.quadrature import Quadrature, quadrature

LARGEST = 4.0
"""GiB of coefficients that one spectrum may hold."""


def spectrum(
    model: nn.Module | Callable[..., object],
    x: ModelInput | Tensor | Sequence[object] | Mapping[str, object],
    band_limit: int = 6,
    group: OrthogonalGroup | None = None,
    *,
    supports: Mapping[str, Support] | None = None,
    inputs: Inputs | None = None,
    outputs: Outputs | None = None,
    per: Per | None = None,
) -> SpectrumReport:
    """Average over the group, exactly up to a band limit, and take the break of each stage apart.

    The model runs once for each element of the rule (band limit 6 on O(3): 364) and of a smaller one (140), many turned
    copies in one batch where `model.prepare` takes lists and copies do not disturb each other. Memory: the record of
    one batch (about 2,048 nodes, or one copy of `x`), and the coefficients: for each number that a stage holds, two
    times the sum of (2 lambda + 1)^2 up to lambda = band_limit // 2 float64 numbers (168 at band limit 6), twice that
    for outputs.

    Args:
        model: anything that `equiviz.check` takes. It is run in the mode in which it comes, and left as it was.
        x: a Structure, a list of Structures, a Graph; with `inputs`: one tensor, or a dict of tensors.
        band_limit: L of the rule. Content up to lambda = L / 2 is resolved exactly.
        group: "O(3)", or "SO(3)", which leaves inversion out; by default O(3) where inversions act on the input.
        supports: as in `equiviz.capture`.
        inputs: as in `equiviz.check`.
        outputs: as in `equiviz.check`.
        per: as in `equiviz.check`.

    Raises:
        BandLimitError: band limit out of range.
        GroupError: unknown group.
        CheckError: no rotation of space, or no inversion that was asked for, acts on the input; the model raises on a
            turned input; the coefficients would take more than `LARGEST` GiB.
        CaptureError, ModelError, StructureError: the model or the input is not typed; the message says what to declare.
    """
    smaller = band_limit - 2 if band_limit >= 2 else None
    with as_found(model):
        subject, taken = as_subject(model, x, inputs, outputs, per)
        group = orientations(taken, group, "spectrum")
        rule = quadrature(band_limit, group)
        runs = OrbitRuns.of(subject, measured(subject, taken), supports)
        _refuse_too_large(runs, rule)
        turned, raw = _moments(runs, rule, band_limit // 2, runs.outputs)
        check = {} if smaller is None else _moments(runs, quadrature(smaller, group), 0, ())[0]
        near = runs.disturbed(seed=0)
        blocks = [
            _block(runs, name, label, turned[name], raw.get(name), check.get(name), near.get(name))
            for name, item in runs.reference.items()
            if name in turned and name not in runs.left_out
            for label in item.representation.labels()
        ]
    title, notes = runs.reference.model, _notes(runs)
    return SpectrumReport(title, group, band_limit, len(rule), smaller, blocks, runs.dtype, notes)


def _refuse_too_large(runs: OrbitRuns, rule: Quadrature) -> None:
    """Coefficients of every number of every stage are held at once; say so before they fill the memory."""
    half = sum((2 * degree + 1) ** 2 for degree in range(rule.band_limit // 2 + 1))
    numbers = sum(item.values.numel() * (2 if name in runs.outputs else 1) for name, item in runs.reference.items())
    needed = numbers * half * (2 if rule.group == "O(3)" else 1) * 8 / 2**30
    if needed > LARGEST:
        raise CheckError(
            f"A spectrum up to band limit {rule.band_limit} on {rule.group} would run {runs.reference.model} on "
            f"{len(rule)} turned inputs, and hold {needed:.1f} GiB of coefficients (at most {LARGEST:.0f} are taken). "
            "Ask for a smaller band limit, or give a smaller structure."
        )


def _moments(
    runs: OrbitRuns, rule: Quadrature, highest: int, as_they_come: Collection[str]
) -> tuple[dict[str, StageMoments], dict[str, StageMoments]]:
    """The sums of each stage's back-transformed values, and of some stages' values as they come."""
    improper = rule.group == "O(3)"
    turned = {
        name: StageMoments(item.representation, wide(item.values), highest, improper)
        for name, item in runs.reference.items()
    }
    raw = {
        name: StageMoments(item.representation, torch.zeros_like(wide(item.values)), highest, improper)
        for name, item in runs.reference.items()
        if name in as_they_come
    }
    with late_bar("averaging over the group", len(rule)) as bar:
        for part, stages in runs.over(Orbit(rule.matrices, rule.weights)):
            for name, values in stages.items():
                turned[name].add(part, part.turn(turned[name].carried, values, back=True))
                if name in raw:
                    raw[name].add(part, values)
            bar.update(len(part))
    return turned, raw


def _block(
    runs: OrbitRuns,
    stage: str,
    irrep: str,
    turned: StageMoments,
    raw: StageMoments | None,
    check: StageMoments | None,
    near: Tensor | None,
) -> BlockSpectrum:
    item, found = runs.reference[stage], turned.block(irrep)
    floor = 0.0 if near is None else _change(item, near[0], irrep)
    copies = item[irrep].shape[-2] if item.values.numel() else 1
    floor = max(floor, runs.scales.floor_at((stage, irrep), math.sqrt(copies * found.mean_square), runs.dtype))
    direct = None if raw is None else raw.block(irrep)
    return BlockSpectrum(
        stage=stage,
        support=item.support,
        irrep=irrep,
        mean_square=found.mean_square,
        variance=found.variance,
        smaller=float("nan") if check is None else check.block(irrep).variance,
        floor=floor,
        tolerance=tolerance(runs.dtype, floor),
        shares=_shares(found.projections, found.mean_square),
        raw=None if direct is None else _shares(direct.projections, direct.mean_square),
    )


def _shares(projections: Mapping[tuple[int, int], float], whole: float) -> dict[tuple[int, int], float]:
    return {character: size / whole if whole else 0.0 for character, size in projections.items()}


def _change(item: Field, near: Tensor, irrep: str) -> float:
    """Relative difference of one irrep; 0 where it is zero or not finite."""
    expected, found = item.with_values(wide(item.values))[irrep], item.with_values(near)[irrep]
    norm = float(torch.linalg.vector_norm(expected))
    change = float(torch.linalg.vector_norm(found - expected)) / norm if norm else 0.0
    return change if change == change else 0.0


def _notes(runs: OrbitRuns) -> list[str]:
    notes = [f"{name} is left out: {why}." for name, why in runs.left_out.items()]
    if any(module.training for module in runs.model.modules()):
        notes.append("The model is in training mode; call model.eval() to see what it does in use.")
    if runs.alone:
        notes.append(f"Orientations ran one by one: {runs.alone}.")
    return notes
