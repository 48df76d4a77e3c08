# Convolution: CONV_2D of any groups, FULLY_CONNECTED.
#   out[j] = requantise(bias[j] + sum_k x[k] * w[j, k])     x signed; the bias holds -zero * sum of w
#
# `packed` makes four channels of three positions at a time; one multiplication gives the products of two channels:
#   V = w[j] + 65536 * w[j+1], one word for two channels.  t = x[k] * V[k] + x[k+1] * V[k+1] = p + 65536 * q
#   with p = x[k] w[j, k] + x[k+1] w[j, k+1] and q the same of j+1. Where no w is -128, |p| <= 128 * 254 < 2^15, so
#   q = (t + 32768) >> 16 exactly; H = sum q is channel j+1, T = sum t (mod 2^32) leaves T - 65536 * H for channel j.
#   Two taps of two channels are 7 instructions, and an x serves four channels: 2.22 instructions per product.
#   Scratch has a stream of words for a pass of channels, made from the bytes of DATA in 3.2 instructions each; where
#   the model keeps it, it is made once. Of each tile of four channels it has in order of use: T and H of two and two
#   channels without any product, that is their biases; the weights [k][2]; three words for the requantisation of each
#   channel. Weights of 0 fill the last tile up. The last one or two positions are made one by one: 2.7 per product.
# `single` makes one position x four channels from the bytes of DATA, which are w + 128:
#   sum x * (w + 128) - 128 * sum x. 3.5 instructions per product: for groups, weights of -128, and where words for two
#   channels do not pay, that is up to three positions (dense layers).
#
# Input: windows that lie inside the image are read where they are, as `ROWS` runs of `RUN` bytes that lie DHROW bytes
# apart; others are gathered into a column of K bytes in scratch, which is one run.
#
# Frame, from sp: words of the layer, then of the place where it is.
.equ REC, 0                     # the record
.equ WTS, 4                     # weights in DATA
.equ TAB, 8                     # table
.equ COLS, 12                   # scratch: three columns of k4 bytes, or one
.equ EXP, 16                    # expanded weights, in scratch or kept
.equ READY, 20                  # not 0: they are there
.equ K, 24
.equ K4, 28
.equ RUN, 32                    # of windows inside the image
.equ ROWS, 36
.equ LIMX, 40                   # the last column and row where a window lies inside, -1: none
.equ LIMY, 44
.equ SWCI, 48                   # bytes from the window of a position to the next, of a row of positions to the next
.equ SHROW, 52
.equ DHROW, 56                  # bytes from a row of the window to the next
.equ LO, 60                     # bounds and zero point of the output, as int8
.equ HI, 64
.equ ZO, 68
.equ FAST, 72                   # tiles of so many channels, or more, are what CHANNEL can do
.equ IN, 76                     # window and output of the first position
.equ OUT, 80
.equ BLOCKS, 84                 # positions in threes, and what is left
.equ REST, 88
.equ IX, 92                     # the next position: column and row of its window, address of that in the input
.equ IY, 96
.equ XP, 100
.equ OP, 104                    # address of its output
.equ LEFT, 108                  # positions left in its row
.equ XROW, 112                  # addresses for the first position of the row
.equ OROW, 116
.equ COUNT, 120                 # blocks or positions left
.equ SETS, 124                  # how to walk along three windows: those that lie inside, gathered ones; the ones at hand:
.equ SPAN, 164                  # bytes of a run's fours (with ODD), RUN & 3, bytes from there to the next run, runs,
.equ TAIL, 168                  # 4 for an odd number of fours: then their addresses are 4 less
.equ SKIP, 172
.equ ROWSX, 176
.equ ODD, 180
.equ MODE, 184                  # 0: that is of windows inside, 1: gathered
.equ INSIDE, 188                # 1: every window lies inside
.equ SHIFT, 192                 # IN and XP are less by that much
.equ WINX, 196                  # three positions: addresses of windows, of outputs, columns, rows
.equ WINO, 208
.equ WINIX, 220
.equ WINIY, 232
.equ TILE, 244                  # stream, channels left
.equ TLEFT, 248
.equ PASSW, 252                 # weights, table, first channel of the pass, channels of it
.equ PASST, 256
.equ PASS0, 260
.equ PASSN, 264
.equ SIGN, 268                  # 1: negative results are not cut off
.equ SAVED, 272                 # ra, s0-s11
.equ FRAME, 320

.include "frame.inc"
.include "record.inc"
.include "requant.inc"
.include "copy.inc"

# The next position: s0 column, s1 row, s2 window, s3 output, s4 left in the row; a0 = sw, a1 = SWCI, a2 = pixel.
# Uses t0, t1.
.macro STEP
    add s0, s0, a0
    add s2, s2, a1
    add s3, s3, a2
    addi s4, s4, -1
    bnez s4, 9f
    lw t0, REC(sp)
    lw s2, XROW(sp)
    lw t1, SHROW(sp)
    add s2, s2, t1
    sw s2, XROW(sp)
    lw s3, OROW(sp)
    lw t1, R_ROW(t0)
    add s3, s3, t1
    sw s3, OROW(sp)
    lw t1, R_SH(t0)
    add s1, s1, t1
    lw s0, R_LEFT(t0)
    neg s0, s0
    lw s4, R_OW(t0)
9:
.endm

.macro LOAD_PLACE
    lw s0, IX(sp)
    lw s1, IY(sp)
    lw s2, XP(sp)
    lw s3, OP(sp)
    lw s4, LEFT(sp)
