; A pool of threads for loops over independent parts: fork, join, in under a microsecond while the threads are awake.
;
;   wg.parallel(function, context, n, grain)    function(context, begin, end) over all of [0, n), in chunks
;   wg.chunk(n, grain)                          the size of those chunks: chunk k is [k size, min(n, (k + 1) size))
;
; The chunks depend on n and grain only, so that partial results kept for each, and combined in order, are the same for
; every number of threads. Which thread takes a chunk is left to chance: each takes the next until there is none.
;
; A region within a region, and one that begins while another thread's is open, runs in its own thread.
;
; The caller opens a job, and raises the generation for the workers to see. A worker counts itself as active *before*
; it looks whether the job is open, and the caller closes the job *before* it looks whether a worker is active; in the
; total order of these (seq_cst) operations one of the two sees the other. So a worker that comes late either finds the
; job closed, or is waited for; and what it reads of a job was written before that job was opened.
;
; How threads sleep and start is the platform's: threads_futex.ll, threads_condition.ll, threads_alone.ll, and the lines
; that threads.py writes.

@threads = internal global i32 1                      ; how many may run, the caller among them
@process = internal global i32 0                      ; whose they are: after a fork they are not there
@started = internal global i32 0                      ; how many workers run
@busy = internal global i32 0, align 64
@generation = internal global i32 0, align 64
@sleepers = internal global i32 0, align 64
@open = internal global i32 0, align 64
@active = internal global i32 0, align 64
@waiting = internal global i32 0, align 64
@next = internal global i64 0, align 64
@job = internal global { ptr, ptr, i64, i64 } zeroinitializer, align 64        ; function, context, n, size

@most_chunks = private constant i64 128
@spins = private constant i32 4000                    ; 20 to 100 us; a thread that sleeps takes 50 us to wake

define i64 @wg.chunk(i64 %n, i64 %grain) #0 {
  %most = load i64, ptr @most_chunks
  %most.less = sub i64 %most, 1
  %padded = add i64 %n, %most.less
  %even = udiv i64 %padded, %most
  %floor = call i64 @llvm.smax.i64(i64 %grain, i64 1)
  %size = call i64 @llvm.smax.i64(i64 %even, i64 %floor)
  ret i64 %size
}

declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)

define void @wg.parallel(ptr %function, ptr %context, i64 %n, i64 %grain) #0 {
entry:
  %size = call i64 @wg.chunk(i64 %n, i64 %grain)
  %is.small = icmp sle i64 %n, %size
  br i1 %is.small, label %serial, label %several
several:
  %threads = load atomic i32, ptr @threads monotonic, align 4
  %alone = icmp sle i32 %threads, 1
  br i1 %alone, label %serial, label %enter
enter:
  %exchange = cmpxchg ptr @busy, i32 0, i32 1 acquire monotonic
  %entered = extractvalue { i32, i1 } %exchange, 1
  br i1 %entered, label %ready, label %serial
ready:
  %process = load i32, ptr @process
  %self = call i32 @getpid()
  %is.ours = icmp eq i32 %process, %self
  br i1 %is.ours, label %workers, label %leave
workers:
  %n.workers = call i32 @start(i32 %threads)
  %has.workers = icmp sgt i32 %n.workers, 0
  br i1 %has.workers, label %fork, label %leave
leave:
  store atomic i32 0, ptr @busy release, align 4
  br label %serial
serial:
  call void @in_order(ptr %function, ptr %context, i64 %n, i64 %size)
  ret void
fork:
  store ptr %function, ptr @job
  store ptr %context, ptr getelementptr ({ ptr, ptr, i64, i64 }, ptr @job, i64 0, i32 1)
  store i64 %n, ptr getelementptr ({ ptr, ptr, i64, i64 }, ptr @job, i64 0, i32 2)
  store i64 %size, ptr getelementptr ({ ptr, ptr, i64, i64 }, ptr @job, i64 0, i32 3)
  store atomic i64 0, ptr @next monotonic, align 8
  store atomic i32 1, ptr @open seq_cst, align 4
  %old = atomicrmw add ptr @generation, i32 1 seq_cst
  %sleepers = load atomic i32, ptr @sleepers seq_cst, align 4
  %all.awake = icmp eq i32 %sleepers, 0
  br i1 %all.awake, label %share, label %rouse
