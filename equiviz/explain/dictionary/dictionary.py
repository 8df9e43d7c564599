"""`dictionary(model, structures, stage)`: of which few irreps is every environment made, as a stage sees it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from equiviz.explain.chunks import DaskClient
from equiviz.explain.dictionary.channels import Channels
from equiviz.explain.dictionary.irreps_dictionary import IrrepsDictionary, Method, shared_out
from equiviz.explain.dictionary.judged import (
    Explained,
    commuting_error,
    curve,
    principal_curve,
    shuffled_curve,
)
from equiviz.explain.dictionary.report import DictionaryReport, Meaning
from equiviz.explain.dictionary.sample import Sample
from equiviz.explain.errors import DictionaryError
from equiviz.explain.probing.asked_targets import Asked, as_targets
from equiviz.explain.probing.targets import Targets, column_names, target_columns
from equiviz.explain.random_network import random_network
from equiviz.features.model_input import measured_inputs
from equiviz.nn.equivariant_model import claimed_group, title_of
from equiviz.structures.interchange.recognised import StructureLike
from equiviz.symmetry.field import Field

CHECKED = 64
"""Environments on which the codes are turned, to see that they commute."""


def dictionary(
    model: nn.Module,
    structures: StructureLike | Sequence[StructureLike],
    stage: str,
    *,
    atoms: int | Mapping[str, int] = 32,
    sparsity: int | None = None,
    method: Method = "pursuit",
    targets: Asked = (),
    max_environments: int = 4_000,
    starts: int = 2,
    random_weights: bool = True,
    seed: int = 0,
    progress: bool = True,
    client: DaskClient | None = None,
) -> DictionaryReport:
    """Learn a sparse dictionary of a stage whose atoms are irreps, and judge it on environments held out.

    The values of an irrep l with C channels, x in R^{C x (2l+1)}, are written as a sum of few atoms, x = sum_k d_k
    s_k^T: d_k, a unit vector over the channels, is what the atom is, and s_k, a copy of the irrep, how strongly and in
    which direction it is there. One gate lets all of s_k through or nothing, so codes turn as the environment does. Of
    complex values, as vectors of U(n) are, d_k is complex, too.

    Example:
        >>> report = dictionary(model, glass, "density_stage", targets=["q_4", "q_6"])  # doctest: +SKIP

    Args:
        model: anything that `equiviz.capture` takes; it is run under `torch.no_grad`.
        structures: as for `equiviz.probe`. A quarter is held out: whole structures, or slabs of space.
        stage: on nodes; of irreps of O(3), vectors of U(n), signals on a grid, or other blocks.
        atoms: how many, shared out among the irreps alike; or by irrep, as ``{"0e": 4, "1o": 12}``.
        sparsity: how many atoms code one environment; None for two for each irrep.
        method: "pursuit": block orthogonal matching pursuit and K-SVD; "autoencoder": a linear encoder, a gate, a
            linear decoder.
        targets: expert descriptors to compare the atoms' strengths with; see `equiviz.probe`.
        max_environments: a larger set is sampled.
        starts: of the learning, from other random atoms; the best is kept.
        random_weights: whether to learn another from the same stage of a network with random weights, as a control.
        seed: of the sample, the starts, the controls.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.
        client: of a Dask cluster, `dask.distributed.Client`, to run structures beside each other.

    Raises:
        DictionaryError: no such stage; too few environments; a number of atoms or a sparsity that makes no sense.
        CaptureError: as `equiviz.capture`.
    """
    listed = measured_inputs(model, structures)
    _refuse(atoms, sparsity, starts)
    sample = Sample.of(listed, max_environments, atoms if isinstance(atoms, int) else sum(atoms.values()), seed)
    field = sample.stage(model, stage, progress, client).to(torch.float64)
    train, test = _rows(field, ~sample.held_out), _rows(field, sample.held_out)
    made, active = _learned(train, atoms, sparsity, method, seed, starts)
    fresh = random_network(model, seed) if random_weights else None
    other = None if fresh is None else sample.stage(fresh, stage, progress, client).to(torch.float64)
    control = [] if other is None else _random_curve(other, field, sample, active, made.atoms.labels, method)
    scores, codes = [*_curves(made, train, test, method, seed), *control], made.codes(field)
    meanings = _meanings(made, codes, as_targets(targets, listed), sample, seed) if targets else []
    commuting = commuting_error(made, _rows(test, torch.arange(min(CHECKED, len(test)))), seed, claimed_group(model))
    unlearned = other is not None and not control
    return DictionaryReport(title_of(model), stage, made, sample, codes, scores, meanings, commuting, unlearned)


def _learned(
    train: Field, atoms: int | Mapping[str, int], sparsity: int | None, method: Method, seed: int, starts: int
) -> tuple[IrrepsDictionary, int]:
    """The dictionary, and how many atoms code one environment."""
    counts = _counts(atoms, train)
    active = min(2 * len(counts) if sparsity is None else sparsity, sum(counts.values()))
    return IrrepsDictionary.learn(train, counts, active, method, seed, starts), active


def _curves(made: IrrepsDictionary, train: Field, test: Field, method: Method, seed: int) -> list[Explained]:
    """What the dictionary explains of environments held out, beside principal components and shuffled channels."""
    before, after = made.channels.stacked(train), made.channels.stacked(test)
    found = curve("dictionary", made, after)
    return found + principal_curve(before, after, made) + shuffled_curve(before, after, made, method, seed)


def _rows(field: Field, rows: Tensor) -> Field:
    return field.with_values(field.values[rows])


def _refuse(atoms: int | Mapping[str, int], sparsity: int | None, starts: int) -> None:
    whole = [atoms] if isinstance(atoms, int) else list(atoms.values())
    if not whole or min(whole) < 1 or starts < 1 or (sparsity is not None and sparsity < 1):
        raise DictionaryError(
            f"Expected at least one atom, one start, and a sparsity of one or more active atoms, got atoms={atoms!r}, "
            f"starts={starts}, sparsity={sparsity}."
        )


def _counts(atoms: int | Mapping[str, int], field: Field) -> dict[str, int]:
    """Atoms of each irrep that varies; the others need none."""
    labels = list(Channels.of(field).labels)
    if isinstance(atoms, int):
        return shared_out(atoms, labels)
    if not set(labels) <= set(atoms) <= set(field.representation.labels()):
        raise DictionaryError(
            f"Expected a number of atoms for each irrep of the stage that varies, {', '.join(labels)}, got "
            f"{', '.join(atoms)}."
        )
    return {label: atoms[label] for label in labels}


def _random_curve(
    fresh: Field, trained: Field, sample: Sample, active: int, atoms: Sequence[str], method: Method
) -> list[Explained]:
    """Of the same stage without training; nothing where training cannot have changed it."""
    if torch.allclose(fresh.values, trained.values):
        return []
    train = _rows(fresh, ~sample.held_out)
    counts = shared_out(len(atoms), list(Channels.of(train).labels))  # other irreps may vary than after training
    counts |= {label: atoms.count(label) for label in counts if label in atoms}
    control = IrrepsDictionary.learn(train, counts, active, method, 0, 1)
    return curve("random weights", control, control.channels.stacked(_rows(fresh, sample.held_out)))


def _meanings(made: IrrepsDictionary, codes: Tensor, targets: Targets, sample: Sample, seed: int) -> list[Meaning]:
    """Rank correlations of each atom's strength with each descriptor, and what chance gives."""
    from scipy.stats import rankdata

    columns = torch.cat(
        [
            target_columns(targets, one)[sample.places[sample.places[:, 0] == number, 1]]
            for number, one in enumerate(sample.structures)
        ]
    )
    strengths, descriptors = (
        _standard(rankdata(part.numpy(), axis=0)) for part in (codes.norm(dim=2), columns)
    )  # [N, K], [N, T]
    found = strengths.T @ descriptors / len(strengths)  # [K, T]
    order = np.random.default_rng(seed).permutation(len(strengths))
    chance = float(np.abs(strengths.T @ descriptors[order] / len(strengths)).max())
    names = column_names(targets)
    return [
        Meaning(made.name(k), name, float(found[k, place]), chance)
        for k in range(len(found))
        for place, name in enumerate(names)
    ]


def _standard(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = columns - columns.mean(0)
    return centred / np.maximum(centred.std(0), 1e-300)