.endm

.macro STORE_PLACE
    sw s0, IX(sp)
    sw s1, IY(sp)
    sw s2, XP(sp)
    sw s3, OP(sp)
    sw s4, LEFT(sp)
.endm

# Two taps of one position (x in t0, t1) with four channels (a2, a3: first tap, a4, a5: second).
.macro TWO_TAPS t0_, h0, t1_, h1
    mul a0, t0, a2
    mul s1, t1, a4
    mul a1, t0, a3
    mul t1, t1, a5
    add a0, a0, s1
    add a1, a1, t1
    add \t0_, \t0_, a0
    add \t1_, \t1_, a1
    add a0, a0, t3
    add a1, a1, t3
    srai a0, a0, 16
    srai a1, a1, 16
    add \h0, \h0, a0
    add \h1, \h1, a1
.endm

# Two taps, \x bytes into the window: four channels of three positions. 52 instructions, 24 products.
.macro TAPS x
    lw a2, 8 * \x(s0)
    lw a3, 8 * \x + 4(s0)
    lw a4, 8 * \x + 8(s0)
    lw a5, 8 * \x + 12(s0)
    lb t0, \x(s9)
    lb t1, \x + 1(s9)
    TWO_TAPS a6, a7, t4, t5
    lb t0, \x(s10)
    lb t1, \x + 1(s10)
    TWO_TAPS s2, s3, s4, s5
    lb t0, \x(s11)
    lb t1, \x + 1(s11)
    TWO_TAPS s6, s7, s8, t6
.endm

.macro ONE_TAP x, t0_, h0, t1_, h1
    lb t0, \x
    mul a0, t0, a2
    mul a1, t0, a3
    add \t0_, \t0_, a0
    add \t1_, \t1_, a1
    add a0, a0, t3
    add a1, a1, t3
    srai a0, a0, 16
    srai a1, a1, 16
    add \h0, \h0, a0
    add \h1, \h1, a1
.endm

# Requantises twice a sum in \x (\double: not yet doubled) and stores it. Where no sum reaches 2^29, with
# V = floor(sum * m / 2^30) the result is (V + 1 + 2^e + zero * 2^(1 + e) - (sum < 0 ? 2 : 0)) >> 1 + e.
# Without \sign: negative results are cut off anyway. a0 = 2m, a1 = 1 + e, a2 = 1 + 2^e + zero * 2^(1 + e).
.macro ONE_RESULT x, at, double, sign
    .if \double
    slli a4, \x, 1
    mulhsu a3, a4, a0
    .else
    mulhsu a3, \x, a0
    .endif
    .if \sign
    .if \double
    srai a4, a4, 31
    .else
    srai a4, \x, 31
    .endif
    slli a4, a4, 1
    add a3, a3, a4
    .endif
    add a3, a3, a2
    sra a3, a3, a1
    bge a3, t0, 1f
    mv a3, t0
1:  bge t1, a3, 2f
    mv a3, t1
2:  sb a3, \at
.endm

# Channel \j of a tile for three positions, whose sums are in \a, \b, \c.
.macro CHANNEL j, a, b, c, double, sign
    lw a0, 12 * \j(s0)
    lw a1, 12 * \j + 4(s0)
    lw a2, 12 * \j + 8(s0)
    ONE_RESULT \a, \j(s9), \double, \sign
    ONE_RESULT \b, \j(s10), \double, \sign
    ONE_RESULT \c, \j(s11), \double, \sign
.endm

# The same for any sums, and for the last tile, which may have fewer than four channels.
.macro CHANNEL_ANY j, a, b, c
    lw a0, 12 * \j(s0)
    lw a1, 12 * \j + 4(s0)
    lw a2, 12 * \j + 8(s0)
    mv a5, \a
    jal result
    sb a3, \j(s9)
    mv a5, \b
    jal result
    sb a3, \j(s10)
    mv a5, \c
    jal result
    sb a3, \j(s11)
    .if \j < 3
    lw a5, TLEFT(sp)
    addi a5, a5, -1 - \j
    beqz a5, stored
    .endif
.endm

run:
    ENTER FRAME, SAVED

# --- the layer: a7 record, s1 arena
    lw t0, 28(a0)               # kept weights
    sw t0, EXP(sp)
    lw t0, 36(a0)
    sw t0, READY(sp)
    lw a7, 0(a0)
    lw t0, 4(a0)
    add a7, a7, t0
    sw a7, REC(sp)
    lw s1, 12(a0)
    lw t0, 20(a0)
    lw t1, R_DATA(a7)
    add t0, t0, t1
    sw t0, WTS(sp)
    lw t1, R_TABLE(a7)
    add t0, t0, t1
    sw t0, TAB(sp)
    lw t0, R_ZO(a7)
    addi t0, t0, -128
    sw t0, ZO(sp)
    lw t0, R_LO(a7)
    addi t0, t0, -128
    sw t0, LO(sp)
    lw t0, R_HI(a7)
    addi t0, t0, -128
    sw t0, HI(sp)
    lw a1, R_CG(a7)
    lw a2, R_KH(a7)
    lw a3, R_KW(a7)
    lw a4, R_GROUPS(a7)
    mul t0, a3, a1
    sw t0, RUN(sp)
    sw a2, ROWS(sp)
    mul s2, t0, a2
    sw s2, K(sp)
    addi s3, s2, 3
    andi s3, s3, -4
    sw s3, K4(sp)
    mul s4, a4, a1              # bytes of a pixel, of a row
    lw t1, R_W(a7)
    mul s5, t1, s4
    lw t2, R_DH(a7)
    mul t2, t2, s5
    sw t2, DHROW(sp)
    bne t2, t0, 1f              # rows of the window that are neighbours are one run
    sw s2, RUN(sp)
    li t2, 1
    sw t2, ROWS(sp)
