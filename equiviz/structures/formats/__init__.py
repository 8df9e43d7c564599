"""File formats, one file each: text in, structures out. `equiviz.structures.read` chooses and guards them.

A format is a function `frames(source)` that yields one function per frame; calling it parses the frame. What it raises
does not matter: `read` turns everything into a StructureError. A new format is a new file and one line in `read`.
"""
