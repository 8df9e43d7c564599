"""What the tests of the explorer share: a network and two molecules, recorded and explored."""

from __future__ import annotations

from threading import current_thread, main_thread

import pytest

from equiviz.apps.explorer import pace
from equiviz.apps.explorer.explorer import explore
from equiviz.apps.explorer.face import Explorer
from equiviz.apps.explorer.recorded import Recorded
from tests.toy_networks import molecule, toy


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded.of(toy(velocity=True), [molecule(), molecule(12, seed=1)])


@pytest.fixture
def explorer() -> Explorer:
    return explore(toy(velocity=True), [molecule(), molecule(12, seed=1)])


@pytest.fixture(autouse=True)
def _no_loop_of_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright leaves a loop running in the main thread; `in_a_kernel` brings its own."""
    real = pace._loop
    monkeypatch.setattr(pace, "_loop", lambda: None if current_thread() is main_thread() else real())
