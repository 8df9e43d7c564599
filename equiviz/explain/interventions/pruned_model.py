"""A model without some parts, for good: smaller products where e3nn made them, masks where nothing can be made smaller.

A tensor product of e3nn is built again without the instructions of its pruned paths, with the weights of the others: it
holds less and runs faster. A stage, and a block that is not e3nn's, is masked: a hook of the copy sets parts to zero.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.parts import Part
from equiviz.nn.e3nn_paths import E3nnPaths
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.product_paths import Output, PathSum, paths_of

if TYPE_CHECKING:
    from collections.abc import Callable


class Mask:
    """A forward hook that stays: some components of what leaves a module are zero."""

    def __init__(self, columns: Tensor, dim: int) -> None:
        self.closed = torch.zeros(dim, dtype=torch.bool)  # [dim]
        self.closed[columns] = True

    def __call__(self, module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        """The output, of the same shape; its last axes hold `dim` numbers."""
        closed = self.closed.to(output.device)
        if output.shape[-1] == len(closed):
            return output.masked_fill(closed, 0)
        return output.flatten(1).masked_fill(closed, 0).reshape(output.shape)


class ClosedPaths:
    """A forward hook that stays: some paths of a block count as zero."""

    def __init__(self, one: PathSum, places: Collection[int]) -> None:
        self.gates = torch.ones(len(one.paths))
        self.gates[list(places)] = 0

    def __call__(self, module: nn.Module, inputs: tuple[object, ...], named: dict[str, object], _: object) -> Output:
        """The output without them."""
        return paths_of(module)[""].along(self.gates, *inputs, **named)


class PrunedProduct(nn.Module):
    """An `o3.TensorProduct` with fewer paths; it is called as the one in whose place it stands.

    Weights that it is handed are still those of all paths: it takes its own from among them. What makes them (a radial
    network) keeps its size.

    Args:
        one: the product as it was.
        kept: places of the paths that stay.
    """

    def __init__(self, one: PathSum, kept: Sequence[int]) -> None:
        super().__init__()
        original = one.module
        self.product = E3nnPaths(original).kept(kept)
        self.signature = inspect.signature(original.forward)
        self.irreps_in1, self.irreps_in2 = original.irreps_in1, original.irreps_in2
        self.irreps_out, self.weight_numel = original.irreps_out, original.weight_numel
        counts = [path.weights for path in one.paths]
        every = torch.arange(sum(counts)).split(counts)
        own = torch.cat([torch.zeros(0, dtype=torch.long), *(every[place] for place in kept)])
        self.register_buffer("own", own, persistent=False)
        held = cast(Tensor, original.weight)
        trained = isinstance(held, nn.Parameter)
        self.weight = nn.Parameter(held.detach()[own], held.requires_grad) if trained else None
        self.train(original.training)

    def forward(self, *inputs: object, **named: object) -> Tensor:
        """As the original."""
        called = self.signature.bind(*inputs, **named)
        weight = cast("Tensor | list[Tensor] | None", called.arguments.pop("weight", None))
        taken = [cast(Tensor, value) for value in called.arguments.values()]
        return self.product(taken[0], taken[-1], self._chosen(weight, taken[0]))

    def _chosen(self, weight: Tensor | list[Tensor] | None, like: Tensor) -> Tensor:
        if isinstance(weight, list):
            weight = torch.cat([one.flatten(-1) if one.ndim == 1 else one.flatten(1) for one in weight], -1)
        if weight is not None:
            return weight.index_select(-1, cast(Tensor, self.own))
        return like.new_zeros(0) if self.weight is None else self.weight


def without_parts(model: nn.Module, parts: Sequence[Part], dims: Mapping[str, int]) -> tuple[nn.Module, Rebuilt]:
    """A copy of a model in which these parts are zero.

    Args:
        model: left as it is.
        parts: of stages, or paths.
        dims: how many components each of their stages has.

    Returns:
        the copy; and by product what was built again, as paths before and after.

    Raises:
        InterventionError: a stage that is passed several times, of which not all passes are among the parts.
    """
    made = copied(model)
    observed = made.observed if isinstance(made, EquivariantModel) else made
    columns: dict[str, list[Tensor]] = {}
    places: dict[str, list[int]] = {}
    for part in parts:
        if part.path is None:
            columns.setdefault(part.stage, []).append(part.columns)
        else:
            places.setdefault(part.stage, []).append(part.path)
    for name, closed in columns.items():
        module = observed if name == "output" else observed.get_submodule(name)
        module.register_forward_hook(Mask(torch.cat(closed), dims[name]))
    return without_paths(made, places)


Rebuilt = dict[str, tuple[int, int]]


def without_paths(model: nn.Module, places: Mapping[str, Collection[int]]) -> tuple[nn.Module, Rebuilt]:
    """The model itself, changed: products of e3nn are built again without these paths; other blocks close them."""
    found, rebuilt = paths_of(model), Rebuilt()
    for name, closed in places.items():
        one = found[name]
        if not isinstance(one.contract, E3nnPaths):
            one.module.register_forward_hook(ClosedPaths(one, closed), with_kwargs=True)
            continue
        kept = [place for place in range(len(one.paths)) if place not in closed]
        model = _exchanged(model, name, PrunedProduct(one, kept))
        rebuilt[name] = len(one.paths), len(kept)
    return model, rebuilt


def copied(model: nn.Module) -> nn.Module:
    """A deep copy; hooks that tools left go with it.

    Raises:
        InterventionError: a model that cannot be copied.
    """
    try:
        return copy.deepcopy(model)
    except Exception as problem:
        raise InterventionError(
            f"{type(model).__name__} cannot be copied ({type(problem).__name__}: {problem}), so no pruned model can be "
            "made of it."
        ) from problem


def _exchanged(model: nn.Module, name: str, other: nn.Module) -> nn.Module:
    """Put another module at a path; the hooks of the old one go along."""
    _take_hooks(model.get_submodule(name), other)
    if not name:
        return other
    parent, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(parent), leaf, other)
    return model


def _take_hooks(old: nn.Module, new: nn.Module) -> None:
    """All hooks of calls and of gradients, in their order, as they were registered."""
    with_named, always = _table(old, "_forward_hooks_with_kwargs"), _table(old, "_forward_hooks_always_called")
    for key, hook in _table(old, "_forward_hooks").items():
        new.register_forward_hook(hook, with_kwargs=key in with_named, always_call=key in always)
    with_named = _table(old, "_forward_pre_hooks_with_kwargs")
    for key, hook in _table(old, "_forward_pre_hooks").items():
        new.register_forward_pre_hook(hook, with_kwargs=key in with_named)
    for hook in _table(old, "_backward_pre_hooks").values():
        new.register_full_backward_pre_hook(hook)
    full = getattr(old, "_is_full_backward_hook", None) is not False
    for hook in _table(old, "_backward_hooks").values():
        (new.register_full_backward_hook if full else new.register_backward_hook)(hook)


def _table(module: nn.Module, name: str) -> dict[int, Callable[..., None]]:
    """One of the tables in which PyTorch keeps hooks and their flags, by number."""
    return getattr(module, name, {})
