"""One command per file: options in, the same function of the library, results out."""
