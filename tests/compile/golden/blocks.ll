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
  %v1 = load i64, ptr %argument0, align 8, !alias.scope !2, !noalias !3
  %v2 = icmp sgt i64 %v1, 0
  br i1 %v2, label %lanes1, label %behind1
lanes1:
  %v3 = and i64 %v1, -64
  %v4 = and i64 %v1, -16
  %v5 = icmp slt i64 0, %v3
  br i1 %v5, label %vectors2, label %behind2
vectors2:
  %v6 = phi i64 [ 0, %lanes1 ], [ %v10, %behind3 ]
  %v7 = phi <16 x float> [ splat (float 0x8000000000000000), %lanes1 ], [ %v33, %behind3 ]
  %v8 = phi <16 x float> [ splat (float 0x8000000000000000), %lanes1 ], [ %v39, %behind3 ]
  %v9 = add nuw nsw i64 %v6, 1024
  %v10 = call i64 @llvm.smin.i64(i64 %v9, i64 %v3)
  br label %vectors3
vectors3:
  %v11 = phi i64 [ %v6, %vectors2 ], [ %v28, %vectors3 ]
  %v12 = phi <16 x float> [ splat (float 0x8000000000000000), %vectors2 ], [ %v18, %vectors3 ]
  %v13 = phi <16 x float> [ splat (float 0x8000000000000000), %vectors2 ], [ %v21, %vectors3 ]
  %v14 = phi <16 x float> [ splat (float 0x8000000000000000), %vectors2 ], [ %v24, %vectors3 ]
  %v15 = phi <16 x float> [ splat (float 0x8000000000000000), %vectors2 ], [ %v27, %vectors3 ]
  %v16 = getelementptr inbounds float, ptr %argument1, i64 %v11
  %v17 = load <16 x float>, ptr %v16, align 4, !alias.scope !5, !noalias !6
  %v18 = fadd contract <16 x float> %v12, %v17
  %v19 = getelementptr inbounds float, ptr %v16, i64 16
  %v20 = load <16 x float>, ptr %v19, align 4, !alias.scope !5, !noalias !6
  %v21 = fadd contract <16 x float> %v13, %v20
  %v22 = getelementptr inbounds float, ptr %v16, i64 32
  %v23 = load <16 x float>, ptr %v22, align 4, !alias.scope !5, !noalias !6
  %v24 = fadd contract <16 x float> %v14, %v23
  %v25 = getelementptr inbounds float, ptr %v16, i64 48
  %v26 = load <16 x float>, ptr %v25, align 4, !alias.scope !5, !noalias !6
  %v27 = fadd contract <16 x float> %v15, %v26
  %v28 = add nuw nsw i64 %v11, 64
  %v29 = icmp slt i64 %v28, %v10
  br i1 %v29, label %vectors3, label %behind3, !llvm.loop !1001
behind3:
  %v30 = fadd contract <16 x float> %v18, %v21
  %v31 = fadd contract <16 x float> %v24, %v27
  %v32 = fadd contract <16 x float> %v30, %v31
  %v33 = fadd <16 x float> %v7, %v32
  %v34 = fsub <16 x float> %v33, %v7
  %v35 = fsub <16 x float> %v33, %v34
  %v36 = fsub <16 x float> %v7, %v35
  %v37 = fsub <16 x float> %v32, %v34
  %v38 = fadd <16 x float> %v36, %v37
  %v39 = fadd <16 x float> %v8, %v38
  %v40 = icmp slt i64 %v10, %v3
  br i1 %v40, label %vectors2, label %behind2, !llvm.loop !1002
behind2:
  %v41 = phi <16 x float> [ splat (float 0x8000000000000000), %lanes1 ], [ %v33, %behind3 ]
  %v42 = phi <16 x float> [ splat (float 0x8000000000000000), %lanes1 ], [ %v39, %behind3 ]
  %v43 = icmp slt i64 %v3, %v4
  br i1 %v43, label %vectors4, label %behind4
vectors4:
  %v44 = phi i64 [ %v3, %behind2 ], [ %v49, %vectors4 ]
  %v45 = phi <16 x float> [ splat (float 0x8000000000000000), %behind2 ], [ %v48, %vectors4 ]
  %v46 = getelementptr inbounds float, ptr %argument1, i64 %v44
  %v47 = load <16 x float>, ptr %v46, align 4, !alias.scope !5, !noalias !6
  %v48 = fadd contract <16 x float> %v45, %v47
  %v49 = add nuw nsw i64 %v44, 16
  %v50 = icmp slt i64 %v49, %v4
  br i1 %v50, label %vectors4, label %behind4, !llvm.loop !1003
behind4:
  %v51 = phi <16 x float> [ splat (float 0x8000000000000000), %behind2 ], [ %v48, %vectors4 ]
  %v52 = icmp slt i64 %v4, %v1
  br i1 %v52, label %vectors5, label %behind5
