"""A pickle machine that runs nothing: each opcode pushes plain data, or is refused.

A pickle is a program, and Python's unpickler runs it. Here a global is never imported, only looked up in a
table of what may be called; no object is made or filled. The standard library's `pickletools` reads opcodes.
"""

from __future__ import annotations

import codecs
import pickletools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

MOST_OPCODES = 20_000_000  # the captions of MS-COCO take 6 million
DEEPEST = 32  # levels of nesting

Plain: TypeAlias = Any  # lists, tuples, dicts, sets, text, bytes, numbers, booleans, None; what calls make
SCALARS = (str, bytes, bool, int, float, type(None))

# What running a damaged pickle raises.
DAMAGED = (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, MemoryError)


class RefusedError(Exception):
    """What a pickle asks for that is not allowed."""


@dataclass(frozen=True, eq=False)
class Global:
    """A name that a pickle may use. `make`: what a call of it makes, None = it may not be called."""

    name: str
    make: Callable[..., Plain] | None = None


class Stream(Protocol):
    """What a pickle is read from: a BytesIO or a mapped file, in which reading too much costs nothing."""

    def read(self, n: int, /) -> bytes:
        """At most `n` bytes."""

    def readline(self) -> bytes:
        """Bytes up to the end of the line."""


def checked_keys(items: Iterable[Plain]) -> list[Plain]:
    """The same items, all of them text, bytes, numbers or None: hashing a deep tuple can take for ever."""
    items = list(items)
    for item in items:
        if type(item) not in SCALARS:
            raise RefusedError(f"a {type(item).__name__} as a key")
    return items


class Machine:
    """The stack, the stacks below each mark, the memo, and the names that may be used.

    `budget`: how many bytes calls may make, so that a small file cannot use one part of it for ever.
    """

    def __init__(self, stream: Stream, known: Mapping[str, Global], budget: int) -> None:
        self.stream, self.known, self.bytes_left = stream, known, budget
        self.stack: list[Plain] = []
        self.below: list[list[Plain]] = []
        self.memo: dict[int, Plain] = {}

    def run(self) -> Plain:
        """What one pickle makes. Raises RefusedError, or one of `DAMAGED`."""
        for _ in range(MOST_OPCODES):
            code = self.stream.read(1)
            opcode = _OPCODES.get(code)
            if opcode is None:
                raise ValueError(f"no pickle has the opcode {code!r}" if code else "it ends too early")
            if opcode.name == "STOP":
                return self.stack.pop()
            argument = self.argument(opcode)
            if opcode.name in _PUSHED:
                self.push(argument)
            elif opcode.name in _STEPS:
                _STEPS[opcode.name](self, argument)
            else:
                raise RefusedError(f"the opcode {opcode.name}, which makes objects")
        raise RefusedError(f"more than {MOST_OPCODES:,} opcodes")

    def argument(self, opcode: pickletools.OpcodeInfo) -> Any:
        if opcode.arg is None:
            return None
        if opcode.name == "STRING":  # pickletools decodes it as ASCII
            quoted = self.stream.readline().rstrip()
            if len(quoted) < 2 or quoted[:1] != quoted[-1:] or quoted[:1] not in (b"'", b'"'):
                raise ValueError("a string without quotes")
            return codecs.escape_decode(quoted[1:-1])[0].decode("latin-1")
        value = opcode.arg.reader(self.stream)  # type: ignore[arg-type]
        if isinstance(value, int) and value.bit_length() > 128:
            raise RefusedError("an integer of more than 128 bits")
        return bytes(value) if isinstance(value, bytearray) else value

    def mark(self, _: None) -> None:
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Plain]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def top(self, count: int) -> list[Plain]:
        """Take the last `count` values off the stack."""
        if len(self.stack) < count:
            raise ValueError("it takes more off its stack than it put there")
        items = self.stack[-count:]
        del self.stack[-count:]
        return items

    def last(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise ValueError(f"a {type(self.stack[-1]).__name__} where a {kind.__name__} is filled")
        return self.stack[-1]

    def set_items(self, items: list[Plain]) -> None:
        self.last(dict).update(zip(checked_keys(items[::2]), items[1::2], strict=True))

    def push_dict(self, items: list[Plain]) -> None:
        self.push({})
        self.set_items(items)

    def push(self, value: Plain) -> None:
        self.stack.append(value)

    def put(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.stack[-1]

    def push_global(self, name: str) -> None:
        if name not in self.known:
            raise RefusedError(f"the global `{name}`")
        self.push(self.known[name])

    def call(self, _: None) -> None:
        function, arguments = self.top(2)
        if not isinstance(function, Global) or function.make is None or type(arguments) is not tuple:
            raise RefusedError(f"a call of {_named(function)}")
        self.push(self.paid(function.make(*arguments)))

    def build(self, _: None) -> None:
        (state,) = self.top(1)
        self.fill(self.stack[-1], state)
        self.paid(self.stack[-1])

    def fill(self, target: Plain, state: Plain) -> None:
        """Give `state` to what a call made. Here nothing can be filled."""
        raise RefusedError(f"the opcode BUILD, which fills objects, for a {type(target).__name__}")

    def refer(self, what: Plain) -> Plain:
        """What a persistent id stands for. Here it is nothing."""
        raise RefusedError("the opcode BINPERSID, which names things outside")

    def paid(self, made: Plain) -> Plain:
        """`made`, once its bytes, or what it holds, are counted."""
        counted = isinstance(made, (bytes, set, frozenset, dict, tuple))
        self.bytes_left -= len(made) if counted else getattr(made, "nbytes", 0)
        if self.bytes_left < 0:
            raise RefusedError("arrays and sets far larger than the file")
        return made


def _named(part: Plain) -> str:
    return f"`{part.name}`" if isinstance(part, Global) else f"a {type(part).__name__}"


def check_plain(value: Plain, leaves: tuple[type, ...]) -> Plain:
    """`value`, once it is known to be plain data and `leaves`, in a few levels, not in itself."""
    heights: dict[int, int] = {}

    def height(part: Plain, above: int) -> int:
        if isinstance(part, (*SCALARS, *leaves)):
            return 0
        if not isinstance(part, (list, tuple, dict, set, frozenset)):
            raise RefusedError(f"{_named(part)} as data")
        if id(part) not in heights and above < DEEPEST:
            inner = part.values() if isinstance(part, dict) else part
            deep = (height(item, above + 1) for item in inner if type(item) not in SCALARS)
            heights[id(part)] = 1 + max(deep, default=0)
        if above + heights.get(id(part), 1) > DEEPEST:
            raise RefusedError(f"data nested deeper than {DEEPEST} levels, or in itself")
        return heights[id(part)]

    height(value, 0)
    return value


_OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}

# Opcodes whose argument is a value.
_PUSHED = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE "
    "SHORT_BINUNICODE BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8".split()
)