1:  lw t2, R_SW(a7)
    mul t2, t2, s4
    sw t2, SWCI(sp)
    lw t2, R_SH(a7)
    mul t2, t2, s5
    sw t2, SHROW(sp)
    lw t2, R_SCRATCH(a7)
    add t2, t2, s1
    sw t2, COLS(sp)
    lw t3, R_H(a7)              # the last row, the last column
    addi t4, a2, -1
    lw t5, R_DH(a7)
    mul t4, t4, t5
    sub t3, t3, t4
    addi t3, t3, -1
    sw t3, LIMY(sp)
    addi t4, a3, -1
    sub t3, t1, t4
    addi t3, t3, -1
    beqz t4, 2f                 # a run needs neighbours: no dilation, no groups
    addi t5, a4, -1
    bnez t5, 3f
    lw t5, R_DW(a7)
    addi t5, t5, -1
    beqz t5, 2f
3:  li t3, -1
2:  sw t3, LIMX(sp)
    lw t0, R_TOP(a7)            # the first position
    neg t0, t0
    mul t0, t0, s5
    lw t1, R_LEFT(a7)
    mul t1, t1, s4
    sub t0, t0, t1
    lw t1, R_FROM(a7)
    add t0, t0, t1
    add t0, t0, s1
    sw t0, IN(sp)
    lw t0, R_TO(a7)
    add t0, t0, s1
    sw t0, OUT(sp)

# --- who makes it
    sw zero, PASS0(sp)
    jal start
    lw a7, REC(sp)
    lw s0, R_OH(a7)             # positions
    lw t0, R_OW(a7)
    mul s0, s0, t0
    sw s0, COUNT(sp)
    lw t0, R_PAIRS(a7)
    andi t0, t0, 1              # no weight is -128
    beqz t0, single
    lw t0, EXP(sp)
    bnez t0, 1f
    sw zero, READY(sp)
    lw t0, R_BLOCK(a7)
    beqz t0, single
    li t0, 4
    bltu s0, t0, single
    lw t0, COLS(sp)
    lw t1, K4(sp)
    slli t1, t1, 2
    add t0, t0, t1
    sw t0, EXP(sp)
    lw s1, R_BLOCK(a7)
    j 2f
1:  lw s1, R_OG(a7)
2:  sw s1, PASSN(sp)
    li t0, 3
    divu t1, s0, t0
    sw t1, BLOCKS(sp)
    mul t1, t1, t0
    sub s0, s0, t1
    sw s0, REST(sp)
    lw t0, WTS(sp)
    sw t0, PASSW(sp)
    lw t3, TAB(sp)
    sw t3, PASST(sp)
    lui t0, 0x80000
    sw t0, FAST(sp)
    lw t0, LO(sp)
    lw t1, ZO(sp)
    slt t0, t0, t1
    sw t0, SIGN(sp)
    lw t0, K(sp)                # can CHANNEL requantise?
    srli t0, t0, 13
    bnez t0, 4f                 # sums without bias may reach 2^27
    lw t2, R_OG(a7)
    li t4, 21
    lui t5, 0x10000
3:  lw t0, 8(t3)                # e of 1 to 21, no GENERAL
    addi t0, t0, -1
    bgeu t0, t4, 4f
    lw t0, 12(t3)               # bias from -2^28 to 2^28 - 1
    add t0, t0, t5
    srli t0, t0, 29
    bnez t0, 4f
    addi t3, t3, 16
    addi t2, t2, -1
    bnez t2, 3b
    li t0, 4
    sw t0, FAST(sp)
4:  sw zero, INSIDE(sp)         # do all windows lie inside?
    lw t0, R_TOP(a7)
    lw t1, R_LEFT(a7)
    or t0, t0, t1
    bnez t0, 5f
    lw t0, R_OH(a7)
    addi t0, t0, -1
    lw t1, R_SH(a7)
    mul t0, t0, t1
    lw t1, LIMY(sp)
    blt t1, t0, 5f
    lw t0, R_OW(a7)
    addi t0, t0, -1
    lw t1, R_SW(a7)
    mul t0, t0, t1
    lw t1, LIMX(sp)
    blt t1, t0, 5f
    li t0, 1
    sw t0, INSIDE(sp)
5:  li t0, -1
    sw t0, MODE(sp)
    addi a0, sp, SETS
    lw t0, RUN(sp)
    lw t1, ROWS(sp)
    lw t2, DHROW(sp)
    jal walk
    sw t0, SHIFT(sp)
    lw t1, IN(sp)
    sub t1, t1, t0
    sw t1, IN(sp)
    lw t0, K(sp)
    li t1, 1
    jal walk

# --- packed: passes of as many channels as there is room for
pass:
    jal start
    lw a7, REC(sp)
    lw t0, R_OG(a7)
    lw t1, PASS0(sp)
    lw t2, PASSN(sp)
    sub t0, t0, t1
    bgeu t0, t2, 1f
    sw t0, PASSN(sp)
1:  lw t0, READY(sp)
    bnez t0, blocks

