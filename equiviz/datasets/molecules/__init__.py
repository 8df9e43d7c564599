"""Molecules with what quantum chemistry says of them: frames of extended-xyz files."""
