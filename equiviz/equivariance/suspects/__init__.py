"""The usual suspects. Adding one: a file with a function ``Case -> list[Diagnosis]``, and its name in this table."""

from __future__ import annotations

from collections.abc import Callable

from equiviz.equivariance.case import Case
from equiviz.equivariance.diagnosis import Diagnosis
from equiviz.equivariance.suspects.acts import activation, normalisation, order
from equiviz.equivariance.suspects.basis import basis, layout
from equiviz.equivariance.suspects.chance import chance, training_mode
from equiviz.equivariance.suspects.components import preferred_axis, separate_components
from equiviz.equivariance.suspects.convention import parity, transposed, unturned
from equiviz.equivariance.suspects.declared_types import axes_of_input, block_order, cartesian
from equiviz.equivariance.suspects.grid import grid
from equiviz.equivariance.suspects.inputs import attribute, cell, centre, constant_per_node, constant_that_turns
from equiviz.equivariance.suspects.linear import bias, mixing
from equiviz.equivariance.suspects.neighbours import flips, truncation
from equiviz.equivariance.suspects.numbers import not_finite, single_precision
from equiviz.equivariance.suspects.others import batch_mixing, choice_hint, order_hint, rare_directions

Suspect = Callable[[Case], list[Diagnosis]]

SUSPECTS: tuple[Suspect, ...] = (
    not_finite,
    training_mode,
    chance,
    transposed,
    layout,
    basis,
    block_order,
    cartesian,
    axes_of_input,
    parity,
    unturned,
    constant_that_turns,
    cell,
    flips,
    grid,
    activation,
    normalisation,
    attribute,
    truncation,
    constant_per_node,
    order,
    separate_components,
    single_precision,
    preferred_axis,
    bias,
    mixing,
    centre,
    batch_mixing,
    order_hint,
    choice_hint,
    rare_directions,
)
