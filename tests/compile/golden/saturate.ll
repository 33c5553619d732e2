define i32 @wg_program(ptr noalias %arguments, ptr noalias %results, ptr noalias %arena) #0 {
entry:
  %argument0.slot = getelementptr inbounds ptr, ptr %arguments, i64 0
  %argument0 = load ptr, ptr %argument0.slot, align 8
  %result0.slot = getelementptr inbounds ptr, ptr %results, i64 0
  %result0 = load ptr, ptr %result0.slot, align 8
  %result1.slot = getelementptr inbounds ptr, ptr %results, i64 1
  %result1 = load ptr, ptr %result1.slot, align 8
  br label %start
start:
  %v1 = load <8 x double>, ptr %argument0, align 8, !alias.scope !2, !noalias !3
  %v2 = fmul contract <8 x double> %v1, splat (double 0x3FE0000000000000)
  store <8 x double> %v2, ptr %result0, align 8, !alias.scope !5, !noalias !6
  %v3 = fadd contract <8 x double> splat (double 0x8000000000000000), %v2
  %v4 = getelementptr inbounds double, ptr %argument0, i64 8
  %v5 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v4, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <8 x double> splat (double 0x3FF0000000000000)), !alias.scope !2, !noalias !3
  %v6 = fmul contract <8 x double> %v5, splat (double 0x3FE0000000000000)
  %v7 = getelementptr inbounds double, ptr %result0, i64 8
  call void @llvm.masked.store.v8f64.p0(<8 x double> %v6, ptr %v7, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>), !alias.scope !5, !noalias !6
  %v8 = fadd contract <8 x double> splat (double 0x8000000000000000), %v6
  %v9 = select <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <8 x double> %v8, <8 x double> splat (double 0x8000000000000000)
  %v10 = fadd contract <8 x double> %v3, %v9
  %v11 = shufflevector <8 x double> %v10, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v12 = shufflevector <8 x double> %v10, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v13 = fadd contract <4 x double> %v11, %v12
  %v14 = shufflevector <4 x double> %v13, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v15 = shufflevector <4 x double> %v13, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v16 = fadd contract <2 x double> %v14, %v15
  %v17 = extractelement <2 x double> %v16, i64 0
  %v18 = extractelement <2 x double> %v16, i64 1
  %v19 = fadd contract double %v17, %v18
  %v20 = fadd contract double %v19, 0x0000000000000000
  store double %v20, ptr %result1, align 8, !alias.scope !8, !noalias !9
  ret i32 0
}

attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" }
declare <8 x double> @llvm.masked.load.v8f64.p0(ptr, i32, <8 x i1>, <8 x double>)
declare void @llvm.masked.store.v8f64.p0(<8 x double>, ptr, i32, <8 x i1>)
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
