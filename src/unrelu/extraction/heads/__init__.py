"""How a model encodes its answers: one head per file, and their table."""
