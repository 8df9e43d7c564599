"""Where a tour writes its page: found out before anything is computed."""

from __future__ import annotations

import sys
from pathlib import Path

from equiviz.structures.atomic_file import expect_writable
from equiviz.view.errors import ViewError


def destination(out: Path | str, example: str) -> Path:
    """The file, if it can be written.

    Args:
        out: what was asked for; one line on stderr tells of a file that is there already.
        example: name of a file, for whoever gives a folder.

    Raises:
        ViewError: a folder, or a place where no file can be made.
    """
    if Path(out).is_file():
        print(f"{out} exists; it will be replaced.", file=sys.stderr)
    try:
        return expect_writable(out)
    except IsADirectoryError as problem:
        raise ViewError(
            f"The tour writes one file, and {out} is a folder. Name a file, such as {Path(out) / example}."
        ) from problem
    except OSError as problem:
        raise ViewError(
            f"The tour cannot write {out}: {problem.strerror or problem}. Choose a place where files can be made."
        ) from problem
