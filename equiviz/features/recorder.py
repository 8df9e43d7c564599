"""Hooks on typed modules, for the time of one forward pass."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from equiviz.features.errors import CaptureError
from equiviz.features.model_input import Sizes
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.stage import Stage, Support
from equiviz.symmetry.errors import EquivizError
from equiviz.symmetry.field import Field
from equiviz.symmetry.representation_text import representation
from equiviz.symmetry.representations import Representation

Hook = Callable[[nn.Module, object, object], object]
Replacement = Callable[[str, Field], "Field | None"]
"""Given a stage's name and its field: the field that should flow on in its place, or None."""


class _DeclaresOutput(Protocol):
    irreps_out: object


@dataclass
class Recorder:
    """Collects the fields that pass through a model's typed modules, in the order in which they pass.

    Attributes:
        sizes: of the input, to infer where untyped tensors live.
        supports: support by stage name, where the user states it.
        keep_graph: record the very tensors of the autograd graph, instead of detached copies.
        replace: what flows on from each stage, after it was recorded; None lets everything flow as it is.
        followed: whether slopes that the model takes itself (forces) follow what `replace` makes of the values, which
            it is then handed on the autograd graph; else new values have the slopes of the old ones.
        fields: what passed, by stage name; a stage that is passed again is called ``name#2``.
        skipped: modules whose output could not be typed, and stages through which nothing passed, and why.
    """

    sizes: Sizes
    supports: Mapping[str, Support]
    keep_graph: bool = False
    replace: Replacement | None = None
    followed: bool = False
    fields: dict[str, Field] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def listening(self, model: nn.Module) -> Generator[None]:
        """Attach to the model's stages, or, where it declares none, to its e3nn modules; detach at the end, always."""
        handles = [module.register_forward_hook(hook) for module, hook in self._hooks(model)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
        self._note_silent_stages(model)

    def _note_silent_stages(self, model: nn.Module) -> None:
        for name, module in _observed(model).named_modules():
            if isinstance(module, Stage) and name not in self.fields:
                self.skipped[name] = "it is declared, but no tensor passed through it: call it in forward"

    def record(self, name: str, found: Field) -> Tensor | None:
        """Keep one field: as it is, or a detached copy (a later in-place operation must not change the record).

        Returns:
            what should flow on in its place, or None.
        """
        free = self._free(name)
        self.fields[free] = found if self.keep_graph else _copied(found)
        if self.replace is None:
            return None
        # A copy: a later operation in place must not reach what the replacement was made of.
        handed = found.with_values(found.values.clone()) if self.followed else self.fields[free]
        other = self.replace(free, handed)
        return None if other is None else _exchanged(found.values, other.values, self.followed)

    def _hooks(self, model: nn.Module) -> list[tuple[nn.Module, Hook]]:
        named = dict(_observed(model).named_modules())
        stages: list[tuple[nn.Module, Hook]] = [
            (m, self._stage_hook(name)) for name, m in named.items() if isinstance(m, Stage)
        ]
        if stages:
            return stages
        typed = [
            (m, self._e3nn_hook(name or "output")) for name, m in named.items() if _declares_output(m, name, model)
        ]
        if not typed and not isinstance(model, EquivariantModel):
            raise CaptureError(
                f"{type(model).__name__} has neither a Stage nor a module with `irreps_out`, so nothing says what its "
                "tensors are. Put `equiviz.nn.stage.Stage('8x0e+4x1o')` where a typed tensor passes."
            )
        return typed

    def _stage_hook(self, name: str) -> Hook:
        def hook(module: nn.Module, _: object, output: object) -> Tensor | None:
            values = cast(Tensor, output)
            try:
                found = cast(Stage, module).field(values)
            except EquivizError as problem:
                raise CaptureError(f"Stage {name!r}: {problem}") from problem
            return _shaped(self.record(name, found), values)

        return hook

    def _e3nn_hook(self, name: str) -> Hook:
        def hook(module: nn.Module, _: object, output: object) -> Tensor | None:
            declared = representation(str(cast(_DeclaresOutput, module).irreps_out))
            reason = _untypable(output, declared)
            if reason is None and not self._support_fits(name, cast(Tensor, output)):
                reason = f"its {len(cast(Tensor, output))} rows are neither nodes nor edges nor graphs"
            if reason is not None:
                self.skipped[name] = reason
                return None
            return self.record(name, Field(cast(Tensor, output), declared, self._support(name, cast(Tensor, output))))

        return hook

    def _support_fits(self, name: str, values: Tensor) -> bool:
        return name in self.supports or bool(self.sizes.supports_of(len(values)))

    def _support(self, name: str, values: Tensor) -> Support:
        if name in self.supports:
            return self.supports[name]
        fitting = self.sizes.supports_of(len(values))
        if len(fitting) > 1:
            raise CaptureError(
                f"{name!r} gives {len(values)} rows, and this input has as many {'s as '.join(fitting)}s: where the "
                f"tensor lives cannot be inferred. Say it, supports={{{name!r}: {fitting[0]!r}}}, or use an input "
                "whose numbers of nodes, edges and graphs differ."
            )
        return cast(Support, fitting[0])

    def _free(self, name: str) -> str:
        if name not in self.fields:
            return name
        passes = 2
        while f"{name}#{passes}" in self.fields:
            passes += 1
        return f"{name}#{passes}"


def _observed(model: nn.Module) -> nn.Module:
    return model.observed if isinstance(model, EquivariantModel) else model


def _declares_output(module: nn.Module, name: str, model: nn.Module) -> bool:
    """Whether a module says what it returns; a model that types its outputs itself need not be asked twice."""
    return hasattr(module, "irreps_out") and not (name == "" and isinstance(model, EquivariantModel))


def _exchanged(old: Tensor, new: Tensor, followed: bool) -> Tensor:
    """The new values, with slopes of their own (`followed`) or those of the old ones, so that forces may be taken."""
    new = new.to(old).clone()  # a model may work in place on what it is handed
    if not old.requires_grad or (followed and new.requires_grad):
        return new
    kept = torch.where(old.isfinite(), old, torch.zeros_like(old))
    return kept + (new - kept).detach()


def _shaped(values: Tensor | None, like: Tensor) -> Tensor | None:
    return None if values is None else values.reshape(like.shape)


def _untypable(output: object, declared: Representation) -> str | None:
    if not isinstance(output, Tensor):
        return f"it returns {type(output).__name__}, not one tensor"
    if output.ndim != 2 or output.shape[1] != declared.dim:
        return f"it returns shape {tuple(output.shape)}, while its irreps_out have dimension {declared.dim}"
    return None


def _copied(found: Field) -> Field:
    return Field(torch.clone(found.values.detach()), found.representation, found.support)
