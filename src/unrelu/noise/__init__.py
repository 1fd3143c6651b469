"""Kinds of noise, one to a file, and their table: what labels may contain besides the outputs of a
network, how that is recognised, which loss is made for it, and what standard errors rest on."""
