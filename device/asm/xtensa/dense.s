# A dense layer, with MAC16: CONV with one position and one tap inside the image, no groups, weights not expanded.
#   out[j] = requantise(bias[j] + sum_k xu[k] * w[j, k])        xu = x + 128 and b = w + 128 (DATA) are bytes without sign
# The input becomes a column of int16 in scratch; MULA with LDINC multiplies and loads two of it. For four products:
#
# `plain`: two masks make (b0, b2) and (b1, b3) of a word, 8 instructions, in sum xu * b - 128 * sum xu.
# `quick`, for many rows: one xor makes (256 * w1 + b0, 256 * w3 + b2), one mask (b0, b2), 7 instructions. With X = xu - 127,
#   X1 * (256 * w1 + b0) + (256 * X0 - X1) * b0 = 256 * (X1 * w1 + X0 * b0)
#   256 * X0 - X1 is an int16 unless xu0 is 255 and xu1 < 128. Then X0 counts as one less, and each row adds this b0. Such
#   places are listed; if there are many it is plain's turn. sum xu * w = sum X * w + 127 * sum w, and 128 * sum w is what the
#   two biases of a row differ by.
#
# LDINC reads one step ahead: the 8 bytes behind the column are scratch.
#
.include "frame.inc"
.include "record.inc"
.include "requant.inc"
.equ ROWS, 4                    # rows left, behind the tile
.equ EIGHTS, 8                  # rounds of 8 words in a row of this tile, and words after them
.equ FEW, 12
.equ BACK, 16                   # from behind a row to the next one
.equ END, 20                    # table of the next tile
.equ CORR, 24                   # what x alone adds to each sum
.equ WORDS, 28                  # of a row
.equ TOPS, 32                   # 0x80008000
.equ QUICK, 36                  # not 0: quick
.equ N, 40                      # places in the list
.equ WTS, 44
.equ TAB, 48
.equ OP, 52
.equ IN, 56
.equ KEPT, 60                   # a register, for a while
.equ K, 64                      # bytes of x
REQUANT_FRAME 68
.equ LIST, 104                  # bytes of a row; 16 at most
.equ FRAME, 176

    ENTER FRAME
    RECORD a15, a4
    l32i a14, a2, 12            # arena
    l32i a12, a2, 20
    REQUANT_SETUP
    l32i a4, a15, R_DATA
    add a4, a4, a12
    s32i a4, sp, WTS
    l32i a6, a15, R_TABLE
    add a6, a6, a4
    s32i a6, sp, TAB
    l32i a3, a15, R_FROM
    add a3, a3, a14
    s32i a3, sp, IN
    l32i a13, a15, R_TO
    add a13, a13, a14
    s32i a13, sp, OP
    l32i a2, a15, R_SCRATCH
    add a2, a2, a14             # column
    l32i a6, a15, R_CG
    s32i a6, sp, K
    l32i a5, a15, R_OG
    s32i a5, sp, ROWS
    addi a5, a5, -12            # quick takes 8 instructions more for a word of x, and 12 for a row
    addi a4, a6, -96
    min a5, a5, a4
    movi a4, 0
    max a5, a5, a4
    s32i a5, sp, QUICK
    s32i a4, sp, N
    movi a11, 128               # a11 = 0x00800080, a14 = 0x80008000, a10 = 0x00ff00ff
    slli a4, a11, 16
    add a11, a11, a4
    slli a14, a11, 8
    s32i a14, sp, TOPS
    movi a10, 255
    slli a4, a10, 16
    add a10, a10, a4

# --- the column. a2 column, a3 bytes of x, a5 words of them left, a6 bytes; a7 to, a8 and a9 words, a12 sums of two, which take
# 128 words, a15 sum
begin:
    addi a5, a6, 3
    srli a5, a5, 2
    s32i a5, sp, WORDS
    or a8, a3, a6
    extui a8, a8, 0, 2
    beqz a8, 2f
    addx4 a9, a5, a2            # bytes somewhere, or no whole words: they are copied to the column's second half
    mov a7, a9
    loop a6, 1f
    l8ui a8, a3, 0
    addi a3, a3, 1
    s8i a8, a7, 0
    addi a7, a7, 1
