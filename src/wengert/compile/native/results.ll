; Results. -----------------------------------------------------------------------------------------------------------

; Allocate the arrays among the results; numbers are written into slots. False: out of memory, and the error is set.
define internal i1 @reserve(ptr %state, ptr %results, ptr %made, ptr %slots) #0 {
entry:
  %nodes.at = getelementptr %State, ptr %state, i64 0, i32 4
  %nodes = load ptr, ptr %nodes.at
  %count.at = getelementptr %State, ptr %state, i64 0, i32 10
  %count = load i64, ptr %count.at
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i, %skip ], [ %i.next, %placed ]
  %node = phi ptr [ %nodes, %entry ], [ %node.next, %skip ], [ %node.after, %placed ]
  %finished = icmp eq i64 %i, %count
  br i1 %finished, label %done, label %leaf
leaf:
  %kind = load i64, ptr %node
  %is.inner = icmp ult i64 %kind, 4
  br i1 %is.inner, label %skip, label %place
skip:
  %node.next = getelementptr %Node, ptr %node, i64 1
  br label %next
place:
  %is.array = icmp eq i64 %kind, 4
  br i1 %is.array, label %array, label %number
number:
  %slot = getelementptr %Slot, ptr %slots, i64 %i
  br label %placed
array:
  %ndim.at = getelementptr %Node, ptr %node, i64 0, i32 1
  %ndim64 = load i64, ptr %ndim.at
  %ndim = trunc i64 %ndim64 to i32
  %dtype.at = getelementptr %Node, ptr %node, i64 0, i32 2
  %dtype = load ptr, ptr %dtype.at
  %extents.at = getelementptr %Node, ptr %node, i64 0, i32 3
  %extents = load ptr, ptr %extents.at
  call void @Py_IncRef(ptr %dtype)
  %new = call ptr @wg.numpy.empty(i32 %ndim, ptr %extents, ptr %dtype, i32 0)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %fail, label %array.made
array.made:
  %made.at = getelementptr ptr, ptr %made, i64 %i
  store ptr %new, ptr %made.at
  %data.at = getelementptr %Array, ptr %new, i64 0, i32 1
  %data = load ptr, ptr %data.at
  br label %placed
placed:
  %address = phi ptr [ %slot, %number ], [ %data, %array.made ]
  %result.at = getelementptr ptr, ptr %results, i64 %i
  store ptr %address, ptr %result.at
  %i.next = add nuw nsw i64 %i, 1
  %node.after = getelementptr %Node, ptr %node, i64 1
  br label %next
done:
  ret i1 true
fail:
  ret i1 false
}

; The walk of build: node, next result pointer, next made.
define internal ptr @build(ptr %walk) #0 {
entry:
  %node = load ptr, ptr %walk
  %after = getelementptr %Node, ptr %node, i64 1
  store ptr %after, ptr %walk
  %kind = load i64, ptr %node
  %is.inner = icmp ult i64 %kind, 4
  br i1 %is.inner, label %inner, label %leaf
inner:
  switch i64 %kind, label %nothing [
    i64 1, label %tuple
    i64 2, label %list
    i64 3, label %dict
  ]
nothing:
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  ret ptr @_Py_NoneStruct
tuple:
  %new.tuple = call ptr @build_tuple(ptr %walk, ptr %node)
  ret ptr %new.tuple
list:
  %new.list = call ptr @build_list(ptr %walk, ptr %node)
  ret ptr %new.list
dict:
  %new.dict = call ptr @build_dict(ptr %walk, ptr %node)
  ret ptr %new.dict
leaf:
  %result.at = getelementptr %Walk, ptr %walk, i64 0, i32 1
  %result = load ptr, ptr %result.at
  %result.next = getelementptr ptr, ptr %result, i64 1
  store ptr %result.next, ptr %result.at
  %made.at = getelementptr %Walk, ptr %walk, i64 0, i32 2
  %made = load ptr, ptr %made.at
  %made.next = getelementptr ptr, ptr %made, i64 1
  store ptr %made.next, ptr %made.at
  %is.array = icmp eq i64 %kind, 4
  br i1 %is.array, label %array, label %number
array:
  %array.made = load ptr, ptr %made
  store ptr null, ptr %made
  ret ptr %array.made
number:
  %slot = load ptr, ptr %result
  %new.number = call ptr @build_number(ptr %node, i64 %kind, ptr %slot)
  ret ptr %new.number
}

; 5 a NumPy scalar; 6 a float of float32; 7 an int (high is -1 where the integer is unsigned); 9 a bool;
; 10 a float; 11 a complex.
define internal ptr @build_number(ptr %node, i64 %kind, ptr %slot) #0 {
entry:
  switch i64 %kind, label %float [
    i64 5, label %scalar
    i64 6, label %single
    i64 7, label %int
    i64 9, label %bool
    i64 11, label %complex
  ]
float:
  %double = load double, ptr %slot
  %new.float = call ptr @PyFloat_FromDouble(double %double)
  ret ptr %new.float
scalar:
  %dtype.at = getelementptr %Node, ptr %node, i64 0, i32 2
  %dtype = load ptr, ptr %dtype.at
  %new.scalar = call ptr @wg.numpy.scalar(ptr %slot, ptr %dtype, ptr null)
  ret ptr %new.scalar
single:
  %narrow = load float, ptr %slot
  %wide = fpext float %narrow to double
  %new.single = call ptr @PyFloat_FromDouble(double %wide)
  ret ptr %new.single
