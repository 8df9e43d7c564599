"""Structures to and from the types that others use: dicts of arrays, `ase.Atoms`, PyG `Data`; one file each.

Each of them keeps, beside the bare arrays, one small entry of plain text that says which representation each typed
attribute carries, so that a structure survives the way out and back.
"""