rouse:                                                ; no more than there are chunks for, beside the caller's
  %rest = sub i64 %n, 1
  %chunks = udiv i64 %rest, %size
  %workers.wide = zext i32 %n.workers to i64
  %woken.wide = call i64 @llvm.smin.i64(i64 %chunks, i64 %workers.wide)
  %woken = trunc i64 %woken.wide to i32
  call void @wake(ptr @generation, i32 %woken)
  br label %share
share:
  call void @work()
  store atomic i32 0, ptr @open seq_cst, align 4
  call void @join()
  store atomic i32 0, ptr @busy release, align 4
  ret void
}

; The chunks one after another.
define internal void @in_order(ptr %function, ptr %context, i64 %n, i64 %size) #0 {
entry:
  br label %next
next:
  %begin = phi i64 [ 0, %entry ], [ %end, %chunk ]
  %more = icmp slt i64 %begin, %n
  br i1 %more, label %chunk, label %done
chunk:
  %full = add i64 %begin, %size
  %end = call i64 @llvm.smin.i64(i64 %full, i64 %n)
  call void %function(ptr %context, i64 %begin, i64 %end)
  br label %next
done:
  ret void
}

; Chunks of the open job until there is none.
define internal void @work() #0 {
entry:
  %function = load ptr, ptr @job
  %context = load ptr, ptr getelementptr ({ ptr, ptr, i64, i64 }, ptr @job, i64 0, i32 1)
  %n = load i64, ptr getelementptr ({ ptr, ptr, i64, i64 }, ptr @job, i64 0, i32 2)
  %size = load i64, ptr getelementptr ({ ptr, ptr, i64, i64 }, ptr @job, i64 0, i32 3)
  br label %next
next:
  %begin = atomicrmw add ptr @next, i64 %size monotonic
  %more = icmp slt i64 %begin, %n
  br i1 %more, label %chunk, label %done
chunk:
  %full = add i64 %begin, %size
  %end = call i64 @llvm.smin.i64(i64 %full, i64 %n)
  call void %function(ptr %context, i64 %begin, i64 %end)
  br label %next
done:
  ret void
}

; Until no worker is active.
define internal void @join() #0 {
entry:
  %limit = load i32, ptr @spins
  br label %spin
spin:
  %i = phi i32 [ 0, %entry ], [ %i.next, %pause ]
  %active = load atomic i32, ptr @active seq_cst, align 4
  %joined = icmp eq i32 %active, 0
  br i1 %joined, label %done, label %count
count:
  %i.next = add i32 %i, 1
  %tired = icmp sgt i32 %i.next, %limit
  br i1 %tired, label %sleep, label %pause
pause:
  call void @pause()
  br label %spin
sleep:
  store atomic i32 1, ptr @waiting seq_cst, align 4
  br label %again
again:
  %now = load atomic i32, ptr @active seq_cst, align 4
  %left = icmp eq i32 %now, 0
  br i1 %left, label %awake, label %wait
wait:
  call void @wait(ptr @active, i32 %now)
  br label %again
awake:
  store atomic i32 0, ptr @waiting seq_cst, align 4
  ret void
done:
  ret void
}

; Workers. -----------------------------------------------------------------------------------------------------------

; Start what is missing, and return how many workers run. Only the thread that is busy comes here.
define internal i32 @start(i32 %threads) #0 {
entry:
  %handle = alloca i64
  %all.signals = alloca [256 x i8], align 16
  %own.signals = alloca [256 x i8], align 16
  %wanted = sub i32 %threads, 1
  %running = load i32, ptr @started
  %complete = icmp sge i32 %running, %wanted
  br i1 %complete, label %done, label %block
block:                                                ; signals are the interpreter's threads' business
  %filled = call i32 @sigfillset(ptr %all.signals)
  %how = load i32, ptr @sig_setmask
  %masked = call i32 @pthread_sigmask(i32 %how, ptr %all.signals, ptr %own.signals)
  br label %next
