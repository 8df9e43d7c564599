"""Errors of explanations."""

from __future__ import annotations

from equiviz.symmetry.errors import EquivizError


class ProbeError(EquivizError):
    """A probe that cannot be made: too little data, values that are not finite, nothing to read or to predict."""


class MutationError(EquivizError):
    """Mutations that do not fit a structure."""


class PerturbationError(EquivizError):
    """A change of a structure that cannot be made."""


class AttributionError(EquivizError):
    """A prediction that cannot be shared out: no such output, no gradients, nothing to share it among."""


class SymmetryBreakingError(EquivizError):
    """What is missing for lack of symmetry cannot be told: no target, another support, no gradient."""


class DictionaryError(EquivizError):
    """A dictionary that cannot be learned: too few environments, no such stage, options that do not fit."""


class BlindSpotError(EquivizError):
    """A pair of environments, or a search for one, that cannot be made."""


class CounterfactualError(EquivizError):
    """A smallest change that cannot be asked for: no such output, no gradients, limits that contradict each other."""


class InterventionError(EquivizError):
    """An ablation, a patch or a steering that cannot be done: no such stage, block or output, inputs that differ."""


class LikenessError(EquivizError):
    """Stages that cannot be compared: too few environments, none in common, values that are not finite."""
