# MAX_POOL_2D and AVERAGE_POOL_2D: the largest, or the mean rounded half away from zero, of the part of each window that
# lies inside the image; then clamped. Record: [4] from [5] to [6] h [7] w [8] channels [9] oh [10] ow [11] kh [12] kw
# [13] sh [14] sw [15] top [16] left [17] lo [18] hi (both plus 128) [19] mean.
# Four channels at a time: 3.25 instructions for each value, 3.75 without loops.
#
# a15 record; a14 output; a2 channels left; a3 value, a5 bytes of a pixel; a8 to a11 results; a12 from the end of a row of
# the part to the next row; a13 rows left; a4, a6, a7 temporary
.include "frame.inc"
.equ Y, 4                       # first row of the window, rows of outputs left, address of the first row of windows
.equ OY, 8
.equ FROM, 12
.equ LINE, 16                   # bytes of a row
.equ X, 20                      # first column, columns left
.equ OX, 24
.equ PART, 28                   # the part: address, rows, columns, values
.equ ROWS, 32
.equ COLS, 36
.equ COUNT, 40
.equ LO, 44                     # as int8
.equ HI, 48
.equ MEAN, 52
.equ FRAME, 64

    ENTER FRAME
    RECORD a15, a4
    l32i a4, a2, 12
    l32i a5, a15, 16
    add a5, a5, a4
    s32i a5, sp, FROM
    l32i a14, a15, 20
    add a14, a14, a4
    l32i a5, a15, 32
    l32i a4, a15, 28
    mull a4, a4, a5
    s32i a4, sp, LINE
    l32i a4, a15, 60
    neg a4, a4
    s32i a4, sp, Y
    l32i a4, a15, 36
    s32i a4, sp, OY
    l32i a4, a15, 68
    addi a4, a4, -128
    s32i a4, sp, LO
    l32i a4, a15, 72
    addi a4, a4, -128
    s32i a4, sp, HI
    l32i a4, a15, 76
    s32i a4, sp, MEAN
row:
    l32i a4, a15, 64
    neg a4, a4
    s32i a4, sp, X
    l32i a4, a15, 40
    s32i a4, sp, OX
position:
    movi a13, 0
    l32i a4, sp, Y              # rows a6 to a4 - 1
    max a6, a4, a13
    l32i a7, a15, 44
    add a4, a4, a7
    l32i a7, a15, 24
    min a4, a4, a7
    sub a4, a4, a6
    s32i a4, sp, ROWS
    l32i a7, sp, LINE
    mull a6, a6, a7
    l32i a7, sp, FROM
    add a3, a6, a7
    l32i a6, sp, X              # columns a8 to a6 - 1
    max a8, a6, a13
    l32i a7, a15, 48
    add a6, a6, a7
    l32i a7, a15, 28
    min a6, a6, a7
    sub a6, a6, a8
    s32i a6, sp, COLS
    mull a4, a4, a6
    s32i a4, sp, COUNT
    mull a8, a8, a5
    add a3, a3, a8
    s32i a3, sp, PART
    mull a6, a6, a5
    l32i a12, sp, LINE
    sub a12, a12, a6
    mov a2, a5

.macro LOAD at, to
    l8ui \to, a3, \at
    sext \to, \to, 7
.endm
# \a = the mean, a7 values
.macro ROUND a
    abs a4, \a
    srli a6, a7, 1
    add a4, a4, a6
    quou a4, a4, a7
    neg a6, a4
    movltz a4, a6, \a
    max \a, a4, a3
.endm
channels:
    l32i a3, sp, PART
    l32i a13, sp, ROWS
    l32i a4, sp, MEAN
    bltui a2, 4, one
    bnez a4, 4f
    l32i a8, sp, LO
    mov a9, a8
    mov a10, a8
    mov a11, a8
1:  l32i a4, sp, COLS
    REPEAT a4, largest
    LOAD 0, a6
    LOAD 1, a7
    max a8, a8, a6
    max a9, a9, a7
    LOAD 2, a6
    LOAD 3, a7
    max a10, a10, a6
    max a11, a11, a7
    add a3, a3, a5
    AGAIN a4, largest
    add a3, a3, a12
    addi a13, a13, -1
    bnez a13, 1b
    j 6f
4:  movi a8, 0
    movi a9, 0
    movi a10, 0
    movi a11, 0
5:  l32i a4, sp, COLS
    REPEAT a4, sum
    LOAD 0, a6
    LOAD 1, a7
    add a8, a8, a6
    add a9, a9, a7
    LOAD 2, a6
    LOAD 3, a7
    add a10, a10, a6
    add a11, a11, a7
    add a3, a3, a5
    AGAIN a4, sum
    add a3, a3, a12
    addi a13, a13, -1
    bnez a13, 5b
    l32i a7, sp, COUNT
    l32i a3, sp, LO
    ROUND a8
    ROUND a9
    ROUND a10
    ROUND a11
6:  l32i a4, sp, HI
    min a8, a8, a4
    min a9, a9, a4
    min a10, a10, a4
    min a11, a11, a4
    s8i a8, a14, 0
    s8i a9, a14, 1
    s8i a10, a14, 2
    s8i a11, a14, 3
    addi a14, a14, 4
    l32i a3, sp, PART
    addi a3, a3, 4
    s32i a3, sp, PART
    addi a2, a2, -4
    bnez a2, channels
    j next
one:                            # the last channels
    movi a8, 0
    bnez a4, 1f
    l32i a8, sp, LO
1:  l32i a4, sp, COLS
    l32i a10, sp, MEAN
    bnez a10, 2f
    REPEAT a4, one_largest
    LOAD 0, a6
    add a3, a3, a5
    max a8, a8, a6
    AGAIN a4, one_largest
    j 3f
2:  REPEAT a4, one_sum
    LOAD 0, a6
    add a3, a3, a5
    add a8, a8, a6
    AGAIN a4, one_sum
3:  add a3, a3, a12
    addi a13, a13, -1
    bnez a13, 1b
    beqz a10, 4f
    l32i a7, sp, COUNT
    l32i a3, sp, LO
    ROUND a8
4:  l32i a4, sp, HI
    min a8, a8, a4
    s8i a8, a14, 0
    addi a14, a14, 1
    l32i a3, sp, PART
    addi a3, a3, 1
    s32i a3, sp, PART
    addi a2, a2, -1
    bnez a2, channels
next:
    l32i a4, sp, X
    l32i a6, a15, 56
    add a4, a4, a6
    s32i a4, sp, X
    l32i a4, sp, OX
    addi a4, a4, -1
    s32i a4, sp, OX
    bnez a4, position
    l32i a4, sp, Y
    l32i a6, a15, 52
    add a4, a4, a6
    s32i a4, sp, Y
    l32i a4, sp, OY
    addi a4, a4, -1
    s32i a4, sp, OY
    bnez a4, row
    j return
    LEAVE
