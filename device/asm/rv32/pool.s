# MAX_POOL_2D and AVERAGE_POOL_2D: the largest, or the mean rounded half away from zero, of the part of each window that
# lies inside the image; then clamped. Record: [4] from [5] to [6] h [7] w [8] channels [9] oh [10] ow [11] kh [12] kw
# [13] sh [14] sw [15] top [16] left [17] lo [18] hi (both plus 128) [19] mean.
# Four channels at a time: 3.5 instructions for each value of a maximum, 2.5 for each of a mean.
#
# s0 record; s1 output; s2 address of the first row of windows; s3 channels, s4 bytes of a row; s5, s6 lo, hi as int8;
# s7 first column of the window, s8 output columns left; s9 first row, s10 output rows left; s11 address of the part
# a6 values of the part; a7 bytes of its rows; t4 channels left; t5 from the end of its row to the next row; t6 its end
.include "frame.inc"

run:
    ENTER 64, 0
    lw s0, 0(a0)
    lw t0, 4(a0)
    add s0, s0, t0
    lw t0, 12(a0)
    lw s2, 16(s0)
    add s2, s2, t0
    lw s1, 20(s0)
    add s1, s1, t0
    lw s3, 32(s0)
    lw s4, 28(s0)
    mul s4, s4, s3
    lw s5, 68(s0)
    addi s5, s5, -128
    lw s6, 72(s0)
    addi s6, s6, -128
    lw s9, 60(s0)
    neg s9, s9
    lw s10, 36(s0)
row:
    lw s7, 64(s0)
    neg s7, s7
    lw s8, 40(s0)
position:
    lw t0, 44(s0)               # rows s9 to t0 and columns t1 to t2, as far as they are inside
    add t0, t0, s9
    lw t2, 24(s0)
    bge t2, t0, 1f
    mv t0, t2
1:  mv t1, s9
    bgez t1, 2f
    li t1, 0
2:  sub a6, t0, t1
    mul s11, t1, s4
    add s11, s11, s2
    mul t6, t0, s4
    add t6, t6, s2
    lw t2, 48(s0)
    add t2, t2, s7
    lw t0, 28(s0)
    bge t0, t2, 3f
    mv t2, t0
3:  mv t1, s7
    bgez t1, 4f
    li t1, 0
4:  sub t2, t2, t1
    mul a6, a6, t2
    mul a7, t2, s3
    sub t5, s4, a7
    mul t1, t1, s3
    add s11, s11, t1
    add t6, t6, t1
    mv t4, s3
    li t0, 4
    bltu t4, t0, 8f
four:
    lw t0, 76(s0)
    mv a5, s11
    bnez t0, 6f
    mv a0, s5
    mv a1, s5
    mv a2, s5
    mv a3, s5
1:  add a4, a5, a7
2:  lb t0, 0(a5)
    lb t1, 1(a5)
    lb t2, 2(a5)
    lb t3, 3(a5)
    add a5, a5, s3
    bge a0, t0, 3f
    mv a0, t0
3:  bge a1, t1, 3f
    mv a1, t1
3:  bge a2, t2, 3f
    mv a2, t2
3:  bge a3, t3, 3f
    mv a3, t3
3:  bne a5, a4, 2b
    add a5, a5, t5
    bne a5, t6, 1b
    j 4f
6:  li a0, 0                    # mean
    li a1, 0
    li a2, 0
    li a3, 0
1:  add a4, a5, a7
2:  lb t0, 0(a5)
    lb t1, 1(a5)
    lb t2, 2(a5)
    lb t3, 3(a5)
    add a5, a5, s3
    add a0, a0, t0
    add a1, a1, t1
    add a2, a2, t2
    add a3, a3, t3
    bne a5, a4, 2b
    add a5, a5, t5
    bne a5, t6, 1b
.macro MEAN a
    srai t1, \a, 31
    xor \a, \a, t1
    sub \a, \a, t1
    srli t0, a6, 1
    add \a, \a, t0
    divu \a, \a, a6
    xor \a, \a, t1
    sub \a, \a, t1
    bge \a, s5, 7f
    mv \a, s5
7:
.endm
    MEAN a0
    MEAN a1
    MEAN a2
    MEAN a3
4:  bge s6, a0, 5f
    mv a0, s6
5:  bge s6, a1, 5f
    mv a1, s6
5:  bge s6, a2, 5f
    mv a2, s6
5:  bge s6, a3, 5f
    mv a3, s6
5:  sb a0, 0(s1)
    sb a1, 1(s1)
    sb a2, 2(s1)
    sb a3, 3(s1)
    addi s1, s1, 4
    addi s11, s11, 4
    addi t6, t6, 4
    addi t4, t4, -4
    li t0, 4
    bgeu t4, t0, four
8:  beqz t4, next
one:                            # the last channels
    lw t0, 76(s0)
    mv a5, s11
    bnez t0, 6f
    mv a0, s5
1:  add a4, a5, a7
2:  lb t0, 0(a5)
    add a5, a5, s3
    bge a0, t0, 3f
    mv a0, t0
3:  bne a5, a4, 2b
    add a5, a5, t5
    bne a5, t6, 1b
    j 4f
6:  li a0, 0
1:  add a4, a5, a7
2:  lb t0, 0(a5)
    add a5, a5, s3
    add a0, a0, t0
    bne a5, a4, 2b
    add a5, a5, t5
    bne a5, t6, 1b
    MEAN a0
4:  bge s6, a0, 5f
    mv a0, s6
5:  sb a0, 0(s1)
    addi s1, s1, 1
    addi s11, s11, 1
    addi t6, t6, 1
    addi t4, t4, -1
    bnez t4, one
next:
    lw t0, 56(s0)
    add s7, s7, t0
    addi s8, s8, -1
    beqz s8, 1f
    j position
1:  lw t0, 52(s0)
    add s9, s9, t0
    addi s10, s10, -1
    beqz s10, 1f
    j row
1:  LEAVE 64, 0
