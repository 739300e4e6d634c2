"""Processor operations that Numba does not expose, as portable LLVM intrinsics.

Each is generic LLVM IR: on AVX-512 `near_mask` becomes a handful of instructions (VPOPCNTW); on an
older x86-64 or on ARM, LLVM selects what the processor has, with the same result.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic as numba_intrinsic

LANES = 32  # 16-bit entries per near_mask: 64 bytes, one cache line

_I16, _I32, _I64 = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_I16, LANES)


def intrinsic(declare: Callable[..., Any]) -> Any:
    """Declare an intrinsic; `numba.extending.intrinsic` with a type that mypy accepts.

    `declare` takes the types of the arguments and returns the signature and the code generator.
    """
    return numba_intrinsic(declare)


@intrinsic
def popcount(_context: Any, word: Any) -> Any:  # noqa: ARG001
    """Count the set bits of a word: (uint64) -> int64."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), codegen


@intrinsic
def trailing_zeros(_context: Any, mask: Any) -> Any:  # noqa: ARG001
    """Count the trailing zeros of a mask that is not 0: (uint32) -> int64."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        zeros = builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))
        return builder.zext(zeros, _I64)

    return types.int64(types.uint32), codegen


@intrinsic
def prefetch(_context: Any, array: Any, index: Any) -> Any:  # noqa: ARG001
    """Prefetch the cache line of array[index]; any index is safe: (array, int64) -> void."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature, args)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, _I32, _I32, _I32])
        function = builder.module.declare_intrinsic("llvm.prefetch.p0", (), kind)
        read, keep_cached, data = (ir.Constant(_I32, value) for value in (0, 3, 1))
        builder.call(function, [pointer, read, keep_cached, data])
        return context.get_dummy_value()

    return types.void(array, types.int64), codegen


@intrinsic
def near_mask(_context: Any, array: Any, index: Any, key: Any, bound: Any) -> Any:  # noqa: ARG001
    """Flag the entries near a key: (uint16[], int64, uint16 key, uint16 bound) -> uint32.

    Bit k is set if array[index + k] differs from key in at most `bound` bits, for k from 0 to 31.
    Always reads 32 entries: the caller ensures that they lie in the same allocation.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature, args[:2])
        entries = builder.load(builder.bitcast(pointer, _VECTOR.as_pointer()), align=2)
        difference = builder.xor(entries, _splat(builder, args[2]))
        kind = ir.FunctionType(_VECTOR, [_VECTOR])
        function = builder.module.declare_intrinsic("llvm.ctpop.v32i16", (), kind)
        counts = builder.call(function, [difference])
        near = builder.icmp_unsigned("<=", counts, _splat(builder, args[3]))
        return builder.bitcast(near, _I32)

    return types.uint32(array, types.int64, types.uint16, types.uint16), codegen


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Return the address of array[index], without a bounds check."""
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return builder.gep(array.data, [args[1]])


def _splat(builder: Any, value: Any) -> Any:
    """Broadcast a 16-bit value to all lanes."""
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    single = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(
        single, undefined, ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
    )
