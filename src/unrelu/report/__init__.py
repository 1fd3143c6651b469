"""Results as text (`text`), pictures (`pairs`) and a page (`page`, with its `words`, `charts` and
`images`). Computes nothing: what is drawn comes from certificates and appraisals."""
