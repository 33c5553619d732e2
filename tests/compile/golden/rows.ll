define i32 @wg_program(ptr noalias %arguments, ptr noalias %results, ptr noalias %arena) #0 {
entry:
  %result2.slot = getelementptr inbounds ptr, ptr %results, i64 2
  %result2 = load ptr, ptr %result2.slot, align 8
  %argument0.slot = getelementptr inbounds ptr, ptr %arguments, i64 0
  %argument0 = load ptr, ptr %argument0.slot, align 8
  %result1.slot = getelementptr inbounds ptr, ptr %results, i64 1
  %result1 = load ptr, ptr %result1.slot, align 8
  %frame = alloca [9 x i64], align 64
  br label %start
start:
  store <8 x double> splat (double 0x0000000000000000), ptr %result2, align 8, !alias.scope !20, !noalias !21
  %v1 = load double, ptr %argument0, align 8, !alias.scope !8, !noalias !9
  %v2 = getelementptr inbounds i64, ptr %frame, i64 0
  store ptr %arguments, ptr %v2, align 8
  %v3 = getelementptr inbounds i64, ptr %frame, i64 1
  store ptr %results, ptr %v3, align 8
  %v4 = getelementptr inbounds i64, ptr %frame, i64 2
  store ptr %arena, ptr %v4, align 8
  %v5 = getelementptr inbounds i64, ptr %frame, i64 4
  store double %v1, ptr %v5, align 8
  %v6 = getelementptr inbounds i64, ptr %frame, i64 3
  store i64 -1, ptr %v6, align 8
  call void @wg.parallel(ptr @wg_part1, ptr %frame, i64 20, i64 6)
  %v7 = getelementptr inbounds i64, ptr %frame, i64 3
  %v8 = load i64, ptr %v7, align 8
  %v9 = icmp ne i64 %v8, -1
  br i1 %v9, label %failed1, label %sound1, !prof !{!"branch_weights", i32 1, i32 100000}
failed1:
  %v10 = trunc i64 %v8 to i32
  ret i32 %v10
sound1:
  br label %parts2
parts2:
  %v11 = phi i64 [ 0, %sound1 ], [ %v24, %parts2 ]
  %v12 = phi double [ 0x8000000000000000, %sound1 ], [ %v17, %parts2 ]
  %v13 = phi double [ 0x8000000000000000, %sound1 ], [ %v23, %parts2 ]
  %v14 = getelementptr inbounds i64, ptr %frame, i64 5
  %v15 = getelementptr inbounds i64, ptr %v14, i64 %v11
  %v16 = load double, ptr %v15, align 8
  %v17 = fadd double %v12, %v16
  %v18 = fsub double %v17, %v12
  %v19 = fsub double %v17, %v18
  %v20 = fsub double %v12, %v19
  %v21 = fsub double %v16, %v18
  %v22 = fadd double %v20, %v21
  %v23 = fadd double %v13, %v22
  %v24 = add nuw nsw i64 %v11, 1
  %v25 = icmp slt i64 %v24, 4
  br i1 %v25, label %parts2, label %behind2
behind2:
  %v26 = fadd double %v17, 0x0000000000000000
  %v27 = fsub double %v26, %v17
  %v28 = fsub double %v26, %v27
  %v29 = fsub double %v17, %v28
  %v30 = fsub double 0x0000000000000000, %v27
  %v31 = fadd double %v29, %v30
  %v32 = fadd double %v23, %v31
  %v33 = call double @llvm.fabs.f64(double %v32)
  %v34 = fcmp ogt double %v33, 0x0000000000000000
  %v35 = fcmp olt double %v33, 0x7FF0000000000000
  %v36 = and i1 %v34, %v35
  %v37 = fadd double %v26, %v32
  %v38 = select i1 %v36, double %v37, double %v26
  br label %loop3
loop3:
  %v39 = phi i64 [ 0, %behind2 ], [ %v46, %loop3 ]
  %v41 = mul nsw i64 %v39, 8
  %v42 = getelementptr inbounds double, ptr %arena, i64 %v41
  %v40 = load <8 x double>, ptr %result2, align 8, !alias.scope !20, !noalias !21
  %v43 = getelementptr inbounds double, ptr %v42, i64 8
  %v44 = load <8 x double>, ptr %v43, align 8, !alias.scope !5, !noalias !6
  %v45 = fadd contract <8 x double> %v40, %v44
  store <8 x double> %v45, ptr %result2, align 8, !alias.scope !20, !noalias !21
  %v46 = add nsw i64 %v39, 1
  %v47 = icmp eq i64 %v39, 3
  br i1 %v47, label %behind3, label %loop3
behind3:
  store double %v38, ptr %result1, align 8, !alias.scope !17, !noalias !18
  ret i32 0
}

define internal void @wg_part1(ptr %frame, i64 %begin, i64 %end) #0 {
entry:
  %v6 = getelementptr inbounds i64, ptr %frame, i64 0
  %arguments = load ptr, ptr %v6, align 8
  %v7 = getelementptr inbounds i64, ptr %frame, i64 1
  %results = load ptr, ptr %v7, align 8
  %v8 = getelementptr inbounds i64, ptr %frame, i64 2
  %arena = load ptr, ptr %v8, align 8
  %v9 = getelementptr inbounds i64, ptr %frame, i64 4
  %v10 = load double, ptr %v9, align 8
  %v1 = alloca [64 x i8], align 64
  %v2 = udiv i64 %begin, 6
  %v3 = mul i64 %v2, 64
  %v4 = getelementptr inbounds i8, ptr %arena, i64 64
  %v5 = getelementptr inbounds i8, ptr %v4, i64 %v3
  %argument1.slot = getelementptr inbounds ptr, ptr %arguments, i64 1
  %argument1 = load ptr, ptr %argument1.slot, align 8
  %result0.slot = getelementptr inbounds ptr, ptr %results, i64 0
  %result0 = load ptr, ptr %result0.slot, align 8
  br label %start
