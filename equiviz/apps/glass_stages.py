"""The stages of the network `glassy` in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame

_WORDS = {
    "density_stage": "the surroundings of a particle up to 2.6 sigma: densities of A, of B and of potential energy, in "
    "shells and spherical harmonics up to l = 3; has no learned weights",
    "power_stage": "learned products of pairs of those densities, which no rotation changes",
    "embedding_stage": "these products mixed with precomputed sums over wider surroundings (to 5 sigma), energies and "
    "the species: what each particle starts from",
    "layer_stages.0": "scalars and vectors of each particle before any message",
    "layer_stages": "the same after {} of messages between neighbours",
    "pooled_stage": "invariants of all layers, and their averages over growing neighbourhoods; the mobility is read "
    "from here",
}


def stage_words(stage: str) -> str:
    """What a stage holds; "" for a stage of another network."""
    if stage in _WORDS:
        return _WORDS[stage]
    group, _, number = stage.partition(".")
    if group not in _WORDS or not number.isdigit():
        return ""
    return _WORDS[group].format(f"{number} round{'s' * (number != '1')}")


def stage_table(stages: Sequence[str]) -> DataFrame:
    """Stage by stage, in the order in which the network computes them."""
    import pandas as pd

    return pd.DataFrame({"stage": list(stages), "what it holds": [stage_words(stage) for stage in stages]})


def descriptor_table() -> DataFrame:
    """The kinds of descriptors."""
    import pandas as pd

    from equiviz.apps.glass_descriptors import MEANING

    return pd.DataFrame({"descriptor": list(MEANING), "what it measures": list(MEANING.values())})
