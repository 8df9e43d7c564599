"""Clebsch-Gordan paths: a product of typed tensors is a sum over paths l1 x l2 -> l3, each of which can be told apart.

The contract has three methods (`SumOfPaths`). A block of the project declares them itself; for e3nn's products they
follow from the instructions (`equiviz.nn.e3nn_paths`). Tools take both from `paths_of`, and know neither.

Example:
    >>> found = paths_of(model)  # doctest: +SKIP
    >>> product = found["layers.0.product"]  # doctest: +SKIP
    >>> [str(path) for path in product.paths]  # doctest: +SKIP
    ['0e x 0e -> 0e', '0e x 1o -> 1o', '1o x 1o -> 0e']
    >>> only_last = product.restricted([2], x, y, weight)  # in the shape of the whole  # doctest: +SKIP
    >>> gates = torch.ones(3, requires_grad=True)  # doctest: +SKIP
    >>> with gated(model, {"layers.0.product": gates}):  # doctest: +SKIP
    ...     energy = model(graph)["energy"].values.sum()
    >>> torch.autograd.grad(energy, gates)  # for each path: gradient times its output, summed  # doctest: +SKIP

Shapes: P paths of one module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast, runtime_checkable

import torch
from torch import Tensor, nn

from equiviz.nn.e3nn_paths import E3nnPaths, is_tensor_product
from equiviz.nn.errors import ModelError
from equiviz.nn.product_path import ProductPath
from equiviz.symmetry.representations import Representation

Output: TypeAlias = "Tensor | list[Tensor] | dict[int, Tensor]"
"""What a module that is a sum of paths returns: one tensor, or several by place or by degree."""


@runtime_checkable
class SumOfPaths(Protocol):
    """What a module declares whose output is a sum over paths, for fixed inputs. The contract of this file."""

    def product_paths(self) -> Sequence[ProductPath]:
        """The P paths, in an order that does not change."""
        ...

    def along(self, gates: Tensor, *inputs: object, **named: object) -> Output:
        """The output with path p multiplied by ``gates[p]``: linear and differentiable in the gates, of shape ``[P]``.

        The inputs are those of `forward`, and so are type and shapes of the output. With gates of one it equals
        `forward` to rounding; therefore the single paths add up to the whole. Hooks on the module do not run.
        """
        ...

    def representations_of(self, output: Output) -> list[Representation]:
        """What each tensor of an output carries on its axes after the first, flattened to one; in their order."""
        ...


@dataclass(frozen=True, eq=False)
class PathSum:
    """A module that is a sum of paths, as `paths_of` finds it.

    Attributes:
        name: path of the module in the model: ``model.get_submodule(name)``.
        module: it.
        contract: who answers for it: the module itself, or an adapter.
        paths: its paths, in the order of gates.
    """

    name: str
    module: nn.Module
    contract: SumOfPaths
    paths: tuple[ProductPath, ...]

    def along(self, gates: Tensor, *inputs: object, **named: object) -> Output:
        """As `SumOfPaths.along`.

        Raises:
            ModelError: gates of another shape than ``[P]``.
        """
        if tuple(gates.shape) != (len(self.paths),):
            raise ModelError(
                f"{self.name!r} is a sum of {len(self.paths)} paths: expected gates of shape [{len(self.paths)}], got "
                f"{list(gates.shape)}."
            )
        return self.contract.along(gates, *inputs, **named)

    def restricted(self, chosen: Collection[int], *inputs: object, **named: object) -> Output:
        """The output of some paths alone, by their places in `paths`; the rest counts as zero.

        Raises:
            ModelError: a place that no path has.
        """
        unknown = sorted(place for place in chosen if not 0 <= place < len(self.paths))
        if unknown:
            raise ModelError(
                f"{self.name!r} has no path {unknown[0]}: its {len(self.paths)} paths count from 0. They are "
                f"{', '.join(map(str, self.paths))}."
            )
        gates = torch.zeros(len(self.paths), dtype=_dtype(inputs))
        gates[list(chosen)] = 1
        return self.along(gates, *inputs, **named)

    def each(self, *inputs: object, **named: object) -> list[Output]:
        """The output of every path alone, in the order of `paths`; they add up to the whole."""
        return [self.restricted([place], *inputs, **named) for place in range(len(self.paths))]

    def representations_of(self, output: Output) -> list[Representation]:
        """As `SumOfPaths.representations_of`."""
        return self.contract.representations_of(output)


Rerouting: TypeAlias = "Callable[[PathSum, tuple[object, ...], dict[str, object], Output], Output | None]"
"""Given a product, its inputs by place and by name, and its output: what should flow on instead, or None."""


def paths_of(model: nn.Module) -> dict[str, PathSum]:
    """Every module of a model that is a sum of paths, by its path in the model, in the order of registration.

    Those are modules that declare `SumOfPaths`, and e3nn's `o3.TensorProduct` with its subclasses, wherever they stand,
    in foreign models too. Modules that were compiled to TorchScript have lost their instructions, and are not found.
    """
    found = ((name, module, _contract(module)) for name, module in model.named_modules())
    return {
        name: PathSum(name, module, contract, tuple(contract.product_paths()))
        for name, module, contract in found
        if contract is not None
    }


@contextmanager
def rerouted(paths: Collection[PathSum], change: Rerouting) -> Generator[None]:
    """While it lasts, what leaves these modules is handed to `change`, which may put something else in its place.

    A module that runs several times in one forward is asked each time.
    """
    handles = [one.module.register_forward_hook(_hook(one, change), with_kwargs=True) for one in paths]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def gated(model: nn.Module, gates: Mapping[str, Tensor]) -> Generator[None]:
    """While it lasts, the paths of the named modules are multiplied by their gates, each of shape ``[P]``.

    Raises:
        ModelError: a name that `paths_of` does not find.
    """
    found = paths_of(model)
    unknown = sorted(set(gates) - set(found))
    if unknown:
        raise ModelError(f"No product of typed tensors at {unknown[0]!r}; there are {', '.join(found) or 'none'}.")

    def change(one: PathSum, inputs: tuple[object, ...], named: dict[str, object], _: Output) -> Output:
        return one.along(gates[one.name], *inputs, **named)

    with rerouted([found[name] for name in gates], change):
        yield


def tensors_of(output: Output) -> list[Tensor]:
    """The tensors of an output, in the order of `SumOfPaths.representations_of`."""
    if isinstance(output, Tensor):
        return [output]
    return list(output.values()) if isinstance(output, Mapping) else list(output)


def with_tensors(output: Output, tensors: Sequence[Tensor]) -> Output:
    """An output of the same form that holds other tensors."""
    if isinstance(output, Tensor):
        return tensors[0]
    return dict(zip(output, tensors, strict=True)) if isinstance(output, Mapping) else list(tensors)


def _contract(module: nn.Module) -> SumOfPaths | None:
    if isinstance(module, SumOfPaths):
        return module
    return E3nnPaths(module) if is_tensor_product(module) else None


def _hook(one: PathSum, change: Rerouting) -> Callable[..., object]:
    def hook(_: nn.Module, inputs: tuple[object, ...], named: dict[str, object], output: object) -> object:
        return change(one, inputs, named, cast(Output, output))

    return hook


def _dtype(inputs: Sequence[object]) -> torch.dtype:
    floating = [one.dtype for one in inputs if isinstance(one, Tensor) and one.is_floating_point()]
    return floating[0] if floating else torch.get_default_dtype()
