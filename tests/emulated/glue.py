"""The part of the MicroPython runtime that viper code calls through its table of functions.

Objects are as on a 32-bit board: a small int is n << 1 | 1 (31 bits), anything else the address of
an object. Objects that machine code never looks into (None, large ints, tuples) live on the host and
have an address at which nothing is mapped.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from .memory import Buffer, Memory, Unsupported

# The table in its order. Entries from 50 on are for modules written in C, but for the two memory ones.
ENTRIES = """
none false true convert_obj_to_native convert_native_to_obj swap_globals load_name load_global
load_build_class load_attr load_method load_super_method store_name store_global store_attr
obj_subscr obj_is_true unary_op binary_op new_tuple new_list new_dict new_set set_store list_append
dict_store make_function_from_proto_fun call_function_n_kw call_method_n_kw call_method_n_kw_var
getiter iternext nlr_push nlr_pop raise import_name import_from import_all new_slice unpack_sequence
unpack_ex delete_name delete_global new_closure arg_check_num_sig setup_code_state_native
small_int_floor_divide small_int_modulo yield_from setjmp memset memmove
""".split()  # noqa: SIM905 - as a list it would be 52 lines
OBJ, BOOL, INT, UINT, PTR, PTR32 = 0, 1, 2, 3, 4, 7  # native types; PTR..PTR32 are pointers
HANDLES = 0x31000000  # addresses of the objects on the host
SENTINEL = 4  # obj_subscr: load instead of store
_COMPARE = (operator.lt, operator.gt, operator.eq, operator.le, operator.ge, operator.ne)
_COMBINE = {
    0: operator.or_,
    1: operator.xor,
    2: operator.and_,
    3: operator.lshift,
    4: operator.rshift,
    5: operator.add,
    6: operator.sub,
    7: operator.mul,
    9: operator.floordiv,
    11: operator.mod,
    12: operator.pow,
}
_FIRST_INPLACE, _FIRST_PLAIN, _IS = 9, 22, 7
_UNARY = (operator.pos, operator.neg, operator.invert)


def signed(word: int) -> int:
    """A 32-bit word as a number with a sign; wraps what is wider."""
    return ((word + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def floor_divide(a: int, b: int) -> int:
    """`//` of viper on a 32-bit board, with the wrap-around of its helper near the ends of the range."""
    if b == 0:
        raise Unsupported(f"{a} // 0")
    if a >= 0 and b < 0:
        a = signed(a - b - 1)
    elif a < 0 and b >= 0:
        a = signed(a - b + 1)
    quotient = abs(a) // abs(b)
    return signed(quotient if (a < 0) == (b < 0) else -quotient)


def modulo(a: int, b: int) -> int:
    """`%` of viper on a 32-bit board: the sign of the divisor, as in Python."""
    if b == 0:
        raise Unsupported(f"{a} % 0")
    return a % b


class Runtime:
    """Answers the calls of one machine; `host` maps addresses to the objects that live on the host."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.host: dict[int, Any] = {}
        self._next = HANDLES
        self.none, self.false, self.true = (self._handle(value) for value in (None, False, True))

    def _handle(self, value: Any) -> int:
        self._next += 8
        self.host[self._next] = value
        return self._next

    def box(self, value: Any) -> int:
        """The object word of a Python value; a Buffer becomes the array object that stands before it."""
        if value is None:
            return self.none
        if isinstance(value, bool):
            return self.true if value else self.false
        if isinstance(value, int) and -(1 << 30) <= value < 1 << 30:
            return (value << 1 | 1) & 0xFFFFFFFF
        if isinstance(value, Buffer):
            return value.object
        return self._handle(value)

    def unbox(self, word: int) -> Any:
        """The Python value of an object word."""
        if word & 1:
            return signed(word) >> 1
        if word in self.host:
            return self.host[word]
        buffer = self.memory.objects.get(word)
        if buffer is None:
            raise Unsupported(f"0x{word:08x} is not an object")
        return buffer

    def _int(self, word: int) -> int:
        value = self.unbox(word)
        if not isinstance(value, int):
            raise Unsupported(f"{value!r} where an int is needed")
        return int(value)

    def call(self, entry: int, args: list[int]) -> int:
        """Run entry number `entry` on the words of the argument registers; returns the result's word."""
        name = ENTRIES[entry] if entry < len(ENTRIES) else f"entry {entry} of the table"
        run: Callable[..., int] | None = getattr(self, "_do_" + name, None)
        if run is None:
            raise Unsupported(f"calls {name} of the runtime, which is not emulated")
        return run(*args) & 0xFFFFFFFF

    def _do_convert_obj_to_native(self, word: int, kind: int, *_: int) -> int:
        kind &= 15
        if kind == OBJ:
            return word
        if kind == BOOL:
            return self._do_obj_is_true(word)
        value = self.unbox(word)
        if PTR <= kind <= PTR32 and isinstance(value, Buffer):
            return int(value.addr)
        return self._int(word)

    def _do_convert_native_to_obj(self, word: int, kind: int, *_: int) -> int:
        kind &= 15
        if kind == OBJ:
            return word
        if kind == BOOL:
            return self.box(word != 0)
        return self.box(signed(word) if kind == INT else word)

    def _do_obj_is_true(self, word: int, *_: int) -> int:
        value = self.unbox(word)
        return int(value.size != 0 if isinstance(value, Buffer) else bool(value))

    def _do_obj_subscr(self, base: int, index: int, value: int, *_: int) -> int:
        array, at = self.unbox(base), self._int(index)
        if not isinstance(array, Buffer):
            raise Unsupported(f"indexes {array!r}")
        width = array.item_bytes
        if not 0 <= at < array.size // width:
            raise Unsupported(f"index {at} of {array.name}, which has {array.size // width} items")
        if value == SENTINEL:
            return self.box(int.from_bytes(array.read()[at * width : (at + 1) * width], "little"))
        item = self._int(value) & ((1 << 8 * width) - 1)
        array.write(item.to_bytes(width, "little"), at * width)
        return self.none

    def _do_unary_op(self, op: int, word: int, *_: int) -> int:
        if op == len(_UNARY):
            return self.box(not self._do_obj_is_true(word))
        if op > len(_UNARY):
            raise Unsupported(f"unary operator {op} on an object")
        return self.box(_UNARY[op](self._int(word)))

    def _do_binary_op(self, op: int, left: int, right: int, *_: int) -> int:
        if op == _IS:
            return self.box(left == right)
        if op < len(_COMPARE):
            return self.box(_COMPARE[op](self._int(left), self._int(right)))
        combine = _COMBINE.get(op - (_FIRST_PLAIN if op >= _FIRST_PLAIN else _FIRST_INPLACE))
        if combine is None:
            raise Unsupported(f"binary operator {op} on objects")
        return self.box(combine(self._int(left), self._int(right)))

    def _do_arg_check_num_sig(self, n_args: int, n_kw: int, signature: int, *_: int) -> int:
        wanted = signature >> 17
        if n_kw or n_args != wanted:
            raise Unsupported(f"takes {wanted} arguments, not {n_args}")
        return 0

    def _do_small_int_floor_divide(self, a: int, b: int, *_: int) -> int:
        return floor_divide(signed(a), signed(b))

    def _do_small_int_modulo(self, a: int, b: int, *_: int) -> int:
        return modulo(signed(a), signed(b))

    def _do_memset(self, to: int, value: int, count: int, *_: int) -> int:
        self.memory.store(to, bytes([value & 255]) * count)
        return to

    def _do_memmove(self, to: int, source: int, count: int, *_: int) -> int:
        self.memory.store(to, self.memory.fetch(source, count))
        return to
