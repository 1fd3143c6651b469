"""Accepted forms of arguments: tables with named columns, tensors, arrays; checks of options."""
