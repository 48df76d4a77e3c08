# MEAN and SUM over any axes: out = requantise(sum of (x - zx)); the division by the count is in the multiplier.
# REDUCE_MAX and REDUCE_MIN: the largest or the smallest x, as it is.
# Record: [4] from [5] to [6] two kept axes (size, stride) [10] two reduced ones [14] bias: -(zx + 128) * count
# [15] multiplier [16] shifts [17] zo [18] lo [19] hi (all plus 128) [20] kind: sum, largest, smallest.
# Four neighbours of the inner kept axis at a time: 2.5 instructions for each value of a sum, 3.5 of an extreme.
#
# s0 record; s1 output; s2 address of the outer kept axis, s3 left of it; s4 of the inner, s5 left of it, s6 its stride
# s7 inner reduced stride; s8 bytes of the inner reduced axis; s9 its size; s10 bias of a sum of signed x
# t0-t2 lo, hi, zero; a6 outer reduced axis left; a7 end of the inner; t3-t6 temporary; a0-a3 results
.include "frame.inc"
.include "requant.inc"

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
    lw s3, 24(s0)
    lw s6, 36(s0)
    lw s7, 52(s0)
    lw s9, 48(s0)
    mul s8, s9, s7
    lw t0, 40(s0)
    mul t0, t0, s9
    slli t0, t0, 7
    lw s10, 56(s0)
    add s10, s10, t0
    lw t2, 68(s0)
    addi t2, t2, -128
    lw t0, 72(s0)
    addi t0, t0, -128
    lw t1, 76(s0)
    addi t1, t1, -128
outer:
    mv s4, s2
    lw s5, 32(s0)
inner:
    li t3, 4
    bltu s5, t3, one
    addi t3, s6, -1
    bnez t3, one
    mv s11, s4                  # four
    lw a6, 40(s0)
    lw t3, 80(s0)
    bnez t3, 5f
    mv a0, s10
    mv a1, s10
    mv a2, s10
    mv a3, s10
1:  mv a5, s11
    mv a7, s9
2:  lb t3, 0(a5)
    lb t4, 1(a5)
    lb t5, 2(a5)
    lb t6, 3(a5)
    add a5, a5, s7
    add a0, a0, t3
    add a1, a1, t4
    add a2, a2, t5
    add a3, a3, t6
    addi a7, a7, -1
    bnez a7, 2b
    lw t3, 44(s0)
    add s11, s11, t3
    addi a6, a6, -1
    bnez a6, 1b
    mv t3, a1                   # REQUANT_GENERAL takes a0, a1, a3
    mv t4, a2
    mv t5, a3
    mv a3, a0
    jal result
    mv a3, t3
    jal result
    mv a3, t4
    jal result
    mv a3, t5
    jal result
    j 6f
.macro EXTREME a, x
    bge \a, \x, 9f
    mv \a, \x
9:
.endm
5:  addi a4, t3, -1             # the smallest is the largest of ~x: a4 = -1 for it
    neg a4, a4
    li a0, -128
    li a1, -128
    li a2, -128
    li a3, -128
1:  mv a5, s11
    mv a7, s9
2:  lb t3, 0(a5)
    lb t4, 1(a5)
    lb t5, 2(a5)
    lb t6, 3(a5)
    add a5, a5, s7
    xor t3, t3, a4
    xor t4, t4, a4
    xor t5, t5, a4
    xor t6, t6, a4
    EXTREME a0, t3
    EXTREME a1, t4
    EXTREME a2, t5
    EXTREME a3, t6
    addi a7, a7, -1
    bnez a7, 2b
    lw t3, 44(s0)
    add s11, s11, t3
    addi a6, a6, -1
    bnez a6, 1b
    xor a0, a0, a4
    xor a1, a1, a4
    xor a2, a2, a4
    xor a3, a3, a4
    sb a0, 0(s1)
    sb a1, 1(s1)
    sb a2, 2(s1)
    sb a3, 3(s1)
    addi s1, s1, 4
6:  addi s4, s4, 4
    addi s5, s5, -4
    bnez s5, inner
    j next
one:
    mv s11, s4
    lw a6, 40(s0)
    lw t3, 80(s0)
    bnez t3, 5f
    mv a3, s10
1:  mv a5, s11
    mv a7, s9
2:  lb t3, 0(a5)
    add a5, a5, s7
    addi a7, a7, -1
    add a3, a3, t3
    bnez a7, 2b
    lw t3, 44(s0)
    add s11, s11, t3
    addi a6, a6, -1
    bnez a6, 1b
    jal result
    j 6f
5:  addi a4, t3, -1
    neg a4, a4
    li a0, -128
1:  mv a5, s11
    mv a7, s9
2:  lb t3, 0(a5)
    add a5, a5, s7
    xor t3, t3, a4
    EXTREME a0, t3
    addi a7, a7, -1
    bnez a7, 2b
    lw t3, 44(s0)
    add s11, s11, t3
    addi a6, a6, -1
    bnez a6, 1b
    xor a0, a0, a4
    sb a0, 0(s1)
    addi s1, s1, 1
6:  add s4, s4, s6
    addi s5, s5, -1
    bnez s5, inner
next:
    lw t3, 28(s0)
    add s2, s2, t3
    addi s3, s3, -1
    beqz s3, 1f
    j outer
1:  LEAVE 64, 0

# The sum a3 to the output. Uses a0, a1, a4, a5.
result:
    lw a0, 60(s0)
    lw a1, 64(s0)
    REQUANT_GENERAL
    sb a3, 0(s1)
    addi s1, s1, 1
    ret