# the stream: a0 bytes, a1 words, a2 channels left, a4 quads left of a tile, s0 table, s1 bytes of a tile's weights, s2
# their end, s3 2 * zero + 1
    lw s0, PASST(sp)
    lw s1, K(sp)
    slli s1, s1, 3
    lw s3, ZO(sp)
    slli s3, s3, 1
    addi s3, s3, 1
    lw a0, PASSW(sp)
    lw a1, EXP(sp)
    lw a2, PASSN(sp)
    lw a3, K4(sp)
    srli a3, a3, 2
    lui a6, 0x800
    addi a6, a6, 128            # 128 + 65536 * 128
2:  mv a4, a3
    lw t1, 12(s0)               # biases
    li t2, 0
    li t3, 0
    li t4, 0
    li t0, 1
    beq a2, t0, 1f
    lw t2, 28(s0)
    li t0, 2
    beq a2, t0, 1f
    lw t3, 44(s0)
    li t0, 3
    beq a2, t0, 1f
    lw t4, 60(s0)
1:  slli t5, t2, 16
    add t1, t1, t5
    slli t5, t4, 16
    add t3, t3, t5
    sw t1, 0(a1)
    sw t2, 4(a1)
    sw t3, 8(a1)
    sw t4, 12(a1)
    addi a1, a1, 16
    add s2, a1, s1
    li t0, 4
    bltu a2, t0, 4f
.macro EXPAND k
    lbu t1, \k(a0)
    lbu t2, 4 + \k(a0)
    lbu t3, 8 + \k(a0)
    lbu t4, 12 + \k(a0)
    slli t2, t2, 16
    slli t4, t4, 16
    add t1, t1, t2
    add t3, t3, t4
    sub t1, t1, a6
    sub t3, t3, a6
    sw t1, 8 * \k(a1)
    sw t3, 8 * \k + 4(a1)
.endm
3:  EXPAND 0
    EXPAND 1
    EXPAND 2
    EXPAND 3
    addi a0, a0, 16
    addi a1, a1, 32
    addi a4, a4, -1
    bnez a4, 3b
    j 7f
4:  slli t0, a2, 2              # bytes of a quad of 1 to 3 rows; where a row is missing, w = 0
    mv a5, a0
    mv a7, a1
    add t5, a0, t0
5:  lbu t1, 0(a5)
    li t2, 128
    li t3, 128
    addi t4, a5, 4
    bgeu t4, t5, 6f
    lbu t2, 4(a5)
    addi t4, a5, 8
    bgeu t4, t5, 6f
    lbu t3, 8(a5)
6:  slli t2, t2, 16
    add t1, t1, t2
    slli t4, a6, 16             # 128 * 65536
    add t3, t3, t4
    sub t1, t1, a6
    sub t3, t3, a6
    sw t1, 0(a7)
    sw t3, 4(a7)
    addi a7, a7, 8
    addi a5, a5, 1
    andi t1, a5, 3
    bnez t1, 5b
    add a0, a0, t0
    mv a5, a0
    add t5, a0, t0
    addi a4, a4, -1
    bnez a4, 5b
7:  li t5, 4                    # requantisation: of the words of `result`, or of CHANNEL
    bgeu a2, t5, 8f
    mv t5, a2
8:  mv t6, t5
    lw t4, FAST(sp)
    mv a1, s2
9:  lw t0, 4(s0)
    lw t1, 8(s0)
    slli t0, t0, 1
    li t2, 1
    sll t2, t2, t1
    srli t2, t2, 1
    bltu t6, t4, 6f
    sll t2, s3, t1
    addi t2, t2, 1
    addi t1, t1, 1
6:  sw t0, 0(a1)
    sw t1, 4(a1)
    sw t2, 8(a1)
    addi a1, a1, 12
    addi s0, s0, 16
    addi t5, t5, -1
    bnez t5, 9b
    sub a2, a2, t6
    beqz a2, 1f
    j 2b
1:  sw a0, PASSW(sp)
    sw s0, PASST(sp)

blocks:
    lw t0, BLOCKS(sp)
    sw t0, COUNT(sp)
    beqz t0, rest
block:                          # three positions
    LOAD_PLACE
    lw a7, REC(sp)
    lw a0, R_SW(a7)
    lw a1, SWCI(sp)
    lw a2, R_PIXEL(a7)
    lw t0, INSIDE(sp)
    addi s11, sp, 0
    addi s10, sp, 12
    beqz t0, 2f
    li a5, 0
1:  sw s2, WINX(s11)
    sw s3, WINO(s11)
    STEP
    addi s11, s11, 4
    bne s11, s10, 1b
    STORE_PLACE
    j 6f
2:  lw a3, LIMX(sp)
    lw a4, LIMY(sp)
    li a5, 0                    # 1: one of them is not inside
3:  sw s2, WINX(s11)
    sw s3, WINO(s11)
    sw s0, WINIX(s11)
    sw s1, WINIY(s11)
    or t0, s0, s1
    bltz t0, 4f
    blt a3, s0, 4f
    bge a4, s1, 5f
4:  li a5, 1
5:  STEP
    addi s11, s11, 4
    bne s11, s10, 3b
    STORE_PLACE
    beqz a5, 6f
    addi s11, sp, 0             # gather all three
    lw s9, COLS(sp)
    lw s8, K4(sp)
    lw s7, K(sp)
    andi s7, s7, 4
    lw s6, SHIFT(sp)
