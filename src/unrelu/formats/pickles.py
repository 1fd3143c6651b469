"""Pickles of plain state_dicts, read without running anything of theirs.

A pickle is a program for a small stack machine whose instructions may call any Python function.
This is such a machine without that ability: it knows numbers, texts, tuples, lists and dicts,
and the few torch names that a state_dict is made of, each as data. Everything else is refused
where it stands.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from unrelu.formats.steps import shortened


class RefusedPickleError(ValueError):
    """A pickle that asks for more than a plain state_dict does."""


@dataclass(frozen=True)
class Global:
    """A name out of another module; a token, nothing is imported."""

    name: str


@dataclass(frozen=True)
class Storage:
    """Numbers that lie elsewhere in the file, under `key`."""

    kind: str
    key: str
    length: int


@dataclass(frozen=True)
class Tensor:
    """A view into a storage, in numbers rather than bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


KINDS = {
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}

CALLABLE = {
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
}

MARK = object()


def read(file: BinaryIO) -> Any:
    """The value of the pickle that begins at the file's position, which is left behind its end.

    Raises RefusedPickleError, or ValueError and its like for bytes that are no pickle.
    """
    machine = _Machine()
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == "STOP":
            return machine.pop()
        machine.step(opcode.name, argument)
    raise ValueError("the pickle has no end")


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is MARK:
            raise ValueError("a mark stands where a value should")
        return value

    def since_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while self.stack[at] is not MARK:  # runs off the start where there is none
            at -= 1
            if at < 0:
                raise ValueError("a mark is missing")
        values = self.stack[at + 1 :]
        del self.stack[at:]
        return values

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in ("PROTO", "FRAME"):
            pass
        elif name in VALUES:
            stack.append(argument)
        elif name in EMPTY:
            stack.append(EMPTY[name]())
        elif name == "MARK":
            stack.append(MARK)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.peek()
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.peek()
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            values = [self.pop() for _ in range(int(name[-1]))]
            stack.append(tuple(values[::-1]))
        elif name == "TUPLE":
            stack.append(tuple(self.since_mark()))
        elif name == "LIST":
            stack.append(self.since_mark())
        elif name == "DICT":
            values = self.since_mark()
            stack.append({})
            self.fill(values)
        elif name == "APPEND":
            value = self.pop()
            self.peek(list).append(value)
        elif name == "APPENDS":
            values = self.since_mark()
            self.peek(list).extend(values)
        elif name == "SETITEM":
            value, key = self.pop(), self.pop()
            self.fill([key, value])
        elif name == "SETITEMS":
            self.fill(self.since_mark())
        elif name == "POP":
            stack.pop()
        elif name == "GLOBAL":
            stack.append(_known(argument.replace(" ", ".", 1)))
        elif name == "STACK_GLOBAL":
            attribute, module = self.pop(), self.pop()
            stack.append(_known(f"{module!s:.100}.{attribute!s:.100}"))
        elif name == "BINPERSID":
            stack.append(_storage(self.pop()))
        elif name == "REDUCE":
            arguments, function = self.pop(), self.pop()
            stack.append(_called(function, arguments))
        elif name == "BUILD":  # a state_dict carries the versions of its modules this way
            self.pop()
            self.peek(dict)
        else:
            raise RefusedPickleError(f"got the instruction {name}")

    def peek(self, kind: type = object) -> Any:
        value = self.stack[-1]
        if value is MARK or not isinstance(value, kind):
            raise RefusedPickleError("got an instruction that changes something unknown")
        return value

    def fill(self, pairs: list[Any]) -> None:
        target = self.peek(dict)
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(key, str | int):  # hashing a nested tuple may take for ever
                raise RefusedPickleError(f"got a {type(key).__name__} as a key, expected names")
            target[key] = value


VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
"""Instructions that push what follows them."""

EMPTY: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}


def _known(name: str) -> Global:
    if name in KINDS or name in CALLABLE:
        return Global(name)
    raise RefusedPickleError(f"got the name {shortened(name)}")


def _storage(value: Any) -> Storage:
    if not (isinstance(value, tuple) and len(value) in (5, 6) and value[0] == "storage"):
        raise RefusedPickleError("got a reference that is no storage")
    kind, key, length = value[1], value[2], value[4]
    if not (isinstance(kind, Global) and kind.name in KINDS and isinstance(key, str)):
        raise RefusedPickleError("got a storage of an unknown kind")
    if not _natural(length) or value[5:] not in ((), (None,)):
        raise RefusedPickleError("got a storage that is part of another")
    return Storage(KINDS[kind.name], key, length)


def _called(function: Any, arguments: Any) -> Any:
    name = function.name if isinstance(function, Global) else None
    if name not in CALLABLE or not isinstance(arguments, tuple):
        raise RefusedPickleError("got a call of something that no state_dict calls")
    if name == "collections.OrderedDict":
        made = _Machine()
        made.stack.append({})
        for pair in arguments[0] if arguments else ():
            made.fill([*pair])
        return made.pop()
    if name == "torch._utils._rebuild_parameter":
        if not arguments or not isinstance(arguments[0], Tensor):
            raise RefusedPickleError("got a parameter that is no tensor")
        return arguments[0]
    if len(arguments) < 4:
        raise RefusedPickleError("got a tensor without its shape")
    storage, offset, shape, strides = arguments[:4]
    if not (isinstance(storage, Storage) and _natural(offset) and _naturals(shape, strides)):
        raise RefusedPickleError("got a tensor of an impossible shape")
    if any(arguments[6:]):  # of a negated view, say, whose numbers have the other sign
        raise RefusedPickleError("got a tensor with remarks")
    return Tensor(storage, offset, shape, strides)


def _naturals(*values: Any) -> bool:
    return all(isinstance(value, tuple) and all(map(_natural, value)) for value in values)


def _natural(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62
