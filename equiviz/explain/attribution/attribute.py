"""`attribute(model, x)`: who is responsible for this prediction?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args, overload

import torch
from torch import nn

from equiviz.equivariance.late_bar import counting_runs
from equiviz.explain.attribution.attribution import Attribution
from equiviz.explain.attribution.inner_attribution import PathAttribution, StageAttribution
from equiviz.explain.attribution.methods import Effort, PlayersName
from equiviz.explain.attribution.methods import method as method_named
from equiviz.explain.attribution.path_shares import path_scores
from equiviz.explain.attribution.quality import quality
from equiviz.explain.attribution.question import Question
from equiviz.explain.attribution.relevance import relevance
from equiviz.explain.attribution.shares import Asked
from equiviz.explain.attribution.stage_shares import stage_scores
from equiviz.explain.errors import AttributionError
from equiviz.explain.outputs import At, Component
from equiviz.features.capture import record
from equiviz.features.model_input import Given, ModelInput, measured, prepared
from equiviz.features.model_state import untouched
from equiviz.nn.equivariant_model import title_of
from equiviz.structures.graph import Graph
from equiviz.structures.typed_tensors import TypedTensors

To: TypeAlias = Literal["edges", "positions", "stages", "paths"]
INSIDE = ("integrated_gradients", "relevance")
PATH_POINTS = 16  # of Gauss and Legendre: products are polynomials of their gates
ORIGIN = (
    "Attribution by positions depends on where the origin of coordinates is: shift the structure, and input x gradient "
    "changes, though the prediction does not. Edge vectors (to='edges') do not know of an origin."
)


@overload
def attribute(
    model: nn.Module,
    x: Given,
    *,
    output: str | None = None,
    at: At = None,
    component: Component = None,
    method: str = "integrated_gradients",
    to: Literal["edges", "positions"] = "edges",
    players: PlayersName | None = None,
    steps: int = 64,
    samples: int = 25,
    seed: int = 0,
    rotations: int = 1,
    progress: bool = True,
) -> Attribution: ...


@overload
def attribute(
    model: nn.Module,
    x: Given,
    *,
    output: str | None = None,
    at: At = None,
    component: Component = None,
    method: str = "integrated_gradients",
    to: Literal["stages"],
    steps: int = 64,
    progress: bool = True,
) -> StageAttribution: ...


@overload
def attribute(
    model: nn.Module,
    x: Given,
    *,
    output: str | None = None,
    at: At = None,
    component: Component = None,
    method: str = "integrated_gradients",
    to: Literal["paths"],
    steps: int = 64,
    progress: bool = True,
) -> PathAttribution: ...


def attribute(
    model: nn.Module,
    x: Given,
    *,
    output: str | None = None,
    at: At = None,
    component: Component = None,
    method: str = "integrated_gradients",
    to: To = "edges",
    players: PlayersName | None = None,
    steps: int = 64,
    samples: int = 25,
    seed: int = 0,
    rotations: int = 1,
    progress: bool = True,
) -> Attribution | StageAttribution | PathAttribution:
    """Share one number that a model predicts out among edges, atoms, and the irreps of what it reads.

    By default integrated gradients along a path that pulls every neighbour out to the cutoff, in its own direction, so
    that the baseline is an atom alone; typed attributes go to zero along with it. Scores do not depend on the origin of
    coordinates, and turn along with the input.

    Example:
        >>> attribute(model, molecule)  # of an energy of the whole  # doctest: +SKIP
        >>> attribute(model, molecule, at="all")  # of energies per atom, their sum  # doctest: +SKIP
        >>> attribute(model, glass, output="propensity", at=17)  # of one particle  # doctest: +SKIP

    Args:
        model: anything that `equiviz.capture` takes.
        x: one structure, as `capture` takes it, or what else the model reads, such as a hologram.
        output: name of the output (or of a stage); by default the first that no rotation changes, or the first.
        at: number of the node that is asked about, or "all" for the sum. An output per node (or edge) needs it, also an
            energy that the model gives per atom: nothing is summed unasked. Not needed where there is one row.
        component: which component of the output, or "norm"; by default the norm of one that turns.
        method: "integrated_gradients", "saliency", "input_x_gradient", "smooth_gradient"; "relevance" (layer-wise
            relevance propagation, of products on edges); or, without gradients, "occlusion" (each bond taken away
            alone), "ablation" (each atom), "shapley".
        to: "edges"; "stages": among the irreps of every stage; "paths": among the Clebsch-Gordan paths of all products
            (both by "integrated_gradients" or "relevance"); or "positions", with a warning.
        players: "bonds" or "atoms": what the last three methods take away.
        steps: of the path.
        samples: noisy copies of "smooth_gradient", permutations of "shapley".
        seed: of both, and of the rotations.
        rotations: how many turned inputs are explained too, to see whether the explanation turns along; 0 saves time.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.

    Raises:
        AttributionError: no such output, row, component or method; several structures; no edges; no gradients.
        CaptureError: as `equiviz.capture`.
    """
    _refuse_effort(steps, samples, rotations)
    taken = one_input(model, x)
    chosen = method_named(method)
    if to not in get_args(To):
        raise AttributionError(f"Expected to= one of {', '.join(get_args(To))}, got {to!r}.")
    if to in ("stages", "paths"):
        with counting_runs(model, "attributing", progress=progress):
            return _inside(model, taken, question_of(model, taken, output, at, component), method, to, steps)
    if to == "positions":
        _refuse_without_positions(taken)
        warnings.warn(ORIGIN, stacklevel=2)
    question = question_of(model, taken, output, at, component)
    asked = Asked(model, question, chosen, players, Effort(steps, samples, seed), to == "positions")
    with counting_runs(model, "attributing", progress=progress):
        shares = asked.shares(taken)
        trusted = quality(asked, taken, shares, rotations)
    return Attribution(title_of(model), str(question), chosen.title, chosen.complete, taken, shares, trusted)


def _refuse_without_positions(taken: ModelInput) -> None:
    if isinstance(taken, TypedTensors):
        raise AttributionError(
            f"Expected a structure, whose points have positions, for to='positions', got a {type(taken).__name__}: "
            "to='edges' shares a prediction out among the rows and irreps of what it holds."
        )


def _refuse_effort(steps: int, samples: int, rotations: int) -> None:
    if steps < 1 or samples < 1 or rotations < 0:
        raise AttributionError(
            f"Expected at least one step, one sample, and no negative number of rotations, got steps={steps}, "
            f"samples={samples}, rotations={rotations}."
        )


def _inside(
    model: nn.Module, taken: ModelInput, question: Question, method: str, to: To, steps: int
) -> StageAttribution | PathAttribution:
    """The shares of stages or paths."""
    if method not in INSIDE:
        raise AttributionError(
            f"Inside a model predictions are shared out by {' or '.join(INSIDE)}, not by {method!r}."
        )
    called = title_of(model), str(question), method_named(method).title
    if method == "relevance":
        flown = relevance(model, question, taken)
        if to == "stages":
            return StageAttribution(*called, flown.stages, flown.value, flown.silent)
        return PathAttribution(*called, flown.paths, flown.value, 0.0)
    if to == "stages":
        found = stage_scores(model, question, taken, steps)
        return StageAttribution(*called, found.shares, found.value - found.baseline, found.silent)
    gone = path_scores(model, question, taken, min(steps, PATH_POINTS))
    return PathAttribution(*called, gone.shares, gone.value, gone.baseline)


def one_input(model: nn.Module, x: Given) -> ModelInput:
    """What the model takes, of one structure. Raises AttributionError for several."""
    taken = prepared(model, measured(model, x))
    several = len(taken) if isinstance(taken, Sequence) else taken.n_graphs if isinstance(taken, Graph) else 1
    if several != 1:
        raise AttributionError(f"Expected one structure at a time, got {several}: loop over them.")
    return taken


def question_of(model: nn.Module, taken: ModelInput, output: str | None, at: At, component: Component) -> Question:
    """The number that is asked about, of a model's outputs for this input; errors as `Question.of`."""
    with untouched(model), torch.no_grad():
        model.eval()
        return Question.of(record(model, taken), output, at, component, AttributionError)