vectors5:
  %v53 = phi i64 [ %v4, %behind4 ], [ %v65, %vectors5 ]
  %v54 = phi <16 x float> [ %v51, %behind4 ], [ %v64, %vectors5 ]
  %v55 = sub nsw i64 %v1, %v53
  %v56 = call i64 @llvm.smin.i64(i64 %v55, i64 16)
  %v57 = trunc i64 %v56 to i32
  %v58 = insertelement <16 x i32> poison, i32 %v57, i64 0
  %v59 = shufflevector <16 x i32> %v58, <16 x i32> poison, <16 x i32> zeroinitializer
  %v60 = icmp slt <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>, %v59
  %v61 = getelementptr inbounds float, ptr %argument1, i64 %v53
  %v62 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v61, i32 4, <16 x i1> %v60, <16 x float> splat (float 0x3FF0000000000000)), !alias.scope !5, !noalias !6
  %v63 = fadd contract <16 x float> %v54, %v62
  %v64 = select <16 x i1> %v60, <16 x float> %v63, <16 x float> %v54
  %v65 = add nuw nsw i64 %v53, 16
  %v66 = icmp slt i64 %v65, %v1
  br i1 %v66, label %vectors5, label %behind5, !llvm.loop !1004
behind5:
  %v67 = phi <16 x float> [ %v51, %behind4 ], [ %v64, %vectors5 ]
  %v68 = fadd <16 x float> %v41, %v67
  %v69 = fsub <16 x float> %v68, %v41
  %v70 = fsub <16 x float> %v68, %v69
  %v71 = fsub <16 x float> %v41, %v70
  %v72 = fsub <16 x float> %v67, %v69
  %v73 = fadd <16 x float> %v71, %v72
  %v74 = fadd <16 x float> %v42, %v73
  %v75 = shufflevector <16 x float> %v68, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v76 = shufflevector <16 x float> %v74, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v77 = shufflevector <16 x float> %v68, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v78 = shufflevector <16 x float> %v74, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v79 = fadd <8 x float> %v75, %v77
  %v80 = fsub <8 x float> %v79, %v75
  %v81 = fsub <8 x float> %v79, %v80
  %v82 = fsub <8 x float> %v75, %v81
  %v83 = fsub <8 x float> %v77, %v80
  %v84 = fadd <8 x float> %v82, %v83
  %v85 = fadd <8 x float> %v76, %v84
  %v86 = fadd <8 x float> %v85, %v78
  %v87 = shufflevector <8 x float> %v79, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v88 = shufflevector <8 x float> %v86, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v89 = shufflevector <8 x float> %v79, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v90 = shufflevector <8 x float> %v86, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v91 = fadd <4 x float> %v87, %v89
  %v92 = fsub <4 x float> %v91, %v87
  %v93 = fsub <4 x float> %v91, %v92
  %v94 = fsub <4 x float> %v87, %v93
  %v95 = fsub <4 x float> %v89, %v92
  %v96 = fadd <4 x float> %v94, %v95
  %v97 = fadd <4 x float> %v88, %v96
  %v98 = fadd <4 x float> %v97, %v90
  %v99 = shufflevector <4 x float> %v91, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v100 = shufflevector <4 x float> %v98, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v101 = shufflevector <4 x float> %v91, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v102 = shufflevector <4 x float> %v98, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v103 = fadd <2 x float> %v99, %v101
  %v104 = fsub <2 x float> %v103, %v99
  %v105 = fsub <2 x float> %v103, %v104
  %v106 = fsub <2 x float> %v99, %v105
  %v107 = fsub <2 x float> %v101, %v104
  %v108 = fadd <2 x float> %v106, %v107
  %v109 = fadd <2 x float> %v100, %v108
  %v110 = fadd <2 x float> %v109, %v102
  %v111 = extractelement <2 x float> %v103, i64 0
  %v112 = extractelement <2 x float> %v110, i64 0
  %v113 = extractelement <2 x float> %v103, i64 1
  %v114 = extractelement <2 x float> %v110, i64 1
  %v115 = fadd float %v111, %v113
  %v116 = fsub float %v115, %v111
  %v117 = fsub float %v115, %v116
  %v118 = fsub float %v111, %v117
  %v119 = fsub float %v113, %v116
  %v120 = fadd float %v118, %v119
  %v121 = fadd float %v112, %v120
  %v122 = fadd float %v121, %v114
  %v123 = fadd float %v115, 0x0000000000000000
  %v124 = fsub float %v123, %v115
  %v125 = fsub float %v123, %v124
  %v126 = fsub float %v115, %v125
  %v127 = fsub float 0x0000000000000000, %v124
  %v128 = fadd float %v126, %v127
  %v129 = fadd float %v122, %v128
  %v130 = call float @llvm.fabs.f32(float %v129)
  %v131 = fcmp ogt float %v130, 0x0000000000000000
  %v132 = fcmp olt float %v130, 0x7FF0000000000000
  %v133 = and i1 %v131, %v132
  %v134 = fadd float %v123, %v129
  %v135 = select i1 %v133, float %v134, float %v123
  br label %behind1
behind1:
  %v136 = phi float [ 0x0000000000000000, %start ], [ %v135, %behind5 ]
  store float %v136, ptr %result0, align 4, !alias.scope !8, !noalias !9
  ret i32 0
}

attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" "no-trapping-math"="true" }
declare i64 @llvm.smin.i64(i64, i64)
declare <16 x float> @llvm.masked.load.v16f32.p0(ptr, i32, <16 x i1>, <16 x float>)
declare float @llvm.fabs.f32(float)
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
!999 = !{!"llvm.loop.unroll.disable"}
!1000 = !{!"llvm.loop.isvectorized", i32 1}
!1001 = distinct !{!1001, !999, !1000}
!1002 = distinct !{!1002, !999, !1000}
!1003 = distinct !{!1003, !999, !1000}
!1004 = distinct !{!1004, !999, !1000}
