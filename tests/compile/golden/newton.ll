define i32 @wg_program(ptr noalias %arguments, ptr noalias %results, ptr noalias %arena) #0 {
entry:
  %argument0.slot = getelementptr inbounds ptr, ptr %arguments, i64 0
  %argument0 = load ptr, ptr %argument0.slot, align 8
  %cell.i32.0 = alloca i32, align 8
  %cell.double.1 = alloca double, align 8
  %cell.i32.3 = alloca i32, align 8
  %result0.slot = getelementptr inbounds ptr, ptr %results, i64 0
  %result0 = load ptr, ptr %result0.slot, align 8
  br label %start
start:
  %v1 = load double, ptr %argument0, align 8, !alias.scope !8, !noalias !9
  %v2 = fcmp olt double %v1, 0x0000000000000000
  br i1 %v2, label %fail2, label %sound1, !prof !{!"branch_weights", i32 1, i32 100000}
sound1:
  br label %while2
while2:
  %v3 = phi double [ %v1, %sound1 ], [ %v7, %body2 ]
  %v4 = phi i64 [ 0, %sound1 ], [ %v9, %body2 ]
  %v5 = fdiv double %v1, %v3
  %v6 = fadd contract double %v3, %v5
  %v7 = fmul contract double 0x3FE0000000000000, %v6
  %v8 = icmp slt i64 %v4, 9
  br i1 %v8, label %body2, label %behind2
body2:
  %v9 = add i64 %v4, 1
  br label %while2
behind2:
  %v10 = fcmp ogt double %v1, 0x3FF0000000000000
  br i1 %v10, label %so3, label %otherwise3
so3:
  %v11 = getelementptr inbounds i8, ptr %arena, i64 17
  %v12 = zext i1 true to i8
  store i8 %v12, ptr %v11, align 1, !alias.scope !5, !noalias !6
  br label %behind3
otherwise3:
  br label %behind3
behind3:
  %v13 = phi double [ %v3, %so3 ], [ %v1, %otherwise3 ]
  store double %v13, ptr %arena, align 8, !alias.scope !2, !noalias !3
  %v14 = trunc i64 1 to i32
  store i32 %v14, ptr %cell.i32.0, align 8
  store double 0x4000000000000000, ptr %cell.double.1, align 8
  %v15 = trunc i64 1 to i32
  store i32 %v15, ptr %cell.i32.3, align 8
  call void @wg.blas.dscal(ptr %cell.i32.0, ptr %cell.double.1, ptr %arena, ptr %cell.i32.3)
  %v16 = load double, ptr %arena, align 8, !alias.scope !2, !noalias !3
  store double %v16, ptr %result0, align 8, !alias.scope !11, !noalias !12
  ret i32 0
fail2:
  ret i32 2
}

attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" }
declare void @wg.blas.dscal(ptr, ptr, ptr, ptr)
!0 = distinct !{!0}
!1 = distinct !{!1, !0}
!2 = !{!1}
!3 = !{!4, !7, !10}
!4 = distinct !{!4, !0}
!5 = !{!4}
!6 = !{!1, !7, !10}
!7 = distinct !{!7, !0}
!8 = !{!7}
!9 = !{!1, !4, !10}
!10 = distinct !{!10, !0}
!11 = !{!10}
!12 = !{!1, !4, !7}
