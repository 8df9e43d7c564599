"""Fixtures shared by all tests: the real data, and the promise that no test leaves global state behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.browser_visits import browser as browser
from tests.browser_visits import chromium as chromium

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data files to measure with; not part of the project (README, "Real data for development")."""
    folder = Path(os.environ.get("EQUIVIZ_DATA_DIR", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real data are not on this machine: set EQUIVIZ_DATA_DIR (looked in {folder})")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _two_cores_are_shared() -> None:
    """One thread per worker: with more, two workers on two cores spend their time waiting for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _cache_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor fill the user's cache; within one worker they share one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EQUIVIZ_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _no_global_state_survives() -> Iterator[None]:
    """Every test leaves torch's default dtype, gradient mode and thread count as it found them."""
    before = (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads())
    yield
    after = (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads())
    assert after == before, f"the test changed global state: (dtype, grad, threads) was {before}, is {after}"
