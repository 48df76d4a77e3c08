# Convolution: CONV_2D of any groups, FULLY_CONNECTED, without MAC16 and loops.
#   out[j] = requantise(bias[j] + sum_k x[k] * w[j, k])
# `pass` makes four channels of a position at a time; one multiplication gives the products of two channels:
#   V = w[j] + 65536 * w[j+1], one word for two channels.  t = x[k] * V[k] + x[k+1] * V[k+1] = p + 65536 * q
#   with p = x[k] w[j, k] + x[k+1] w[j, k+1] and q the same of j+1. Where no w is -128, |p| <= 128 * 254 < 2^15, so
#   q = (t + 32768) >> 16 exactly; H = sum q is channel j+1, T = sum t (mod 2^32) leaves T - 65536 * H for channel j.
#   Two taps of four channels are 20 instructions. Scratch has V as [tile][k][2], made in 3.5 for each weight, and the
#   window as int16. An output takes 27 more; signed x and the fourth word of a channel's table.
# `single`, for groups, weights of -128 and one position: sum xu * (w + 128) - 128 * sum xu from the bytes of DATA, with
#   xu = x + 128, for four rows at a time: 3.5 instructions a product.
.include "../xtensa/frame.inc"
.include "../xtensa/record.inc"
.include "../xtensa/requant.inc"
.equ SUMS, 208                  # four sums
.equ FOUR, 224                  # what is in PARAMS, of the four channels of `single`
.equ BACK, 288
.equ FRAME, 296
.include "../xtensa/layer.inc"

# --- who makes it
    l32i a5, a15, R_PAIRS
    l32i a6, sp, EXP
    l32i a4, a15, R_BLOCK
    bbci a5, 0, 1f              # a weight is -128
    bnez a6, 2f
    s32i a6, sp, READY
    beqz a4, 1f
    l32i a6, sp, COL
    slli a5, a2, 2
    add a6, a6, a5
    s32i a6, sp, EXP
    j pass
1:  movi a6, 0                  # tells `made`
    s32i a6, sp, EXP
    j single
2:  l32i a4, a15, R_OG

# --- a pass: a4 channels at most
pass:
    l32i a5, sp, LEFT
    min a4, a4, a5
    s32i a4, sp, COUNT
    l32i a2, sp, EXP
    l32i a5, sp, K4
    addi a6, a4, 3
    srli a6, a6, 2
    mull a6, a6, a5
    addx8 a7, a6, a2
    s32i a7, sp, PARAMS
    l32i a3, sp, TAB
    sub a8, a3, a7
    s32i a8, sp, DELTA
    l32i a9, sp, READY
    bnez a9, start
# a2 to, a4 channels left, a5 fours of a row, a7 bytes from behind four to the next, a3, a10 to a12 rows (what is not there is a
# row that is), a13 0x00800080, a14 fours left
    srli a5, a5, 2
    l32i a3, sp, WTS
    l32i a13, sp, MASK
    l32i a8, sp, FLIP
    and a13, a13, a8
tile:
    movi a6, 4
    min a6, a6, a4
    sub a4, a4, a6
    slli a7, a6, 2
    addi a7, a7, -4
    mov a10, a3
    mov a11, a3
    mov a12, a3
    blti a6, 2, 1f
    addi a10, a3, 4
    blti a6, 3, 1f
    addi a11, a3, 8
    blti a6, 4, 1f
    addi a12, a3, 12
1:  s32i a4, sp, RLEFT
    mov a14, a5
2:  movi a4, 4
3:
.macro TWO p, q, at
    l8ui a8, \p, 0
    l8ui a9, \q, 0
    addi \p, \p, 1
    slli a9, a9, 16
    addi \q, \q, 1
    add a8, a8, a9
    sub a8, a8, a13
    s32i a8, a2, \at
