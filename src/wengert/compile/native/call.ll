; The call: check, run, build; or the fallback. -----------------------------------------------------------------------

define ptr @wg.call(ptr %self, ptr %args, i64 %n, ptr %names) #0 {
entry:
  %result.at = alloca ptr
  %memory.at = getelementptr %Tuple, ptr %self, i64 0, i32 2, i64 0
  %memory = load ptr, ptr %memory.at
  %state.at = getelementptr %Array, ptr %memory, i64 0, i32 1
  %state = load ptr, ptr %state.at
  %arity.at = getelementptr %State, ptr %state, i64 0, i32 7
  %arity = load i64, ptr %arity.at
  %as.many = icmp eq i64 %n, %arity
  %positional = icmp eq ptr %names, null
  %plausible = and i1 %as.many, %positional
  br i1 %plausible, label %enter, label %fallback
enter:
  %busy.at = getelementptr %State, ptr %state, i64 0, i32 18
  %exchange = cmpxchg ptr %busy.at, i64 0, i64 1 acquire monotonic
  %owned = extractvalue { i64, i1 } %exchange, 1
  br i1 %owned, label %own, label %other
own:
  %frame.at = getelementptr %State, ptr %state, i64 0, i32 6
  %frame.own = load ptr, ptr %frame.at
  %outcome.own = call i64 @attempt(ptr %state, ptr %frame.own, ptr %args, ptr %result.at)
  store atomic i64 0, ptr %busy.at release, align 8
  br label %attempted
other:
  %block = call ptr @new_block(ptr %state)
  %none.left = icmp eq ptr %block, null
  br i1 %none.left, label %no.memory, label %placed
placed:
  %frame.new = call ptr @new_frame(ptr %state, ptr %block)
  %outcome.new = call i64 @attempt(ptr %state, ptr %frame.new, ptr %args, ptr %result.at)
  call void @PyMem_RawFree(ptr %block)
  br label %attempted
attempted:
  %outcome = phi i64 [ %outcome.own, %own ], [ %outcome.new, %placed ]
  %result = load ptr, ptr %result.at
  %done = icmp eq i64 %outcome, 0
  br i1 %done, label %return, label %not.done
return:
  ret ptr %result
not.done:
  %refused = icmp eq i64 %outcome, 1
  br i1 %refused, label %fallback, label %failure
failure:
  %answer = call ptr @report(ptr %state, i64 %outcome, ptr %result, ptr %args, i64 %n)
  ret ptr %answer
no.memory:
  %null = call ptr @PyErr_NoMemory()
  ret ptr null
fallback:
  %fallback.at = getelementptr %State, ptr %state, i64 0, i32 1
  %function = load ptr, ptr %fallback.at
  %value = call ptr @PyObject_Vectorcall(ptr %function, ptr %args, i64 %n, ptr %names)
  ret ptr %value
}

; One attempt, in a frame. 0: the result is stored, or null with an exception set. 1: the fallback's turn.
; 1000 and above: the program's error, with its details as bytes in place of the result.
define internal i64 @attempt(ptr %state, ptr %frame, ptr %args, ptr %result.at) #0 {
entry:
  %walk = alloca %Walk
  %held.offset.at = getelementptr %State, ptr %state, i64 0, i32 12
  %held.offset = load i64, ptr %held.offset.at
  %held = getelementptr i8, ptr %frame, i64 %held.offset
  %fits = call i1 @take_all(ptr %walk, ptr %state, ptr %frame, ptr %held, ptr %args)
  %count.at = getelementptr %Walk, ptr %walk, i64 0, i32 4
  %count = load i64, ptr %count.at
  br i1 %fits, label %run, label %refuse
run:
  %code = call i64 @produce(ptr %state, ptr %frame, ptr %result.at)
  call void @drop(ptr %held, i64 %count)
  ret i64 %code
refuse:
  call void @drop(ptr %held, i64 %count)
  ret i64 1
}

define internal i1 @take_all(ptr %walk, ptr %state, ptr %frame, ptr %held, ptr %args) #0 {
entry:
  %nodes.at = getelementptr %State, ptr %state, i64 0, i32 3
  %nodes = load ptr, ptr %nodes.at
  %slots.offset.at = getelementptr %State, ptr %state, i64 0, i32 14
  %slots.offset = load i64, ptr %slots.offset.at
  %slots = getelementptr i8, ptr %frame, i64 %slots.offset
  store ptr %nodes, ptr %walk
  %walk.1 = getelementptr %Walk, ptr %walk, i64 0, i32 1
  store ptr %frame, ptr %walk.1
  %walk.2 = getelementptr %Walk, ptr %walk, i64 0, i32 2
  store ptr %held, ptr %walk.2
  %walk.3 = getelementptr %Walk, ptr %walk, i64 0, i32 3
  store ptr %slots, ptr %walk.3
  %walk.4 = getelementptr %Walk, ptr %walk, i64 0, i32 4
  store i64 0, ptr %walk.4
  %arity.at = getelementptr %State, ptr %state, i64 0, i32 7
  %arity = load i64, ptr %arity.at
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i.next, %fits ]
  %finished = icmp eq i64 %i, %arity
  br i1 %finished, label %accept, label %item
