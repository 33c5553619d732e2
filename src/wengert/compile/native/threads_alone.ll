; Where there are no POSIX threads: none starts, so that nobody sleeps either.

define internal i32 @getpid() #0 {
  ret i32 0
}

define internal i32 @pthread_create(ptr %thread, ptr %attributes, ptr %function, ptr %argument) #0 {
  ret i32 1
}

define internal i32 @pthread_detach(ptr %thread) #0 {
  ret i32 0
}

define internal i32 @pthread_sigmask(i32 %how, ptr %set, ptr %old) #0 {
  ret i32 0
}

define internal i32 @sigfillset(ptr %set) #0 {
  ret i32 0
}

define internal void @wait(ptr %word, i32 %value) #0 {
  ret void
}

define internal void @wake(ptr %word, i32 %most) #0 {
  ret void
}

define internal void @reset_wait() #0 {
  ret void
}
