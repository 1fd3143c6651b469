"""Results as text (`text`), pictures (`pairs`, `curves`) and a page (`page`, with its `sections`,
`words`, `charts` and `images`). Nothing is computed here: certificates and appraisals are drawn."""