4:  mv a0, s9
    lw a1, WINIX(s11)
    lw a2, WINIY(s11)
    lw a3, WINX(s11)
    add a3, a3, s6
    jal gather
    sub a3, s9, s7
    sw a3, WINX(s11)
    add s9, s9, s8
    addi s11, s11, 4
    bne s11, s10, 4b
    li a5, 1
6:  lw t0, MODE(sp)
    beq t0, a5, 7f
    sw a5, MODE(sp)
    li t0, 20
    mul t0, t0, a5
    add t0, t0, sp
    lw t1, SETS(t0)
    sw t1, SPAN(sp)
    lw t1, SETS + 4(t0)
    sw t1, TAIL(sp)
    lw t1, SETS + 8(t0)
    sw t1, SKIP(sp)
    lw t1, SETS + 12(t0)
    sw t1, ROWSX(sp)
    lw t1, SETS + 16(t0)
    sw t1, ODD(sp)
7:  lw t0, EXP(sp)
    sw t0, TILE(sp)
    lw t0, PASSN(sp)
    sw t0, TLEFT(sp)

# a tile: s0 weights; s9-s11 windows; ra its end in the first; t3 rounds; a0-a5, s1, t0, t1 temporary.
# T and H of the first and of the second two channels: a6 a7 t4 t5 | s2 s3 s4 s5 | s6 s7 s8 t6 (three positions)
tile:
    lw s9, WINX(sp)
    lw s10, WINX + 4(sp)
    lw s11, WINX + 8(sp)
    lw s0, TILE(sp)
    lw a6, 0(s0)
    lw a7, 4(s0)
    lw t4, 8(s0)
    lw t5, 12(s0)
    addi s0, s0, 16
    mv s2, a6
    mv s3, a7
    mv s4, t4
    mv s5, t5
    mv s6, a6
    mv s7, a7
    mv s8, t4
    mv t6, t5
    lui t3, 8
    lw t2, ROWSX(sp)
    lw t0, SPAN(sp)
    bnez t0, 1f
    lw t0, TAIL(sp)
    addi t0, t0, -3
    beqz t0, threes
1:  lw t0, SPAN(sp)             # a run
    beqz t0, 3f
    add ra, s9, t0
    lw t0, ODD(sp)
    beqz t0, 2f
    addi s0, s0, -32
    j half
2:  TAPS 0
    TAPS 2
half:
    TAPS 4
    TAPS 6
    addi s9, s9, 8
    addi s10, s10, 8
    addi s11, s11, 8
    addi s0, s0, 64
    bne s9, ra, 2b
3:  lw t0, TAIL(sp)
    beqz t0, 5f
    andi t0, t0, 2
    beqz t0, 4f
    TAPS 0
    lw t0, TAIL(sp)
    addi s0, s0, 16
    andi t0, t0, 1
    beqz t0, 5f
    addi s9, s9, 2
    addi s10, s10, 2
    addi s11, s11, 2
4:  lw a2, 0(s0)
    lw a3, 4(s0)
    ONE_TAP 0(s9), a6, a7, t4, t5
    ONE_TAP 0(s10), s2, s3, s4, s5
    ONE_TAP 0(s11), s6, s7, s8, t6
    addi s0, s0, 8
5:  lw t0, SKIP(sp)
    addi t2, t2, -1
    add s9, s9, t0
    add s10, s10, t0
    add s11, s11, t0
    bnez t2, 1b
    j sums
threes:                         # runs of three: kernels of three columns for one channel
    lw ra, SKIP(sp)
6:  TAPS 0
    lw a2, 16(s0)
    lw a3, 20(s0)
    ONE_TAP 2(s9), a6, a7, t4, t5
    ONE_TAP 2(s10), s2, s3, s4, s5
    ONE_TAP 2(s11), s6, s7, s8, t6
    add s9, s9, ra
    add s10, s10, ra
    add s11, s11, ra
    addi s0, s0, 24
    addi t2, t2, -1
    bnez t2, 6b

sums:
# the tile's results: the first channel of each two is T - 65536 * H
    lw t0, LO(sp)
    lw t1, HI(sp)
    lw a0, FAST(sp)
    lw a1, TLEFT(sp)
    lw s9, WINO(sp)
    lw s10, WINO + 4(sp)
    lw s11, WINO + 8(sp)
    bltu a1, a0, any_sums
.macro TWICE t_, h
    slli a0, \h, 17
    slli \t_, \t_, 1
    sub \t_, \t_, a0
.endm
    TWICE a6, a7
    TWICE t4, t5
    TWICE s2, s3
    TWICE s4, s5
    TWICE s6, s7
    TWICE s8, t6
    lw t2, SIGN(sp)
    bnez t2, signed_sums
    CHANNEL 0, a6, s2, s6, 0, 0
    CHANNEL 1, a7, s3, s7, 1, 0
    CHANNEL 2, t4, s4, s8, 0, 0
    CHANNEL 3, t5, s5, t6, 1, 0
    j stored
signed_sums:
    CHANNEL 0, a6, s2, s6, 0, 1
    CHANNEL 1, a7, s3, s7, 1, 1
    CHANNEL 2, t4, s4, s8, 0, 1
    CHANNEL 3, t5, s5, t6, 1, 1
    j stored
.macro ONCE t_, h
    slli a0, \h, 16
    sub \t_, \t_, a0
