"""Claim: the report of a network of 100 units takes under 3 s and 1 MB, once it is verified.

784 inputs, 10 outputs, 5,000 samples: of exact labels, and of noisy ones. They are too few for so
many weights, so that the verdicts are undetermined and failed; 100 outputs make it exact. The
certificate is the larger part and comes first; a `Recovery` brings its own.

Columns: labels; outputs; status; verify_s, to certify the network, which `unrelu verify` does too;
appraise_s, all else that is measured for the page; page_s, to write it; total_s, the last two;
kilobytes, of the page.
"""

from __future__ import annotations

import time

import numpy as np
from _table import Table, parser
from planting import plant

from unrelu import Recovery
from unrelu.appraisal import appraise
from unrelu.certificate import verify
from unrelu.report.page import html_page

CASES = (("exact", 10), ("noisy", 10), ("exact", 100))
COLUMNS = ["labels", "outputs", "status", "verify_s", "appraise_s", "page_s", "total_s"]


def main() -> None:
    given = parser(__doc__, seeds=1).parse_args()
    d, k, n = (64, 20, 800) if given.quick else (784, 100, 5000)
    table = Table("report_page", [*COLUMNS, "kilobytes"], quick=given.quick)
    for seed in range(given.seeds):
        for labels, m in CASES:
            problem = plant(d, k, m, n, seed=seed, bias=0.3)
            Y = problem.Y
            if labels == "noisy":
                Y = Y + 0.1 * np.random.default_rng(seed).standard_normal(Y.shape)
            start = time.perf_counter()
            certificate = verify(problem.truth, problem.X, Y)
            verified = time.perf_counter()
            result = Recovery(certificate.status, certificate.network, certificate, {})
            told = appraise(result, problem.X, Y)
            appraised = time.perf_counter()
            page = html_page(told)
            written = time.perf_counter()
            table.add(
                {
                    "labels": labels,
                    "outputs": m,
                    "status": told.status.value,
                    "verify_s": verified - start,
                    "appraise_s": appraised - verified,
                    "page_s": written - appraised,
                    "total_s": written - verified,
                    "kilobytes": len(page.encode()) / 1e3,
                }
            )


if __name__ == "__main__":
    main()
