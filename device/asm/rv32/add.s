# ADD, SUB: out = requantise(requantise((a - za) << 20) +- requantise((b - zb) << 20));
# SQUARED_DIFFERENCE: the same with << 7, and the difference squared.
# Up to four axes; a stride of 0 broadcasts. The address of an operand is offset << 1, plus 1 if it lies in DATA.
# Record: [4] a [5] b [6] to [7] scratch [8] sizes [12] strides of a [16] of b [20] za, multiplier, shift [23] the same
# of b [26] zo (all zeros plus 128), multiplier, shifts [29] lo [30] hi (plus 128) [31] up [32] mode: 1 subtract,
# 2 square.
#
# With V = floor(n * m / 2^30), the high word of 2n * 2m, n is requantised to (V + 1 + 2^e - (n < 0 ? 2 : 0)) >> 1 + e;
# where e = 0, which rounds once, to (V + 1) >> 1. The zero point is added before the shift.
# From 512 outputs on, both inner requantisations are tables of 256 words in scratch: 24 instructions for an output and
# 6500 for the tables; else 35. What is squared, and what such a V does not suit, takes `any`.
#
# s0 record; a6, a7 operands; s1 output; s2 inner size left; s3, s4 inner strides; a0-a2 2m, 1 + e, what is added to V of
# the output (`any`: m and the shift word); s11 mask for the sign; t0-t2 lo, hi, zero; a3-a5 temporary
# a: s5 za << up + 1, s6 2m, s7 1 + e, s8 1 + 2^e, s9 mask; of b: t3-t6, ra; s10 up + 1
.include "frame.inc"
.include "requant.inc"
.equ A, 0                       # three axes: addresses, counters
.equ B, 12
.equ I, 24
.equ TABLES, 36                 # 0: none
.equ MODE, 40
.equ SAVED, 44
.equ FRAME, 96

# x in \r, requantised. Uses a5.
.macro OPERAND r, z, m, e, one, mask
    sll \r, \r, s10
    sub \r, \r, \z
    srai a5, \r, 31
    mulhsu \r, \r, \m
    and a5, a5, \mask
    add \r, \r, \one
    add \r, \r, a5
    sra \r, \r, \e
.endm

.macro SCALE at, z, m, e, one, mask
    lw \z, \at(s0)
    addi \z, \z, -128
    sll \z, \z, s10
    lw \m, \at + 4(s0)
    slli \m, \m, 1
    lw \e, \at + 8(s0)
    andi \e, \e, 31
    snez \mask, \e
    slli \mask, \mask, 1
    neg \mask, \mask
    li a3, 30                   # 31 shifts everything out, and so does 30
    bge a3, \e, 1f
    mv \e, a3
1:  li \one, 1
    beqz \e, 2f
    sll \one, \one, \e
    addi \one, \one, 1
2:  addi \e, \e, 1
.endm

# The sum a3, doubled, to the output.
.macro RESULT
    srai a4, a3, 31
    mulhsu a3, a3, a0
    and a4, a4, s11
    add a3, a3, a2
    add a3, a3, a4
    sra a3, a3, a1
    bge a3, t0, 1f
    mv a3, t0
1:  bge t1, a3, 2f
    mv a3, t1
2:  sb a3, 0(s1)
.endm

