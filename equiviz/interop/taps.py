"""Taps: stages set beside the modules of a foreign model, which see what those modules return.

A tap is a forward hook that lives for one call of the adapter. It hands the typed part of a module's output through a
`Stage` and puts what the stage returned back into the output, so that tools may watch, differentiate with respect to,
or replace what flows, as in a model that holds stages itself. The foreign model is never changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from equiviz.interop.errors import InteropError
from equiviz.nn.stage import Stage
from equiviz.symmetry.field import Support
from equiviz.symmetry.representations import Representation


@dataclass(frozen=True)
class Tap:
    """One typed tensor that a foreign module returns.

    Attributes:
        module: path of the module in the foreign model.
        representation: what the tensor carries; its memory layout belongs to it.
        support: what its first axis runs over.
        part: which entry of a tuple (a number) or of a dict (a key) it is; None where the module returns a tensor.
        name: of the stage; by default the path of the module, and the key where there is one.
    """

    module: str
    representation: Representation | str
    support: Support = "node"
    part: int | str | None = None
    name: str = ""

    @property
    def stage_name(self) -> str:
        """The name under which the stage is recorded."""
        return self.name or (self.module if self.part is None else f"{self.module}.{self.part}")

    def listen(self, module: nn.Module, stage: Stage) -> list[RemovableHandle]:
        """Set the stage beside the module; removing the handles takes it away again."""

        def hook(_module: nn.Module, _inputs: object, output: object) -> object:
            return self.passed(output, stage)

        return [module.register_forward_hook(hook)]

    def passed(self, output: object, stage: Stage) -> object:
        """The module's output, its typed part handed through the stage.

        Raises:
            InteropError: the output has no such part, or the part is no tensor of the declared dimension.
        """
        values = self._part(output)
        shape = _flat_shape(values.shape, stage.representation.dim)
        if shape is None:
            raise InteropError(
                f"{self.stage_name!r} is declared as {stage.representation}: {stage.representation.dim} numbers per "
                f"{stage.support}, but {self.module!r} returned a tensor of shape {list(values.shape)}. Declare it "
                "as it is."
            )
        return self._replaced(output, cast(Tensor, stage(values.reshape(shape))).reshape(values.shape))

    def _part(self, output: object) -> Tensor:
        found: object = output
        if isinstance(self.part, int) and isinstance(output, (tuple, list)) and self.part < len(output):
            found = output[self.part]
        elif isinstance(self.part, str) and isinstance(output, Mapping):
            found = output.get(self.part)
        if not isinstance(found, Tensor):
            wanted = "a tensor" if self.part is None else f"a tensor as part {self.part!r} of what it returns"
            raise InteropError(f"Expected {wanted} from {self.module!r}, got {type(output).__name__}.")
        return found

    def _replaced(self, output: object, values: Tensor) -> object:
        if isinstance(output, Mapping):
            return {**output, self.part: values}
        if isinstance(output, (tuple, list)):
            parts = [values if place == self.part else entry for place, entry in enumerate(output)]
            return parts if isinstance(output, list) else tuple(parts)
        return values


def _flat_shape(shape: torch.Size, dim: int) -> list[int] | None:
    """The shape with as many of its last axes made one as hold `dim` numbers together; None where none do."""
    starts = [start for start in range(1, len(shape)) if math.prod(shape[start:]) == dim]
    return [*shape[: starts[0]], dim] if starts else None


Planted = list[tuple[Tap, nn.Module, Stage]]


def planted(owner: nn.Module, foreign: nn.Module, taps: Iterable[Tap]) -> Planted:
    """Make the stages of all taps, as submodules of `owner` at their names' paths, so that recorders find them there.

    Raises:
        InteropError: a tap of a module that the foreign model does not have, or a name that is taken.
    """
    known = dict(foreign.named_modules())
    made: Planted = []
    # A module and its own parts may both be tapped: the outer stage comes first, and holds the inner ones.
    for tap in sorted(taps, key=lambda tap: tap.stage_name.count(".")):
        if tap.module not in known:
            raise InteropError(
                f"{type(foreign).__name__} has no module {tap.module!r} to look at; it has "
                f"{', '.join(name for name in list(known)[1:13])} ..."
            )
        stage = Stage(tap.representation, tap.support)
        _nest(owner, tap.stage_name, stage)
        made.append((tap, known[tap.module], stage))
    return made


@contextmanager
def listening(taps: Planted) -> Generator[None]:
    """Attach all taps to the foreign model; detach at the end, always."""
    with ExitStack() as stack:
        for tap, module, stage in taps:
            for handle in tap.listen(module, stage):
                stack.callback(handle.remove)
        yield


def _nest(owner: nn.Module, path: str, stage: Stage) -> None:
    *folders, last = path.split(".")
    for folder in folders:
        inner = dict(owner.named_children()).get(folder)
        if inner is None:
            inner = _added(owner, folder, nn.Module(), path)
        owner = inner
    _added(owner, last, stage, path)


def _added(owner: nn.Module, name: str, module: nn.Module, path: str) -> nn.Module:
    if not name or hasattr(owner, name):
        raise InteropError(f"A stage cannot be called {path!r}: the name {name!r} is taken. Give the tap another name.")
    owner.add_module(name, module)
    return module


def e3nn_taps(foreign: nn.Module, support: Callable[[str], Support], also: Collection[str] = frozenset()) -> list[Tap]:
    """Taps of all modules of e3nn itself: each declares `irreps_out`, and returns one tensor that carries them.

    Args:
        foreign: the model.
        support: what the rows of a module's output are, by the module's path.
        also: names of classes outside of e3nn of which the same is true.
    """
    taps: list[Tap] = []
    for name, module in foreign.named_modules():
        irreps: object = getattr(module, "irreps_out", None)
        ours = type(module).__name__ in also or any(
            kind.__module__.startswith("e3nn.") for kind in type(module).__mro__
        )
        if name and ours and getattr(irreps, "dim", 0) > 0:
            taps.append(Tap(name, str(irreps), support(name)))
    return taps
