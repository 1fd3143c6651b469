"""Pickles of plain state_dicts, read without running anything of theirs.

A pickle is a program for a small stack machine whose instructions may call any Python function.
This is such a machine without that ability: it knows numbers, texts, tuples, lists and dicts,
and the few torch names that a state_dict is made of, each as data. Whatever else the program
names or calls becomes an `Unknown`, which has the name and does nothing.

The standard library's Unpickler is not used: it hashes every key, which never ends for deeply
nested tuples, and allocates as much memory as the index of a memo requires.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from unrelu.wording.streams import kind_of


class RefusedPickleError(ValueError):
    """A pickle with instructions that no state_dict or checkpoint has."""


@dataclass(frozen=True)
class Global:
    """A name from another module. Nothing is imported."""

    name: str


@dataclass(frozen=True)
class Unknown:
    """The value of a name that is not one of a state_dict's, or the result of calling it."""

    name: str


@dataclass
class References:
    """What a pickle refers to, gathered while it is read."""

    storages: dict[str, Storage] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


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
    "torch.ComplexFloatStorage": "complex64",
    "torch.ComplexDoubleStorage": "complex128",
}

CALLABLE = {
    "collections.OrderedDict",
    "collections.defaultdict",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
}

MARK = object()


def read(file: BinaryIO, references: References) -> Any:
    """The value of the pickle that begins at the file's position, which is left behind its end.
    `references` is filled, also where reading ends in an error.

    Raises RefusedPickleError, or ValueError and its like for bytes that are no pickle.
    """
    machine = _Machine(references)
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name == "STOP":
            return machine.pop()
        machine.step(opcode.name, argument)
    raise ValueError("the pickle has no end")


class _Machine:
    def __init__(self, references: References) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.references = references

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is MARK:
            raise ValueError("got a mark in place of a value")
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
        if name in VALUES:
            self.stack.append(argument)
        elif name in EMPTY:
            self.stack.append(EMPTY[name]())
        elif name in INSTRUCTIONS:
            INSTRUCTIONS[name](self, argument)
        else:
            raise RefusedPickleError(f"got the instruction {name}")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def popped(self, count: int) -> list[Any]:
        """The last few values, in the order in which they were pushed."""
        return [self.pop() for _ in range(count)][::-1]

    def keep(self, at: int) -> None:
        self.memo[at] = self.peek()

    def make_dict(self) -> None:
        values = self.since_mark()
        self.push({})
        self.fill(values)

    def build(self) -> None:
        """Ignore the state of an object: for a state_dict, the versions of its modules."""
        self.pop()
        self.peek((dict, Unknown))

    def replace(self, value: Any) -> None:
        """Put one value in the place of all down to the mark."""
        self.since_mark()
        self.push(value)

    def stack_global(self) -> None:
        module, attribute = self.popped(2)
        if not (isinstance(module, str) and isinstance(attribute, str)):  # nor written out as texts
            raise RefusedPickleError("got a name that is no text")
        self.push(self.known(f"{module:.100}.{attribute:.100}"))

    def peek(self, kind: type | tuple[type, ...] = object) -> Any:
        value = self.stack[-1]
        if value is MARK or not isinstance(value, kind):
            raise RefusedPickleError("got an instruction that changes something unknown")
        return value

    def extend(self, values: list[Any]) -> None:
        target = self.peek((list, Unknown))
        if isinstance(target, list):
            target.extend(values)

    def fill(self, pairs: list[Any]) -> None:
        fill(self.peek((dict, Unknown)), pairs)

    def known(self, name: str, *, called: bool = False) -> Global | Unknown:
        if not called and (name in KINDS or name in CALLABLE):
            return Global(name)
        self.references.names.append(name)
        return Unknown(name)

    def storage(self, value: Any) -> Storage | Unknown:
        """The object that a reference to something outside the pickle stands for: numbers, or the
        source of a class, which old files contain."""
        if not isinstance(value, tuple) or not value:
            raise RefusedPickleError("got a reference that is no storage")
        if value[0] != "storage" or len(value) not in (5, 6):
            name = next((each.name for each in value if isinstance(each, Unknown)), "no storage")
            return Unknown(name)
        kind, key, length = value[1], value[2], value[4]
        if not isinstance(kind, Global | Unknown) or not isinstance(key, str):
            raise RefusedPickleError("got a storage of an unknown kind")
        if not _natural(length) or value[5:] not in ((), (None,)):
            raise RefusedPickleError("got a storage that is part of another")
        if kind.name not in KINDS:
            return Unknown(kind.name)
        found = Storage(KINDS[kind.name], key, length)
        if self.references.storages.setdefault(key, found).kind != found.kind:
            raise RefusedPickleError("got a storage of two kinds")
        return found


