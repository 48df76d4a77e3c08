# DEPTHWISE_CONV_2D: each input channel has filters of its own.
#   out[c, j] = requantise(bias[c, j] + sum_t xu[c, t] * w[c, j, t])        xu = x + 128, a byte without sign
# Scratch has for each output channel four words (bias and SHORTENED) and its weights as int16, then, for one row of
# outputs, the input rows that it needs, with their padding. So all windows are alike, and at each position the channels
# are made one after another: a product takes 4 to 7 instructions, an output 35 more. With MAC16 a kernel of 3 x 3 (`columns`)
# makes all positions of the row for one channel after another, with its weights in m0 to m3: 24 or 28 for the products,
# 15 more for an output, 42 for a channel. Without it a product takes 5 or 8. A byte of an input row takes 1.5 where
# rows are words, else 5.
#
# a2 x of the channel, a3 x of the tap; a4 output channel in scratch; a5 bytes from tap to tap, a6 from the last one of a
# row to the next row; a7 sum, a8, a9 temporary; a10 filters left of the channel; a11 and a12 bounds, a13 output, a14 and
# a15 NEAR and FRAC
.include "frame.inc"
.include "record.inc"
.include "requant.inc"
.equ REC, 4                     # the record
.equ BLOCK, 8                   # output channels in scratch, their end
.equ END, 12
.equ SIZE, 16                   # bytes of one of them
.equ DELTA, 20
.equ TABLE, 24
.equ ROWS, 28                   # the input rows
.equ W, 32                      # bytes of one
.equ CI, 36                     # bytes of a pixel, of a row of the input
.equ LINE, 40
.equ LEADING, 44                # bytes of padding before a row
.equ INSIDE, 48                 # bytes of the input in it
.equ IY, 52                     # first input row of the row of outputs, address of its first pixel; the output
.equ XP, 56
.equ OROW, 60
.equ OY, 64                     # rows left
.equ OX, 68                     # positions left, window and output of the position
.equ WIN, 72
.equ OP, 76
.equ STEP, 80                   # a5, a6
.equ NEXT, 84
.equ XSTEP, 88                  # bytes from window to window
.equ KW, 92                     # taps of a row; KH rows
.equ KH, 96
.equ THREE, 100                 # 0: a kernel of 3 x 3
.equ OG, 104
.equ LEFT, 108
.equ PIXEL, 148                 # `columns`: bytes from output to output, positions, of the step to the next window what
.equ COUNT, 152                 # is more than one tap; the output channel in scratch, its table
.equ REST, 156
.equ CUR, 160
.equ CURTAB, 164
.equ RUN, 168                   # taps that lie STEP apart, and how many times: a kernel of one column is one run
.equ RUNS, 172
REQUANT_FRAME 112
.equ FRAME, 176

    ENTER FRAME
    RECORD a15, a4
    s32i a15, sp, REC
    l32i a14, a2, 12            # arena
    l32i a13, a2, 20            # weights
    l32i a4, a15, R_DATA
    add a13, a13, a4
    l32i a12, a15, R_TABLE
    add a12, a12, a13
    s32i a12, sp, TABLE
    REQUANT_SETUP
    l32i a4, a15, R_TO
    add a4, a4, a14
    s32i a4, sp, OROW
    l32i a5, a15, R_GROUPS      # a5 bytes of a pixel
    s32i a5, sp, CI
    l32i a4, a15, R_W
    mull a4, a4, a5
    s32i a4, sp, LINE
    l32i a6, a15, R_TOP
    neg a6, a6
    s32i a6, sp, IY
    mull a6, a6, a4
    add a6, a6, a14
    l32i a7, a15, R_FROM
    add a6, a6, a7
    s32i a6, sp, XP
    l32i a6, a15, R_LEFT
    mull a3, a6, a5
    l32i a7, a15, R_KW
    s32i a7, sp, KW
    l32i a8, a15, R_DW
    mull a8, a8, a5             # from tap to tap
    s32i a8, sp, STEP
    addi a9, a7, -1
    mull a9, a9, a8             # from the first to the last of a row
    l32i a10, a15, R_SW
    mull a10, a10, a5
    s32i a10, sp, XSTEP
    sub a11, a10, a8
    s32i a11, sp, REST
    l32i a11, a15, R_PIXEL
    s32i a11, sp, PIXEL
    l32i a11, a15, R_OW
    s32i a11, sp, COUNT
    addi a11, a11, -1
    mull a10, a10, a11
    add a10, a10, a9
    add a10, a10, a5
    s32i a10, sp, W
    sub a9, a10, a9
    s32i a9, sp, NEXT
    min a3, a3, a10             # padding before, and what of the input fits
    s32i a3, sp, LEADING
    sub a10, a10, a3
    min a10, a10, a4
    s32i a10, sp, INSIDE
    l32i a6, a15, R_KH
    s32i a6, sp, KH
    mull a7, a7, a6             # taps
    addi a8, a6, -3
    addi a9, a7, -9
    or a8, a8, a9
    s32i a8, sp, THREE
    l32i a8, sp, KW
    bnei a8, 1, 1f
    l32i a9, sp, NEXT
    s32i a9, sp, STEP
    mov a8, a6
    movi a6, 1
