# LUT: out[i] = table[in[i] as a byte], for i of 0 to size - 1. Record: [2] table [4] from [5] to [6] size.
# a3 in, a4 table, a5 out, a6 bytes left. 5 instructions a byte, 4.25 in fours.
.include "frame.inc"
    ENTER 32
    RECORD a7, a8
    l32i a8, a2, 12             # the arena
    l32i a4, a2, 20
    l32i a9, a7, 8
    add a4, a4, a9
    l32i a3, a7, 16
    add a3, a3, a8
    l32i a5, a7, 20
    add a5, a5, a8
    l32i a6, a7, 24
    srli a9, a6, 2
    beqz a9, 2f
    REPEAT a9, four
    l8ui a10, a3, 0
    l8ui a11, a3, 1
    l8ui a12, a3, 2
    l8ui a13, a3, 3
    add a10, a10, a4
    add a11, a11, a4
    add a12, a12, a4
    add a13, a13, a4
    l8ui a10, a10, 0
    l8ui a11, a11, 0
    l8ui a12, a12, 0
    l8ui a13, a13, 0
    s8i a10, a5, 0
    s8i a11, a5, 1
    s8i a12, a5, 2
    s8i a13, a5, 3
    addi a3, a3, 4
    addi a5, a5, 4
    AGAIN a9, four
2:  extui a6, a6, 0, 2
    beqz a6, 4f
    REPEAT a6, one
    l8ui a10, a3, 0
    addi a3, a3, 1
    add a10, a10, a4
    l8ui a10, a10, 0
    s8i a10, a5, 0
    addi a5, a5, 1
    AGAIN a6, one
4:
    LEAVE
