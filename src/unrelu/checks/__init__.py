"""The measurements behind a certificate. Each looks at a canonical network and samples only."""
