# ADD, SUB: out = requantise(requantise((a - za) << 20) +- requantise((b - zb) << 20));
# SQUARED_DIFFERENCE: the same with << 7, and the difference squared.
# Up to four axes; a stride of 0 broadcasts. The address of an operand is offset << 1, plus 1 if it lies in DATA.
# Record: [4] a [5] b [6] to [7] scratch [8] sizes [12] strides of a [16] of b [20] za, multiplier, shift [23] the same
# of b [26] zo (all zeros plus 128), multiplier, shifts [29] lo [30] hi (plus 128) [31] up [32] mode: 1 subtract,
# 2 square.
#
# From 512 outputs on, both inner requantisations are tables of 256 words in scratch: 36 instructions for an output and
# 25000 for the tables; else, and where something is squared or shifted left, 130.
#
# a3, a4 operands, a5, a6 their inner strides; a2 inner size left; a14 output; a7 to a12 temporary.
# `any`: a15 record, a13 first operand. `fast`: a13 and a0 tables, a11, a12 halves of the multiplier, a15 32768
.include "frame.inc"
.include "requant.inc"
.equ REC, 4
.equ A, 8                       # three axes: addresses, counters
.equ B, 20
.equ I, 32
.equ TABLES, 44                 # 0: none
.equ ZO, 48                     # plus 128
.equ LO, 52
.equ HI, 56
.equ FRAME, 64

    ENTER FRAME
    RECORD a15, a4
    s32i a15, sp, REC
    l32i a9, a2, 12             # arena
    l32i a10, a2, 20            # this record's part of DATA
    l32i a4, a15, 8
    add a10, a10, a4
    l32i a14, a15, 24
    add a14, a14, a9
    l32i a13, a15, 28
    add a13, a13, a9
.macro ADDRESS at, to
    l32i a4, a15, \at
    mov a5, a10
    bbsi a4, 0, 1f
    mov a5, a9
1:  srli a4, a4, 1
    add a4, a4, a5
    s32i a4, sp, \to
.endm
    ADDRESS 16, A
    ADDRESS 20, B
    l32i a4, a15, 104
    s32i a4, sp, ZO
    l32i a4, a15, 116
    s32i a4, sp, LO
    l32i a4, a15, 120
    s32i a4, sp, HI
    movi a4, 0
    s32i a4, sp, TABLES
    l32i a5, a15, 128
    bbsi a5, 1, 3f              # squares
    l32i a5, a15, 88            # shifts to the left, or none to the right
    l32i a6, a15, 100
    or a5, a5, a6
    l32i a6, a15, 112
    or a5, a5, a6
    srli a5, a5, 8
    bnez a5, 3f
    beqz a6, 3f
    l32i a5, a15, 32
    l32i a6, a15, 36
    mull a5, a5, a6
    l32i a6, a15, 40
    mull a5, a5, a6
    l32i a6, a15, 44
    mull a5, a5, a6
    srli a5, a5, 9
    beqz a5, 3f
# tables: for bytes of 0 to 255, of b 1024 bytes behind those of a
    s32i a13, sp, TABLES
    l32i a3, a15, 128
    mov a2, a13
1:  mov a7, a4
    addi a8, a15, 80
    call0 operand
    s32i a7, a2, 0
    mov a7, a4
    addi a8, a15, 92
    call0 operand
    beqz a3, 2f
    neg a7, a7
2:  addmi a8, a2, 1024
    s32i a7, a8, 0
    addi a2, a2, 4
    addi a4, a4, 1
    bbci a4, 8, 1b

3:  l32i a2, a15, 32
    s32i a2, sp, I
first:
    l32i a3, sp, A
    l32i a4, sp, B
    s32i a3, sp, A + 4
    s32i a4, sp, B + 4
    l32i a2, a15, 36
    s32i a2, sp, I + 4
second:
    l32i a3, sp, A + 4
    l32i a4, sp, B + 4
    s32i a3, sp, A + 8
    s32i a4, sp, B + 8
    l32i a2, a15, 40
    s32i a2, sp, I + 8
