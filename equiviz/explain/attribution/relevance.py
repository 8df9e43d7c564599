"""Layer-wise relevance propagation for networks of tensor products.

Relevance (Bach et al., PLoS ONE 10, e0130140 (2015)) flows from the prediction back to every stage, and what flows in
flows out. Written as gradient x input under other rules of differentiation (Achtibat et al., arXiv 2402.05602):

- linear maps: as they are (the rule LRP-0);
- a Clebsch-Gordan product of features with something else (harmonics of an edge times radial weights, gates): all to
  the features, the rest counts as constant, as filters do (Schnake et al., arXiv 2006.03589); of features with
  themselves or with other features, half to either factor. What counts as features is the first factor, and the second
  if a product made it: what the whole prediction rests on must not depend on which of two factors stands first;
- an activation: what it does to its input counts as a constant factor, x * (act(x) / x); a sigmoid or a softmax is a
  gate, and constant.

Of a product the relevance is split along its paths exactly, since its output is their sum. What biases take is lost:
the reports tell how much is conserved.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from equiviz.explain.attribution.path_shares import PathShare
from equiviz.explain.attribution.question import Question
from equiviz.explain.attribution.slopes import no_gradient, slopes_by
from equiviz.explain.attribution.stage_shares import StageShare
from equiviz.explain.outputs import OUTPUT
from equiviz.features.capture import record
from equiviz.features.model_input import ModelInput, sizes
from equiviz.features.model_state import untouched
from equiviz.features.precision import wide
from equiviz.nn.product_paths import Output, PathSum, paths_of, rerouted
from equiviz.symmetry.field import Field
from equiviz.symmetry.invariants import copies_of

_SCALING = {
    torch.nn.functional.silu, torch.nn.functional.relu, torch.nn.functional.gelu, torch.nn.functional.elu,
    torch.nn.functional.leaky_relu, torch.nn.functional.softplus, torch.relu, torch.tanh, torch.Tensor.tanh,
    torch.Tensor.relu, torch.relu_, torch.nn.functional.tanh,
}  # fmt: skip
_GATES = {
    torch.sigmoid, torch.Tensor.sigmoid, torch.nn.functional.sigmoid, torch.softmax, torch.Tensor.softmax,
    torch.nn.functional.softmax,
}  # fmt: skip
SMALL = 1e-12


@dataclass(frozen=True, eq=False)
class Relevance:
    """Relevance of stages and of paths.

    Attributes:
        stages: by stage and irrep, ``[R, mul]`` each.
        paths: by product and path.
        messages: of products that run once for each edge, the relevance of each edge's message, ``[E]`` by product.
        value: the prediction, which each layer's relevance sums up to as far as biases take none of it.
        silent: stages through which no relevance flows.
    """

    stages: list[StageShare]
    paths: list[PathShare]
    messages: dict[str, Tensor]
    value: float
    silent: list[str]


def relevance(model: nn.Module, question: Question, taken: ModelInput) -> Relevance:
    """Propagate the prediction back through a model, in one forward and one backward pass.

    Raises:
        AttributionError: no gradient reaches any stage or product.
    """
    products = {name: found for name, found in paths_of(model).items() if found.paths}
    passes: list[_Pass] = []
    with untouched(model), torch.enable_grad():
        model.eval()
        with _rules(products, passes):
            run = record(model, taken, keep_graph=True)
            answer = question.values(run).sum()
    fields = {name: f for name, f in run.items() if not name.startswith(OUTPUT) and f.values.requires_grad}
    wanted = [field.values for field in fields.values()] + [one.gate for one in passes] + [one.out for one in passes]
    slopes = slopes_by(wanted, answer)
    if all(slope is None for slope in slopes):
        raise no_gradient(model, "a stage or product")
    of_stages = dict(zip(fields, slopes, strict=False))
    of_gates, of_outs = slopes[len(fields) :][: len(passes)], slopes[len(fields) + len(passes) :]
    edges = _edges(taken)
    return Relevance(
        [
            share
            for name, slope in of_stages.items()
            if slope is not None
            for share in _shares(name, fields[name], slope)
        ],
        [share for name, found in products.items() for share in _of_paths(name, found, passes, of_gates)],
        {
            one.name: (one.out * slope).detach().double().flatten(1).sum(1)
            for one, slope in zip(passes, of_outs, strict=True)
            if slope is not None and len(one.out) == edges
        },
        float(answer.detach()),
        [name for name, slope in of_stages.items() if slope is None],
    )


def _edges(taken: ModelInput) -> int | None:
    """How many rows a message has; None where as many rows could be something else."""
    counted = sizes(taken)
    return None if counted.edge is None or counted.supports_of(counted.edge) != ["edge"] else counted.edge


@dataclass(frozen=True, eq=False)
class _Pass:
    """One run of a product: its gates, and its output if that is one tensor (else an empty one)."""

    name: str
    gate: Tensor
    out: Tensor


def _shares(name: str, found: Field, slope: Tensor | None) -> list[StageShare]:
    if slope is None:
        return []
    rep, values = found.representation, wide(found.values.detach())
    return [
        StageShare(name, label, found.support, copies.flatten(1))
        for label in rep.labels()
        for copies in [(copies_of(wide(slope), rep, label).conj() * copies_of(values, rep, label)).sum(-1).real]
    ]


def _of_paths(name: str, found: PathSum, passes: Sequence[_Pass], slopes: Sequence[Tensor | None]) -> list[PathShare]:
    """A product that runs several times in one pass has its passes summed."""
    pairs = zip(passes, slopes, strict=True)
    own = [slope.double() for one, slope in pairs if one.name == name and slope is not None]
    total = torch.stack(own).sum(0) if own else torch.zeros(len(found.paths))
    return [PathShare(name, path, score) for path, score in zip(found.paths, total.tolist(), strict=True)]


@contextmanager
def _rules(products: Mapping[str, PathSum], passes: list[_Pass]) -> Generator[None]:
    """Other rules of differentiation, for the time of a forward pass."""

    def change(one: PathSum, inputs: tuple[object, ...], named: dict[str, object], out: Output) -> Output:
        gate = torch.ones(len(one.paths), dtype=_dtype(inputs), requires_grad=True)
        held = {key: _constant(value) for key, value in named.items()}
        found = one.along(gate, *_factors(inputs, [earlier.gate for earlier in passes]), **held)
        passes.append(_Pass(one.name, gate, found if isinstance(found, Tensor) else gate[:0, None]))
        return found

    with rerouted(list(products.values()), change), _Activations():
        yield


def _factors(inputs: Sequence[object], gates: Sequence[Tensor]) -> list[object]:
    """The inputs of a product with the gradients that its rule lets through; `gates` of the products before it."""
    first, *rest = inputs
    if not any(isinstance(value, Tensor) and value.is_floating_point() for value in rest):
        return [_halved(first), *rest]  # features with themselves
    second, *others = rest
    if isinstance(second, Tensor) and _made_by(second, gates):
        return [_halved(first), _halved(second), *map(_constant, others)]
    return [first, *map(_constant, rest)]


def _made_by(value: Tensor, gates: Sequence[Tensor]) -> bool:
    """Whether a tensor depends on any of these leaves, by the graph of its derivatives.

    Weights that may or may not want gradients say nothing about it; the gates of products always do.
    """
    wanted = {id(gate) for gate in gates}
    waiting, known = [value.grad_fn], set[object]()
    while waiting:
        node = waiting.pop()
        if node is None or node in known:
            continue
        known.add(node)
        if id(getattr(node, "variable", None)) in wanted:
            return True
        waiting += [before for before, _ in node.next_functions]
    return False


def _constant(value: object) -> object:
    return value.detach() if isinstance(value, Tensor) else value


def _halved(value: object) -> object:
    """The same values, through which half of the gradient flows: of x * x, either factor gets half."""
    if isinstance(value, Tensor):
        return value.detach() + 0.5 * (value - value.detach())
    if isinstance(value, dict):
        return {key: _halved(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_halved(entry) for entry in value]
    return value


def _dtype(inputs: Sequence[object]) -> torch.dtype:
    flat = [v for value in inputs for v in (value.values() if isinstance(value, dict) else [value])]
    floating = [value.dtype for value in flat if isinstance(value, Tensor) and value.is_floating_point()]
    return floating[0] if floating else torch.get_default_dtype()


@dataclass
class _Activations(TorchFunctionMode):
    """Activations as constant factors, sigmoids as constants."""

    inside: bool = field(default=False)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self, func: Callable[..., object], types: object, args: Sequence[object] = (), kwargs: object = None
    ) -> object:
        named: dict[str, object] = kwargs if isinstance(kwargs, dict) else {}
        x = args[0] if args else None
        if func not in _SCALING | _GATES or not isinstance(x, Tensor) or not x.requires_grad:
            return func(*args, **named)
        before = x.clone()  # some activations work in place
        out = func(*args, **named)
        assert isinstance(out, Tensor)
        if func in _GATES:
            return out.detach()
        safe = torch.where(before.abs() < SMALL, torch.full_like(before, SMALL), before)
        return before * (out / safe).detach()
