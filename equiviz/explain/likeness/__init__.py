"""How alike stages are: of one model, of two, and to what experts say; each beside what chance gives."""
