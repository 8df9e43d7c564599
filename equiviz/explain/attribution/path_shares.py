"""Sharing a prediction out among the Clebsch-Gordan paths (l1 x l2 -> l3) of a model's products.

Every path of every product gets a gate; all gates open together from 0 to 1, and integrated gradients by the gates,
    a_p = integral over t from 0 to 1 of  df/dgate_p (t, ..., t)
sum up to the prediction minus that with all products shut.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from equiviz.explain.attribution.question import Question
from equiviz.explain.attribution.slopes import no_gradient
from equiviz.explain.errors import AttributionError
from equiviz.explain.finite import refuse_answers
from equiviz.features.capture import record
from equiviz.features.model_input import ModelInput
from equiviz.features.model_state import untouched
from equiviz.nn.equivariant_model import title_of
from equiviz.nn.product_path import ProductPath
from equiviz.nn.product_paths import PathSum, gated, paths_of


@dataclass(frozen=True)
class PathShare:
    """What one path carries.

    Attributes:
        module: path of the product in the model.
        path: which of its paths.
        score: in the unit of the prediction.
    """

    module: str
    path: ProductPath
    score: float


@dataclass(frozen=True)
class PathScores:
    """All shares, and the prediction with all products open and shut."""

    shares: list[PathShare]
    value: float
    baseline: float


def path_scores(model: nn.Module, question: Question, taken: ModelInput, steps: int) -> PathScores:
    """Share the answer out among all paths, by Gauss-Legendre quadrature with `steps` points.

    Raises:
        AttributionError: the model has no product of typed tensors, or no gradient reaches one.
    """
    products = {name: found for name, found in paths_of(model).items() if found.paths}
    if not products:
        raise AttributionError(
            f"{title_of(model)} has no product of typed tensors whose paths could be told apart: no e3nn tensor "
            "product, and no module that declares `SumOfPaths` (equiviz/nn/product_paths.py)."
        )
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    sums = {name: torch.zeros(len(found.paths), dtype=torch.float64) for name, found in products.items()}
    with untouched(model):
        model.eval()
        for place, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            for name, slope in _slopes(model, question, taken, products, float(place)).items():
                sums[name] += weight * slope
        ends = [_at(model, question, taken, products, place) for place in (1.0, 0.0)]
    refuse_answers(torch.tensor(ends), AttributionError, "with products shut")
    shares = [
        PathShare(name, path, score)
        for name, found in products.items()
        for path, score in zip(found.paths, sums[name].tolist(), strict=True)
    ]
    return PathScores(shares, *ends)


def _slopes(
    model: nn.Module, question: Question, taken: ModelInput, products: dict[str, PathSum], place: float
) -> dict[str, Tensor]:
    """The gradient by every gate, all being as far open as `place`."""
    gates = _gates(model, products, place)
    with torch.enable_grad(), gated(model, gates):
        answer = question.values(record(model, taken, keep_graph=True)).sum()
    slopes = torch.autograd.grad(answer, list(gates.values()), allow_unused=True) if answer.requires_grad else [None]
    found = {n: s.double() for n, s in zip(gates, slopes, strict=False) if s is not None}
    if not found:
        raise no_gradient(model, "a product of typed tensors")
    return found


def _at(model: nn.Module, question: Question, taken: ModelInput, products: dict[str, PathSum], place: float) -> float:
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(gated(model, _gates(model, products, place)))
        return float(question.values(record(model, taken)).sum())


def _gates(model: nn.Module, products: dict[str, PathSum], place: float) -> dict[str, Tensor]:
    floating = [value.dtype for value in model.parameters() if value.is_floating_point()]
    dtype = floating[0] if floating else torch.get_default_dtype()
    return {
        name: torch.full((len(found.paths),), place, dtype=dtype, requires_grad=True)
        for name, found in products.items()
    }
