"""Claim: the report of a network of 100 units takes under 3 s and 1 MB.

5,000 samples of exact labels, and of noisy ones. With 784 inputs and 10 outputs they are too few
for so many weights, so that the verdict is undetermined; 100 outputs make it exact, and there the
certificate takes longer than the page. It comes first; a `Recovery` brings its own.

Columns: inputs; outputs; labels; status; verify_s, to certify the network, as `unrelu verify` does;
appraise_s, all else that is measured for the page; page_s, to write it; total_s, all three;
kilobytes, of the page.
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser
from support.planting import plant

from unrelu import Recovery
from unrelu.certificate import verify
from unrelu.report.appraisal import appraise
from unrelu.report.page import html_page

CASES = (
    (64, 10, "exact"),
    (64, 10, "noisy"),
    (784, 10, "exact"),
    (784, 10, "noisy"),
    (784, 100, "exact"),
)
COLUMNS = ["inputs", "outputs", "labels", "status", "verify_s", "appraise_s", "page_s", "total_s"]


def main() -> None:
    given = parser(__doc__, seeds=1).parse_args()
    k, n = (20, 800) if given.quick else (100, 5000)
    table = Table("report_page", [*COLUMNS, "kilobytes"], quick=given.quick)
    for seed in range(given.seeds):
        for d, m, labels in CASES[:2] if given.quick else CASES:
            problem = plant(d, k, m, n, seed=seed, bias=0.3)
            Y = problem.Y
            if labels == "noisy":
                Y = Y + 0.1 * np.random.default_rng(seed).standard_normal(Y.shape)
            start = time.perf_counter()
            certificate = verify(problem.truth, problem.X, Y)
            verified = time.perf_counter()
            result = Recovery(certificate.status, certificate.network, certificate, {})
            stated = appraise(result, problem.X, Y)
            appraised = time.perf_counter()
            page = html_page(stated)
            written = time.perf_counter()
            table.add(
                {
                    "inputs": d,
                    "outputs": m,
                    "labels": labels,
                    "status": stated.status.value,
                    "verify_s": verified - start,
                    "appraise_s": appraised - verified,
                    "page_s": written - appraised,
                    "total_s": written - start,
                    "kilobytes": len(page.encode()) / 1e3,
                }
            )


if __name__ == "__main__":
    main()
