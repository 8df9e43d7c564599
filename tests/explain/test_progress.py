"""Do all long verbs show their progress by one rule: late, to somebody who looks, and not where it is not wanted?"""

from __future__ import annotations

import inspect
import io
import sys
import time

import pytest
import torch
from torch import Tensor, nn

import equiviz
from equiviz.equivariance import late_bar
from equiviz.equivariance.late_bar import counted, counting_runs
from equiviz.explain.chunks import in_chunks
from tests.explain.own_network import OwnNetwork, molecule

LONG = (
    "ablate", "attribute", "attribute_each", "blind_spots", "body_orders", "capture_each", "counterfactual",
    "dictionary", "equivariant_probe", "find_blind_spot", "likeness", "probe", "radial_and_angular",
)  # fmt: skip


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> io.StringIO:
    """The stream as standard error, and bars that wait for a tenth of a second only."""
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(late_bar, "PATIENCE", 0.1)
    return stream


def slow(part: int) -> int:
    time.sleep(0.15)  # a bar looks at the clock each tenth of a second
    return part


@pytest.mark.parametrize("verb", LONG)
def test_every_long_verb_takes_progress(verb: str) -> None:
    parameter = inspect.signature(getattr(equiviz, verb)).parameters["progress"]
    assert parameter.default is True
    assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


def test_quick_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch, Terminal())
    monkeypatch.setattr(late_bar, "PATIENCE", 60.0)
    assert list(in_chunks(abs, range(3))) == [0, 1, 2]
    equiviz.attribute(OwnNetwork(), molecule(), at=0, steps=2, rotations=0)
    assert not terminal.getvalue()


def test_long_work_shows_itself_if_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch, Terminal())
    assert list(in_chunks(slow, range(3), progress=False)) == [0, 1, 2]
    assert not terminal.getvalue()
    assert list(in_chunks(slow, range(3), what="structures")) == [0, 1, 2]
    assert "structures:" in terminal.getvalue()
    assert [slow(part) for part in counted(range(3), "stages")] == [0, 1, 2]
    assert "stages:" in terminal.getvalue()


def test_nobody_looks_at_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = watched(monkeypatch, io.StringIO())
    assert list(in_chunks(slow, range(3))) == [0, 1, 2]
    assert not stream.getvalue()


def test_counting_runs_leaves_the_model_and_its_output_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * slow(2)

    terminal = watched(monkeypatch, Terminal())
    model, x = Slow(), torch.ones(2)
    with counting_runs(model, "attributing"):
        answers = [model(x) for _ in range(3)]
    assert all(torch.equal(answer, 2 * x) for answer in answers)
    assert "attributing:" in terminal.getvalue()
    assert "runs" in terminal.getvalue()
    shown = terminal.getvalue()
    model(x)
    assert terminal.getvalue() == shown, "nothing counts any more"
