"""Links: what a model does to the values of its network before it answers, and how to undo it."""
