r"""Bapst's message-passing network for glasses: relative positions on edges, no symmetry but what it learns.

Paper: V. Bapst et al., "Unveiling the predictive power of static structure in glassy systems", Nature Physics 16, 448
(2020), doi:10.1038/s41567-020-0842-8; blocks after its Methods ("Graph network architecture").

==============  =======================================================================================================
block           paper
==============  =======================================================================================================
`_Encoder`      the encoders: one two-layer perceptron (64, 64, ReLU) for nodes, one for edges
`_MessageStep`  the core: edges from (edge, sender, receiver), then nodes from (sum of incoming edges, node), each
                concatenated with its encoding (a skip connection to the input); the same weights `steps` = 7 times
`decoder`       a perceptron (64, 64, outputs) on nodes
==============  =======================================================================================================

A node sees its type; an edge (r < 2 sigma) the vector from receiver to sender. Invariance under rotations is left to
augmentation. The mean displacement as a vector can be asked for too, three numbers per time: nothing makes them turn.

Departures
----------
- One decoder output per time and species; the paper trains one network per time (and looks at type A).
- Types are one-hot; the paper's code feeds the type as one number. Hence 64 more parameters.
- No edge from a particle to itself; the paper's code has them (a zero vector), at no gain in information.
- The decoder has no perceptron for edges: in the paper's code its output is never used.
- The first layer of each perceptron is applied by parts (edge, sender, receiver, encodings), each where its input
  lives: the same function and the same parameters at a third of the arithmetic.
- Batch normalisation of nodes and edges after each step, with statistics of each step's own (1,792 parameters more).
  The paper has none, and trains for days. Sums of positive numbers over some 40 neighbours are nearly the same on all
  nodes, and more so with every step; normalising takes that common part away. After 80 steps of training on ten
  configurations the loss is .91 with it and .98 without, and without it 1,500 steps on forty still leave .95 (rho .18).
- Initial weights are normal with standard deviation 1 / sqrt(inputs), as in the paper's code, but 0.75 of that in the
  message step, which keeps signals of one size through 7 steps.
- Inherent or thermal positions (`positions`); the paper uses thermal ones, and inherent ones as a variant.
- The rate of the paper is 1e-4 (Adam), which takes days of a processor. `training_defaults` has a one-cycle schedule
  with a higher peak and clipped gradients, which trains in minutes of one core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from equiviz.datasets.glass.basin import quenched
from equiviz.datasets.glass.inherent_structure import inherent_positions
from equiviz.datasets.glass.kob_andersen import for_reader
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.nn.stage import Stage
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

_STEP_GAIN = 0.75

# Shapes: N nodes, E edges, W width, T times, S species.


@dataclass(frozen=True)
class BapstConfig:
    """The shape of the network.

    Attributes:
        times: The times at which mobility is predicted, in LJ units: one output each.
        species: The particle types; one-hot in this order.
        cutoff: Largest length of an edge, in sigma.
        width: Of all hidden layers.
        steps: Message steps, with shared weights.
        positions: Whether to look at the inherent structure or at thermal positions.
        vector: Whether to predict the mean displacement vector too.
    """

    times: tuple[float, ...] = (1.0,)
    species: tuple[int, ...] = (1, 2)
    cutoff: float = 2.0
    width: int = 64
    steps: int = 7
    positions: Literal["inherent", "thermal"] = "inherent"
    vector: bool = False


class _Encoder(nn.Sequential):
    """Two layers with ReLU after each."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(
            nn.Linear(inputs, width), nn.ReLU(inplace=True), nn.Linear(width, width), nn.ReLU(inplace=True)
        )


class _Norm(nn.BatchNorm1d):
    """Batch normalisation that takes its running statistics where one row has none of its own."""

    def forward(self, input: Tensor) -> Tensor:
        if len(input) > 1:
            return super().forward(input)
        return functional.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
        )


