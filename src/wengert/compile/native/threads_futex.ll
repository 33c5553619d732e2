; Sleep while a word holds a value, and wake those who do: Linux's futex.

declare i32 @getpid()
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @sigfillset(ptr)
declare i64 @syscall(i64, ...)

define internal void @wait(ptr %word, i32 %value) #0 {
  %number = load i64, ptr @sys_futex
  %woken = call i64 (i64, ...) @syscall(i64 %number, ptr %word, i32 128, i32 %value, ptr null)
  ret void
}

define internal void @wake(ptr %word, i32 %most) #0 {
  %number = load i64, ptr @sys_futex
  %count = call i64 (i64, ...) @syscall(i64 %number, ptr %word, i32 129, i32 %most)
  ret void
}

define internal void @reset_wait() #0 {
  ret void
}
