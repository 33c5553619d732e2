; Take: arguments to addresses. --------------------------------------------------------------------------------------

; Check an object against the node of the walk, and move on. `nested` objects are held: another thread, or a host
; call of the program, may take them out of their container.
define internal i1 @take(ptr %walk, ptr %object, i1 %nested) #0 {
entry:
  %node = load ptr, ptr %walk
  %after = getelementptr %Node, ptr %node, i64 1
  store ptr %after, ptr %walk
  %kind = load i64, ptr %node
  %type.at = getelementptr %Object, ptr %object, i64 0, i32 1
  %type = load ptr, ptr %type.at
  switch i64 %kind, label %other [
    i64 0, label %nothing
    i64 1, label %tuple
    i64 2, label %list
    i64 3, label %dict
    i64 4, label %array
  ]
nothing:
  %is.none = icmp eq ptr %object, @_Py_NoneStruct
  ret i1 %is.none
tuple:
  %tuple.taken = call i1 @take_tuple(ptr %walk, ptr %node, ptr %object, ptr %type)
  ret i1 %tuple.taken
list:
  %list.taken = call i1 @take_list(ptr %walk, ptr %node, ptr %object, ptr %type)
  ret i1 %list.taken
dict:
  %dict.taken = call i1 @take_dict(ptr %walk, ptr %node, ptr %object, ptr %type)
  ret i1 %dict.taken
array:
  %fits = call i1 @array_fits(ptr %node, ptr %object, ptr %type)
  br i1 %fits, label %array.fits, label %refuse
array.fits:
  %data.at = getelementptr %Array, ptr %object, i64 0, i32 1
  %data = load ptr, ptr %data.at
  call void @push(ptr %walk, ptr %data)
  br i1 %nested, label %hold, label %accept
hold:
  call void @Py_IncRef(ptr %object)
  %held.at = getelementptr %Walk, ptr %walk, i64 0, i32 2
  %held = load ptr, ptr %held.at
  store ptr %object, ptr %held
  %held.next = getelementptr ptr, ptr %held, i64 1
  store ptr %held.next, ptr %held.at
  %count.at = getelementptr %Walk, ptr %walk, i64 0, i32 4
  %count = load i64, ptr %count.at
  %count.next = add i64 %count, 1
  store i64 %count.next, ptr %count.at
  ret i1 true
other:
  %slot.at = getelementptr %Walk, ptr %walk, i64 0, i32 3
  %slot = load ptr, ptr %slot.at
  %slot.next = getelementptr %Slot, ptr %slot, i64 1
  store ptr %slot.next, ptr %slot.at
  call void @push(ptr %walk, ptr %slot)
  %stored = call i1 @store_number(ptr %node, i64 %kind, ptr %object, ptr %type, ptr %slot)
  ret i1 %stored
accept:
  ret i1 true
refuse:
  ret i1 false
}

define internal void @push(ptr %walk, ptr %address) #0 {
  %next.at = getelementptr %Walk, ptr %walk, i64 0, i32 1
  %next = load ptr, ptr %next.at
  store ptr %address, ptr %next
  %after = getelementptr ptr, ptr %next, i64 1
  store ptr %after, ptr %next.at
  ret void
}

; Exactly an ndarray of the type and shape, C-contiguous, aligned, in the machine's byte order.
define internal i1 @array_fits(ptr %node, ptr %object, ptr %type) #0 {
entry:
  %is.array = icmp eq ptr %type, @wg.numpy.ndarray
  br i1 %is.array, label %check.dtype, label %refuse
check.dtype:
  %dtype.at = getelementptr %Array, ptr %object, i64 0, i32 6
  %dtype = load ptr, ptr %dtype.at
  %expected.at = getelementptr %Node, ptr %node, i64 0, i32 2
  %expected = load ptr, ptr %expected.at
  %same = icmp eq ptr %dtype, %expected
  br i1 %same, label %check.layout, label %check.equal
check.equal:                                          ; another object for the same type, as unpickling makes
  %number.at = getelementptr %Dtype, ptr %dtype, i64 0, i32 6
  %number32 = load i32, ptr %number.at
  %number = sext i32 %number32 to i64
  %wanted.at = getelementptr %Node, ptr %node, i64 0, i32 4
  %wanted = load i64, ptr %wanted.at
  %numbers = icmp eq i64 %number, %wanted
  %order.at = getelementptr %Dtype, ptr %dtype, i64 0, i32 4
  %order = load i8, ptr %order.at
  %native = icmp eq i8 %order, 61                     ; '='
  %bytes = icmp eq i8 %order, 124                     ; '|': has no order
  %ordered = or i1 %native, %bytes
  %equal = and i1 %numbers, %ordered
  br i1 %equal, label %check.layout, label %refuse