int:
  %integer = load i64, ptr %slot
  %size.at = getelementptr %Node, ptr %node, i64 0, i32 5
  %size = load i64, ptr %size.at
  %spare.bytes = sub i64 8, %size
  %spare = shl i64 %spare.bytes, 3
  %aligned = shl i64 %integer, %spare
  %high.at = getelementptr %Node, ptr %node, i64 0, i32 7
  %high = load i64, ptr %high.at
  %is.unsigned = icmp eq i64 %high, -1
  br i1 %is.unsigned, label %unsigned, label %signed
signed:
  %value = ashr i64 %aligned, %spare
  %new.int = call ptr @PyLong_FromLongLong(i64 %value)
  ret ptr %new.int
unsigned:
  %value.unsigned = lshr i64 %aligned, %spare
  %new.unsigned = call ptr @PyLong_FromUnsignedLongLong(i64 %value.unsigned)
  ret ptr %new.unsigned
bool:
  %byte = load i8, ptr %slot
  %is.true = icmp ne i8 %byte, 0
  %truth = zext i1 %is.true to i64
  %new.bool = call ptr @PyBool_FromLong(i64 %truth)
  ret ptr %new.bool
complex:
  %real = load double, ptr %slot
  %imaginary.at = getelementptr double, ptr %slot, i64 1
  %imaginary = load double, ptr %imaginary.at
  %new.complex = call ptr @PyComplex_FromDoubles(double %real, double %imaginary)
  ret ptr %new.complex
}

; The node's object, where there is one, makes the result of the tuple: a named tuple, say.
define internal ptr @build_tuple(ptr %walk, ptr %node) #0 {
entry:
  %count.at = getelementptr %Node, ptr %node, i64 0, i32 1
  %count = load i64, ptr %count.at
  %new = call ptr @PyTuple_New(i64 %count)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %fail, label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %fits ]
  %finished = icmp eq i64 %i, %count
  br i1 %finished, label %filled, label %item
item:
  %child = call ptr @build(ptr %walk)
  %child.failed = icmp eq ptr %child, null
  br i1 %child.failed, label %drop, label %fits
fits:
  %set = call i32 @PyTuple_SetItem(ptr %new, i64 %i, ptr %child)
  %i.next = add nuw nsw i64 %i, 1
  br label %next
filled:
  %maker.at = getelementptr %Node, ptr %node, i64 0, i32 2
  %maker = load ptr, ptr %maker.at
  %is.plain = icmp eq ptr %maker, null
  br i1 %is.plain, label %plain, label %made
plain:
  ret ptr %new
made:
  %result = call ptr @PyObject_CallOneArg(ptr %maker, ptr %new)
  call void @Py_DecRef(ptr %new)
  ret ptr %result
drop:
  call void @Py_DecRef(ptr %new)
  ret ptr null
fail:
  ret ptr null
}

define internal ptr @build_list(ptr %walk, ptr %node) #0 {
entry:
  %count.at = getelementptr %Node, ptr %node, i64 0, i32 1
  %count = load i64, ptr %count.at
  %new = call ptr @PyList_New(i64 %count)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %fail, label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %fits ]
  %finished = icmp eq i64 %i, %count
  br i1 %finished, label %filled, label %item
item:
  %child = call ptr @build(ptr %walk)
  %child.failed = icmp eq ptr %child, null
  br i1 %child.failed, label %drop, label %fits
fits:
  %set = call i32 @PyList_SetItem(ptr %new, i64 %i, ptr %child)
  %i.next = add nuw nsw i64 %i, 1
  br label %next
filled:
  ret ptr %new
drop:
  call void @Py_DecRef(ptr %new)
  ret ptr null
fail:
  ret ptr null
}

define internal ptr @build_dict(ptr %walk, ptr %node) #0 {
entry:
  %count.at = getelementptr %Node, ptr %node, i64 0, i32 1
  %count = load i64, ptr %count.at
  %keys.at = getelementptr %Node, ptr %node, i64 0, i32 2
  %keys = load ptr, ptr %keys.at
  %new = call ptr @PyDict_New()
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %fail, label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %fits ]
  %finished = icmp eq i64 %i, %count
  br i1 %finished, label %filled, label %item
item:
  %child = call ptr @build(ptr %walk)
  %child.failed = icmp eq ptr %child, null
  br i1 %child.failed, label %drop, label %insert
insert:
  %key.at = getelementptr %Tuple, ptr %keys, i64 0, i32 2, i64 %i
  %key = load ptr, ptr %key.at
  %set = call i32 @PyDict_SetItem(ptr %new, ptr %key, ptr %child)
  call void @Py_DecRef(ptr %child)
  %not.set = icmp ne i32 %set, 0
  br i1 %not.set, label %drop, label %fits
fits:
  %i.next = add nuw nsw i64 %i, 1
  br label %next
filled:
  ret ptr %new
drop:
  call void @Py_DecRef(ptr %new)
  ret ptr null
fail:
  ret ptr null
}

; Give up `count` references, and leave nulls.
define internal void @drop(ptr %objects, i64 %count) #0 {
entry:
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %forward ]
  %finished = icmp eq i64 %i, %count
  br i1 %finished, label %done, label %look
look:
  %at = getelementptr ptr, ptr %objects, i64 %i
  %object = load ptr, ptr %at
  %is.null = icmp eq ptr %object, null
  br i1 %is.null, label %forward, label %give
give:
  store ptr null, ptr %at
  call void @Py_DecRef(ptr %object)
  br label %forward
forward:
  %i.next = add nuw nsw i64 %i, 1
  br label %next
done:
  ret void
}
