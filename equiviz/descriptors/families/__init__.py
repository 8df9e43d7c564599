"""One file, one family of descriptors: its config, its descriptor, and the `FAMILY` that the registry finds."""