class _MessageStep(nn.Module):
    """Edges from their ends, then nodes from their edges; encodings stand beside the present values (skip)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.edge_first = nn.Linear(6 * width, width)
        self.edge_second = nn.Linear(width, width)
        self.node_first = nn.Linear(3 * width, width)
        self.node_second = nn.Linear(width, width)

    def fixed(self, nodes: Tensor, edges: Tensor, sender: Tensor, receiver: Tensor) -> tuple[Tensor, Tensor]:
        """What the encodings contribute to both first layers: the same in every step, so computed once."""
        weight = self._parts()
        ends = nodes @ weight["sender_encoding"], nodes @ weight["receiver_encoding"]
        edge = functional.linear(edges, weight["edge_encoding"].T, self.edge_first.bias)  # [E, W]
        edge = edge + ends[0].index_select(0, sender) + ends[1].index_select(0, receiver)
        return functional.linear(nodes, weight["node_encoding"].T, self.node_first.bias), edge

    def forward(
        self, nodes: Tensor, edges: Tensor, fixed: tuple[Tensor, Tensor], sender: Tensor, receiver: Tensor
    ) -> tuple[Tensor, Tensor]:
        weight = self._parts()
        hidden = fixed[1] + edges @ weight["edge"]  # [E, W]
        hidden = hidden + (nodes @ weight["sender"]).index_select(0, sender)
        hidden = hidden + (nodes @ weight["receiver"]).index_select(0, receiver)
        edges = torch.relu_(self.edge_second(torch.relu_(hidden)))
        incoming = nodes.new_zeros(nodes.shape).index_add(0, receiver, edges)  # [N, W]
        hidden = fixed[0] + incoming @ weight["incoming"] + nodes @ weight["node"]
        return torch.relu_(self.node_second(torch.relu_(hidden))), edges

    def _parts(self) -> dict[str, Tensor]:
        """The blocks of both first layers, each [W, W], to be multiplied from the right."""
        edge = self.edge_first.weight.T.chunk(6)
        node = self.node_first.weight.T.chunk(3)
        names = ("edge", "edge_encoding", "sender", "sender_encoding", "receiver", "receiver_encoding")
        return dict(zip((*names, "incoming", "node", "node_encoding"), (*edge, *node), strict=True))


class Bapst(EquivariantModel):
    """The network; see the module. Outputs: ``propensity`` "Tx0e", and ``displacement`` "Tx1o" with `vector`, per node.

    Both are in standard units: per time and species, mean 0 and variance 1 over the particles of a configuration (the
    vectors: mean square 1 per component).
    """

    family = "bapst"
    group = "none"
    config: BapstConfig  # pyright: ignore[reportIncompatibleVariableOverride]
    training_defaults: ClassVar[Mapping[str, object]] = {
        "optimiser": "adam",
        "learning_rate": 2e-3,
        "epochs": 30,
        "patience": 12,
        "turn": True,
    }

    def __init__(self, config: BapstConfig) -> None:
        super().__init__(config)
        outputs = len(config.times) * len(config.species)
        self.node_encoder = _Encoder(len(config.species), config.width)
        self.edge_encoder = _Encoder(3, config.width)
        self.step = _MessageStep(config.width)
        # Edges before each step, nodes after it.
        self.edge_norms = nn.ModuleList(_Norm(config.width) for _ in range(config.steps))
        self.node_norms = nn.ModuleList(_Norm(config.width) for _ in range(config.steps))
        self.decoder = nn.Sequential(
            _Encoder(config.width, config.width), nn.Linear(config.width, outputs * (4 if config.vector else 1))
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            for weight in (p for p in self.step.parameters() if p.ndim == 2):
                weight *= _STEP_GAIN
        # Scalars by assertion: nothing in this network keeps them invariant, and the checker shows how much is missing.
        self.stage_nodes = nn.ModuleList(Stage(f"{config.width}x0e") for _ in range(config.steps + 1))

    def measure(self, structure: Structure) -> Structure:
        """Attach ``inherent_displacement``, if the network looks at the inherent structure.

        Raises:
            DatasetError: It is missing, and the structure is no Kob-Andersen liquid in a rectangular box (turned or
                not).
        """
        if self.config.positions != "inherent":
            return structure
        with for_reader(self.family):
            return quenched(structure)

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Neighbour lists of the inherent (or thermal) positions, in the network's dtype."""
        batch = [structures] if isinstance(structures, Structure) else list(structures)
        if self.config.positions == "inherent":
            batch = [replace(item, positions=inherent_positions(self.measure(item))) for item in batch]
        return Graph.from_structures(batch, self.config.cutoff, dtype=self.step.edge_first.weight.dtype)

    def forward(self, graph: Graph) -> dict[str, Field]:
        """Predict; see the class."""
        kinds = self._kinds(graph)  # [N, S]
        sender, receiver = graph.edge_index
        nodes = self.stage_nodes[0](self.node_encoder(kinds))  # [N, W]
        edges = self.edge_norms[0](self.edge_encoder(graph.edge_vectors))  # [E, W]
        fixed = self.step.fixed(nodes, edges, sender, receiver)
        for number, (stage, node_norm) in enumerate(zip(self.stage_nodes[1:], self.node_norms, strict=True)):
            normed = edges if number == 0 else self.edge_norms[number](edges)
            nodes, edges = self.step(nodes, normed, fixed, sender, receiver)
            nodes = stage(node_norm(nodes))
        return self._outputs(self.decoder(nodes), kinds)

    def _kinds(self, graph: Graph) -> Tensor:
        """Which of its species each particle is, one-hot: [N, S]. Raises ModelError for a species not in `species`."""
        listed = torch.tensor(self.config.species, device=graph.species.device)
        kinds = graph.species[:, None] == listed  # [N, S]
        if not bool(kinds.any(1).all()):
            others = sorted(set(graph.species.tolist()) - set(self.config.species))
            raise ModelError(
                f"This network knows species {list(self.config.species)}, but {others} came; train it on them."
            )
        return kinds.to(graph.positions.dtype)

    def _outputs(self, decoded: Tensor, kinds: Tensor) -> dict[str, Field]:
        """Each particle's own species of the decoded numbers, as fields."""
        times, species = len(self.config.times), len(self.config.species)
        parts = decoded.view(len(decoded), species, decoded.shape[1] // species)  # [N, S, T or 4T]
        own = (parts * kinds[..., None]).sum(1)  # [N, T or 4T]
        outputs = {"propensity": Field(own[:, :times], f"{times}x0e", "node")}
        if self.config.vector:
            outputs["displacement"] = Field(own[:, times:], f"{times}x1o", "node")
        return outputs


FAMILY = Family(
    name="bapst",
    config_class=BapstConfig,
    model_class=Bapst,
    paper="Bapst et al., Nature Physics 16, 448 (2020), doi:10.1038/s41567-020-0842-8",
    group="none",
    small={"width": 8, "steps": 2, "positions": "thermal"},
)