.endm
any_sums:
    lw t2, ZO(sp)
    ONCE a6, a7
    ONCE t4, t5
    ONCE s2, s3
    ONCE s4, s5
    ONCE s6, s7
    ONCE s8, t6
    CHANNEL_ANY 0, a6, s2, s6
    CHANNEL_ANY 1, a7, s3, s7
    CHANNEL_ANY 2, t4, s4, s8
    CHANNEL_ANY 3, t5, s5, t6
stored:
    lw t0, TLEFT(sp)
    addi t0, t0, -4
    blez t0, 1f
    sw t0, TLEFT(sp)
    addi s0, s0, 48
    sw s0, TILE(sp)
    addi s9, s9, 4
    sw s9, WINO(sp)
    addi s10, s10, 4
    sw s10, WINO + 4(sp)
    addi s11, s11, 4
    sw s11, WINO + 8(sp)
    j tile
1:  lw t0, COUNT(sp)
    addi t0, t0, -1
    sw t0, COUNT(sp)
    beqz t0, rest
    j block

# the last one or two positions. s0 stream; s3 output, s4 channels left; s5 column, s6 end of its whole fours; s9 its
# tap; t3 rounds; a6 a7 t4 t5 sums; a0-a5, s1, t0-t2 temporary
rest:
    lw t0, REST(sp)
    beqz t0, next_pass
    sw t0, COUNT(sp)
one:
    lw a1, IX(sp)
    lw a2, IY(sp)
    lw a3, XP(sp)
    lw t0, SHIFT(sp)
    add a3, a3, t0
    jal column
    mv s5, s0
    lw s6, K(sp)
    andi s6, s6, -4
    add s6, s6, s5
    lw s0, EXP(sp)
    lw s3, OP(sp)
    lw s4, PASSN(sp)
one_tile:
    lw a6, 0(s0)
    lw a7, 4(s0)
    lw t4, 8(s0)
    lw t5, 12(s0)
    addi s0, s0, 16
    lui t3, 8
    mv s9, s5
    beq s9, s6, 2f
.macro TAPS_OF_ONE x
    lw a2, 8 * \x(s0)
    lw a3, 8 * \x + 4(s0)
    lw a4, 8 * \x + 8(s0)
    lw a5, 8 * \x + 12(s0)
    lb t0, \x(s9)
    lb t1, \x + 1(s9)
    TWO_TAPS a6, a7, t4, t5
.endm
1:  TAPS_OF_ONE 0
    TAPS_OF_ONE 2
    addi s9, s9, 4
    addi s0, s0, 32
    bne s9, s6, 1b
2:  lw t2, K(sp)
    andi t0, t2, 2
    beqz t0, 3f
    TAPS_OF_ONE 0
    addi s9, s9, 2
    addi s0, s0, 16
3:  andi t2, t2, 1
    beqz t2, 4f
    lw a2, 0(s0)
    lw a3, 4(s0)
    ONE_TAP 0(s9), a6, a7, t4, t5
    addi s0, s0, 8
4:  lw t0, LO(sp)
    lw t1, HI(sp)
    lw a0, FAST(sp)
    bltu s4, a0, 6f
    TWICE a6, a7
    TWICE t4, t5
.macro CHANNEL_OF_ONE j, a, double
    lw a0, 12 * \j(s0)
    lw a1, 12 * \j + 4(s0)
    lw a2, 12 * \j + 8(s0)
    ONE_RESULT \a, \j(s3), \double, 1
.endm
    CHANNEL_OF_ONE 0, a6, 0
    CHANNEL_OF_ONE 1, a7, 1
    CHANNEL_OF_ONE 2, t4, 0
    CHANNEL_OF_ONE 3, t5, 1
    addi s0, s0, 48
    addi s3, s3, 4
    addi s4, s4, -4
    bnez s4, one_tile
    j 5f
6:  lw t2, ZO(sp)
    ONCE a6, a7
    ONCE t4, t5
.macro CHANNEL_OF_ONE_ANY a
    mv a5, \a
    lw a0, 0(s0)
    lw a1, 4(s0)
    lw a2, 8(s0)
    addi s0, s0, 12
    jal result
    sb a3, 0(s3)
    addi s3, s3, 1
    addi s4, s4, -1
    beqz s4, 5f
.endm
    CHANNEL_OF_ONE_ANY a6
    CHANNEL_OF_ONE_ANY a7
    CHANNEL_OF_ONE_ANY t4
    CHANNEL_OF_ONE_ANY t5
    j one_tile
5:  jal next_place
    lw t0, COUNT(sp)
    addi t0, t0, -1
    sw t0, COUNT(sp)
    bnez t0, one
next_pass:
    lw t0, PASS0(sp)
    lw t1, PASSN(sp)
    add t0, t0, t1
    sw t0, PASS0(sp)
    lw a7, REC(sp)
    lw t1, R_OG(a7)
    beq t0, t1, done
    j pass
done:
    LEAVE FRAME, SAVED

# Goes to the first position, channel PASS0.
start:
    lw t4, REC(sp)
    lw t1, R_LEFT(t4)
    neg t1, t1
    sw t1, IX(sp)
    lw t1, R_TOP(t4)
    neg t1, t1
    sw t1, IY(sp)
    lw t1, IN(sp)
    sw t1, XP(sp)
    sw t1, XROW(sp)
    lw t1, OUT(sp)
    lw t0, PASS0(sp)
    add t1, t1, t0
    sw t1, OP(sp)
    sw t1, OROW(sp)
    lw t1, R_OW(t4)
    sw t1, LEFT(sp)
    ret