1:  s32i a8, sp, RUN
    s32i a6, sp, RUNS
    l32i a4, a15, R_OH
    s32i a4, sp, OY
    l32i a4, a15, R_OG
    s32i a4, sp, OG
    mull a5, a5, a4             # a5 outputs of a pixel
    l32i a2, a15, R_SCRATCH
    add a2, a2, a14
    s32i a2, sp, BLOCK
    addi a4, a7, 1
    srli a4, a4, 1
    slli a4, a4, 2
    addi a4, a4, 16
    s32i a4, sp, SIZE
    mull a4, a4, a5
    add a4, a4, a2
    s32i a4, sp, END
    s32i a4, sp, ROWS

# --- output channels to scratch: a2 to, a5 left, a7 taps, a12 table, a13 weights
each:
    FOUR_WORDS a12, 0
    addi a12, a12, 16
    addi a8, a2, 16
    mov a9, a7
    REPEAT a9, weight
    l8ui a10, a13, 0
    addi a13, a13, 1
    addi a10, a10, -128
    s16i a10, a8, 0
    addi a8, a8, 2
    AGAIN a9, weight
    l32i a8, sp, SIZE
    add a2, a2, a8
    addi a5, a5, -1
    bnez a5, each

# --- a row of outputs: first its input rows. a2 to, a3 from, a4 left, a5 row, a6 bytes inside; a7 zero point
outputs:
    l32i a15, sp, REC
    l32i a2, sp, ROWS
    l32i a3, sp, XP
    l32i a4, sp, KH
    l32i a5, sp, IY
    l32i a7, a15, R_ZX
gather:
    l32i a8, a15, R_H
    movi a6, 0                  # nothing of a row outside
    l32i a10, sp, W
    bgeu a5, a8, 4f
    l32i a8, sp, LEADING
    sub a10, a10, a8
    beqz a8, 1f
    REPEAT a8, before
    s8i a7, a2, 0
    addi a2, a2, 1
    AGAIN a8, before
1:  l32i a6, sp, INSIDE
    sub a10, a10, a6
    mov a11, a3
    or a8, a2, a3
    extui a8, a8, 0, 2
    bnez a8, 2f
    movi a9, 128                # words
    slli a8, a9, 8
    or a9, a9, a8
    slli a8, a9, 16
    or a9, a9, a8
    srli a8, a6, 2
    extui a6, a6, 0, 2
    beqz a8, 2f
    REPEAT a8, words
    l32i a12, a11, 0
    addi a11, a11, 4
    xor a12, a12, a9
    s32i a12, a2, 0
    addi a2, a2, 4
    AGAIN a8, words
2:  beqz a6, 4f
    movi a9, 128
    REPEAT a6, bytes
    l8ui a12, a11, 0
    addi a11, a11, 1
    xor a12, a12, a9
    s8i a12, a2, 0
    addi a2, a2, 1
    AGAIN a6, bytes
4:  beqz a10, 5f
    REPEAT a10, behind
    s8i a7, a2, 0
    addi a2, a2, 1
    AGAIN a10, behind
5:  l32i a8, sp, LINE
    l32i a9, a15, R_DH
    mull a8, a8, a9
    add a3, a3, a8
    add a5, a5, a9
    addi a4, a4, -1
    bnez a4, gather