.endm
    TWO a3, a10, 0
    TWO a11, a12, 4
    addi a2, a2, 8
    addi a4, a4, -1
    bnez a4, 3b
    add a3, a3, a7
    add a10, a10, a7
    add a11, a11, a7
    add a12, a12, a7
    addi a14, a14, -1
    bnez a14, 2b
    l32i a4, sp, RLEFT
    bnez a4, tile
    s32i a3, sp, WTS
    l32i a3, sp, TAB
    l32i a4, sp, COUNT
    movi a12, 12
    call0 build                 # a2 is where PARAMS begins
    s32i a3, sp, TAB

start:
    call0 first
# a tile: a2 the half of 65536; a3 column, a5 its end; a4 weights; a6 channel; a8 to a11: T, H, T, H; a0, a12 inputs;
# a7 temporary. Then a5 channels of it, a11 and a12 bounds, a13 output, a14 and a15 NEAR and FRAC
position:
    l32i a3, sp, XP
    call0 column
    movi a2, 1
    slli a2, a2, 15
    l32i a4, sp, EXP
    l32i a6, sp, PARAMS
    l32i a13, sp, OP
    l32i a14, sp, NEAR
    l32i a15, sp, FRAC
    l32i a5, sp, COUNT
    s32i a5, sp, END            # channels left
four:
    movi a8, 0
    movi a9, 0
    movi a10, 0
    movi a11, 0
    l32i a3, sp, COL
    l32i a5, sp, K4
    addx2 a5, a5, a3
.macro TAPS k, at, t_, h
    l32i a7, a4, 16 * \k + \at
    l32i a13, a4, 16 * \k + 8 + \at
    mull a7, a7, a12
    mull a13, a13, a0
    add a7, a7, a13
    add \t_, \t_, a7
    add a7, a7, a2
    srai a7, a7, 16
    add \h, \h, a7
.endm
1:  .rept 2
    l16si a12, a3, 4 * \#
    l16si a0, a3, 4 * \# + 2
    TAPS \#, 0, a8, a9
    TAPS \#, 4, a10, a11
    .endr
    addi a3, a3, 8
    addi a4, a4, 32
    bne a3, a5, 1b
    slli a5, a9, 16
    sub a8, a8, a5
    slli a5, a11, 16
    sub a10, a10, a5
    l32i a5, sp, END
    movi a7, 4
    min a5, a5, a7
    s32i a8, sp, SUMS
    s32i a9, sp, SUMS + 4
    s32i a10, sp, SUMS + 8
    s32i a11, sp, SUMS + 12
    l32i a13, sp, OP
    call0 channels
    l32i a5, sp, END
    addi a5, a5, -4
    blti a5, 1, 4f
    s32i a5, sp, END
    s32i a13, sp, OP
    j four
4:  l32i a4, sp, COUNT          # OP as it was
    sub a13, a13, a4
    s32i a13, sp, OP
    call0 next
    bnez a4, position
    NEXT_PASS

# --- single. a2 bytes from four to four, a3 column, a5 its end; a4 weights; a8 to a11 sums; a0, a7, a12 temporary, the rest
# as above. Sums of rows that a tile does not have are made of what follows it, which is the table in the end, and dropped.
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
    l32i a4, sp, TILE
    l32i a13, sp, GOUT
    l32i a14, sp, NEAR
    l32i a15, sp, FRAC
some:                           # a tile
    l32i a5, sp, COUNT
    movi a2, 4
    min a2, a2, a5
    s32i a2, sp, ROWSN
    slli a2, a2, 2
    l32i a3, sp, COL
    l32i a5, sp, K4
    add a5, a5, a3
    l32i a8, sp, CORR
    mov a9, a8
    mov a10, a8
    mov a11, a8