# Goes to the next one. Uses a0-a2, a7, s0-s4, t0, t1.
next_place:
    LOAD_PLACE
    lw a7, REC(sp)
    lw a0, R_SW(a7)
    lw a1, SWCI(sp)
    lw a2, R_PIXEL(a7)
    STEP
    STORE_PLACE
    ret

# How to walk along t1 runs of t0 bytes that begin t2 bytes apart -> a0, which goes on; t0 = ODD. Uses t3, t4.
walk:
    andi t4, t0, 3
    sub t3, t0, t4              # the last one to three of a run do not move the addresses,
    sub t2, t2, t3
    sw t4, 4(a0)
    addi t4, t4, -3             # but for the 2 before the last of three
    bnez t4, 1f
    beqz t3, 1f
    addi t2, t2, -2
1:  andi t0, t0, 4
    add t3, t3, t0
    sub t2, t2, t0
    sw t3, 0(a0)
    sw t2, 8(a0)
    sw t1, 12(a0)
    sw t0, 16(a0)
    addi a0, a0, 20
    ret

# s0 = K neighbouring bytes: the window at column a1, row a2, address a3, where it is or gathered.
column:
    mv s0, a3
    lw t0, ROWS(sp)
    addi t0, t0, -1
    bnez t0, 1f
    or t0, a1, a2
    bltz t0, 1f
    lw t0, LIMX(sp)
    blt t0, a1, 1f
    lw t0, LIMY(sp)
    bge t0, a2, 2f
1:  lw s0, COLS(sp)
    mv a0, s0
    j gather
2:  ret

# For any table: a5 = sum, a0 = 2 * multiplier, a1 = shift word, a2 = half; t0-t2 bounds and zero. -> a3. Uses a4, a5.
result:
    bltz a1, 6f
    REQUANT a5
    ret
6:  mv a3, a5
    srli a0, a0, 1
    REQUANT_GENERAL
    slli a0, a0, 1
    ret

# --- single. s0 column; s1 weights, s2 table, s3 output: these run on from group to group; s4 channels left;
# s5 -128 * sum x; s6 window; s7 groups left; a6 end of the column's whole fours, a7 its end; t0-t2 bounds and zero
single:
    lw a7, REC(sp)
    lw s1, WTS(sp)
    lw s2, TAB(sp)
    lw s3, OP(sp)
    lw s6, XP(sp)
    lw s7, R_GROUPS(a7)
group:
    lw a1, IX(sp)
    lw a2, IY(sp)
    mv a3, s6
    jal column
    lw a7, K(sp)
    andi a6, a7, -4
    add a7, a7, s0
    add a6, a6, s0
    li s5, 0
    mv a5, s0
    beq a5, a6, 4f
3:  lb t3, 0(a5)
    lb t4, 1(a5)
    lb t5, 2(a5)
    lb t6, 3(a5)
    add t3, t3, t4
    add t5, t5, t6
    add s5, s5, t3
    add s5, s5, t5
    addi a5, a5, 4
    bne a5, a6, 3b
4:  beq a5, a7, 5f
    lb t3, 0(a5)
    add s5, s5, t3
    addi a5, a5, 1
    j 4b
5:  slli s5, s5, 7
    neg s5, s5
    lw t0, LO(sp)
    lw t1, HI(sp)
    lw t2, ZO(sp)
    lw s4, REC(sp)
    lw s4, R_OG(s4)
four:
    li t3, 4
    bltu s4, t3, few
    lw s8, 12(s2)
    lw s9, 28(s2)
    lw s10, 44(s2)
    lw s11, 60(s2)
    add s8, s8, s5
    add s9, s9, s5
    add s10, s10, s5
    add s11, s11, s5
    mv a5, s0
    beq a5, a6, 2f
.macro ROW r, acc
    lbu a3, 4 * \r(s1)
    lbu a4, 4 * \r + 1(s1)
    mul a3, a3, t3
    mul a4, a4, t4
    add \acc, \acc, a3
    lbu a3, 4 * \r + 2(s1)
    add \acc, \acc, a4
    lbu a4, 4 * \r + 3(s1)
    mul a3, a3, t5
    mul a4, a4, t6
    add \acc, \acc, a3
    add \acc, \acc, a4
.endm
1:  lb t3, 0(a5)
    lb t4, 1(a5)
    lb t5, 2(a5)
    lb t6, 3(a5)
    ROW 0, s8
    ROW 1, s9
    ROW 2, s10
    ROW 3, s11
    addi a5, a5, 4
    addi s1, s1, 16
    bne a5, a6, 1b
2:  beq a5, a7, 4f
3:  lb t3, 0(a5)
    lbu a3, 0(s1)
    lbu a4, 4(s1)
    lbu t4, 8(s1)
    lbu t5, 12(s1)
    mul a3, a3, t3
    mul a4, a4, t3
    mul t4, t4, t3
    mul t5, t5, t3
    add s8, s8, a3
    add s9, s9, a4
    add s10, s10, t4
    add s11, s11, t5
    addi a5, a5, 1
    addi s1, s1, 1
    bne a5, a7, 3b
    andi s1, s1, -4
    addi s1, s1, 16
4:  mv a5, s8
    jal finish
    mv a5, s9
    jal finish
    mv a5, s10
    jal finish
    mv a5, s11
    jal finish
    bnez s4, four
    j next
