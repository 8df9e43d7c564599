"""The viewers that users know, in the roles they are best at: one file each, imported only when asked for."""
