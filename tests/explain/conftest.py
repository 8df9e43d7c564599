"""A Dask cluster of two processes on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from equiviz.explain.chunks import DaskClient


@pytest.fixture(scope="module")
def client() -> Iterator[DaskClient]:
    distributed = pytest.importorskip("distributed", reason="this needs Dask: pip install 'equiviz[md]'")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0")
    with cluster, distributed.Client(cluster) as found:
        yield found