check.layout:
  %flags.at = getelementptr %Array, ptr %object, i64 0, i32 7
  %flags = load i32, ptr %flags.at
  %wanted.flags = and i32 %flags, 257                 ; C_CONTIGUOUS | ALIGNED
  %laid = icmp eq i32 %wanted.flags, 257
  %ndim.at = getelementptr %Array, ptr %object, i64 0, i32 2
  %ndim32 = load i32, ptr %ndim.at
  %ndim = sext i32 %ndim32 to i64
  %count.at = getelementptr %Node, ptr %node, i64 0, i32 1
  %count = load i64, ptr %count.at
  %ranked = icmp eq i64 %ndim, %count
  %formed = and i1 %laid, %ranked
  br i1 %formed, label %shape, label %refuse
shape:
  %shape.at = getelementptr %Array, ptr %object, i64 0, i32 3
  %shape.of = load ptr, ptr %shape.at
  %extents.at = getelementptr %Node, ptr %node, i64 0, i32 3
  %extents = load ptr, ptr %extents.at
  br label %axis
axis:
  %i = phi i64 [ 0, %shape ], [ %i.next, %same.extent ]
  %finished = icmp eq i64 %i, %count
  br i1 %finished, label %accept, label %extent
extent:
  %has.at = getelementptr i64, ptr %shape.of, i64 %i
  %has = load i64, ptr %has.at
  %needs.at = getelementptr i64, ptr %extents, i64 %i
  %needs = load i64, ptr %needs.at
  %agrees = icmp eq i64 %has, %needs
  br i1 %agrees, label %same.extent, label %refuse
same.extent:
  %i.next = add nuw nsw i64 %i, 1
  br label %axis
accept:
  ret i1 true
refuse:
  ret i1 false
}

; Numbers: 5 the bytes of an object of exactly the node's type; 6 a float as float32; 7 an int as an integer within
; the node's bounds; 8 an int as a float; 9 a bool.
define internal i1 @store_number(ptr %node, i64 %kind, ptr %object, ptr %type, ptr %slot) #0 {
entry:
  %size.at = getelementptr %Node, ptr %node, i64 0, i32 5
  %size = load i64, ptr %size.at
  %value.at = getelementptr %Number, ptr %object, i64 0, i32 1
  switch i64 %kind, label %refuse [
    i64 5, label %bits
    i64 6, label %single
    i64 7, label %int
    i64 8, label %int
    i64 9, label %bool
  ]
bits:
  %wanted.at = getelementptr %Node, ptr %node, i64 0, i32 2
  %wanted = load ptr, ptr %wanted.at
  %exact = icmp eq ptr %type, %wanted
  br i1 %exact, label %copy, label %refuse
copy:
  %is.word = icmp eq i64 %size, 8
  br i1 %is.word, label %word, label %block
word:
  %bits64 = load i64, ptr %value.at
  store i64 %bits64, ptr %slot
  ret i1 true
block:
  call void @llvm.memcpy.p0.p0.i64(ptr %slot, ptr %value.at, i64 %size, i1 false)
  ret i1 true
single:
  %is.float = icmp eq ptr %type, @PyFloat_Type
  br i1 %is.float, label %narrow, label %refuse
narrow:
  %wide = load double, ptr %value.at
  %rounded = fptrunc double %wide to float
  store float %rounded, ptr %slot
  %back = fpext float %rounded to double
  %magnitude.wide = call double @llvm.fabs.f64(double %wide)
  %magnitude = call double @llvm.fabs.f64(double %back)
  %was.finite = fcmp one double %magnitude.wide, 0x7FF0000000000000
  %is.infinite = fcmp oeq double %magnitude, 0x7FF0000000000000
  %overflowed = and i1 %was.finite, %is.infinite      ; NumPy warns: let it
  %kept = xor i1 %overflowed, true
  ret i1 %kept
int:
  %is.int = icmp eq ptr %type, @PyLong_Type
  br i1 %is.int, label %convert, label %refuse
convert:
  %overflow.at = alloca i32
  %value = call i64 @PyLong_AsLongLongAndOverflow(ptr %object, ptr %overflow.at)
  %overflow = load i32, ptr %overflow.at
  %whole = icmp eq i32 %overflow, 0
  br i1 %whole, label %bound, label %refuse
bound:
  %low.at = getelementptr %Node, ptr %node, i64 0, i32 6
  %low = load i64, ptr %low.at
  %high.at = getelementptr %Node, ptr %node, i64 0, i32 7
  %high = load i64, ptr %high.at
  %above = icmp sge i64 %value, %low
  %below = icmp sle i64 %value, %high
  %within = and i1 %above, %below
  br i1 %within, label %place, label %refuse
place:
  %is.real = icmp eq i64 %kind, 8
  br i1 %is.real, label %real, label %integer
integer:                                              ; a little-endian slot begins with the low bytes
  store i64 %value, ptr %slot
  ret i1 true
real:
  %double = sitofp i64 %value to double
  %is.double = icmp eq i64 %size, 8
  br i1 %is.double, label %real.double, label %real.single
real.double:
  store double %double, ptr %slot
  ret i1 true
real.single:                                          ; by way of double, as NumPy does; no int64 overflows it
  %float = fptrunc double %double to float
  store float %float, ptr %slot
  ret i1 true
