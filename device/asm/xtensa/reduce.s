# MEAN and SUM over any axes: out = requantise(sum of (x - zx)); the division by the count is in the multiplier.
# REDUCE_MAX and REDUCE_MIN: the largest or the smallest x, as it is.
# Record: [4] from [5] to [6] two kept axes (size, stride) [10] two reduced ones [14] bias: -(zx + 128) * count
# [15] multiplier [16] shifts [17] zo [18] lo [19] hi (all plus 128) [20] kind: sum, largest, smallest.
# The bias is for x + 128. 4 instructions for each value of a sum, 5 of an extreme; without loops 2 more.
#
# a15 record; a14 output; a2 address of the inner kept axis, a13 left of it; a3 value, a4 left of the inner reduced axis, a5
# its stride, a6 outer one left; a7 sum; a8 to a12 temporary
.include "frame.inc"
.include "requant.inc"
.equ FROM, 4                    # address of the outer kept axis, left of it
.equ LEFT, 8
.equ SKIP, 12                   # from the end of the inner reduced axis to the next of the outer one
.equ FRAME, 32

    ENTER FRAME
    RECORD a15, a4
    l32i a4, a2, 12
    l32i a14, a15, 20
    add a14, a14, a4
    l32i a2, a15, 16
    add a2, a2, a4
    s32i a2, sp, FROM
    l32i a4, a15, 24
    s32i a4, sp, LEFT
    l32i a5, a15, 52
    l32i a4, a15, 48
    mull a4, a4, a5
    l32i a6, a15, 44
    sub a6, a6, a4
    s32i a6, sp, SKIP
outer:
    l32i a13, a15, 32
inner:
    mov a3, a2
    l32i a6, a15, 40
    l32i a8, a15, 80
    l32i a9, sp, SKIP
    movi a10, 128
    bnez a8, 3f
    l32i a7, a15, 56
1:  l32i a4, a15, 48
    REPEAT a4, sum
    l8ui a8, a3, 0
    add a3, a3, a5
    xor a8, a8, a10
    add a7, a7, a8
    AGAIN a4, sum
    add a3, a3, a9
    addi a6, a6, -1
    bnez a6, 1b
    addi a8, a15, 56            # multiplier and shifts are words 1 and 2 from there
    SCALED
    LIMIT
    l32i a8, a15, 68
    add a7, a7, a8
    l32i a8, a15, 72
    max a7, a7, a8
    l32i a8, a15, 76
    min a7, a7, a8
    j 5f
3:  addi a11, a8, -1            # the smallest is the largest of ~x: a11 = 255 for it
    neg a11, a11
    extui a11, a11, 0, 8
    xor a10, a10, a11
    movi a7, 0
4:  l32i a4, a15, 48
    REPEAT a4, extreme
    l8ui a8, a3, 0
    add a3, a3, a5
    xor a8, a8, a10
    max a7, a7, a8
    AGAIN a4, extreme
    add a3, a3, a9
    addi a6, a6, -1
    bnez a6, 4b
    xor a7, a7, a11
5:  addi a7, a7, -128
    s8i a7, a14, 0
    addi a14, a14, 1
    l32i a8, a15, 36
    add a2, a2, a8
    addi a13, a13, -1
    bnez a13, inner
    l32i a2, sp, FROM
    l32i a8, a15, 28
    add a2, a2, a8
    s32i a2, sp, FROM
    l32i a8, sp, LEFT
    addi a8, a8, -1
    s32i a8, sp, LEFT
    bnez a8, outer
    LEAVE
