"""One file per family. `registry.families()` lists them; adding a file with a `FAMILY` adds a family."""