start:
  store <8 x double> splat (double 0x8000000000000000), ptr %v5, align 8, !alias.scope !20, !noalias !21
  %v11 = add nsw i64 %end, -1
  br label %loop1
loop1:
  %v12 = phi i64 [ %begin, %start ], [ %v44, %sound2 ]
  %v13 = phi double [ 0x8000000000000000, %start ], [ %v32, %sound2 ]
  %v14 = mul nsw i64 %v12, 8
  %v15 = getelementptr inbounds double, ptr %argument1, i64 %v14
  %v17 = insertelement <8 x double> poison, double %v10, i64 0
  %v18 = shufflevector <8 x double> %v17, <8 x double> poison, <8 x i32> zeroinitializer
  %v16 = load <8 x double>, ptr %v15, align 8, !alias.scope !11, !noalias !12
  %v19 = fmul contract <8 x double> %v18, %v16
  store <8 x double> %v19, ptr %v1, align 8, !alias.scope !2, !noalias !3
  %v20 = load <8 x double>, ptr %v5, align 8, !alias.scope !20, !noalias !21
  %v21 = fadd contract <8 x double> %v20, %v19
  store <8 x double> %v21, ptr %v5, align 8, !alias.scope !20, !noalias !21
  %v22 = fadd contract <8 x double> splat (double 0x8000000000000000), %v19
  %v23 = shufflevector <8 x double> %v22, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v24 = shufflevector <8 x double> %v22, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v25 = fadd contract <4 x double> %v23, %v24
  %v26 = shufflevector <4 x double> %v25, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v27 = shufflevector <4 x double> %v25, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v28 = fadd contract <2 x double> %v26, %v27
  %v29 = extractelement <2 x double> %v28, i64 0
  %v30 = extractelement <2 x double> %v28, i64 1
  %v31 = fadd contract double %v29, %v30
  %v32 = fadd contract double %v31, %v13
  %v33 = getelementptr inbounds double, ptr %v1, i64 7
  %v34 = load double, ptr %v33, align 8, !alias.scope !2, !noalias !3
  %v35 = fcmp oeq double %v34, 0x0000000000000000
  br i1 %v35, label %fail3, label %sound2, !prof !{!"branch_weights", i32 1, i32 100000}
sound2:
  %v36 = getelementptr inbounds double, ptr %v1, i64 7
  %v37 = load double, ptr %v36, align 8, !alias.scope !2, !noalias !3
  %v39 = insertelement <8 x double> poison, double %v37, i64 0
  %v40 = shufflevector <8 x double> %v39, <8 x double> poison, <8 x i32> zeroinitializer
  %v42 = mul nsw i64 %v12, 8
  %v43 = getelementptr inbounds double, ptr %result0, i64 %v42
  %v38 = load <8 x double>, ptr %v1, align 8, !alias.scope !2, !noalias !3
  %v41 = fdiv <8 x double> %v38, %v40
  store <8 x double> %v41, ptr %v43, align 8, !alias.scope !14, !noalias !15
  %v44 = add nsw i64 %v12, 1
  %v45 = icmp eq i64 %v12, %v11
  br i1 %v45, label %behind1, label %loop1
behind1:
  %v46 = udiv i64 %begin, 6
  %v47 = getelementptr inbounds i64, ptr %frame, i64 5
  %v48 = getelementptr inbounds i64, ptr %v47, i64 %v46
  store double %v32, ptr %v48, align 8
  ret void
fail3:
  %v49 = udiv i64 %begin, 6
  %v50 = shl i64 %v49, 32
  %v51 = or i64 %v50, 3
  %v52 = getelementptr inbounds i64, ptr %frame, i64 3
  atomicrmw umin ptr %v52, i64 %v51 monotonic, align 8
  ret void
}

attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" }
declare void @wg.parallel(ptr, ptr, i64, i64)
declare double @llvm.fabs.f64(double)
!0 = distinct !{!0}
!1 = distinct !{!1, !0}
!2 = !{!1}
!3 = !{!4, !7, !10, !13, !16, !19}
!4 = distinct !{!4, !0}
!5 = !{!4}
!6 = !{!1, !7, !10, !13, !16, !19}
!7 = distinct !{!7, !0}
!8 = !{!7}
!9 = !{!1, !4, !10, !13, !16, !19}
!10 = distinct !{!10, !0}
!11 = !{!10}
!12 = !{!1, !4, !7, !13, !16, !19}
!13 = distinct !{!13, !0}
!14 = !{!13}
!15 = !{!1, !4, !7, !10, !16, !19}
!16 = distinct !{!16, !0}
!17 = !{!16}
!18 = !{!1, !4, !7, !10, !13, !19}
!19 = distinct !{!19, !0}
!20 = !{!19}
!21 = !{!1, !4, !7, !10, !13, !16}
