"""A model behind an address: the queries are sent by POST as JSON and answered in JSON."""

from __future__ import annotations

import json
import math
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrelu.errors import InputError, OracleError
from unrelu.oracles.replies import NoRowsError, message_in, one_row, rows_at, rows_in, tokens_of

TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
"""Status codes of failures that may be temporary."""

LONGEST_WAIT = 600.0
"""Longest wait in seconds that a server may ask for; a longer one counts as a refusal."""

PART = 1 << 16
"""Bytes read at a time."""

LARGEST_ANSWER = 1 << 28
"""In bytes, as a limit on servers that never stop sending."""

MOST_READ = 1 << 16
"""Bytes of an error page that are read: the message is at its beginning."""


@dataclass
class WebModel:
    """A model behind an address, which is queried by POST and answers in JSON.

    The queries are sent as an array with one row per query, [[0.5, 1.0], …], or as an object with
    this array under `request_key`: {"instances": [[0.5, 1.0], …]}. The answer is an array of rows,
    or an object that contains one, {"predictions": [[1.5], …]}. If there are several, `json_path`
    selects one.

    Parameters
    ----------
    address : http://… or https://…
    timeout : seconds that the server has for a batch.
    retries : how often a request is repeated after a temporary failure (no connection, a time-out,
        status 429 or 5xx): after the seconds in the server's Retry-After, otherwise after `wait`
        seconds, doubled each time.
    per_second : maximum number of requests per second.
    headers : sent with each request: {"Authorization": "Bearer …"}.
    request_key : key of the queries in the object that is sent; without it, an array is sent.
    json_path : where in the answer the rows are: outputs[0].data, or predictions.*.y, where *
        stands for every entry of a list.

    Raises InputError for invalid arguments; calls raise OracleError with the server's message.

    >>> from unrelu.oracles import WebModel
    >>> WebModel("http://127.0.0.1:8501/v1/models/net:predict", request_key="instances").retries
    5
    """

    address: str
    timeout: float = 30.0
    retries: int = 5
    wait: float = 0.5
    per_second: float = math.inf
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    request_key: str | None = None
    json_path: str | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _next: float = field(default=-math.inf, repr=False)
    _steps: list[str | int] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.address.startswith(("http://", "https://")):
            raise InputError(f"address: got {self.address!r}, expected http://… or https://…")
        for name, least in (("timeout", 0.0), ("per_second", 0.0), ("wait", -1e-300)):
            if not getattr(self, name) > least:
                raise InputError(f"{name}: got {getattr(self, name)}, expected a positive number")
        for name, value in self.headers.items():
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not _sendable(value):
                raise InputError(  # the value may be a secret
                    f"headers: got {name!r} with a value of {len(str(value))} characters, expected "
                    "a name such as Authorization and a value in one line of Latin letters"
                )
        self._steps = None if self.json_path is None else tokens_of(self.json_path)

    def __call__(self, X: NDArray[Any]) -> Any:
        """The answers as received: a list of rows. Raises OracleError."""
        # Rows in float32 are written with the digits that float32 needs; both read back exactly.
        rows = X.astype(np.float64).tolist()
        sent = rows if self.request_key is None else {self.request_key: rows}
        body = json.dumps(sent).encode()
        for attempt in range(self.retries + 1):
            self._keep_pace()
            again = attempt < self.retries
            pause = self.wait * 2**attempt
            try:
                return self._rows(self._post(body), len(X))
            except urllib.error.HTTPError as error:
                with error:
                    failure = f"status {error.code} {error.reason}{_message_of(error)}"
                    failure += HINTS.get(error.code, "")
                    if error.code // 100 == 3:
                        failure += f": give the address {error.headers.get('Location')} itself"
                    again = again and error.code in TEMPORARY
                    pause = _named_wait(error.headers.get("Retry-After"), pause)
            except (OSError, HTTPException) as error:  # URLError is an OSError
                reason = getattr(error, "reason", None) or error
                failure = str(reason) or type(error).__name__
            if not again or pause > LONGEST_WAIT:
                times = f", after {attempt + 1} attempts" if attempt else ""
                if again:
                    times = f", which asks to wait {pause:.0f} seconds: try again later"
                raise OracleError(f"{self.address}: no answer: {failure}{times}")
            self.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _rows(self, body: bytes, n: int) -> Any:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise OracleError(
                f"{self.address}: got {message_in(body[:MOST_READ])!r}, expected JSON: an array "
                "with one row of numbers per query"
            ) from error
        try:
            rows = rows_in(answer, n) if self._steps is None else rows_at(answer, self._steps)
            return one_row(rows) if n == 1 else rows
        except NoRowsError as error:
            message = message_in(body[:MOST_READ]) if isinstance(answer, dict) else ""
            raise OracleError(
                f"{self.address}: got {error}: json_path=…, on the command line --json-path, says "
                f"where the rows are{f'; the server says: {message}' if message else ''}"
            ) from error

    def _keep_pace(self) -> None:
        now = self.clock()
        if now < self._next:
            self.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self.per_second

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self.headers}
        request = urllib.request.Request(self.address, data=body, headers=headers, method="POST")
        deadline = (
            self.clock() + self.timeout
        )  # the socket's own time-out starts anew with every byte
        with _OPENER.open(request, timeout=self.timeout) as answer:
            return self._read(answer, deadline)

    def _read(self, answer: HTTPResponse, deadline: float) -> bytes:
        """The whole answer. One that breaks off is a temporary failure."""
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
    """A redirected POST would become a GET, without the queries."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)

HINTS = {
    401: "; headers={'Authorization': …}, on the command line --header 'Authorization: …', says "
    "who is asking",
    400: "; queries are sent as [[…], …], with request_key='instances', on the command line "
    '--request-key instances, as {"instances": [[…], …]}',
}
HINTS |= {403: HINTS[401], 415: HINTS[400], 422: HINTS[400]}
"""Advice by status code."""


def _message_of(error: urllib.error.HTTPError) -> str:
    """The server's own message, after a colon."""
    try:
        message = message_in(error.read(MOST_READ))
    except (OSError, HTTPException, ValueError):
        message = ""
    return f": {message}" if message else ""


def _sendable(value: object) -> bool:
    if not isinstance(value, str) or not value.isprintable():
        return False
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


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
