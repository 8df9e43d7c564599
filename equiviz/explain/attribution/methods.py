"""The methods that share a prediction out, by name: captum's algorithms on edge vectors, or on players taken away.

Those with gradients give slopes of each part (how the prediction changes with it), and a rule that makes scores of
them. Those without take edges or atoms away. Sources:

- integrated gradients: Sundararajan, Taly, Yan, arXiv 1703.01365;
- saliency: Simonyan, Vedaldi, Zisserman, arXiv 1312.6034; input x gradient: Shrikumar et al., arXiv 1605.01713;
- smooth gradient: Smilkov et al., arXiv 1706.03825;
- Shapley values by sampling permutations: Castro, Gomez, Tejada, Comput. Oper. Res. 36, 1726 (2009); our own, since
  captum's takes them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import torch
from torch import Tensor, nn

from equiviz.explain.attribution.question import Question
from equiviz.explain.attribution.removal import Players
from equiviz.explain.attribution.slopes import slopes_by
from equiviz.explain.attribution.varied_input import VariedInput
from equiviz.explain.errors import AttributionError
from equiviz.features.model_state import kept_chance
from equiviz.nn.equivariant_model import title_of

Rule: TypeAlias = Literal["path", "size", "product"]
"""From slopes to scores: times the way from the baseline; their norm; times the input."""
PlayersName: TypeAlias = Literal["bonds", "atoms"]
NOISE = 0.02
"""Of the smooth gradient, as a part of each part's root mean square norm."""


@dataclass(frozen=True)
class Effort:
    """How much work a method may do.

    Attributes:
        steps: points of the path (integrated gradients).
        samples: noisy copies (smooth gradient), permutations (Shapley values).
        seed: of both.
    """

    steps: int = 64
    samples: int = 25
    seed: int = 0


@dataclass(frozen=True)
class GradientMethod:
    """A method that differentiates.

    Attributes:
        title: what reports call it.
        rule: how slopes become scores.
        complete: whether the scores sum up to the prediction minus that at the baseline.
        random: whether seeds matter.
        slopes: the algorithm.
    """

    title: str
    rule: Rule
    complete: bool
    random: bool
    slopes: Callable[[nn.Module, Question, VariedInput, Effort], tuple[Tensor, ...]]


@dataclass(frozen=True)
class RemovalMethod:
    """A method that takes players away.

    Attributes:
        title, complete, random: as of `GradientMethod`.
        players: what is taken away where the user does not say.
        scores: the algorithm, ``[P]``.
    """

    title: str
    complete: bool
    random: bool
    players: PlayersName
    scores: Callable[[nn.Module, Question, Players, Effort], Tensor]


@dataclass(frozen=True)
class RelevanceMethod:
    """Relevance propagation: `equiviz.explain.attribution.relevance`.

    Attributes:
        title, complete, random: as of `GradientMethod`; what biases take is missing.
    """

    title: str
    complete: bool = True
    random: bool = False


Method: TypeAlias = GradientMethod | RemovalMethod | RelevanceMethod


def method(name: str) -> Method:
    """The method of that name. Raises AttributionError for another."""
    if name not in METHODS:
        raise AttributionError(f"Expected method= one of {', '.join(METHODS)}, got {name!r}.")
    return METHODS[name]


def scores_of(rule: Rule, values: Tensor, baseline: Tensor, slopes: Tensor) -> Tensor:
    """Scores of a part's rows ``[R]`` from values, baseline and slopes, each ``[R, d]``; invariant by any rule."""
    if rule == "size":
        return slopes.norm(dim=1)
    # Of a complex part torch gives df/dq + i df/dp, so that df = Re(conj(slope) dz).
    return (slopes.conj() * (values if rule == "product" else values - baseline)).sum(1).real


def _forward(model: nn.Module, question: Question, varied: VariedInput) -> Callable[..., Tensor]:
    """The prediction as captum wants it: parts ``[K, R, d]`` in, ``[K]`` out."""

    def answers(*values: Tensor) -> Tensor:
        # A model need not read every part; captum wants a gradient of each.
        unread = sum((0.0 * value).flatten(1).sum(1).real for value in values)
        return varied.answers(model, question, values) + unread

    refuse_without_gradients(model, question, varied)
    return answers


def refuse_without_gradients(model: nn.Module, question: Question, varied: VariedInput) -> None:
    """Raise AttributionError where no gradient of the prediction reaches any part of the input."""
    inputs = tuple(value.requires_grad_() for value in varied.values)
    slopes = slopes_by(inputs, varied.answers(model, question, inputs))
    if all(slope is None for slope in slopes):
        raise AttributionError(
            f"No gradient reaches the input of {title_of(model)} from this output: it detaches it, or works "
            "without gradients. Methods that take edges away work all the same: method='shapley' or 'ablation'."
        )


