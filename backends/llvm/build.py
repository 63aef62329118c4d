"""From text of LLVM IR to loaded code, by way of the cache on disk."""

from collections.abc import Iterable, Mapping

from graphc.errors import CompileError

from . import object_cache
from .link import Library, load
from .machine import Machine, emit_object, llvm_version


def build(
    ir_text: str,
    exports: Iterable[str],
    imports: Mapping[str, int] | None = None,
    machine: Machine | None = None,
    *,
    opt: int = 1,
    passes: int = 0,
) -> Library:
    """Compile a module, or take the object that an earlier process compiled, and load it.

    The text names what it imports and says no addresses, so the object is the same in every process.
    """
    machine = machine or Machine.host()
    exports = list(exports)
    key = object_cache.cache_key(ir_text, repr(machine), llvm_version(), f"opt {opt}, passes {passes}")
    cached = object_cache.fetch(key)
    if cached is not None:
        try:
            return load(cached, exports, imports)
        except CompileError:
            pass  # an object of a broken compiler that passed its checksum: compile it again
    compiled = emit_object(ir_text, machine, opt=opt, passes=passes)
    object_cache.store(key, compiled)
    return load(compiled, exports, imports)