item:
  %argument.at = getelementptr ptr, ptr %args, i64 %i
  %argument = load ptr, ptr %argument.at
  %taken = call i1 @take(ptr %walk, ptr %argument, i1 false)
  br i1 %taken, label %fits, label %refuse
fits:
  %i.next = add nuw nsw i64 %i, 1
  br label %next
accept:
  ret i1 true
refuse:
  ret i1 false
}

; Allocate results, run, build; the frame's arguments are in place.
define internal i64 @produce(ptr %state, ptr %frame, ptr %result.at) #0 {
entry:
  %walk = alloca %Walk
  store ptr null, ptr %result.at
  %n.arguments.at = getelementptr %State, ptr %state, i64 0, i32 8
  %n.arguments = load i64, ptr %n.arguments.at
  %n.results.at = getelementptr %State, ptr %state, i64 0, i32 10
  %n.results = load i64, ptr %n.results.at
  %results.offset.at = getelementptr %State, ptr %state, i64 0, i32 11
  %results.offset = load i64, ptr %results.offset.at
  %results = getelementptr i8, ptr %frame, i64 %results.offset
  %made.offset.at = getelementptr %State, ptr %state, i64 0, i32 13
  %made.offset = load i64, ptr %made.offset.at
  %made = getelementptr i8, ptr %frame, i64 %made.offset
  %slots.offset.at = getelementptr %State, ptr %state, i64 0, i32 14
  %slots.offset = load i64, ptr %slots.offset.at
  %slots.all = getelementptr i8, ptr %frame, i64 %slots.offset
  %slots = getelementptr %Slot, ptr %slots.all, i64 %n.arguments
  %arena.offset.at = getelementptr %State, ptr %state, i64 0, i32 15
  %arena.offset = load i64, ptr %arena.offset.at
  %arena = getelementptr i8, ptr %frame, i64 %arena.offset
  %reserved = call i1 @reserve(ptr %state, ptr %results, ptr %made, ptr %slots)
  br i1 %reserved, label %run, label %raised
run:
  %code = call i64 @run(ptr %state, ptr %frame, ptr %results, ptr %arena)
  %succeeded = icmp eq i64 %code, 0
  br i1 %succeeded, label %build, label %failed
build:
  %nodes.at = getelementptr %State, ptr %state, i64 0, i32 4
  %nodes = load ptr, ptr %nodes.at
  store ptr %nodes, ptr %walk
  %walk.1 = getelementptr %Walk, ptr %walk, i64 0, i32 1
  store ptr %results, ptr %walk.1
  %walk.2 = getelementptr %Walk, ptr %walk, i64 0, i32 2
  store ptr %made, ptr %walk.2
  %result = call ptr @build(ptr %walk)
  store ptr %result, ptr %result.at
  %built = icmp ne ptr %result, null
  br i1 %built, label %done, label %raised
failed:
  call void @drop(ptr %made, i64 %n.results)
  %is.exception = icmp slt i64 %code, 0
  br i1 %is.exception, label %exception, label %code.given
exception:
  %error = call ptr @PyErr_Occurred()
  %is.set = icmp ne ptr %error, null
  br i1 %is.set, label %done, label %refuse
code.given:
  %is.guard = icmp slt i64 %code, 1000
  br i1 %is.guard, label %refuse, label %details
details:
  %bytes = call ptr @PyBytes_FromStringAndSize(ptr %arena, i64 64)
  store ptr %bytes, ptr %result.at
  %has.details = icmp ne ptr %bytes, null
  br i1 %has.details, label %report, label %done
report:
  ret i64 %code
refuse:
  ret i64 1
raised:
  call void @drop(ptr %made, i64 %n.results)
  ret i64 0
done:
  ret i64 0
}

define internal i64 @run(ptr %state, ptr %arguments, ptr %results, ptr %arena) #0 {
entry:
  %program = load ptr, ptr %state
  %release.at = getelementptr %State, ptr %state, i64 0, i32 17
  %release = load i64, ptr %release.at
  %keeps = icmp eq i64 %release, 0
  br i1 %keeps, label %keep, label %free
keep:
  %code.kept = call i32 %program(ptr %arguments, ptr %results, ptr %arena)
  %wide.kept = sext i32 %code.kept to i64
  ret i64 %wide.kept
