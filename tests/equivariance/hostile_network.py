"""A broken network whose outputs have names that try to run a script."""

from __future__ import annotations

from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field
from tests.hostile_strings import HOSTILE
from tests.toy_networks import ToyNetwork, toy


class HostileNames(ToyNetwork):
    """Wrong in the outputs, which are called what no output should be."""

    def forward(self, graph: Graph) -> dict[str, Field]:
        vector = super().forward(graph)["vector"]
        return {text: vector.with_values(vector.values.relu()) for text in HOSTILE}


def hostile_network() -> HostileNames:
    network = toy()
    network.__class__ = HostileNames
    return network  # type: ignore[return-value]
