# ADD, SUB: out = requantise(requantise((a - za) << 20) +- requantise((b - zb) << 20));
# SQUARED_DIFFERENCE: the same with << 7, and the difference squared.
# Up to four axes; a stride of 0 broadcasts. The address of an operand is offset << 1, plus 1 if it lies in DATA.
# Record: [4] a [5] b [6] to [8] sizes [12] strides of a [16] of b [20] za, multiplier, shift [23] the same of b
# [26] zo (all zeros plus 128), multiplier, shifts [29] lo [30] hi (plus 128) [31] up [32] mode: 1 subtract, 2 square.
#
# 42 instructions for an output. A shift of 0 rounds no second time, so its operand has a mask of 0 for the sign.
# s0 record; a6, a7 operands; s1 output; s2 inner size left; s3, s4 inner strides; s5 up
# s6-s9 za, 2m, e, 2^(e-1) of a, s10 mask; t3-t6, ra the same of b; a0-a2 2m, shift word and half of the output
# t0-t2 lo, hi, zero; a3-a5 temporary; s11 mode
.include "requant.inc"
.equ A, 0                       # three axes: addresses, counters
.equ B, 12
.equ I, 24
.equ SAVED, 36
.equ FRAME, 96

# x at \p, stride \s -> \r. Uses a5.
.macro OPERAND r, p, s, z, m, e, half, mask
    lb a5, 0(\p)
    add \p, \p, \s
    sub a5, a5, \z
    sll a5, a5, s5
    mulhsu \r, a5, \m
    mul a5, a5, \m
    srli a5, a5, 31
    add \r, \r, a5
    srai a5, \r, 31
    and a5, a5, \mask
    add \r, \r, a5
    add \r, \r, \half
    sra \r, \r, \e
.endm

.macro SCALE at, z, m, e, half, mask
    lw \z, \at(s0)
    addi \z, \z, -128
    lw \m, \at + 4(s0)
    slli \m, \m, 1
    lw \e, \at + 8(s0)
    andi \e, \e, 31
    li \half, 1
    sll \half, \half, \e
    srli \half, \half, 1
    snez \mask, \e
    neg \mask, \mask
.endm

run:
    addi sp, sp, -FRAME
    sw s0, SAVED(sp)
    sw s1, SAVED + 4(sp)
    sw s2, SAVED + 8(sp)
    sw s3, SAVED + 12(sp)
    sw s4, SAVED + 16(sp)
    sw s5, SAVED + 20(sp)
    sw s6, SAVED + 24(sp)
    sw s7, SAVED + 28(sp)
    sw s8, SAVED + 32(sp)
    sw s9, SAVED + 36(sp)
    sw s10, SAVED + 40(sp)
    sw s11, SAVED + 44(sp)
    sw ra, SAVED + 48(sp)
    lw s0, 0(a0)
    lw t0, 4(a0)
    add s0, s0, t0
    lw t0, 12(a0)               # arena
    lw t1, 20(a0)               # this record's part of DATA
    lw t2, 8(s0)
    add t1, t1, t2
    lw a6, 16(s0)
    andi t2, a6, 1
    srli a6, a6, 1
    mv t3, t0
    beqz t2, 1f
    mv t3, t1
1:  add a6, a6, t3
    lw a7, 20(s0)
    andi t2, a7, 1
    srli a7, a7, 1
    mv t3, t0
    beqz t2, 2f
    mv t3, t1
2:  add a7, a7, t3
    lw s1, 24(s0)
    add s1, s1, t0
    lw s3, 60(s0)
    lw s4, 76(s0)
    lw s5, 124(s0)
    lw s11, 128(s0)
    SCALE 80, s6, s7, s8, s9, s10
    SCALE 92, t3, t4, t5, t6, ra
    lw t2, 104(s0)
    addi t2, t2, -128
    lw t0, 116(s0)
    addi t0, t0, -128
    lw t1, 120(s0)
    addi t1, t1, -128
    lw a0, 108(s0)
    lw a1, 112(s0)
    addi a3, a1, -1             # a left shift, or no shift: as GENERAL in the tables of CONV
    sltiu a3, a3, 31
    bnez a3, 3f
    li a3, 1
    slli a3, a3, 31
    or a1, a1, a3
    j 4f