def called(function: Any, arguments: Any) -> Any:
    """What a call gives, of the few functions that a state_dict calls."""
    if isinstance(function, Unknown):
        return function
    name = function.name if isinstance(function, Global) else None
    if name not in CALLABLE or not isinstance(arguments, tuple):
        raise RefusedPickleError("got a call of something that no state_dict calls")
    if name == "collections.defaultdict":
        return {}
    if name == "collections.OrderedDict":
        made: dict[Any, Any] = {}
        for pair in arguments[0] if arguments else ():
            fill(made, [*pair])
        return made
    if name == "torch._utils._rebuild_parameter":
        if not arguments or not isinstance(arguments[0], Tensor | Unknown):
            raise RefusedPickleError("got a parameter that is no tensor")
        return arguments[0]
    if len(arguments) < 4:
        raise RefusedPickleError("got a tensor without its shape")
    storage, offset, shape, strides = arguments[:4]
    if isinstance(storage, Unknown):
        return storage
    if not (isinstance(storage, Storage) and _natural(offset) and _naturals(shape, strides)):
        raise RefusedPickleError("got a tensor of an impossible shape")
    if any(arguments[6:]):  # of a negated view, say, whose numbers have the other sign
        return Unknown("torch.Tensor with remarks")
    return Tensor(storage, offset, shape, strides)


def fill(target: dict[Any, Any] | Unknown, pairs: list[Any]) -> None:
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if isinstance(target, Unknown):
            continue
        if isinstance(key, str | int):
            target[key] = value
        elif isinstance(value, Tensor):  # hashing a nested tuple may never end
            raise RefusedPickleError(f"got {kind_of(key)} as a key, expected names")


Instruction = Callable[[_Machine, Any], object]

INSTRUCTIONS: dict[str, Instruction] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda *_: None),
    "MARK": lambda machine, _: machine.push(MARK),
    "POP": lambda machine, _: machine.stack.pop(),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), lambda machine, at: machine.keep(at)),
    "MEMOIZE": lambda machine, _: machine.keep(len(machine.memo)),
    **dict.fromkeys(
        ("GET", "BINGET", "LONG_BINGET"), lambda machine, at: machine.push(machine.memo[at])
    ),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.popped(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.popped(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.popped(3))),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "LIST": lambda machine, _: machine.push(machine.since_mark()),
    "DICT": lambda machine, _: machine.make_dict(),
    "APPEND": lambda machine, _: machine.extend([machine.pop()]),
    **dict.fromkeys(
        ("APPENDS", "ADDITEMS"), lambda machine, _: machine.extend(machine.since_mark())
    ),
    "SETITEM": lambda machine, _: machine.fill(machine.popped(2)),
    "SETITEMS": lambda machine, _: machine.fill(machine.since_mark()),
    "GLOBAL": lambda machine, name: machine.push(machine.known(name.replace(" ", ".", 1))),
    "STACK_GLOBAL": lambda machine, _: machine.stack_global(),
    "BINPERSID": lambda machine, _: machine.push(machine.storage(machine.pop())),
    **dict.fromkeys(
        ("REDUCE", "NEWOBJ"), lambda machine, _: machine.push(called(*machine.popped(2)))
    ),
    "NEWOBJ_EX": lambda machine, _: machine.push(called(*machine.popped(3)[:2])),
    "OBJ": lambda machine, _: machine.push(called(machine.since_mark()[0], None)),
    "INST": lambda machine, name: machine.replace(
        machine.known(name.replace(" ", ".", 1), called=True)
    ),
    "FROZENSET": lambda machine, _: machine.replace(Unknown("builtins.frozenset")),
    "BUILD": lambda machine, _: machine.build(),
}
"""Every other instruction that is known, and what it does to the machine and with its argument."""

VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    "BYTEARRAY8",
}
"""Instructions that push what follows them."""

EMPTY: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": lambda: Unknown("builtins.set"),
}


def _naturals(*values: Any) -> bool:
    return all(isinstance(value, tuple) and all(map(_natural, value)) for value in values)


def _natural(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62
