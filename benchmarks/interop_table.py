"""The numbers of docs/interop.md: the largest relative error of an adapted model, stage by stage, on two structures.

Run in one environment of `make test-interop` at a time:
``.venv-interop/mace/bin/python -m benchmarks.interop_table mace``.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from inspect import isabstract

import torch

from equiviz.equivariance.check_report import CheckReport
from tests.interop.contract import AdapterContract, crystal, molecule, quick_check


def rows(name: str) -> Iterator[str]:
    """One line per model and dtype."""
    module = importlib.import_module(f"tests.interop.test_{name}")
    for kind in vars(module).values():
        if (
            isinstance(kind, type)
            and issubclass(kind, AdapterContract)
            and not isabstract(kind)
            and hasattr(kind, "broken")
        ):
            for dtype in kind.dtypes:
                yield _row(kind(), dtype)


def pyg_rows() -> Iterator[str]:
    """The same for modules with a signature of their own."""
    module = importlib.import_module("tests.interop.test_pyg")
    for name, (build, wrap) in module.CASES.items():
        for dtype in (torch.float64, torch.float32):
            yield f"{name} {dtype}: molecule {_words(quick_check(wrap(build(dtype)), molecule()))}"


def _row(case: AdapterContract, dtype: torch.dtype) -> str:
    model = case.model(dtype)
    reports = {x.name: quick_check(model, x) for x in (molecule(), crystal())}
    inside = [stage for stage in reports["molecule"].stages if not stage.startswith("output.")]
    shown = [f"{name} {_words(report)}" for name, report in reports.items()]
    return f"{model.title} {dtype}: {len(inside)} stages; {'; '.join(shown)}"


def _words(report: CheckReport) -> str:
    kept = [finding for finding in report.findings if finding.claimed and finding.passed]
    worst = max(kept, key=lambda finding: finding.error)
    broken = sorted(
        {f"{finding.stage} ({finding.group}, {finding.error:.2g})" for finding in report.findings if finding.alarming}
    )
    return f"keeps {worst.error:.1e} ({worst.stage})" + (f", breaks {', '.join(broken)}" if broken else "")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for line in pyg_rows() if sys.argv[1] == "pyg" else rows(sys.argv[1]):
        print(line, flush=True)