bool:
  %is.true = icmp eq ptr %object, @_Py_TrueStruct
  %is.false = icmp eq ptr %object, @_Py_FalseStruct
  %byte = zext i1 %is.true to i8
  store i8 %byte, ptr %slot
  %is.bool = or i1 %is.true, %is.false
  ret i1 %is.bool
refuse:
  ret i1 false
}

declare double @llvm.fabs.f64(double)

define internal i1 @take_tuple(ptr %walk, ptr %node, ptr %object, ptr %type) #0 {
entry:
  %wanted.at = getelementptr %Node, ptr %node, i64 0, i32 2
  %wanted = load ptr, ptr %wanted.at
  %exact = icmp eq ptr %type, %wanted
  br i1 %exact, label %sized, label %refuse
sized:
  %items = getelementptr %Tuple, ptr %object, i64 0, i32 2
  %taken = call i1 @take_items(ptr %walk, ptr %node, ptr %object, ptr %items)
  ret i1 %taken
refuse:
  ret i1 false
}

define internal i1 @take_list(ptr %walk, ptr %node, ptr %object, ptr %type) #0 {
entry:
  %exact = icmp eq ptr %type, @PyList_Type
  br i1 %exact, label %sized, label %refuse
sized:
  %items.at = getelementptr %List, ptr %object, i64 0, i32 2
  %items = load ptr, ptr %items.at
  %taken = call i1 @take_items(ptr %walk, ptr %node, ptr %object, ptr %items)
  ret i1 %taken
refuse:
  ret i1 false
}

; Nothing in take runs Python code, so that items stay where they are meanwhile.
define internal i1 @take_items(ptr %walk, ptr %node, ptr %object, ptr %items) #0 {
entry:
  %size.at = getelementptr %Tuple, ptr %object, i64 0, i32 1
  %size = load i64, ptr %size.at
  %count.at = getelementptr %Node, ptr %node, i64 0, i32 1
  %count = load i64, ptr %count.at
  %same = icmp eq i64 %size, %count
  br i1 %same, label %next, label %refuse
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %fits ]
  %finished = icmp eq i64 %i, %count
  br i1 %finished, label %accept, label %item
item:
  %item.at = getelementptr ptr, ptr %items, i64 %i
  %child = load ptr, ptr %item.at
  %taken = call i1 @take(ptr %walk, ptr %child, i1 true)
  br i1 %taken, label %fits, label %refuse
fits:
  %i.next = add nuw nsw i64 %i, 1
  br label %next
accept:
  ret i1 true
refuse:
  ret i1 false
}

; All keys must be exactly str or int, whose comparison runs no Python code; then each expected one is looked up.
define internal i1 @take_dict(ptr %walk, ptr %node, ptr %object, ptr %type) #0 {
entry:
  %position = alloca i64
  %key.at = alloca ptr
  store i64 0, ptr %position
  %exact = icmp eq ptr %type, @PyDict_Type
  br i1 %exact, label %sized, label %refuse
sized:
  %size = call i64 @PyDict_Size(ptr %object)
  %count.at = getelementptr %Node, ptr %node, i64 0, i32 1
  %count = load i64, ptr %count.at
  %same = icmp eq i64 %size, %count
  br i1 %same, label %key, label %refuse
key:
  %more = call i32 @PyDict_Next(ptr %object, ptr %position, ptr %key.at, ptr null)
  %exhausted = icmp eq i32 %more, 0
  br i1 %exhausted, label %lookups, label %plain
plain:
  %key.object = load ptr, ptr %key.at
  %key.type.at = getelementptr %Object, ptr %key.object, i64 0, i32 1
  %key.type = load ptr, ptr %key.type.at
  %is.text = icmp eq ptr %key.type, @PyUnicode_Type
  %is.int = icmp eq ptr %key.type, @PyLong_Type
  %is.plain = or i1 %is.text, %is.int
  br i1 %is.plain, label %key, label %refuse
lookups:
  %keys.at = getelementptr %Node, ptr %node, i64 0, i32 2
  %keys = load ptr, ptr %keys.at
  br label %next
next:
  %i = phi i64 [ 0, %lookups ], [ %i.next, %fits ]
  %finished = icmp eq i64 %i, %count
  br i1 %finished, label %accept, label %item
item:
  %expected.at = getelementptr %Tuple, ptr %keys, i64 0, i32 2, i64 %i
  %expected = load ptr, ptr %expected.at
  %child = call ptr @PyDict_GetItemWithError(ptr %object, ptr %expected)
  %missing = icmp eq ptr %child, null
  br i1 %missing, label %absent, label %found
found:
  %taken = call i1 @take(ptr %walk, ptr %child, i1 true)
  br i1 %taken, label %fits, label %refuse
fits:
  %i.next = add nuw nsw i64 %i, 1
  br label %next
absent:
  call void @PyErr_Clear()
  ret i1 false
accept:
  ret i1 true
refuse:
  ret i1 false
}