# --- its positions
    l32i a2, sp, ROWS
    s32i a2, sp, WIN
    l32i a4, a15, R_OW
    s32i a4, sp, OX
    l32i a13, sp, OROW
    s32i a13, sp, OP
    l32i a5, sp, STEP
    l32i a6, sp, NEXT
    l32i a11, sp, LO
    l32i a12, sp, HI
    l32i a14, sp, NEAR
    l32i a15, sp, FRAC
.if MAC16
    l32i a8, sp, THREE
    beqz a8, columns
.endif
position:
    l32i a4, sp, BLOCK
    l32i a10, sp, OG
output:
    l32i a7, a4, 0
    mov a3, a2
.if MAC16
    j any
.else
    l32i a8, sp, THREE
    bnez a8, any
.macro TAP at, step
    l8ui a8, a3, 0
    l16si a9, a4, 16 + 2 * \at
    add a3, a3, \step
    mull a8, a8, a9
    add a7, a7, a8
.endm
    TAP 0, a5
    TAP 1, a5
    TAP 2, a6
    TAP 3, a5
    TAP 4, a5
    TAP 5, a6
    TAP 6, a5
    TAP 7, a5
    TAP 8, a6
.endif
result:
    l32i a8, a4, 4
    ssr a8
    sra a8, a7
    l32i a9, a4, 8
    mull a8, a8, a9
    l32i a9, a4, 12
    add a8, a8, a9
    RESULT a8, slow, bounds
    addi a13, a13, 1
    addi a10, a10, -1
    bnez a10, 3f
    l32i a10, sp, OG
    addi a2, a2, 1
3:  l32i a8, sp, SIZE
    l32i a9, sp, END
    add a4, a4, a8
    bne a4, a9, output
    l32i a15, sp, REC           # the next position
    l32i a8, sp, OX
    addi a8, a8, -1
    s32i a8, sp, OX
    beqz a8, 4f
    l32i a2, sp, WIN
    l32i a9, sp, XSTEP
    add a2, a2, a9
    s32i a2, sp, WIN
    l32i a13, sp, OP
    l32i a9, a15, R_PIXEL
    add a13, a13, a9
    s32i a13, sp, OP
    l32i a15, sp, FRAC
    j position
4:
next_row:
    l32i a8, sp, OY
    addi a8, a8, -1
    s32i a8, sp, OY
    beqz a8, return
    l32i a4, sp, OROW
    l32i a5, a15, R_ROW
    add a4, a4, a5
    s32i a4, sp, OROW
    l32i a4, sp, IY
    l32i a5, a15, R_SH
    add a4, a4, a5
    s32i a4, sp, IY
    l32i a4, sp, LINE
    mull a4, a4, a5
    l32i a5, sp, XP
    add a4, a4, a5
    s32i a4, sp, XP
    j outputs

# any kernel. a8 weights, a0 runs left
any:
    addi a8, a4, 16
    l32i a0, sp, RUNS
    s32i a10, sp, LEFT
.if MAC16
    wsr.acclo a7
    l32i a9, sp, RUN
    bnei a0, 1, 3f
    srli a0, a9, 1              # one run: two weights at a time
    loopnez a0, 4f
    l32i a7, a8, 0
    addi a8, a8, 4
    l8ui a10, a3, 0
    add a3, a3, a5
    mula.aa.ll a10, a7
    l8ui a10, a3, 0
    add a3, a3, a5
    mula.aa.lh a10, a7
4:  bbci a9, 0, 5f
    l8ui a10, a3, 0
    l16si a7, a8, 0
    mula.aa.ll a10, a7
5:  l32i a10, sp, LEFT
    rsr.acclo a7
    j result
.macro TAP at, step
    l8ui a10, a3, 0
    l16si a7, a8, 2 * \at
    add a3, a3, \step
    mula.aa.ll a10, a7
.endm
3:  bnei a9, 3, 1f              # runs of three
    loop a0, 6f
    TAP 0, a5
    TAP 1, a5
    TAP 2, a6
    addi a8, a8, 6
6:  j 5b
.endif
1:  l32i a9, sp, RUN
    addi a9, a9, -1
    beqz a9, 2f
    REPEAT a9, tap
    l8ui a10, a3, 0
    l16si a15, a8, 0
    add a3, a3, a5
    addi a8, a8, 2
.if MAC16
    mula.aa.ll a10, a15
.else
    mull a10, a10, a15
    add a7, a7, a10
.endif
    AGAIN a9, tap
