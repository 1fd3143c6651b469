"""Linear complementarity by SCIP: equations, and pairs of unknowns of which one must be 0 each.

    E z = e,  O z ≥ 0,  z_p ≥ 0 and z_q ≥ 0 with one of the two 0 for each pair (p, q).

SCIP branches on the pairs as special ordered sets of type 1, without any bound on z, and minimises
the sum over all pairs of z_p + z_q. That sum has no meaning of its own: where the equations fix
the difference of a pair, its least sum is where one of the two is 0, so that the relaxation breaks
few pairs and those that it does break matter.

All of this is floating point, and SCIP has tolerances. So no solution is SCIP's to
accept: a constraint handler asks the caller about each node's point; a node whose pairs all have a
side fixed to 0, and that the caller still does not take, is given up; another is split.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_array

from unrelu.errors import require
from unrelu.numerics.arrays import Array, Index

Settle = Callable[[Array, bool], bool]
Progress = Literal["found", "none", "open"]

PROGRESS: dict[str, Progress] = {
    "infeasible": "none",
    "totalnodelimit": "open",
    "timelimit": "open",
}
"""What SCIP's statuses mean; all others mean that something went wrong."""

MEGABYTES = 4000
"""Of open nodes; near it SCIP goes depth first, which needs hardly any."""

TOLERANCE = 1e-9
"""SCIP's own is 1e-6. What is off by less is told from a solution by trying pattern after pattern,
so the tightest that its linear programs can meet is the quickest."""

AT_ZERO = 2 * TOLERANCE
"""Twice, so that what is not 0 here is not 0 to SCIP's own handler of the pairs, and
is split by it: a node that neither of the two splits would be lost."""


class GaveUpError(Exception):
    """SCIP ended without an answer, and not for the nodes or the time."""


class Sos1:
    """A search that stops after so many nodes and goes on where it stopped.

    equations (e, N), values (e,); ordered (o, N), rows O; pairs (p, 2) unknowns.

    settle : asked with the point z of a node's relaxation, and whether every pair has a 0 there (up
        to SCIP's tolerance); true if it has made a solution of it, which ends the search.

    Guarantee: "none" is SCIP's answer, in floating point. The same seed gives the same search.
    Raises MissingExtraError without pyscipopt.
    """

    def __init__(
        self,
        equations: csr_array,
        values: Array,
        pairs: Index,
        ordered: csr_array,
        settle: Settle,
        seed: int,
    ) -> None:
        scip: Any = require("pyscipopt", "mixed-integer", "searches by mixed-integer programs need")
        self._model = scip.Model(enablepricing=False)
        self._model.hideOutput()
        self._model.setParams(
            {
                "randomization/randomseedshift": seed,
                "misc/catchctrlc": True,
                "numerics/feastol": TOLERANCE,
                "timing/clocktype": 2,
                "limits/memory": MEGABYTES,
                # Reductions that keep one solution of several may keep the one not taken.
                "misc/usesymmetry": 0,
                "misc/allowstrongdualreds": False,
                "misc/allowweakdualreds": False,
                # Every unknown stays what it is, and what cutting planes gain here is less than
                # what they cost.
                "presolving/maxrounds": 0,
                "separating/maxrounds": 0,
                "separating/maxroundsroot": 0,
            }
        )
        paired = np.zeros(equations.shape[1], dtype=bool)
        paired[pairs] = True
        self._unknowns = [
            self._model.addVar(lb=0.0 if least else None, ub=None, obj=float(least))
            for least in paired
        ]
        for row, value in zip(_rows(equations), values.tolist(), strict=True):
            self._model.addCons(self._sum(scip, row) == value)
        for row in _rows(ordered):
            self._model.addCons(self._sum(scip, row) >= 0)
        for first, second in pairs.tolist():
            self._model.addConsSOS1([self._unknowns[first], self._unknowns[second]])
        self._settling = _Settling(self._unknowns, pairs, settle)
        self._handler = _handler(scip, self._settling)
        self._model.includeConshdlr(
            self._handler,
            "settled",
            "a pattern that the caller takes",
            enfopriority=1000,  # before SOS1's, 100: a point with broken pairs may lead to one
            chckpriority=-10_000_000,
            eagerfreq=-1,
            needscons=False,
        )

    def _sum(self, scip: Any, row: tuple[list[int], list[float]]) -> Any:
        return scip.quicksum(w * self._unknowns[j] for j, w in zip(*row, strict=True))

    @property
    def nodes(self) -> int:
        return int(self._model.getNTotalNodes())

    def run(self, more_nodes: int, deadline: float) -> Progress:
        """Go on for so many nodes, or until the deadline in the time of `time.monotonic`.

        Raises what `settle` raises, KeyboardInterrupt, and GaveUpError.
        """
        left = deadline - time.monotonic()
        if left <= 0:
            return "open"
        self._model.setParam("limits/totalnodes", self.nodes + more_nodes)
        used = float(self._model.getSolvingTime())
        self._model.setParam("limits/time", min(used + left, float(self._model.infinity())))
        try:
            self._model.optimize()
        except Exception as error:  # of no class of its own: "SCIP: error in LP solver!"
            if self._settling.error is None:
                raise GaveUpError(str(error)) from error
        if self._settling.error is not None:
            raise self._settling.error
        status = str(self._model.getStatus())
        if self._settling.settled:
            return "found"
        if status == "userinterrupt":
            raise KeyboardInterrupt
        if status not in PROGRESS:
            raise GaveUpError(f"SCIP ended with the status {status}")
        return PROGRESS[status]