run:
    ENTER FRAME, SAVED
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
    sw a6, A(sp)
    sw a7, B(sp)
    lw s1, 24(s0)
    add s1, s1, t0
    lw s2, 28(s0)
    add s2, s2, t0
    lw s3, 60(s0)
    lw s4, 76(s0)
    lw s10, 124(s0)
    addi s10, s10, 1
    lw t0, 128(s0)
    sw t0, MODE(sp)
    sw zero, TABLES(sp)
    SCALE 80, s5, s6, s7, s8, s9
    SCALE 92, t3, t4, t5, t6, ra
    lw t0, 116(s0)
    addi t0, t0, -128
    lw t1, 120(s0)
    addi t1, t1, -128
    lw t2, 104(s0)
    addi t2, t2, -128
    lw a0, 108(s0)
    lw a1, 112(s0)
    li s11, -2
    li a2, 0                    # `any`
    lw a3, MODE(sp)
    andi a3, a3, 2
    bnez a3, 5f
    addi a3, a1, -1             # no left shift, e of 1 to 21
    sltiu a3, a3, 21
    beqz a3, 5f
    slli a0, a0, 1
    slli a2, t2, 1
    addi a2, a2, 1
    sll a2, a2, a1
    addi a2, a2, 1
    addi a1, a1, 1
    lw a3, 32(s0)
    lw a4, 36(s0)
    mul a3, a3, a4
    lw a4, 40(s0)
    mul a3, a3, a4
    lw a4, 44(s0)
    mul a3, a3, a4
    srli a3, a3, 9
    beqz a3, 5f

# tables: s2 entries for x of -128 to 127, of b 1024 bytes behind those of a
    addi a7, s2, 512
    sw a7, TABLES(sp)
    li a4, -128
    lw a6, MODE(sp)
3:  mv a3, a4
    OPERAND a3, s5, s6, s7, s8, s9
    slli a3, a3, 1
    sw a3, 0(s2)
    mv a3, a4
    OPERAND a3, t3, t4, t5, t6, ra
    slli a3, a3, 1
    beqz a6, 4f
    neg a3, a3
4:  sw a3, 1024(s2)
    addi a4, a4, 1
    addi s2, s2, 4
    li a5, 128
    bne a4, a5, 3b
    mv s5, a7
    addi t3, a7, 1024

5:  lw s2, 32(s0)
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
    lw a3, TABLES(sp)
    bnez a3, 6f
    beqz a2, any
    lw a3, MODE(sp)
    bnez a3, 8f
5:  lb a3, 0(a6)
    add a6, a6, s3
    OPERAND a3, s5, s6, s7, s8, s9
    lb a4, 0(a7)
    add a7, a7, s4
    OPERAND a4, t3, t4, t5, t6, ra
    add a3, a3, a4
    slli a3, a3, 1
    RESULT
    addi s1, s1, 1
    addi s2, s2, -1
    bnez s2, 5b
    j 9f
6:  lb a4, 0(a6)
    lb a5, 0(a7)
    slli a4, a4, 2
    slli a5, a5, 2
    add a4, a4, s5
    add a5, a5, t3
    lw a4, 0(a4)
    lw a5, 0(a5)
    add a6, a6, s3
    add a7, a7, s4
    add a3, a4, a5
    RESULT
    addi s1, s1, 1
    addi s2, s2, -1
    bnez s2, 6b
    j 9f
8:  lb a3, 0(a6)                # a - b
    add a6, a6, s3
    OPERAND a3, s5, s6, s7, s8, s9
    lb a4, 0(a7)
    add a7, a7, s4
    OPERAND a4, t3, t4, t5, t6, ra
    sub a3, a3, a4
    slli a3, a3, 1
    RESULT
    addi s1, s1, 1
    addi s2, s2, -1
    bnez s2, 8b
    j 9f
any:
    lb a3, 0(a6)
    add a6, a6, s3
    OPERAND a3, s5, s6, s7, s8, s9
    lb a4, 0(a7)
    add a7, a7, s4
    OPERAND a4, t3, t4, t5, t6, ra
    lw a5, MODE(sp)
    andi a5, a5, 1
    beqz a5, 6f
    neg a4, a4
6:  add a3, a3, a4
    lw a5, MODE(sp)
    andi a5, a5, 2
    beqz a5, 7f
    mul a3, a3, a3
7:  REQUANT_GENERAL
    sb a3, 0(s1)
    addi s1, s1, 1
    addi s2, s2, -1
    bnez s2, any
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
    beqz a3, 1f
    j third
1:  lw a3, A + 4(sp)
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
1:  LEAVE FRAME, SAVED
