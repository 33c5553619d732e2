define i32 @wg_program(ptr noalias %arguments, ptr noalias %results, ptr noalias %arena) #0 {
entry:
  %argument0.slot = getelementptr inbounds ptr, ptr %arguments, i64 0
  %argument0 = load ptr, ptr %argument0.slot, align 8
  %argument1.slot = getelementptr inbounds ptr, ptr %arguments, i64 1
  %argument1 = load ptr, ptr %argument1.slot, align 8
  %result0.slot = getelementptr inbounds ptr, ptr %results, i64 0
  %result0 = load ptr, ptr %result0.slot, align 8
  %result1.slot = getelementptr inbounds ptr, ptr %results, i64 1
  %result1 = load ptr, ptr %result1.slot, align 8
  br label %start
start:
  br label %vectors1
vectors1:
  %v1 = phi i64 [ 0, %start ], [ %v23, %sound2 ]
  %v2 = getelementptr inbounds i64, ptr %argument0, i64 %v1
  %v3 = load <8 x i64>, ptr %v2, align 8, !alias.scope !2, !noalias !3
  %v4 = icmp sgt <8 x i64> %v3, splat (i64 39)
  %v5 = bitcast <8 x i1> %v4 to i8
  %v6 = icmp ne i8 %v5, 0
  br i1 %v6, label %fail1, label %sound2, !prof !{!"branch_weights", i32 1, i32 100000}
sound2:
  %v7 = getelementptr inbounds double, ptr %argument1, <8 x i64> %v3
  %v8 = call <8 x double> @llvm.masked.gather.v8f64.v8p0(<8 x ptr> %v7, i32 8, <8 x i1> splat (i1 true), <8 x double> splat (double 0x3FF0000000000000)), !alias.scope !5, !noalias !6
  %v9 = mul nsw i64 %v1, 2
  %v10 = getelementptr inbounds double, ptr %argument1, i64 %v9
  %v11 = getelementptr inbounds double, ptr %v10, i64 1
  %v12 = getelementptr inbounds double, ptr %v11, <8 x i64> <i64 0, i64 2, i64 4, i64 6, i64 8, i64 10, i64 12, i64 14>
  %v13 = call <8 x double> @llvm.masked.gather.v8f64.v8p0(<8 x ptr> %v12, i32 8, <8 x i1> splat (i1 true), <8 x double> splat (double 0x3FF0000000000000)), !alias.scope !5, !noalias !6
  %v14 = fsub contract <8 x double> %v8, %v13
  %v15 = mul nsw i64 %v1, -1
  %v16 = getelementptr inbounds double, ptr %result0, i64 %v15
  %v17 = getelementptr inbounds double, ptr %v16, i64 19
  %v18 = getelementptr inbounds double, ptr %v17, i64 -7
  %v19 = shufflevector <8 x double> %v14, <8 x double> poison, <8 x i32> <i32 7, i32 6, i32 5, i32 4, i32 3, i32 2, i32 1, i32 0>
  store <8 x double> %v19, ptr %v18, align 8, !alias.scope !8, !noalias !9
  %v20 = fcmp une <8 x double> %v8, splat (double 0x0000000000000000)
  %v21 = getelementptr inbounds i8, ptr %result1, i64 %v1
  %v22 = zext <8 x i1> %v20 to <8 x i8>
  store <8 x i8> %v22, ptr %v21, align 1, !alias.scope !11, !noalias !12
  %v23 = add nuw nsw i64 %v1, 8
  %v24 = icmp slt i64 %v23, 16
  br i1 %v24, label %vectors1, label %behind1, !llvm.loop !1001
behind1:
  %v25 = getelementptr inbounds i64, ptr %argument0, i64 16
  %v26 = call <8 x i64> @llvm.masked.load.v8i64.p0(ptr %v25, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>, <8 x i64> splat (i64 1)), !alias.scope !2, !noalias !3
  %v27 = icmp sgt <8 x i64> %v26, splat (i64 39)
  %v28 = and <8 x i1> %v27, <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>
  %v29 = bitcast <8 x i1> %v28 to i8
  %v30 = icmp ne i8 %v29, 0
  br i1 %v30, label %fail1, label %sound3, !prof !{!"branch_weights", i32 1, i32 100000}
sound3:
  %v31 = getelementptr inbounds double, ptr %argument1, <8 x i64> %v26
  %v32 = call <8 x double> @llvm.masked.gather.v8f64.v8p0(<8 x ptr> %v31, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>, <8 x double> splat (double 0x3FF0000000000000)), !alias.scope !5, !noalias !6
  %v33 = mul nsw i64 16, 2
  %v34 = getelementptr inbounds double, ptr %argument1, i64 %v33
  %v35 = getelementptr inbounds double, ptr %v34, i64 1
  %v36 = getelementptr inbounds double, ptr %v35, <8 x i64> <i64 0, i64 2, i64 4, i64 6, i64 8, i64 10, i64 12, i64 14>
  %v37 = call <8 x double> @llvm.masked.gather.v8f64.v8p0(<8 x ptr> %v36, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>, <8 x double> splat (double 0x3FF0000000000000)), !alias.scope !5, !noalias !6
  %v38 = fsub contract <8 x double> %v32, %v37
  %v39 = mul nsw i64 16, -1
  %v40 = getelementptr inbounds double, ptr %result0, i64 %v39
  %v41 = getelementptr inbounds double, ptr %v40, i64 19
  %v42 = getelementptr inbounds double, ptr %v41, i64 -7
  %v43 = shufflevector <8 x double> %v38, <8 x double> poison, <8 x i32> <i32 7, i32 6, i32 5, i32 4, i32 3, i32 2, i32 1, i32 0>
  %v44 = shufflevector <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>, <8 x i1> poison, <8 x i32> <i32 7, i32 6, i32 5, i32 4, i32 3, i32 2, i32 1, i32 0>
  call void @llvm.masked.store.v8f64.p0(<8 x double> %v43, ptr %v42, i32 8, <8 x i1> %v44), !alias.scope !8, !noalias !9
  %v45 = fcmp une <8 x double> %v32, splat (double 0x0000000000000000)
  %v46 = getelementptr inbounds i8, ptr %result1, i64 16
  %v47 = zext <8 x i1> %v45 to <8 x i8>
  call void @llvm.masked.store.v8i8.p0(<8 x i8> %v47, ptr %v46, i32 1, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>), !alias.scope !11, !noalias !12
  ret i32 0
fail1:
  ret i32 1
}

attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" }
declare <8 x double> @llvm.masked.gather.v8f64.v8p0(<8 x ptr>, i32, <8 x i1>, <8 x double>)
declare <8 x i64> @llvm.masked.load.v8i64.p0(ptr, i32, <8 x i1>, <8 x i64>)
declare void @llvm.masked.store.v8f64.p0(<8 x double>, ptr, i32, <8 x i1>)
declare void @llvm.masked.store.v8i8.p0(<8 x i8>, ptr, i32, <8 x i1>)
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
!999 = !{!"llvm.loop.unroll.disable"}
!1000 = !{!"llvm.loop.isvectorized", i32 1}
!1001 = distinct !{!1001, !999, !1000}