few:                            # 1 to 3 channels, one after another
    slli s9, s4, 2              # bytes of a quad
    lw s10, K4(sp)
    mul s10, s10, s4
    add s10, s10, s1            # behind the tile
1:  mv s11, s1
    lw s8, 12(s2)
    add s8, s8, s5
    mv a5, s0
    beq a5, a6, 3f
2:  lb t3, 0(a5)
    lb t4, 1(a5)
    lb t5, 2(a5)
    lb t6, 3(a5)
    lbu a3, 0(s11)
    lbu a4, 1(s11)
    mul a3, a3, t3
    mul a4, a4, t4
    add s8, s8, a3
    lbu a3, 2(s11)
    add s8, s8, a4
    lbu a4, 3(s11)
    mul a3, a3, t5
    mul a4, a4, t6
    add s8, s8, a3
    add s8, s8, a4
    addi a5, a5, 4
    add s11, s11, s9
    bne a5, a6, 2b
3:  beq a5, a7, 4f
    lb t3, 0(a5)
    lbu a3, 0(s11)
    mul a3, a3, t3
    add s8, s8, a3
    addi a5, a5, 1
    addi s11, s11, 1
    j 3b
4:  mv a5, s8
    jal finish
    addi s1, s1, 4              # the next row
    bnez s4, 1b
    mv s1, s10
next:
    lw a0, REC(sp)
    lw a0, R_CG(a0)
    add s6, s6, a0
    addi s7, s7, -1
    bnez s7, group
    jal next_place
    lw t0, COUNT(sp)
    addi t0, t0, -1
    sw t0, COUNT(sp)
    bnez t0, single
    j done

# One output: a5 = sum, s2 table, s3 output, s4 channels left; all three go on. t0-t2 bounds and zero. Uses a0-a4.
finish:
    lw a0, 4(s2)
    lw a1, 8(s2)
    addi s2, s2, 16
    addi s3, s3, 1
    addi s4, s4, -1
    bltz a1, 6f
    REQUANT_SETUP
    REQUANT a5
    sb a3, -1(s3)
    ret
6:  mv a3, a5
    REQUANT_GENERAL
    sb a3, -1(s3)
    ret

# --- gather: the window at column a1, row a2, address a3 (of the first channel of the group) -> K bytes at a0
# Uses a4-a7, t0-t6. What lies outside is zx - 128.
gather:
    lw a7, REC(sp)
    lw a4, R_KH(a7)             # rows left
    lw a5, R_ZX(a7)
    addi a5, a5, -128
    lw t0, R_W(a7)
    lw t1, R_KW(a7)
    lw t2, R_DW(a7)             # dw
    lw t3, R_GROUPS(a7)
    lw t4, R_CG(a7)
    or t2, t2, t3
    addi t2, t2, -1
    bnez t2, apart
    sub t0, t0, a1              # taps up to the right edge
    bge t1, t0, 1f
    mv t0, t1
1:  neg t2, a1                  # taps before the left edge
    bgez t2, 2f
    li t2, 0
2:  blt t2, t0, 3f
    mv t2, t1                   # the window is beside the image
    mv t0, t1
3:  sub t1, t1, t0
    mul t1, t1, t4              # bytes behind the right edge
    sub t0, t0, t2
    mul a6, t0, t4              # inside
    mul t2, t2, t4              # before the left edge
    add a3, a3, t2
row:
    lw t3, R_H(a7)
    mv t4, t2
    bgeu a2, t3, blank
    beqz t2, 1f
    add t4, t4, a0
2:  sb a5, 0(a0)
    addi a0, a0, 1
    bne a0, t4, 2b
1:  mv t0, a6
    beqz a6, 2f
    mv t6, a3
    COPY t0, t6, t3, t4, t5
2:  mv t4, t1
    j 3f
blank:
    add t4, t4, a6
    add t4, t4, t1
3:  beqz t4, 5f
    add t4, t4, a0
4:  sb a5, 0(a0)
    addi a0, a0, 1
    bne a0, t4, 4b
5:  lw t3, DHROW(sp)
    lw t4, R_DH(a7)
    add a3, a3, t3
    add a2, a2, t4
    addi a4, a4, -1
    bnez a4, row
    ret

apart:                          # tap by tap: a1 and a3 walk along the row and come back
    mv a6, t1
    lw t0, R_H(a7)
    bgeu a2, t0, 4f
1:  lw t0, R_CG(a7)
    lw t1, R_W(a7)
    bgeu a1, t1, 2f
    mv t1, a3
    jal t6, copy
    j 3f
2:  jal t6, fill
3:  lw t0, R_DW(a7)
    add a1, a1, t0
    lw t1, R_GROUPS(a7)
    mul t0, t0, t1
    lw t1, R_CG(a7)
    mul t0, t0, t1
    add a3, a3, t0
    addi a6, a6, -1
    bnez a6, 1b
    lw t1, R_KW(a7)
    mul t0, t0, t1
    sub a3, a3, t0
    lw t0, R_DW(a7)
    mul t0, t0, t1
    sub a1, a1, t0
    j 5f
4:  lw t0, R_CG(a7)
    mul t0, t0, t1
    jal t6, fill
5:  lw t0, DHROW(sp)
    add a3, a3, t0
    lw t0, R_DH(a7)
    add a2, a2, t0
    addi a4, a4, -1
    lw t1, R_KW(a7)
    bnez a4, apart
    ret

.include "bytes.inc"
