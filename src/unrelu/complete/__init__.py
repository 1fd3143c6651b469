"""Complete searches and refutations over the rationals."""