1:  .rept 4
    l8ui a7, a3, \#
    l8ui a12, a4, \#
    l8ui a0, a4, 4 + \#
    mull a12, a12, a7
    mull a0, a0, a7
    add a8, a8, a12
    add a9, a9, a0
    l8ui a12, a4, 8 + \#
    l8ui a0, a4, 12 + \#
    mull a12, a12, a7
    mull a0, a0, a7
    add a10, a10, a12
    add a11, a11, a0
    .endr
    addi a3, a3, 4
    add a4, a4, a2
    bne a3, a5, 1b
    s32i a4, sp, TILE
    s32i a8, sp, SUMS
    s32i a9, sp, SUMS + 4
    s32i a10, sp, SUMS + 8
    s32i a11, sp, SUMS + 12
    movi a2, FOUR
    add a2, a2, sp
    mov a6, a2
    l32i a3, sp, PARAMS
    sub a4, a3, a2
    s32i a4, sp, DELTA
    l32i a4, sp, ROWSN
    mov a5, a4
    movi a12, 0
    call0 build
    s32i a3, sp, PARAMS
    call0 channels
    l32i a4, sp, TILE
    l32i a5, sp, COUNT
    l32i a0, sp, ROWSN
    sub a5, a5, a0
    s32i a5, sp, COUNT
    bnez a5, some
    s32i a13, sp, GOUT
    NEXT_GROUP

# Four words for each of a4 channels, to a2, from the table a3, whose bias is at a12. Uses a8 to a11.
    .balign 4
build:
    SHORTENED a3, a8, a9, a10, a11
    add a11, a3, a12
    l32i a11, a11, 0
    s32i a11, a2, 0
    s32i a8, a2, 4
    s32i a9, a2, 8
    s32i a10, a2, 12
    addi a2, a2, 16
    addi a3, a3, 16
    addi a4, a4, -1
    bnez a4, build
    ret

# a5 channels with their SUMS and the words a6, to a13; these two go on. Uses a3, a7 to a12; a14, a15 as above.
    .balign 4
channels:
    s32i a0, sp, BACK
    movi a3, SUMS
    add a3, a3, sp
    l32i a11, sp, LO
    l32i a12, sp, HI
1:  l32i a7, a3, 0
    l32i a8, a6, 0
    add a7, a7, a8
    l32i a8, a6, 4
    l32i a9, a6, 8
    ssr a8
    sra a8, a7
    mull a8, a8, a9
    l32i a9, a6, 12
    add a8, a8, a9
    RESULT a8, 3f, 2
    addi a13, a13, 1
    addi a3, a3, 4
    addi a6, a6, 16
    addi a5, a5, -1
    bnez a5, 1b
    l32i a0, sp, BACK
    ret
3:  l32i a9, sp, DELTA
    add a9, a9, a6
    call0 exact
    j 2b

.include "../xtensa/window.inc"

# the runs become the column: x as int16; or, for `single`, bytes x + 128, and CORR from their sum. a2 words of a run left,
# a7 to, a10 and a11 masks, a12 sums of even and of odd ones, which take 128 words, a13 sum, a14 words until then
made:
    l32i a7, sp, COL
    l32i a10, sp, FLIP
    l32i a11, sp, MASK
    movi a13, 0
1:  srli a2, a4, 2
    l32i a8, sp, EXP
    bnez a8, 4f
2:  movi a14, 128
    min a14, a14, a2
    sub a2, a2, a14
    movi a12, 0
3:  l32i a8, a3, 0
    xor a8, a8, a10
    s32i a8, a7, 0
    srli a9, a8, 8
    and a8, a8, a11
    and a9, a9, a11
    add a12, a12, a8
    add a12, a12, a9
    addi a3, a3, 4
    addi a7, a7, 4
    addi a14, a14, -1
    bnez a14, 3b
    extui a8, a12, 0, 16
    srli a9, a12, 16
    add a13, a13, a8
    add a13, a13, a9
    bnez a2, 2b
    j 5f
4:  l32i a8, a3, 0
    sext a9, a8, 7
    s16i a9, a7, 0
    srli a8, a8, 8
    sext a9, a8, 7
    s16i a9, a7, 2
    srai a8, a8, 8
    sext a9, a8, 7
    s16i a9, a7, 4
    srai a8, a8, 8
    sext a8, a8, 7
    s16i a8, a7, 6
    addi a3, a3, 4
    addi a7, a7, 8
    addi a2, a2, -1
    bnez a2, 4b
5:  add a3, a3, a6
    addi a5, a5, -1
    bnez a5, 1b
    slli a13, a13, 7
    neg a13, a13
    s32i a13, sp, CORR
    ret

    EXACT
    LEAVE
