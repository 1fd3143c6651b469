"""One way of finding a network per file; each says when it applies."""
