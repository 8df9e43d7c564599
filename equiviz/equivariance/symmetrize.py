"""`symmetrize(model)`: the average of a model over a group, which is equivariant up to a band limit.

For a model f whose output carries D, the average of ``D(g^-1) f(g x)`` over the elements g of a rule is what stays of f
under the group. A rule of band limit L averages exactly what depends on the orientation with content up to lambda = L;
what lies above stays in part, and `equiviz.check` says how much. Deviations hold squares, so they are exact for content
up to L / 2 only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from torch import Tensor, nn

from equiviz.equivariance.orbit import Orbit
from equiviz.equivariance.orbit_average import OrbitAverage
from equiviz.equivariance.orbit_runs import BATCH
from equiviz.equivariance.transformed_input import orientations
from equiviz.equivariance.turned_copies import turned_copies
from equiviz.nn.declared_function import DeclaredFunction, Outputs, Per, declared
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import Inputs, TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import OrthogonalGroup
from equiviz.symmetry.quadrature import Quadrature, quadrature


class SymmetrizedModel(EquivariantModel):
    """A model of structures, averaged over a group.

    Outputs keep their names; each comes with its rotational standard deviation, ``<name>_rot_std``: for each row and
    each copy of a block the root of the variance over the group of the back-transformed values, summed over components
    (so that it is a number that rotations keep; metatomic gives one per component).

    `prepare` runs once: turned copies take over its neighbour list. The stages of the model inside are not shown, since
    they hold many copies of each node.

    Args:
        model: what is averaged; its parameters are this module's.
        rule: the elements and weights.
        batch: largest number of nodes that run at once (one copy of the input at least). Without gradients it bounds
            the memory; 1 runs copy by copy, for models in which structures of a batch disturb each other.
    """

    def __init__(self, model: EquivariantModel, rule: Quadrature, batch: int = BATCH) -> None:
        super().__init__(model.config)
        self.model = model
        self.rule = rule
        self.batch = batch
        self.group = _claimed(model, rule)  # type: ignore[misc]  # the class cannot know it, the model does
        self.training = model.training
        self._orbit = Orbit(rule.matrices, rule.weights)

    @property
    def observed(self) -> nn.Module:
        """Nothing: only outputs are worth looking at."""
        return nn.Identity()

    @property
    def title(self) -> str:
        """What reports call it."""
        return f"symmetrized {self.model.title}"

    def stages(self) -> dict[str, Stage]:
        """None."""
        return {}

    def measure(self, structure: Structure) -> Structure:
        """As the model."""
        return self.model.measure(structure)

    def reads(self, x: object) -> object:
        """As the model."""
        return self.model.reads(x)

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """As the model."""
        return self.model.prepare(structures)

    def fresh(self) -> EquivariantModel:
        """The average of a model of the same shape with new weights."""
        return SymmetrizedModel(self.model.fresh(), self.rule, self.batch)

    def forward(self, graph: Graph | TypedTensors) -> dict[str, Field]:
        """The averaged outputs, and their rotational standard deviations; differentiable.

        Raises:
            CheckError: an input on which the group does not act.
        """
        if isinstance(graph, TypedTensors):
            return _averaged(self.model, graph, self.rule, self._orbit)
        average = OrbitAverage()
        for part in self._orbit.parts(max(1, self.batch // max(1, len(graph)))):
            average.add(part, self.model(turned_copies(graph, part)))
        return average.fields()


class SymmetrizedFunction(DeclaredFunction):
    """A function of typed tensors, averaged over a group; outputs as of `SymmetrizedModel`.

    Args:
        function: the function with its declarations.
        rule: the elements and weights.
        inputs: types of its tensors; with them `forward` takes plain tensors, too.
    """

    def __init__(self, function: DeclaredFunction, rule: Quadrature, inputs: Inputs | None = None) -> None:
        super().__init__(function.function, function.outputs, function.per)
        self.inputs = inputs
        self.group = _claimed(function, rule)  # type: ignore[misc]
        self.rule = rule
        self._orbit = Orbit(rule.matrices, rule.weights)

    @property
    def observed(self) -> nn.Module:
        """Nothing: only outputs are worth looking at."""
        return nn.Identity()

    @property
    def title(self) -> str:
        """What reports call it."""
        return f"symmetrized {super().title}"

    def forward(  # type: ignore[override]
        self, x: TypedTensors | Tensor | Sequence[object] | Mapping[str, object]
    ) -> dict[str, Field]:
        """The averaged outputs, and their rotational standard deviations; differentiable.

        Raises:
            ModelError: plain tensors whose types were not declared.
            CheckError: tensors on which the group does not act.
        """
        if not isinstance(x, TypedTensors) and self.inputs is None:
            raise ModelError(f"Say what the tensors of {self.title} carry: symmetrize(f, inputs='1o', outputs='1x0e').")
        typed = x if isinstance(x, TypedTensors) else TypedTensors.make(x, cast(Inputs, self.inputs))
        return _averaged(super().forward, typed, self.rule, self._orbit)


def symmetrize(
    model: nn.Module | Callable[..., object],
    band_limit: int = 4,
    group: OrthogonalGroup = "O(3)",
    *,
    batch: int = BATCH,
    inputs: Inputs | None = None,
    outputs: Outputs | None = None,
    per: Per | None = None,
) -> EquivariantModel:
    """The model averaged over a group, with the rotational standard deviation of each output beside it.

    Args:
        model: an `EquivariantModel`, or a function or module on tensors, with `outputs`. It is held, not copied.
        band_limit: content up to this lambda is averaged exactly: 140 copies at 4 on O(3), 364 at 6. (At 3 the
            rule is the group of the cube, which leaves all that this group keeps.)
        group: "O(3)", or "SO(3)", which leaves inversion out.
        batch: largest number of nodes that run at once, one copy at least.
        inputs: types of a function's tensors, as in `equiviz.check`; with them the average takes plain tensors, else
            `TypedTensors`.
        outputs: as in `equiviz.check`.
        per: as in `equiviz.check`.

    Returns:
        a model with outputs ``energy``, ``energy_rot_std``, and so on. It claims the group, and the translations and
        the inversion that the model claims.

    Raises:
        ModelError: a module that says neither what it takes nor what it returns.
        BandLimitError, GroupError: as `equiviz.symmetry.quadrature.quadrature`.
    """
    rule = quadrature(band_limit, group)
    if isinstance(model, DeclaredFunction):
        return SymmetrizedFunction(model, rule, inputs)
    if outputs is not None:
        return SymmetrizedFunction(declared(model, outputs, per), rule, inputs)
    if isinstance(model, EquivariantModel):
        return SymmetrizedModel(model, rule, batch)
    raise ModelError(
        f"Expected an EquivariantModel to symmetrize, got {type(model).__name__}. Of a function or a module on tensors "
        "say what it takes and returns: symmetrize(f, inputs='1o', outputs='1x0e')."
    )


def _averaged(
    run: Callable[[TypedTensors], dict[str, Field]], x: TypedTensors, rule: Quadrature, orbit: Orbit
) -> dict[str, Field]:
    """Element by element: rows of typed tensors may know of each other."""
    orientations(x, rule.group, "symmetrize")
    average = OrbitAverage()
    for part in orbit.parts(1):
        average.add(part, run(x.transform(part.elements[0])))
    return average.fields()


def _claimed(model: EquivariantModel, rule: Quadrature) -> str:
    """The symmetry of the average: the group's, and what the model claims beyond it."""
    proper = rule.group == "SO(3)" and model.group not in ("E(3)", "O(3)")
    moves = model.group in ("E(3)", "SE(3)", "T(3)")
    return {(True, True): "SE(3)", (True, False): "SO(3)", (False, True): "E(3)", (False, False): "O(3)"}[proper, moves]
