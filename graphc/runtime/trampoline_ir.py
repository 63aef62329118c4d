"""The text of the native entry, in LLVM IR; `trampoline_entry.py` says what it is for, and checks it.

The structures of CPython, NumPy and ctypes are written as types, which have the offsets of C.
"""

ENTRY = """
; reference count, type
%PyObject = type { i64, ptr }
; data, nd, dimensions, strides, base, descr, flags
%PyArrayObject = type { %PyObject, ptr, i32, ptr, ptr, ptr, ptr, i32 }
; the address of a ctypes instance
%CDataObject = type { %PyObject, ptr }
; descr, ndim, shape
%Operand = type { ptr, i64, ptr }
; main, buffers, dims, slow, failed, input count, inputs, output count, outputs, returns a list, state
%Context = type { ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i32, i32 }

@PyArray_Type = external global i8
@_Py_NoneStruct = external global i8
declare ptr @PyArray_Empty(i32, ptr, ptr, i32)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyLong_FromLong(i64)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)

; PyObject *call(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
define ptr @call(ptr %self, ptr %args, i64 %count, ptr %keywords) {
entry:
  %code = alloca ptr
  %self.address = getelementptr %CDataObject, ptr %self, i32 0, i32 1
  %context = load ptr, ptr %self.address
  %main.at = getelementptr %Context, ptr %context, i32 0, i32 0
  %buffers.at = getelementptr %Context, ptr %context, i32 0, i32 1
  %dims.at = getelementptr %Context, ptr %context, i32 0, i32 2
  %slow.at = getelementptr %Context, ptr %context, i32 0, i32 3
  %failed.at = getelementptr %Context, ptr %context, i32 0, i32 4
  %inputs.at = getelementptr %Context, ptr %context, i32 0, i32 6
  %input_count.at = getelementptr %Context, ptr %context, i32 0, i32 5
  %output_count.at = getelementptr %Context, ptr %context, i32 0, i32 7
  %outputs.at = getelementptr %Context, ptr %context, i32 0, i32 8
  %returns_list.at = getelementptr %Context, ptr %context, i32 0, i32 9
  %state.at = getelementptr %Context, ptr %context, i32 0, i32 10
  %buffers = load ptr, ptr %buffers.at
  %input_count = load i64, ptr %input_count.at
  %inputs = load ptr, ptr %inputs.at
  %state = load i32, ptr %state.at
  %ready = icmp eq i32 %state, 1   ; is it ready?
  %complete = icmp eq i64 %count, %input_count
  %positional = icmp eq ptr %keywords, null
  %callable.0 = and i1 %ready, %complete
  %callable = and i1 %callable.0, %positional
  br i1 %callable, label %input, label %slow

input:
  %i = phi i64 [ 0, %entry ], [ %i.next, %fits ]
  %more.inputs = icmp slt i64 %i, %input_count
  br i1 %more.inputs, label %type, label %inputs.done

type:
  %array.at = getelementptr ptr, ptr %args, i64 %i
  %array = load ptr, ptr %array.at
  %type.at = getelementptr %PyObject, ptr %array, i32 0, i32 1
  %array.type = load ptr, ptr %type.at
  %is.array = icmp eq ptr %array.type, @PyArray_Type
  br i1 %is.array, label %layout, label %slow

layout:
  %want = getelementptr %Operand, ptr %inputs, i64 %i
  %want.descr = load ptr, ptr %want
  %descr.at = getelementptr %PyArrayObject, ptr %array, i32 0, i32 6
  %descr = load ptr, ptr %descr.at
  %same.descr = icmp eq ptr %descr, %want.descr
  %want.ndim.at = getelementptr %Operand, ptr %want, i32 0, i32 1
  %want.ndim = load i64, ptr %want.ndim.at
  %ndim.at = getelementptr %PyArrayObject, ptr %array, i32 0, i32 2
  %ndim.32 = load i32, ptr %ndim.at
  %ndim = sext i32 %ndim.32 to i64
  %same.ndim = icmp eq i64 %ndim, %want.ndim
  %flags.at = getelementptr %PyArrayObject, ptr %array, i32 0, i32 7
  %flags = load i32, ptr %flags.at
  %flags.set = and i32 %flags, 257   ; C_CONTIGUOUS | ALIGNED
  %plain = icmp eq i32 %flags.set, 257
  %same.0 = and i1 %same.descr, %same.ndim
  %same = and i1 %same.0, %plain
  %shape.at = getelementptr %PyArrayObject, ptr %array, i32 0, i32 3
  %shape = load ptr, ptr %shape.at
  %want.shape.at = getelementptr %Operand, ptr %want, i32 0, i32 2
  %want.shape = load ptr, ptr %want.shape.at
  br i1 %same, label %axis, label %slow

axis:
  %a = phi i64 [ 0, %layout ], [ %a.next, %extent ]
  %more.axes = icmp slt i64 %a, %ndim
  br i1 %more.axes, label %extent, label %fits

extent:
  %extent.at = getelementptr i64, ptr %shape, i64 %a
  %have.extent = load i64, ptr %extent.at
  %want.extent.at = getelementptr i64, ptr %want.shape, i64 %a
  %want.extent = load i64, ptr %want.extent.at
  %same.extent = icmp eq i64 %have.extent, %want.extent
  %a.next = add i64 %a, 1
  br i1 %same.extent, label %axis, label %slow

fits:
  %data.at = getelementptr %PyArrayObject, ptr %array, i32 0, i32 1
  %data = load ptr, ptr %data.at
  %slot = getelementptr ptr, ptr %buffers, i64 %i
  store ptr %data, ptr %slot
  %i.next = add i64 %i, 1
  br label %input

slow:
  %slow.callable = load ptr, ptr %slow.at
  %slow.result = call ptr @PyObject_Vectorcall(ptr %slow.callable, ptr %args, i64 %count, ptr %keywords)
  ret ptr %slow.result

inputs.done:
  store i32 2, ptr %state.at   ; running: until main returns, every other call is slow
  %output_count = load i64, ptr %output_count.at
  %outputs = load ptr, ptr %outputs.at
  %results = alloca ptr, i64 %output_count
  br label %output

output:
  %o = phi i64 [ 0, %inputs.done ], [ %o.next, %allocated ]
  %more.outputs = icmp slt i64 %o, %output_count
  br i1 %more.outputs, label %allocate, label %run

allocate:
  %made = getelementptr %Operand, ptr %outputs, i64 %o
  %made.descr = load ptr, ptr %made
  %made.ndim.at = getelementptr %Operand, ptr %made, i32 0, i32 1
  %made.ndim = load i64, ptr %made.ndim.at
  %made.ndim.32 = trunc i64 %made.ndim to i32
  %made.shape.at = getelementptr %Operand, ptr %made, i32 0, i32 2
  %made.shape = load ptr, ptr %made.shape.at
  call void @Py_IncRef(ptr %made.descr)   ; PyArray_Empty takes this reference, also when it fails
  %result = call ptr @PyArray_Empty(i32 %made.ndim.32, ptr %made.shape, ptr %made.descr, i32 0)
  %no.memory = icmp eq ptr %result, null
  br i1 %no.memory, label %out.of.memory, label %allocated

allocated:
  %result.at = getelementptr ptr, ptr %results, i64 %o
  store ptr %result, ptr %result.at
  %result.data.at = getelementptr %PyArrayObject, ptr %result, i32 0, i32 1
  %result.data = load ptr, ptr %result.data.at
  %result.index = add i64 %input_count, %o
  %result.slot = getelementptr ptr, ptr %buffers, i64 %result.index
  store ptr %result.data, ptr %result.slot
  %o.next = add i64 %o, 1
  br label %output

run:
  %main = load ptr, ptr %main.at
  %dims = load ptr, ptr %dims.at
  %status = call i32 %main(ptr %buffers, ptr %dims)
  store i32 1, ptr %state.at
  %succeeded = icmp eq i32 %status, 0
  br i1 %succeeded, label %success, label %release

success:
  %returns_list = load i32, ptr %returns_list.at
  %as.list = icmp ne i32 %returns_list, 0
  br i1 %as.list, label %list, label %single

single:
  %has.output = icmp sgt i64 %output_count, 0
  br i1 %has.output, label %first, label %none

first:
  %first.result = load ptr, ptr %results
  ret ptr %first.result

none:
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct

list:
  %list.new = call ptr @PyList_New(i64 %output_count)
  %no.list = icmp eq ptr %list.new, null
  br i1 %no.list, label %release, label %item

item:
  %n = phi i64 [ 0, %list ], [ %n.next, %item.set ]
  %more.items = icmp slt i64 %n, %output_count
  br i1 %more.items, label %item.set, label %list.done

item.set:
  %item.at = getelementptr ptr, ptr %results, i64 %n
  %item.array = load ptr, ptr %item.at
  %ignored = call i32 @PyList_SetItem(ptr %list.new, i64 %n, ptr %item.array)
  %n.next = add i64 %n, 1
  br label %item

list.done:
  ret ptr %list.new

out.of.memory:
  store i32 1, ptr %state.at
  br label %release

; Drop the outputs made so far; then report the code of main, or let the exception that is set propagate.
release:
  %made.count = phi i64 [ %o, %out.of.memory ], [ %output_count, %run ], [ %output_count, %list ]
  %error = phi i32 [ 0, %out.of.memory ], [ %status, %run ], [ 0, %list ]
  br label %release.next

release.next:
  %r = phi i64 [ 0, %release ], [ %r.next, %release.one ]
  %more.made = icmp slt i64 %r, %made.count
  br i1 %more.made, label %release.one, label %released

release.one:
  %unused.at = getelementptr ptr, ptr %results, i64 %r
  %unused = load ptr, ptr %unused.at
  call void @Py_DecRef(ptr %unused)
  %r.next = add i64 %r, 1
  br label %release.next

released:
  %report = icmp ne i32 %error, 0
  br i1 %report, label %box, label %raise

box:
  %status.64 = sext i32 %error to i64
  %status.object = call ptr @PyLong_FromLong(i64 %status.64)
  %no.object = icmp eq ptr %status.object, null
  br i1 %no.object, label %raise, label %call.failed

call.failed:
  store ptr %status.object, ptr %code
  %failed = load ptr, ptr %failed.at
  %failed.result = call ptr @PyObject_Vectorcall(ptr %failed, ptr %code, i64 1, ptr null)
  call void @Py_DecRef(ptr %status.object)
  ret ptr %failed.result

raise:
  ret ptr null
}

; The main of the self-test: the error code is the first dimension value.
define i32 @probe(ptr %buffers, ptr %dims) {
  %value = load i64, ptr %dims
  %status = trunc i64 %value to i32
  ret i32 %status
}
"""
