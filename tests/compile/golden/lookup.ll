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
  %v1 = phi i64 [ 0, %start ], [ %v27, %sound2 ]
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
  %v12 = getelementptr inbounds double, ptr %v11, i64 0
  %v13 = load <8 x double>, ptr %v12, align 8, !alias.scope !5, !noalias !6
  %v14 = shufflevector <8 x double> poison, <8 x double> %v13, <8 x i32> <i32 8, i32 10, i32 12, i32 14, i32 4, i32 5, i32 6, i32 7>
  %v15 = getelementptr inbounds double, ptr %v11, i64 7
  %v16 = load <8 x double>, ptr %v15, align 8, !alias.scope !5, !noalias !6
  %v17 = shufflevector <8 x double> %v14, <8 x double> %v16, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 9, i32 11, i32 13, i32 15>
  %v18 = fsub contract <8 x double> %v8, %v17
  %v19 = mul nsw i64 %v1, -1
  %v20 = getelementptr inbounds double, ptr %result0, i64 %v19
  %v21 = getelementptr inbounds double, ptr %v20, i64 19
  %v22 = getelementptr inbounds double, ptr %v21, i64 -7
  %v23 = shufflevector <8 x double> %v18, <8 x double> poison, <8 x i32> <i32 7, i32 6, i32 5, i32 4, i32 3, i32 2, i32 1, i32 0>
  store <8 x double> %v23, ptr %v22, align 8, !alias.scope !8, !noalias !9
  %v24 = fcmp une <8 x double> %v8, splat (double 0x0000000000000000)
  %v25 = getelementptr inbounds i8, ptr %result1, i64 %v1
  %v26 = zext <8 x i1> %v24 to <8 x i8>
  store <8 x i8> %v26, ptr %v25, align 1, !alias.scope !11, !noalias !12
  %v27 = add nuw nsw i64 %v1, 8
  %v28 = icmp slt i64 %v27, 16
  br i1 %v28, label %vectors1, label %behind1, !llvm.loop !1001
behind1:
  %v29 = getelementptr inbounds i64, ptr %argument0, i64 16
  %v30 = call <8 x i64> @llvm.masked.load.v8i64.p0(ptr %v29, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>, <8 x i64> splat (i64 1)), !alias.scope !2, !noalias !3
  %v31 = icmp sgt <8 x i64> %v30, splat (i64 39)
  %v32 = and <8 x i1> %v31, <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>
  %v33 = bitcast <8 x i1> %v32 to i8
  %v34 = icmp ne i8 %v33, 0
  br i1 %v34, label %fail1, label %sound3, !prof !{!"branch_weights", i32 1, i32 100000}
sound3:
  %v35 = getelementptr inbounds double, ptr %argument1, <8 x i64> %v30
  %v36 = call <8 x double> @llvm.masked.gather.v8f64.v8p0(<8 x ptr> %v35, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>, <8 x double> splat (double 0x3FF0000000000000)), !alias.scope !5, !noalias !6
  %v37 = mul nsw i64 16, 2
  %v38 = getelementptr inbounds double, ptr %argument1, i64 %v37
  %v39 = getelementptr inbounds double, ptr %v38, i64 1
  %v40 = getelementptr inbounds double, ptr %v39, i64 0
  %v41 = shufflevector <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>, <8 x i1> zeroinitializer, <8 x i32> <i32 0, i32 8, i32 1, i32 8, i32 2, i32 8, i32 3, i32 8>
  %v42 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v40, i32 8, <8 x i1> %v41, <8 x double> splat (double 0x3FF0000000000000)), !alias.scope !5, !noalias !6
  %v43 = shufflevector <8 x double> poison, <8 x double> %v42, <8 x i32> <i32 8, i32 10, i32 12, i32 14, i32 4, i32 5, i32 6, i32 7>
  %v44 = getelementptr inbounds double, ptr %v39, i64 7
  %v45 = shufflevector <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>, <8 x i1> zeroinitializer, <8 x i32> <i32 8, i32 4, i32 8, i32 5, i32 8, i32 6, i32 8, i32 7>
  %v46 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v44, i32 8, <8 x i1> %v45, <8 x double> splat (double 0x3FF0000000000000)), !alias.scope !5, !noalias !6
  %v47 = shufflevector <8 x double> %v43, <8 x double> %v46, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 9, i32 11, i32 13, i32 15>
  %v48 = fsub contract <8 x double> %v36, %v47
  %v49 = mul nsw i64 16, -1
  %v50 = getelementptr inbounds double, ptr %result0, i64 %v49
  %v51 = getelementptr inbounds double, ptr %v50, i64 19
  %v52 = getelementptr inbounds double, ptr %v51, i64 -7
  %v53 = shufflevector <8 x double> %v48, <8 x double> poison, <8 x i32> <i32 7, i32 6, i32 5, i32 4, i32 3, i32 2, i32 1, i32 0>
  %v54 = shufflevector <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>, <8 x i1> poison, <8 x i32> <i32 7, i32 6, i32 5, i32 4, i32 3, i32 2, i32 1, i32 0>
  call void @llvm.masked.store.v8f64.p0(<8 x double> %v53, ptr %v52, i32 8, <8 x i1> %v54), !alias.scope !8, !noalias !9
  %v55 = fcmp une <8 x double> %v36, splat (double 0x0000000000000000)
  %v56 = getelementptr inbounds i8, ptr %result1, i64 16
  %v57 = zext <8 x i1> %v55 to <8 x i8>
  call void @llvm.masked.store.v8i8.p0(<8 x i8> %v57, ptr %v56, i32 1, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>), !alias.scope !11, !noalias !12
  ret i32 0
fail1:
  ret i32 1
}

attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" }
declare <8 x double> @llvm.masked.gather.v8f64.v8p0(<8 x ptr>, i32, <8 x i1>, <8 x double>)
declare <8 x i64> @llvm.masked.load.v8i64.p0(ptr, i32, <8 x i1>, <8 x i64>)
declare <8 x double> @llvm.masked.load.v8f64.p0(ptr, i32, <8 x i1>, <8 x double>)
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
