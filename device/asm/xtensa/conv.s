# Convolution: CONV_2D of any groups, FULLY_CONNECTED, with MAC16.
#   out[j] = requantise(bias[j] + sum_k xu[k] * w[j, k])        xu = x + 128, a byte without sign
# A window becomes a column of int16 in scratch, in fours of 0, 2, 1, 3: that is what two masks make of a word. MULA with
# LDINC multiplies two int16 and loads the next two, 40 bits wide.
#
# `pass`, where the weights are expanded in scratch (or kept): rows of int16 in the same order, 3 instructions for each.
#   A product is one instruction, an output 25 more. A column costs 2.3 for a value where its windows are words, 6 else.
# `single`, for groups and for one position: the bytes of DATA, w + 128, are unpacked each time they are used:
#   sum xu * (w + 128) - 128 * sum xu. 2 instructions a product.
#
# LDINC reads one step ahead: behind a column 8 bytes, behind the last row of weights 4, both in scratch.
#
.include "frame.inc"
.include "record.inc"
.include "requant.inc"
.equ FRAME, 208
.include "layer.inc"

# --- who makes it
    l32i a5, sp, EXP
    bnez a5, pass
    s32i a5, sp, READY
    l32i a4, a15, R_BLOCK
    bnez a4, 1f
    j single
1:  l32i a6, sp, COL
    slli a5, a2, 2
    add a5, a5, a6
    s32i a5, sp, EXP

# --- a pass: a4 channels at most
pass:
    l32i a5, sp, LEFT
    min a4, a4, a5
    s32i a4, sp, COUNT
    l32i a2, sp, EXP
    l32i a5, sp, K4
    mull a6, a5, a4
    addx2 a7, a6, a2
    s32i a7, sp, PARAMS
    l32i a3, sp, TAB
    sub a8, a3, a7
    s32i a8, sp, DELTA
    slli a8, a4, 4
    add a7, a7, a8
    s32i a7, sp, END
    l32i a9, sp, READY
    bnez a9, start
# a2 to, a3 tile, a4 channels left, a5 words of a row; a6 channels of the tile, a7 bytes from word to word, a8 channels
# of it left, a9 word; a10 and a12 mask, a13 and a14: (x + 0x7f80) ^ 0x8000 = x - 128 in 16 bits
    srli a5, a5, 2
    l32i a3, sp, WTS
    l32i a12, sp, MASK
    movi a14, 1
    slli a14, a14, 15
    slli a13, a14, 16
    add a14, a14, a13
    l32i a13, sp, FLIP
    and a13, a13, a12
    sub a13, a14, a13
tile:
    movi a6, 4
    min a6, a6, a4
    slli a7, a6, 2
    mov a8, a6
row:
    mov a9, a3
    mov a15, a5
    REPEAT a15, expand
    l32i a10, a9, 0
    add a9, a9, a7
    srli a11, a10, 8
    and a10, a10, a12
    and a11, a11, a12
    add a10, a10, a13
    add a11, a11, a13
    xor a10, a10, a14
    xor a11, a11, a14
    s32i a10, a2, 0
    s32i a11, a2, 4
    addi a2, a2, 8
    AGAIN a15, expand
    addi a3, a3, 4
    addi a8, a8, -1
    bnez a8, row
    sub a3, a9, a7              # behind the last row: where the next tile begins
    addi a3, a3, 4
    sub a4, a4, a6
    bnez a4, tile
    s32i a3, sp, WTS
    l32i a3, sp, TAB            # a2 is where PARAMS begins
    l32i a4, sp, COUNT
1:  FOUR_WORDS a3, 0
    addi a2, a2, 16
    addi a3, a3, 16
    addi a4, a4, -1
    bnez a4, 1b
    s32i a3, sp, TAB

start:
    call0 first
# a2 column, a3 next of it, a4 next weights, a5 fours of a row; a6 channel, a7 sum, a8 and a9 temporary; a11 and a12
# bounds, a13 output, a14 and a15 NEAR and FRAC. m0, m1 inputs, m2, m3 weights
position:
    l32i a3, sp, XP
    call0 column
    l32i a2, sp, COL
    addi a2, a2, -4
    l32i a4, sp, EXP
    addi a4, a4, -4
    l32i a5, sp, K4
    srli a5, a5, 2
    l32i a6, sp, PARAMS
    l32i a11, sp, LO
    l32i a12, sp, HI
    l32i a13, sp, OP
    l32i a14, sp, NEAR
    l32i a15, sp, FRAC
    ldinc m2, a4
channel:
    l32i a7, a6, 0
    wsr.acclo a7                # what the upper 8 bits hold does not matter
    mov a3, a2
    ldinc m0, a3
    ldinc m1, a3
    loop a5, 1f
    mula.dd.ll.ldinc m3, a4, m0, m2
    mula.dd.hh.ldinc m0, a3, m0, m2
    mula.dd.ll.ldinc m2, a4, m1, m3
    mula.dd.hh.ldinc m1, a3, m1, m3
