"""A model behind an address: a POST of the queries as a JSON array of rows, answered by one."""

from __future__ import annotations

import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import InputError, OracleError

Array = NDArray[np.float64]

PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Status codes that may go away by waiting."""

LONGEST_WAIT = 600.0
"""Seconds that a server may ask for before that counts as a refusal."""

PART = 1 << 16
"""Bytes read at a time."""

LARGEST_ANSWER = 1 << 28
"""Bytes: a server that never stops talking is not one that answers."""


@dataclass
class WebModel:
    """Asks an address. Failures that may pass (no connection, time-outs, status 429 and 5xx) are
    tried again `retries` times, after the seconds that the server names in Retry-After, else
    after `wait` seconds, doubled each time. At most `per_second` requests are made a second."""

    address: str
    timeout: float = 30.0
    retries: int = 5
    wait: float = 0.5
    per_second: float = math.inf
    headers: dict[str, str] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _next: float = -math.inf

    def __post_init__(self) -> None:
        if not self.address.startswith(("http://", "https://")):
            raise InputError(f"address: got {self.address!r}, expected http://… or https://…")
        for name, least in (("timeout", 0.0), ("per_second", 0.0), ("wait", -1e-300)):
            if not getattr(self, name) > least:
                raise InputError(f"{name}: got {getattr(self, name)}, expected a positive number")

    def __call__(self, X: NDArray[Any]) -> Any:
        """The answers as they came: a list of rows. Raises OracleError."""
        # Rows in float32 are written with the digits that float32 needs; both read back exactly.
        body = json.dumps(X.astype(np.float64).tolist()).encode()
        for attempt in range(self.retries + 1):
            self._keep_pace()
            again = attempt < self.retries
            pause = self.wait * 2**attempt
            try:
                return _answers(self.address, self._post(body))
            except urllib.error.HTTPError as error:
                with error:
                    said = f"status {error.code} {error.reason}"
                    if error.code // 100 == 3:
                        said += f": give the address {error.headers.get('Location')} itself"
                    again = again and error.code in PASSING
                    pause = _named_wait(error.headers.get("Retry-After"), pause)
            except (OSError, HTTPException) as error:  # URLError is an OSError
                reason = getattr(error, "reason", None) or error
                said = str(reason) or type(error).__name__
            if not again or pause > LONGEST_WAIT:
                times = f", after {attempt + 1} attempts" if attempt else ""
                if again:
                    times = f", which asks to wait {pause:.0f} seconds: try again later"
                raise OracleError(f"{self.address}: no answer: {said}{times}")
            self.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _keep_pace(self) -> None:
        now = self.clock()
        if now < self._next:
            self.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self.per_second

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self.headers}
        request = urllib.request.Request(self.address, data=body, headers=headers, method="POST")
        deadline = self.clock() + self.timeout  # of the socket alone, a byte in time is enough
        with _OPENER.open(request, timeout=self.timeout) as answer:
            return self._read(answer, deadline)

    def _read(self, answer: HTTPResponse, deadline: float) -> bytes:
        """All that was announced: what breaks off is no answer, and may come whole next time."""
        announced = answer.length
        data = bytearray()
        while announced is None or len(data) < announced:
            part = answer.read1(PART)
            if not part:
                break
            data += part
            if len(data) > LARGEST_ANSWER:
                raise OracleError(f"{self.address}: got an answer beyond {LARGEST_ANSWER} bytes")
            if self.clock() > deadline:
                raise TimeoutError("timed out")
        if announced is not None and len(data) < announced:
            raise IncompleteRead(bytes(data), announced - len(data))
        return bytes(data)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET, which asks nothing."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _answers(address: str, body: bytes) -> Any:
    try:
        answers = json.loads(body)
    except (ValueError, RecursionError) as error:
        shown = body[:60].decode("utf-8", "replace")
        raise OracleError(
            f"{address}: got {shown!r}, expected JSON: an array with one row of numbers to a query"
        ) from error
    if not isinstance(answers, list):
        raise OracleError(
            f"{address}: got a JSON {type(answers).__name__}, expected an array with one row of "
            "numbers to a query"
        )
    return answers


def _named_wait(header: str | None, otherwise: float) -> float:
    """Retry-After is a number of seconds or a date."""
    if header is None:
        return otherwise
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):  # neither, or a date without a zone
            return otherwise
    return max(0.0, seconds) if math.isfinite(seconds) else otherwise
