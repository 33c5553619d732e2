; The entry of compiled programs: wg.call, the C function behind every callable that boundary.py makes.
;
;   wg.call(self, args, n, names)
;       take      check each argument against its node, and store where its data lie
;       reserve   allocate the arrays of the results
;       run       the program, without the interpreter's lock where the state says so
;       build     results of the declared structure
;   whatever does not fit goes, as it came, to the fallback.
;
; `self` is a tuple whose first item is an array that holds a %State (offsets and order: table.py). What a call
; writes lies in a frame, which the state owns and one call at a time may use; a second one, from another thread or
; from inside the first, allocates its own:
;
;   arguments[n_arguments] constants[n_constants] | results[n_results] | held[n_arguments] | made[n_results]
;   | slots[n_arguments + n_results] of 32 bytes | arena
;
; Between calls `made` is all null: build takes each array out, and so does drop.
;
; The objects' layouts are those of 64-bit CPython with a global lock and NumPy 2; layout.py verifies them on
; known objects before this code is used.

%Object = type { i64, ptr }                                            ; references, type
%Tuple = type { %Object, i64, [0 x ptr] }
%List = type { %Object, i64, ptr }
%Number = type { %Object, double }                                     ; float, complex and NumPy's scalars begin so
%Array = type { %Object, ptr, i32, ptr, ptr, ptr, ptr, i32 }           ; data, ndim, shape, strides, base, dtype, flags
%Dtype = type { %Object, ptr, i8, i8, i8, i8, i32 }                    ; type, kind, char, byteorder, flags, number
%Slot = type [32 x i8]                                                 ; the widest scalar

; kind, count, object, extents, number, size, low, high
%Node = type { i64, i64, ptr, ptr, i64, i64, i64, i64 }

; program, fallback, failed, argument nodes, result nodes, constants, frame,
; arity, n_arguments, n_constants, n_results, results at, held at, made at, slots at, arena at, frame bytes, release, busy
%State = type { ptr, ptr, ptr, ptr, ptr, ptr, ptr,
                i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 }

; node, next argument pointer, next held, next slot, how many are held
%Walk = type { ptr, ptr, ptr, ptr, i64 }

@_Py_NoneStruct = external global i8
@_Py_TrueStruct = external global i8
@_Py_FalseStruct = external global i8
@PyFloat_Type = external global i8
@PyLong_Type = external global i8
@PyUnicode_Type = external global i8
@PyTuple_Type = external global i8
@PyList_Type = external global i8
@PyDict_Type = external global i8
@wg.numpy.ndarray = external global i8

declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare i64 @PyLong_AsLongLongAndOverflow(ptr, ptr)
declare i64 @PyDict_Size(ptr)
declare i32 @PyDict_Next(ptr, ptr, ptr, ptr)
declare ptr @PyDict_GetItemWithError(ptr, ptr)
declare i32 @PyDict_SetItem(ptr, ptr, ptr)
declare ptr @PyDict_New()
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare ptr @PyFloat_FromDouble(double)
declare ptr @PyLong_FromLongLong(i64)
declare ptr @PyLong_FromUnsignedLongLong(i64)
declare ptr @PyBool_FromLong(i64)
declare ptr @PyComplex_FromDoubles(double, double)
declare ptr @PyBytes_FromStringAndSize(ptr, i64)
declare ptr @PyObject_CallOneArg(ptr, ptr)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyErr_Occurred()
declare void @PyErr_Clear()
declare ptr @PyErr_NoMemory()
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyMem_RawMalloc(i64)
declare void @PyMem_RawFree(ptr)
declare ptr @wg.numpy.empty(i32, ptr, ptr, i32)      ; PyArray_Empty, takes its reference to the dtype
declare ptr @wg.numpy.scalar(ptr, ptr, ptr)          ; PyArray_Scalar
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

attributes #0 = { nounwind }
