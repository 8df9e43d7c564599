"""Does the temperature make stated probabilities mean what they say?"""

import pytest
import torch
from torch import nn

from equiviz.training.calibration import divide_outputs, temperature


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_the_temperature_of_exaggerated_preferences_is_found(factor: float) -> None:
    generator = torch.Generator().manual_seed(0)
    true = torch.randn(20_000, 5, generator=generator, dtype=torch.float64)
    classes = torch.multinomial(true.softmax(1), 1, generator=generator)[:, 0]
    # Its standard error with this many draws is near one hundredth.
    assert temperature(factor * true, classes) == pytest.approx(factor, rel=0.04)


def test_a_layer_is_divided() -> None:
    layer, x = nn.Linear(3, 4), torch.randn(2, 3)
    before = layer(x).detach()
    divide_outputs(layer, 2.0)
    torch.testing.assert_close(layer(x), before / 2)
