"""The model that every search fits: rows, whitening, variable projection, reduction, selection."""