next:
  %i = phi i32 [ %running, %block ], [ %i.next, %made ]
  %enough = icmp sge i32 %i, %wanted
  br i1 %enough, label %restore, label %create
create:
  %generation = load atomic i32, ptr @generation monotonic, align 4
  %wide = zext i32 %generation to i64
  %argument = inttoptr i64 %wide to ptr
  %failure = call i32 @pthread_create(ptr %handle, ptr null, ptr @worker, ptr %argument)
  %succeeded = icmp eq i32 %failure, 0
  br i1 %succeeded, label %made, label %restore
made:
  %thread.word = load i64, ptr %handle
  %thread = inttoptr i64 %thread.word to ptr
  %detached = call i32 @pthread_detach(ptr %thread)
  %i.next = add i32 %i, 1
  br label %next
restore:
  %count = phi i32 [ %i, %next ], [ %i, %create ]
  store i32 %count, ptr @started
  %unmasked = call i32 @pthread_sigmask(i32 %how, ptr %own.signals, ptr null)
  ret i32 %count
done:
  ret i32 %running
}

; Its argument is the generation before its first job.
define internal ptr @worker(ptr %argument) #0 {
entry:
  %first.wide = ptrtoint ptr %argument to i64
  %first = trunc i64 %first.wide to i32
  %limit = load i32, ptr @spins
  br label %rest
rest:
  %seen = phi i32 [ %first, %entry ], [ %generation, %rested ], [ %seen, %slept ]
  br label %spin
spin:
  %i = phi i32 [ 0, %rest ], [ %i.next, %pause ]
  %generation = load atomic i32, ptr @generation seq_cst, align 4
  %is.new = icmp ne i32 %generation, %seen
  br i1 %is.new, label %join.in, label %count
count:
  %i.next = add i32 %i, 1
  %tired = icmp sgt i32 %i.next, %limit
  br i1 %tired, label %sleep, label %pause
pause:
  call void @pause()
  br label %spin
sleep:
  %sleepers.before = atomicrmw add ptr @sleepers, i32 1 seq_cst
  call void @wait(ptr @generation, i32 %seen)
  %sleepers.after = atomicrmw sub ptr @sleepers, i32 1 seq_cst
  br label %slept
slept:
  br label %rest
join.in:
  %active.before = atomicrmw add ptr @active, i32 1 seq_cst
  %open = load atomic i32, ptr @open seq_cst, align 4
  %is.open = icmp ne i32 %open, 0
  %threads = load atomic i32, ptr @threads monotonic, align 4
  %are.many = add i32 %active.before, 1
  %has.place = icmp slt i32 %are.many, %threads       ; there may be more workers than are wanted now
  %joins = and i1 %is.open, %has.place
  br i1 %joins, label %share, label %leave
share:
  call void @work()
  br label %leave
leave:
  %active = atomicrmw sub ptr @active, i32 1 seq_cst
  %last = icmp eq i32 %active, 1
  br i1 %last, label %look, label %rested
look:
  %waiting = load atomic i32, ptr @waiting seq_cst, align 4
  %is.waited.for = icmp ne i32 %waiting, 0
  br i1 %is.waited.for, label %tell, label %rested
tell:
  call void @wake(ptr @active, i32 1)
  br label %rested
rested:
  br label %rest
}

; A process begins: no worker runs in it.
define void @wg.pool.reset(i32 %threads, i32 %process) #0 {
  store i32 %process, ptr @process
  store i32 0, ptr @started
  store i32 0, ptr @sleepers
  store i32 0, ptr @open
  store i32 0, ptr @active
  store i32 0, ptr @waiting
  call void @reset_wait()
  store atomic i32 %threads, ptr @threads monotonic, align 4
  store atomic i32 0, ptr @busy release, align 4
  ret void
}

define void @wg.pool.set_threads(i32 %threads) #0 {
  store atomic i32 %threads, ptr @threads monotonic, align 4
  ret void
}

define i32 @wg.pool.workers() #0 {
  %started = load i32, ptr @started
  ret i32 %started
}

attributes #0 = { nounwind }