free:
  %thread = call ptr @PyEval_SaveThread()
  %code.free = call i32 %program(ptr %arguments, ptr %results, ptr %arena)
  call void @PyEval_RestoreThread(ptr %thread)
  %wide.free = sext i32 %code.free to i64
  ret i64 %wide.free
}

; Frames of calls that meet a busy one. ------------------------------------------------------------------------------

define internal ptr @new_block(ptr %state) #0 {
  %bytes.at = getelementptr %State, ptr %state, i64 0, i32 16
  %bytes = load i64, ptr %bytes.at
  %with.room = add i64 %bytes, 64
  %block = call ptr @PyMem_RawMalloc(i64 %with.room)
  ret ptr %block
}

; The aligned frame within a block: constants in place, `made` null.
define internal ptr @new_frame(ptr %state, ptr %block) #0 {
  %address = ptrtoint ptr %block to i64
  %negated = sub i64 0, %address
  %forward = and i64 %negated, 63
  %frame = getelementptr i8, ptr %block, i64 %forward
  %n.arguments.at = getelementptr %State, ptr %state, i64 0, i32 8
  %n.arguments = load i64, ptr %n.arguments.at
  %destination = getelementptr ptr, ptr %frame, i64 %n.arguments
  %constants.at = getelementptr %State, ptr %state, i64 0, i32 5
  %constants = load ptr, ptr %constants.at
  %n.constants.at = getelementptr %State, ptr %state, i64 0, i32 9
  %n.constants = load i64, ptr %n.constants.at
  %constants.bytes = shl i64 %n.constants, 3
  call void @llvm.memcpy.p0.p0.i64(ptr %destination, ptr %constants, i64 %constants.bytes, i1 false)
  %made.offset.at = getelementptr %State, ptr %state, i64 0, i32 13
  %made.offset = load i64, ptr %made.offset.at
  %made = getelementptr i8, ptr %frame, i64 %made.offset
  %n.results.at = getelementptr %State, ptr %state, i64 0, i32 10
  %n.results = load i64, ptr %n.results.at
  %made.bytes = shl i64 %n.results, 3
  call void @llvm.memset.p0.i64(ptr %made, i8 0, i64 %made.bytes, i1 false)
  ret ptr %frame
}

; What Python does instead. A fallback may be a compiled function again, whose fallback is this one: CPython counts the
; calls of builtin functions, and its limit ends that. ------------------------------------------------------------------

; failed(code, details, arguments), or the fallback where nobody asked for details, which are given up.
define internal ptr @report(ptr %state, i64 %code, ptr %details, ptr %args, i64 %n) #0 {
entry:
  %words = alloca [3 x ptr]
  %failed.at = getelementptr %State, ptr %state, i64 0, i32 2
  %failed = load ptr, ptr %failed.at
  %unheard = icmp eq ptr %failed, null
  br i1 %unheard, label %fallback, label %number
fallback:
  call void @Py_DecRef(ptr %details)
  %fallback.at = getelementptr %State, ptr %state, i64 0, i32 1
  %function = load ptr, ptr %fallback.at
  %value = call ptr @PyObject_Vectorcall(ptr %function, ptr %args, i64 %n, ptr null)
  ret ptr %value
number:
  %number.object = call ptr @PyLong_FromLongLong(i64 %code)
  store ptr %number.object, ptr %words
  %no.number = icmp eq ptr %number.object, null
  br i1 %no.number, label %give.details, label %tuple
tuple:
  %words.1 = getelementptr ptr, ptr %words, i64 1
  store ptr %details, ptr %words.1
  %arguments = call ptr @PyTuple_New(i64 %n)
  %words.2 = getelementptr ptr, ptr %words, i64 2
  store ptr %arguments, ptr %words.2
  %no.tuple = icmp eq ptr %arguments, null
  br i1 %no.tuple, label %give.number, label %next
next:
  %i = phi i64 [ 0, %tuple ], [ %i.next, %item ]
  %finished = icmp eq i64 %i, %n
  br i1 %finished, label %call, label %item
item:
  %argument.at = getelementptr ptr, ptr %args, i64 %i
  %argument = load ptr, ptr %argument.at
  call void @Py_IncRef(ptr %argument)
  %set = call i32 @PyTuple_SetItem(ptr %arguments, i64 %i, ptr %argument)
  %i.next = add nuw nsw i64 %i, 1
  br label %next
call:
  %answer = call ptr @PyObject_Vectorcall(ptr %failed, ptr %words, i64 3, ptr null)
  call void @Py_DecRef(ptr %arguments)
  br label %give.number
give.number:
  %result = phi ptr [ null, %tuple ], [ %answer, %call ]
  call void @Py_DecRef(ptr %number.object)
  br label %give.details
give.details:
  %outcome = phi ptr [ null, %number ], [ %result, %give.number ]
  call void @Py_DecRef(ptr %details)
  ret ptr %outcome
}