_STEPS: Mapping[str, Callable[[Machine, Any], object]] = {
    "PROTO": lambda m, _: None,
    "FRAME": lambda m, _: None,
    "MARK": Machine.mark,
    "POP": lambda m, _: m.stack.pop() if m.stack else m.since_mark(),
    "POP_MARK": lambda m, _: m.since_mark(),
    "DUP": lambda m, _: m.push(m.stack[-1]),
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    "EMPTY_LIST": lambda m, _: m.push([]),
    "LIST": lambda m, _: m.push(m.since_mark()),
    "APPEND": lambda m, _: _append(m, m.top(1)),
    "APPENDS": lambda m, _: _append(m, m.since_mark()),
    "EMPTY_TUPLE": lambda m, _: m.push(()),
    "TUPLE": lambda m, _: m.push(tuple(m.since_mark())),
    "TUPLE1": lambda m, _: m.push(tuple(m.top(1))),
    "TUPLE2": lambda m, _: m.push(tuple(m.top(2))),
    "TUPLE3": lambda m, _: m.push(tuple(m.top(3))),
    "EMPTY_DICT": lambda m, _: m.push({}),
    "DICT": lambda m, _: m.push_dict(m.since_mark()),
    "SETITEM": lambda m, _: m.set_items(m.top(2)),
    "SETITEMS": lambda m, _: m.set_items(m.since_mark()),
    "EMPTY_SET": lambda m, _: m.push(set()),
    "ADDITEMS": lambda m, _: _add(m, m.since_mark()),
    "FROZENSET": lambda m, _: m.push(frozenset(checked_keys(m.since_mark()))),
    "PUT": Machine.put, "BINPUT": Machine.put, "LONG_BINPUT": Machine.put, "MEMOIZE": Machine.put,
    "GET": lambda m, place: m.push(m.memo[place]),
    "BINGET": lambda m, place: m.push(m.memo[place]),
    "LONG_BINGET": lambda m, place: m.push(m.memo[place]),
    "GLOBAL": lambda m, names: m.push_global(names.replace(" ", ".", 1)),
    "STACK_GLOBAL": lambda m, _: m.push_global(".".join(m.top(2))),
    "REDUCE": Machine.call,
    "BUILD": Machine.build,
    "BINPERSID": lambda m, _: m.push(m.refer(*m.top(1))),
}  # fmt: skip


def _append(machine: Machine, items: list[Plain]) -> None:
    machine.last(list).extend(items)


def _add(machine: Machine, items: list[Plain]) -> None:
    machine.last(set).update(checked_keys(items))