3:  REQUANT_SETUP

4:  sw a6, A(sp)
    sw a7, B(sp)
    lw s2, 32(s0)
    sw s2, I(sp)
first:
    lw a6, A(sp)
    lw a7, B(sp)
    sw a6, A + 4(sp)
    sw a7, B + 4(sp)
    lw s2, 36(s0)
    sw s2, I + 4(sp)
second:
    lw a6, A + 4(sp)
    lw a7, B + 4(sp)
    sw a6, A + 8(sp)
    sw a7, B + 8(sp)
    lw s2, 40(s0)
    sw s2, I + 8(sp)
third:
    lw a6, A + 8(sp)
    lw a7, B + 8(sp)
    lw s2, 44(s0)
    bltz a1, 7f
    bnez s11, 7f
5:  OPERAND a3, a6, s3, s6, s7, s8, s9, s10
    OPERAND a4, a7, s4, t3, t4, t5, t6, ra
    add a5, a3, a4
    REQUANT a5
    sb a3, 0(s1)
    addi s1, s1, 1
    addi s2, s2, -1
    bnez s2, 5b
    j 9f
7:  OPERAND a3, a6, s3, s6, s7, s8, s9, s10
    OPERAND a4, a7, s4, t3, t4, t5, t6, ra
    andi a5, s11, 1
    beqz a5, 8f
    neg a4, a4
8:  add a5, a3, a4
    andi a3, s11, 2
    beqz a3, 8f
    mul a5, a5, a5
8:  bltz a1, 8f
    REQUANT a5
    j 6f
8:  mv a3, a5
    REQUANT_GENERAL
6:  sb a3, 0(s1)
    addi s1, s1, 1
    addi s2, s2, -1
    bnez s2, 7b
9:  lw a3, A + 8(sp)
    lw a4, 56(s0)
    add a3, a3, a4
    sw a3, A + 8(sp)
    lw a3, B + 8(sp)
    lw a4, 72(s0)
    add a3, a3, a4
    sw a3, B + 8(sp)
    lw a3, I + 8(sp)
    addi a3, a3, -1
    sw a3, I + 8(sp)
    bnez a3, third
    lw a3, A + 4(sp)
    lw a4, 52(s0)
    add a3, a3, a4
    sw a3, A + 4(sp)
    lw a3, B + 4(sp)
    lw a4, 68(s0)
    add a3, a3, a4
    sw a3, B + 4(sp)
    lw a3, I + 4(sp)
    addi a3, a3, -1
    sw a3, I + 4(sp)
    beqz a3, 1f
    j second
1:  lw a3, A(sp)
    lw a4, 48(s0)
    add a3, a3, a4
    sw a3, A(sp)
    lw a3, B(sp)
    lw a4, 64(s0)
    add a3, a3, a4
    sw a3, B(sp)
    lw a3, I(sp)
    addi a3, a3, -1
    sw a3, I(sp)
    beqz a3, 1f
    j first
1:  lw s0, SAVED(sp)
    lw s1, SAVED + 4(sp)
    lw s2, SAVED + 8(sp)
    lw s3, SAVED + 12(sp)
    lw s4, SAVED + 16(sp)
    lw s5, SAVED + 20(sp)
    lw s6, SAVED + 24(sp)
    lw s7, SAVED + 28(sp)
    lw s8, SAVED + 32(sp)
    lw s9, SAVED + 36(sp)
    lw s10, SAVED + 40(sp)
    lw s11, SAVED + 44(sp)
    lw ra, SAVED + 48(sp)
    addi sp, sp, FRAME
    ret
