# SOFTMAX over the last axis: exp(x - max) comes from a table of 256 Q0.31 words (index max - x), made by the host;
# their sum (Q12.19) is inverted by three Newton steps: r = r + 4 * r * (1/4 - r * half), r in Q2.29.
# Record: [2] table [4] from [5] to [6] rows [7] depth. 50 instructions for an output, 230 for a row.
#
# a2 rows left; a3 x, a4 left of it, a5 its row; a6 place of the largest x in the table; a13 sum, then r; a14 output;
# a15 record; a7, a9 to a12 for HIGH; a8 temporary; a0 what is left of the steps
.include "frame.inc"
.include "requant.inc"
.equ TABLE, 4
.equ DEPTH, 8
.equ SHIFT, 12
.equ FRAME, 32

    ENTER FRAME
    RECORD a15, a4
    l32i a4, a2, 12
    l32i a5, a2, 20
    l32i a6, a15, 8
    add a5, a5, a6
    s32i a5, sp, TABLE
    l32i a14, a15, 20
    add a14, a14, a4
    l32i a5, a15, 16
    add a5, a5, a4
    l32i a2, a15, 24
    l32i a4, a15, 28
    s32i a4, sp, DEPTH
row:
    movi a6, -128
    mov a3, a5
    l32i a4, sp, DEPTH
    REPEAT a4, largest
    l8ui a8, a3, 0
    addi a3, a3, 1
    sext a8, a8, 7
    max a6, a6, a8
    AGAIN a4, largest
    l32i a8, sp, TABLE          # word of x: table + 4 * (max - x)
    addx4 a6, a6, a8
    movi a13, 0
    movi a9, 1
    slli a9, a9, 11
    mov a3, a5
    l32i a4, sp, DEPTH
    REPEAT a4, sum
    l8ui a8, a3, 0
    addi a3, a3, 1
    sext a8, a8, 7
    slli a8, a8, 2
    sub a8, a6, a8
    l32i a8, a8, 0
    add a8, a8, a9
    srli a8, a8, 12
    add a13, a13, a8
    AGAIN a4, sum
    nsau a8, a13                # leading zeros
    addi a7, a8, -1
    ssl a7
    sll a10, a13                # half the sum, from 2^30 on
    movi a9, 34                 # bits of the sum above 1.0, and 21
    sub a9, a9, a8
    s32i a9, sp, SHIFT
    mov a13, a10
    movi a7, 0x3c               # -32/17: 0xC3C3C3C4
    slli a8, a7, 8
    add a7, a7, a8
    slli a8, a7, 16
    add a7, a7, a8
    neg a7, a7
    HIGH
    movi a8, 0x5a               # 48/17: 0x5A5A5A5A
    slli a9, a8, 8
    add a8, a8, a9
    slli a9, a8, 16
    add a8, a8, a9
    add a8, a8, a7              # r
    movi a0, 3
    movi a4, 1
    slli a4, a4, 29
1:  mov a7, a8
    mov a10, a13
    HIGH
    sub a7, a4, a7
    mov a10, a8
    HIGH
    neg a9, a4                  # saturate(4 * a7)
    blt a7, a9, 2f
    slli a10, a7, 2
    blt a7, a4, 3f
    movi a10, -1
    srli a10, a10, 1
    j 3f
2:  slli a10, a4, 2
3:  add a8, a8, a10
    addi a0, a0, -1
    bnez a0, 1b
    slli a13, a8, 1             # saturate(2 * r)
    slli a4, a4, 1
    blt a8, a4, 4f
    movi a13, -1
    srli a13, a13, 1
4:  l32i a4, sp, DEPTH
5:  l8ui a8, a5, 0
    addi a5, a5, 1
    sext a8, a8, 7
    slli a8, a8, 2
    sub a8, a6, a8
    l32i a7, a8, 0
    mov a10, a13
    HIGH
    movi a8, 0
    max a7, a7, a8
    l32i a8, sp, SHIFT
    ssr a8
    sra a7, a7
    addi a7, a7, 1
    srai a7, a7, 1
    movi a8, 255
    min a7, a7, a8
    addi a7, a7, -128
    s8i a7, a14, 0
    addi a14, a14, 1
    addi a4, a4, -1
    bnez a4, 5b
    addi a2, a2, -1
    bnez a2, row
    LEAVE