1:  mov a3, a9
2:  mov a7, a2
    movi a15, 0
    l32i a8, sp, QUICK
    bnez a8, quick
    add a13, a11, a14           # 0x80808080
plain:
    movi a9, 128
    min a9, a9, a5
    sub a5, a5, a9
    movi a12, 0
    extui a0, a9, 0, 2
    srli a9, a9, 2
.macro SPREAD at
    l32i a8, a3, 4 * \at
    xor a8, a8, a13
    srli a9, a8, 8
    and a8, a8, a10
    and a9, a9, a10
    add a12, a12, a8
    add a12, a12, a9
    s32i a8, a7, 8 * \at
    s32i a9, a7, 8 * \at + 4
.endm
    loopnez a9, 1f
    .rept 4
    SPREAD \#
    .endr
    addi a3, a3, 16
    addi a7, a7, 32
1:  loopnez a0, 2f
    SPREAD 0
    addi a3, a3, 4
    addi a7, a7, 8
2:  extui a8, a12, 0, 16
    add a15, a15, a8
    extui a8, a12, 16, 16
    add a15, a15, a8
    bnez a5, plain
    j rows

# a0 = 0x80808080, a13 = 0xff80 and a4 = 0xff800000: the places; a6 = 0x7f807f80 makes xu0 and 255 - xu1 of x
quick:
    add a0, a11, a14
    sub a6, a14, a11
    movi a13, 511
    slli a13, a13, 7
    slli a4, a13, 16
3:  movi a9, 128
    min a9, a9, a5
    sub a5, a5, a9
    movi a12, 0
    loop a9, 6f
    l32i a8, a3, 0
    xor a8, a8, a6
    srli a9, a8, 8
    and a8, a8, a10             # xu0
    and a9, a9, a10             # 255 - xu1
    add a12, a12, a8
    slli a8, a8, 8
    or a8, a8, a9
    ball a8, a13, low
4:  ball a8, a4, high
5:  add a8, a8, a11
    xor a8, a8, a14             # 256 * X0 - X1 = (256 * xu0 + 255 - xu1 + 128) - 32768
    sub a9, a0, a9
    xor a9, a9, a14             # X1
    s32i a9, a7, 0
    s32i a8, a7, 4
    addi a3, a3, 4
    addi a7, a7, 8
6:  extui a8, a12, 0, 16
    add a15, a15, a8
    extui a8, a12, 16, 16
    add a15, a15, a8
    bnez a5, 3b
    l32i a8, sp, N              # sum X0: the listed ones count
    add a15, a15, a8
    l32i a8, sp, WORDS
    movi a9, -254
    mull a8, a8, a9
    add a15, a15, a8
    j rows
low:
    s32i a5, sp, KEPT
    addi a12, a12, -1
    addmi a8, a8, -256
    movi a5, 0
    call0 place
    add a0, a11, a14
    j 4b
high:
    s32i a5, sp, KEPT
    movi a5, 1
    slli a5, a5, 16
    sub a12, a12, a5
    slli a5, a5, 8
    sub a8, a8, a5
    movi a5, 2
    call0 place
    add a0, a11, a14
    j 5b

# byte a5 of the word goes to the list
    .balign 4
place:
    s32i a3, sp, END
    s32i a4, sp, BACK
    sub a4, a7, a2
    srli a4, a4, 1
    add a5, a5, a4
    l32i a4, sp, N
    beqi a4, 16, many
    addx4 a3, a4, sp
    s32i a5, a3, LIST
    addi a4, a4, 1
    s32i a4, sp, N
    l32i a3, sp, END
    l32i a4, sp, BACK
    l32i a5, sp, KEPT
    ret
many:
    movi a5, 0
    s32i a5, sp, N
    s32i a5, sp, QUICK
    l32i a3, sp, IN
    l32i a6, sp, K
    j begin

# --- rows. a0 from word to word, a2 column, a3 next of it, a4 next weights, a5, a7 to a9 temporary, a6 table; a10 mask, a11 and
# a12 bounds, a13 output, a14 and a15 NEAR and FRAC
rows:
    slli a15, a15, 7
    neg a15, a15
    s32i a15, sp, CORR
    l32i a4, sp, WTS
    l32i a6, sp, TAB
    l32i a13, sp, OP
    l32i a11, sp, LO
    l32i a12, sp, HI
    l32i a14, sp, NEAR
    l32i a15, sp, FRAC
    addi a2, a2, -4