third:
    l32i a3, sp, A + 8
    l32i a4, sp, B + 8
    l32i a5, a15, 60
    l32i a6, a15, 76
    l32i a2, a15, 44
    l32i a13, sp, TABLES
    beqz a13, any
# |a| < 2^29, a = ah * 32768 + al:  ah * mh + ((ah * ml + (al * ml >> 15) + 32768 >> 1) + al * mh >> 15)
    addmi a0, a13, 1024
    l32i a12, a15, 108
    extui a11, a12, 16, 16
    extui a12, a12, 0, 16
    l32i a8, a15, 112
    addi a8, a8, -1
    ssr a8
    movi a15, 1
    slli a15, a15, 15
    REPEAT a2, fast
    l8ui a7, a3, 0
    l8ui a8, a4, 0
    add a3, a3, a5
    add a4, a4, a6
    addx4 a7, a7, a13
    addx4 a8, a8, a0
    l32i a7, a7, 0
    l32i a8, a8, 0
    add a7, a7, a8
    srai a8, a7, 15
    extui a7, a7, 0, 15
    mull a9, a7, a12
    mull a10, a8, a12
    srli a9, a9, 15
    add a9, a9, a10
    add a9, a9, a15
    srai a9, a9, 1
    mull a7, a7, a11
    mull a8, a8, a11
    add a7, a7, a9
    srai a7, a7, 15
    add a7, a7, a8
    srai a8, a7, 31
    add a7, a7, a8
    sra a7, a7
    l32i a8, sp, ZO
    addi a7, a7, 1
    srai a7, a7, 1
    l32i a9, sp, LO
    add a7, a7, a8
    l32i a8, sp, HI
    max a7, a7, a9
    min a7, a7, a8
    addi a7, a7, -128
    s8i a7, a14, 0
    addi a14, a14, 1
    AGAIN a2, fast
    l32i a15, sp, REC
    j next
any:
    l8ui a7, a3, 0
    addi a8, a15, 80
    add a3, a3, a5
    call0 operand
    mov a13, a7
    l8ui a7, a4, 0
    addi a8, a15, 92
    add a4, a4, a6
    call0 operand
    l32i a8, a15, 128
    bbci a8, 0, 1f
    neg a7, a7
1:  add a7, a7, a13
    bbci a8, 1, 2f
    mull a7, a7, a7
2:  addi a8, a15, 104
    call0 scaled
    LIMIT
    l32i a8, sp, ZO
    add a7, a7, a8
    l32i a8, sp, LO
    max a7, a7, a8
    l32i a8, sp, HI
    min a7, a7, a8
    addi a7, a7, -128
    s8i a7, a14, 0
    addi a14, a14, 1
    addi a2, a2, -1
    bnez a2, any
next:
.macro AXIS n, stride_a, stride_b
    l32i a3, sp, A + 4 * \n
    l32i a4, a15, \stride_a
    add a3, a3, a4
    s32i a3, sp, A + 4 * \n
    l32i a3, sp, B + 4 * \n
    l32i a4, a15, \stride_b
    add a3, a3, a4
    s32i a3, sp, B + 4 * \n
    l32i a2, sp, I + 4 * \n
    addi a2, a2, -1
    s32i a2, sp, I + 4 * \n
.endm
    AXIS 2, 56, 72
    bnez a2, third
    AXIS 1, 52, 68
    bnez a2, second
    AXIS 0, 48, 64
    bnez a2, first
    j return

# a7 = a byte of the operand whose zero point, multiplier and shift are at a8 -> requantised. Uses a8 to a12.
    .balign 4
operand:
    movi a9, 128
    xor a7, a7, a9
    l32i a9, a8, 0
    sub a7, a7, a9
    l32i a9, a15, 124
    ssl a9
    sll a7, a7
    j scaled
    .balign 4
scaled:
    SCALED
    ret
    LEAVE