2:  l8ui a10, a3, 0
    l16si a15, a8, 0
    add a3, a3, a6
    addi a8, a8, 2
.if MAC16
    mula.aa.ll a10, a15
.else
    mull a10, a10, a15
    add a7, a7, a10
.endif
    addi a0, a0, -1
    bnez a0, 1b
.if MAC16
    rsr.acclo a7
.endif
    l32i a10, sp, LEFT
    l32i a15, sp, FRAC
    j result

slow:
    s32i a10, sp, LEFT
    l32i a9, sp, OP             # which channel?
    sub a9, a13, a9
    slli a9, a9, 4
    l32i a10, sp, TABLE
    add a9, a9, a10
    call0 exact
    l32i a10, sp, LEFT
    j bounds

.if MAC16
# a2 to a4 the window's rows, a5 from tap to tap; a6 bias, a7, a8, a10 SHORTENED, a9 the last weight; the rest as above
columns:
    l32i a8, sp, BLOCK
    s32i a8, sp, CUR
    l32i a8, sp, TABLE
    s32i a8, sp, CURTAB
    l32i a8, sp, OG
    s32i a8, sp, LEFT
column:
    l32i a0, sp, CUR
    l32i a2, sp, WIN
    l32i a4, sp, W
    add a3, a2, a4
    add a4, a4, a3
    l32i a6, a0, 0
    l32i a7, a0, 4
    l32i a8, a0, 8
    l32i a10, a0, 12
    l32i a9, a0, 32
    addi a0, a0, 12
    ldinc m0, a0
    ldinc m1, a0
    ldinc m2, a0
    ldinc m3, a0
    l32i a13, sp, OP
.macro NINE again, slowly
    wsr.acclo a6
    l8ui a0, a2, 0
    mula.da.ll m0, a0
    add a2, a2, a5
    l8ui a0, a2, 0
    mula.da.hl m0, a0
    add a0, a2, a5
    l8ui a0, a0, 0
    mula.da.ll m1, a0
    l8ui a0, a3, 0
    mula.da.hl m1, a0
    add a3, a3, a5
    l8ui a0, a3, 0
    mula.ad.ll a0, m2
    add a0, a3, a5
    l8ui a0, a0, 0
    mula.ad.lh a0, m2
    l8ui a0, a4, 0
    mula.ad.ll a0, m3
    add a4, a4, a5
    l8ui a0, a4, 0
    mula.ad.lh a0, m3
    add a0, a4, a5
    l8ui a0, a0, 0
    mula.aa.ll a0, a9
    rsr.acclo a0
    ssr a7
    sra a0, a0
    mull a0, a0, a8
    add a0, a0, a10
    RESULT a0, \slowly, \again
    l32i a0, sp, PIXEL
    add a13, a13, a0
.endm
    l32i a0, sp, REST
    bnez a0, 2f
    l32i a0, sp, COUNT
    loop a0, 1f
    NINE near, slow_near
1:  j 3f
2:  l32i a0, sp, COUNT
    loop a0, 3f
    NINE far, slow_far
    l32i a0, sp, REST
    add a2, a2, a0
    add a3, a3, a0
    add a4, a4, a0
3:  l32i a8, sp, OP
    addi a8, a8, 1
    s32i a8, sp, OP
    l32i a8, sp, CURTAB
    addi a8, a8, 16
    s32i a8, sp, CURTAB
    l32i a8, sp, LEFT
    addi a8, a8, -1
    bnez a8, 4f
    l32i a8, sp, WIN
    addi a8, a8, 1
    s32i a8, sp, WIN
    l32i a8, sp, OG
4:  s32i a8, sp, LEFT
    l32i a8, sp, CUR
    l32i a9, sp, SIZE
    add a8, a8, a9
    s32i a8, sp, CUR
    l32i a9, sp, END
    bne a8, a9, column
    l32i a15, sp, REC
    j next_row
.macro SLOWLY label, again
\label:
    mov a8, a0
    rsr.acclo a7
    l32i a9, sp, CURTAB
    call0 exact
    mov a0, a8
    l32i a10, sp, CUR
    l32i a7, a10, 4
    l32i a8, a10, 8
    l32i a9, a10, 32
    l32i a10, a10, 12
    j \again
.endm
    SLOWLY slow_near, near
    SLOWLY slow_far, far
.endif

    EXACT
    LEAVE