1:  l32i a8, a6, 4
    rsr.acclo a7
    ssr a8
    sra a8, a7
    l32i a9, a6, 8
    mull a8, a8, a9
    l32i a9, a6, 12
    add a8, a8, a9
    RESULT a8, 3f, 2
    addi a13, a13, 1
    addi a6, a6, 16
    l32i a9, sp, END
    bne a6, a9, channel
    call0 next
    bnez a4, position
    NEXT_PASS
3:  l32i a9, sp, DELTA
    add a9, a9, a6
    call0 exact
    j 2b

# --- single. a0 and a5 temporary, a2 to a4 and a6 to a15 as above; a10 mask
single:
    call0 first
single_position:
    FIRST_GROUP
group:
    l32i a3, sp, GX
    call0 column
    l32i a15, sp, REC
    l32i a4, a15, R_OG
    s32i a4, sp, COUNT
    l32i a2, sp, COL
    addi a2, a2, -4
    l32i a4, sp, TILE
    l32i a6, sp, PARAMS
    l32i a10, sp, MASK
    l32i a11, sp, LO
    l32i a12, sp, HI
    l32i a13, sp, GOUT
    l32i a14, sp, NEAR
    l32i a15, sp, FRAC
some:                           # a tile
    l32i a5, sp, COUNT
    movi a0, 4
    min a0, a0, a5
    s32i a0, sp, ROWSN
    s32i a0, sp, RLEFT
one:                            # a row of it
    s32i a4, sp, TILE
    l32i a5, sp, CORR
    l32i a7, a6, 0
    add a7, a7, a5
    wsr.acclo a7
    mov a3, a2
    ldinc m0, a3
    l32i a5, sp, K4
    srli a5, a5, 2
    l32i a0, sp, ROWSN
.macro FOUR at
    l32i a7, a4, \at
    srli a8, a7, 8
    and a7, a7, a10
    and a8, a8, a10
    mula.da.ll.ldinc m1, a3, m0, a7
    mula.da.hh m0, a7
    mula.da.ll.ldinc m0, a3, m1, a8
    mula.da.hh m1, a8
.endm
    bnei a0, 4, 2f
    srli a9, a5, 3
    beqz a9, 1f
    movi a0, 128
    loop a9, 6f
    .rept 8
    FOUR 16 * \#
    .endr
    add a4, a4, a0
6:  movi a0, 4
1:  extui a5, a5, 0, 3
    beqz a5, 3f
2:  slli a9, a0, 2
    loop a5, 3f
    FOUR 0
    add a4, a4, a9
3:  SHORTENED a6, a8, a9, a3, a5
    rsr.acclo a7
    ssr a8
    sra a8, a7
    mull a8, a8, a9
    add a8, a8, a3
    RESULT a8, 8f, 4
    addi a13, a13, 1
    addi a6, a6, 16
    l32i a5, sp, RLEFT
    addi a5, a5, -1
    s32i a5, sp, RLEFT
    beqz a5, 5f
    l32i a4, sp, TILE           # the next row begins a word behind this one
    addi a4, a4, 4
    j one
5:  l32i a0, sp, ROWSN          # the next tile, where the first row of this one would go on
    slli a5, a0, 2
    sub a4, a4, a5
    addi a4, a4, 4
    l32i a5, sp, COUNT
    sub a5, a5, a0
    s32i a5, sp, COUNT
    bnez a5, some
    s32i a4, sp, TILE
    s32i a6, sp, PARAMS
    s32i a13, sp, GOUT
    NEXT_GROUP
8:  mov a9, a6
    call0 exact
    l32i a10, sp, MASK
    j 4b

.include "window.inc"

# the runs become the column, their sum CORR. a7 to, a8, a9 words; a12 sums of even and of odd ones, which take 128
# words; a13 sum, a14 words left
made:
    l32i a7, sp, COL
    l32i a10, sp, FLIP
    l32i a11, sp, MASK
    movi a13, 0
1:  srli a14, a4, 2
2:  movi a15, 128
    min a15, a15, a14
    sub a14, a14, a15
    movi a12, 0
    srli a2, a15, 2
    beqz a2, 3f
    loop a2, 3f
    .rept 4
    l32i a8, a3, 4 * \#
    xor a8, a8, a10
    srli a9, a8, 8
    and a8, a8, a11
    and a9, a9, a11
    add a12, a12, a8
    add a12, a12, a9
    s32i a8, a7, 8 * \#
    s32i a9, a7, 8 * \# + 4
    .endr
    addi a3, a3, 16
    addi a7, a7, 32
3:  extui a15, a15, 0, 2
    beqz a15, 4f
    loop a15, 4f
    l32i a8, a3, 0
    addi a3, a3, 4
    xor a8, a8, a10
    srli a9, a8, 8
    and a8, a8, a11
    and a9, a9, a11
    s32i a8, a7, 0
    s32i a9, a7, 4
    addi a7, a7, 8
    add a12, a12, a8
    add a12, a12, a9
4:  extui a8, a12, 0, 16
    srli a9, a12, 16
    add a13, a13, a8
    add a13, a13, a9
    bnez a14, 2b
    add a3, a3, a6
    addi a5, a5, -1
    bnez a5, 1b
    slli a13, a13, 7
    neg a13, a13
    s32i a13, sp, CORR
    ret

    EXACT
    LEAVE