def _integrated(model: nn.Module, question: Question, varied: VariedInput, effort: Effort) -> tuple[Tensor, ...]:
    from captum.attr import IntegratedGradients

    algorithm = IntegratedGradients(_forward(model, question, varied), multiply_by_inputs=False)
    size = min(varied.at_once, effort.steps)
    found = algorithm.attribute(
        varied.values, baselines=varied.baselines, n_steps=effort.steps, internal_batch_size=size
    )
    return _each(found)


def _saliency(model: nn.Module, question: Question, varied: VariedInput, effort: Effort) -> tuple[Tensor, ...]:
    from captum.attr import Saliency

    inputs = tuple(value.requires_grad_() for value in varied.values)
    return _each(Saliency(_forward(model, question, varied)).attribute(inputs, abs=False))


def _smooth(model: nn.Module, question: Question, varied: VariedInput, effort: Effort) -> tuple[Tensor, ...]:
    from captum.attr import NoiseTunnel, Saliency

    inputs = tuple(value.requires_grad_() for value in varied.values)
    sizes = tuple(NOISE * float(value.detach().abs().square().sum(-1).mean().sqrt()) + 1e-12 for value in inputs)
    tunnel = NoiseTunnel(Saliency(_forward(model, question, varied)))
    with kept_chance():
        torch.manual_seed(effort.seed)
        return _each(
            tunnel.attribute(
                inputs,
                nt_type="smoothgrad",
                nt_samples=effort.samples,
                nt_samples_batch_size=min(varied.at_once, effort.samples),
                stdevs=sizes,
                abs=False,
            )
        )


def _each(found: object) -> tuple[Tensor, ...]:
    """Slopes of each part, ``[R, d]``."""
    parts = cast("Sequence[Tensor]", found if isinstance(found, (tuple, list)) else (found,))
    return tuple(part[0].detach() for part in parts)


def _ablation(model: nn.Module, question: Question, players: Players, effort: Effort) -> Tensor:
    from captum.attr import FeatureAblation

    algorithm = FeatureAblation(_coalitions(model, question, players))
    return algorithm.attribute(_all(players), baselines=0.0, perturbations_per_eval=players.at_once)[0]


def _shapley(model: nn.Module, question: Question, players: Players, effort: Effort) -> Tensor:
    """Mean change when a player joins those before it in a random order; each order is taken backward, too.

    The pairs of orders reduce the variance (Mitchell, Cooper, Frank, Holmes, J. Mach. Learn. Res. 23, 43 (2022)); all
    coalitions of all orders run side by side, which captum's sampling does one order at a time.
    """
    generator = torch.Generator().manual_seed(effort.seed)
    drawn = [torch.randperm(players.count, generator=generator) for _ in range((effort.samples + 1) // 2)]
    orders = torch.stack([order for one in drawn for order in (one, one.flip(0))])  # [S, P]
    ranks = orders.argsort(1)  # [S, P]
    present = ranks[:, None, :] < torch.arange(players.count + 1)[None, :, None]  # [S, P + 1, P]
    distinct, place = torch.unique(present.flatten(0, 1), dim=0, return_inverse=True)
    answers = players.answers(model, question, distinct)[place].unflatten(0, present.shape[:2])  # [S, P + 1]
    gains = answers.double().diff(dim=1)  # [S, P], in order of joining
    return gains.gather(1, ranks).mean(0)


def _coalitions(model: nn.Module, question: Question, players: Players) -> Callable[[Tensor], Tensor]:
    def answers(present: Tensor) -> Tensor:
        return players.answers(model, question, present)

    return answers


def _all(players: Players) -> Tensor:
    return torch.ones(1, players.count, dtype=torch.float64)


METHODS: Mapping[str, Method] = {
    "integrated_gradients": GradientMethod("integrated gradients", "path", True, False, _integrated),
    "saliency": GradientMethod("saliency (size of the gradient)", "size", False, False, _saliency),
    "input_x_gradient": GradientMethod("input x gradient", "product", False, False, _saliency),
    "smooth_gradient": GradientMethod("smooth gradient", "size", False, True, _smooth),
    "relevance": RelevanceMethod("layer-wise relevance propagation"),
    "occlusion": RemovalMethod("occlusion (each bond taken away alone)", False, False, "bonds", _ablation),
    "ablation": RemovalMethod("ablation (each atom taken away alone)", False, False, "atoms", _ablation),
    "shapley": RemovalMethod("Shapley values by sampling", True, True, "atoms", _shapley),
}
