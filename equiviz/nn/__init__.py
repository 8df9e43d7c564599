"""Blocks that several families share, and the contract that all of them keep."""
