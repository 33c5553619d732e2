define i32 @wg_program(ptr noalias %arguments, ptr noalias %results, ptr noalias %arena) #0 {
entry:
  %argument0.slot = getelementptr inbounds ptr, ptr %arguments, i64 0
  %argument0 = load ptr, ptr %argument0.slot, align 8
  %argument1.slot = getelementptr inbounds ptr, ptr %arguments, i64 1
  %argument1 = load ptr, ptr %argument1.slot, align 8
  %result0.slot = getelementptr inbounds ptr, ptr %results, i64 0
  %result0 = load ptr, ptr %result0.slot, align 8
  br label %start
start:
  br label %loop1
loop1:
  %v1 = phi i64 [ 0, %start ], [ %v22, %behind2 ]
  br label %loop2
loop2:
  %v2 = phi i64 [ 1, %loop1 ], [ %v20, %behind3 ]
  br label %loop3
loop3:
  %v3 = phi i64 [ 0, %loop2 ], [ %v15, %loop3 ]
  %v4 = phi double [ 0x0000000000000000, %loop2 ], [ %v14, %loop3 ]
  %v5 = mul nsw i64 %v1, 3
  %v6 = add nsw i64 %v5, %v3
  %v7 = getelementptr inbounds double, ptr %argument0, i64 %v6
  %v8 = load double, ptr %v7, align 8, !alias.scope !2, !noalias !3
  %v9 = mul nsw i64 %v3, 2
  %v10 = add nsw i64 %v9, %v2
  %v11 = getelementptr inbounds double, ptr %argument1, i64 %v10
  %v12 = load double, ptr %v11, align 8, !alias.scope !5, !noalias !6
  %v13 = fmul contract double %v8, %v12
  %v14 = fadd contract double %v4, %v13
  %v15 = add nsw i64 %v3, 1
  %v16 = icmp eq i64 %v3, 2
  br i1 %v16, label %behind3, label %loop3
behind3:
  %v17 = mul nsw i64 %v1, 2
  %v18 = add nsw i64 %v17, %v2
  %v19 = getelementptr inbounds double, ptr %result0, i64 %v18
  store double %v14, ptr %v19, align 8, !alias.scope !8, !noalias !9
  %v20 = add nsw i64 %v2, -1
  %v21 = icmp eq i64 %v2, 0
  br i1 %v21, label %behind2, label %loop2
behind2:
  %v22 = add nsw i64 %v1, 1
  %v23 = icmp eq i64 %v1, 1
  br i1 %v23, label %behind1, label %loop1
behind1:
  ret i32 0
}

attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" }
!0 = distinct !{!0}
!1 = distinct !{!1, !0}
!2 = !{!1}
!3 = !{!4, !7}
!4 = distinct !{!4, !0}
!5 = !{!4}
!6 = !{!1, !7}
!7 = distinct !{!7, !0}
!8 = !{!7}
!9 = !{!1, !4}