def _rows(matrix: csr_array) -> list[tuple[list[int], list[float]]]:
    ends = matrix.indptr.tolist()
    return [
        (matrix.indices[start:end].tolist(), matrix.data[start:end].tolist())
        for start, end in itertools.pairwise(ends)
    ]


class _Settling:
    """What is asked of SCIP's points: whether every pair has a 0, and whether the caller takes
    them."""

    def __init__(self, unknowns: list[Any], pairs: Index, settle: Settle) -> None:
        self.unknowns, self.pairs, self._settle = unknowns, pairs, settle
        self.settled = False
        self.error: BaseException | None = None

    def asked(self, model: Any, z: Array, complete: bool) -> bool:
        """Whether the caller takes the point."""
        if not self.settled and self.error is None:
            try:
                self.settled = self._settle(z, complete)
            except BaseException as error:  # through C code it would be lost
                self.error = error
        if self.settled or self.error is not None:
            model.interruptSolve()
        return self.settled

    def point(self, model: Any, solution: Any) -> tuple[Array, bool]:
        """And whether every pair has a 0."""
        z = np.array([model.getSolVal(solution, unknown) for unknown in self.unknowns])
        sides = z[self.pairs]
        zeros = sides.min(axis=1) <= AT_ZERO * (1 + sides.max(axis=1))
        return z, bool(zeros.all())

    def split(self, model: Any) -> bool:
        """Make two nodes, if there is a pair without a side that is fixed to 0."""
        for first, second in self.pairs.tolist():
            ends = [model.getTransformedVar(self.unknowns[j]) for j in (first, second)]
            if all(end.getUbLocal() > 0 for end in ends):
                for end in ends:
                    child = model.createChild(0.0, model.getLocalEstimate())
                    model.chgVarUbNode(child, end, 0.0)
                return True
        return False

    def pattern(self, model: Any) -> Array:
        """One for each unknown of a pair that may still be positive, where there is no point."""
        z = np.zeros(len(self.unknowns))
        for j in self.pairs.ravel().tolist():
            z[j] = model.getTransformedVar(self.unknowns[j]).getUbLocal() > 0
        return z


def _handler(scip: Any, settling: _Settling) -> Any:
    """The class is made here, since its base is imported only when needed."""
    result = scip.SCIP_RESULT

    class Settled(scip.Conshdlr):  # type: ignore[misc]
        def conscheck(self, _constraints: Any, solution: Any, *_: Any) -> dict[str, Any]:
            z, complete = settling.point(self.model, solution)
            settled = settling.asked(self.model, z, complete)
            return {"result": result.FEASIBLE if complete and settled else result.INFEASIBLE}

        def consenfolp(self, *_: Any) -> dict[str, Any]:
            z, complete = settling.point(self.model, None)
            if (
                settling.asked(self.model, z, complete)
                or not complete
                or settling.error is not None
            ):
                return {"result": result.FEASIBLE}  # SOS1's turn, if pairs are broken
            return {"result": result.BRANCHED if settling.split(self.model) else result.CUTOFF}

        def consenfops(self, *_: Any) -> dict[str, Any]:
            """Where the linear program could not be solved, there is no point, but there are
            smaller nodes, and at last a pattern."""
            if settling.split(self.model):
                return {"result": result.BRANCHED}
            settled = settling.asked(self.model, settling.pattern(self.model), True)
            return {"result": result.FEASIBLE if settled else result.CUTOFF}

        def conslock(self, _constraint: Any, locktype: Any, nlockspos: int, nlocksneg: int) -> None:
            both = nlockspos + nlocksneg  # any change of any unknown may make it worse
            for unknown in settling.unknowns:
                inner = self.model.getTransformedVar(unknown)
                self.model.addVarLocksType(inner, locktype, both, both)

    return Settled()