tile:
    l32i a3, sp, WORDS
    l32i a5, sp, ROWS
    movi a0, 4
    min a0, a0, a5
    sub a5, a5, a0
    s32i a5, sp, ROWS
    slli a5, a0, 4
    add a5, a5, a6
    s32i a5, sp, END
    movi a9, 0                  # fewer than four rows go word by word
    mov a8, a3
    bnei a0, 4, 1f
    srli a9, a3, 3
    extui a8, a3, 0, 3
1:  s32i a8, sp, FEW
    s32i a9, sp, EIGHTS
    slli a0, a0, 2
    mull a5, a0, a3
    addi a5, a5, -4
    neg a5, a5
    s32i a5, sp, BACK
row:
    movi a7, 0
    mov a3, a2
    ldinc m0, a3
    wsr.acclo a7
    wsr.acchi a7
    l32i a5, sp, EIGHTS
    l32i a8, sp, QUICK
    bnez a8, 3f
.macro TWO
    mula.da.ll.ldinc m1, a3, m0, a7
    mula.da.hh m0, a7
    mula.da.ll.ldinc m0, a3, m1, a8
    mula.da.hh m1, a8
.endm
.macro CLEAN at
    l32i a7, a4, \at
    srli a8, a7, 8
    and a7, a7, a10
    and a8, a8, a10
    TWO
.endm
    loopnez a5, 1f
    .rept 8
    CLEAN 16 * \#
    .endr
    addx8 a4, a0, a4
1:  l32i a5, sp, FEW
    loopnez a5, 2f
    CLEAN 0
    add a4, a4, a0
2:  l32i a5, a6, 0
    rsr.acclo a7
    j sum
3:  l32i a9, sp, TOPS
.macro MIXED at
    l32i a7, a4, \at
    and a8, a7, a10
    xor a7, a7, a9
    TWO
.endm
    loopnez a5, 4f
    .rept 8
    MIXED 16 * \#
    .endr
    addx8 a4, a0, a4
4:  l32i a5, sp, FEW
    loopnez a5, 5f
    MIXED 0
    add a4, a4, a0
5:  rsr.acclo a7
    rsr.acchi a8
    ssai 8
    src a7, a8, a7
    l32i a5, a6, 12             # the bias with 127 * sum w
    l32i a8, a6, 0
    sub a8, a5, a8
    srai a8, a8, 7
    sub a5, a5, a8
    l32i a8, sp, N
    bnez a8, listed
sum:
    add a7, a7, a5
    l32i a5, sp, CORR
    add a7, a7, a5
    SHORTENED a6, a5, a8, a3, a9
    ssr a5
    sra a5, a7
    mull a8, a8, a5
    add a8, a8, a3
    RESULT a8, 7f, 6
    addi a13, a13, 1
    addi a6, a6, 16
    l32i a5, sp, BACK
    l32i a7, sp, END
    add a4, a4, a5
    bne a6, a7, row
    sub a4, a4, a5              # the next tile begins where the first row of this one would go on
    sub a4, a4, a0
    addi a4, a4, 4
    l32i a5, sp, ROWS
    bnez a5, tile
    j return
7:  s32i a0, sp, KEPT
    mov a9, a6
    call0 exact
    l32i a0, sp, KEPT
    movi a10, 255
    slli a7, a10, 16
    add a10, a10, a7
    j 6b
listed:                         # a4 goes back to the row; + b of each place
    l32i a9, sp, BACK
    addi a9, a9, -4
    add a4, a4, a9
    add a7, a7, a5
    mov a3, sp
    loop a8, 8f
    l32i a8, a3, LIST
    addi a3, a3, 4
    srli a5, a8, 2
    mull a5, a5, a0
    extui a8, a8, 0, 2
    add a5, a5, a8
    add a5, a5, a4
    l8ui a5, a5, 0
    add a7, a7, a5
8:  sub a4, a4, a9
    movi a5, 0
    j sum

    EXACT
    LEAVE
