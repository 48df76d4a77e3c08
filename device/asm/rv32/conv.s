# Convolution: CONV_2D of any groups, FULLY_CONNECTED.
#   out[j] = requantise(bias[j] + sum_k x[k] * w[j, k])     x signed; the bias holds -zero * sum of w
#
# Two ways. `packed` makes three positions x four channels at a time with two multiplications per product of a sum:
#   V = w[j] + 65536 * w[j+1], one word for two channels.  t = x[k] * V[k] + x[k+1] * V[k+1] = p + 65536 * q
#   with p = x[k] w[j, k] + x[k+1] w[j, k+1] and q the same of j+1. Where no w is -128, |p| <= 128 * 254 < 2^15, so
#   q = (t + 32768) >> 16 exactly; H = sum q is channel j+1, T = sum t (mod 2^32) leaves T - 65536 * H for channel j.
#   Two taps of two channels are 7 instructions, and an x serves four channels: 2.29 instructions per product.
# `single` makes one position x four channels from the bytes of DATA, which are w + 128:
#   sum x * (w + 128) - 128 * sum x. 3.5 instructions per product. It takes what `packed` leaves: a single position
#   (dense layers), groups, weights of -128, the last 1 or 2 positions, the last 1 to 3 channels.
#
# Input: positions whose window lies inside the image are read where they are, as `ROWS` runs of `RUN` bytes that lie
# `JUMP` bytes apart; others are gathered into a column of K bytes in scratch, which is one run.
#
# Frame, from sp: words of the layer, then of the place where it is.
.equ REC, 0                     # the record
.equ WTS, 4                     # weights in DATA
.equ TAB, 8                     # table
.equ COLS, 12                   # scratch: three columns of k4 bytes, or one
.equ EXP, 16                    # scratch: expanded weights
.equ K, 20
.equ K4, 24
.equ RUN, 28                    # of windows inside the image
.equ ROWS, 32
.equ JUMP, 36
.equ RUNX, 40                   # of the three windows at hand
.equ ROWSX, 44
.equ LIMX, 48                   # the last column and row where a window lies inside, -1: none
.equ LIMY, 52
.equ SWCI, 56                   # bytes from the window of a position to the next, of a row of positions to the next
.equ SHROW, 60
.equ DHROW, 64                  # bytes from a row of the window to the next
.equ LO, 68                     # bounds and zero point of the output, as int8
.equ HI, 72
.equ ZO, 76
.equ IX, 80                     # the next position: column and row of its window, address of that in the input
.equ IY, 84
.equ XP, 88
.equ OP, 92                     # address of its output
.equ LEFT, 96                   # positions left in its row
.equ XROW, 100                  # addresses for the first position of the row
.equ OROW, 104
.equ WINX, 108                  # three positions: addresses of windows, of outputs, columns, rows
.equ WINO, 120
.equ WINIX, 132
.equ WINIY, 144
.equ TILE, 156                  # weights, table, channels left, rows left of the tile at hand
.equ TTAB, 160
.equ TLEFT, 164
.equ TROWS, 168
.equ PASSW, 172                 # weights, table, first channel of the pass, channels of it, channels of all passes
.equ PASST, 176
.equ PASS0, 180
.equ PASSN, 184
.equ PACKED, 188
.equ BLOCKS, 192                # blocks of three positions: all, and left
.equ BLEFT, 196
.equ COUNT, 200                 # `single`: positions, weights, table, channels, return address
.equ ONEW, 204
.equ ONET, 208
.equ ONEC, 212
.equ ONERA, 216
.equ OUT, 220                   # output of the first position
.equ IN, 224                    # address of the window of the first position
.equ SAVED, 228                 # ra, s0-s11
.equ FRAME, 288

# (the next position) s0 column, s1 row, s2 window, s3 output, s4 left in the row. a0 = sw, a1 = SWCI, a2 = pixel. Uses t0, t1.
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
    lw t1, 108(t0)
    add s3, s3, t1
    sw s3, OROW(sp)
    lw t1, 68(t0)
    add s1, s1, t1
    lw s0, 88(t0)
    neg s0, s0
    lw s4, 52(t0)
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
    lb t0, 0(\x)
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

# Requantises and stores channel \j of a tile for three positions.
.macro CHANNEL j, a, b, c
    lw a0, 16 * \j + 4(s0)
    lw a1, 16 * \j + 8(s0)
    bltz a1, 5f
    REQUANT_SETUP
    REQUANT \a
    sb a3, \j(s9)
    REQUANT \b
    sb a3, \j(s10)
    REQUANT \c
    sb a3, \j(s11)
    j 6f
5:  mv a3, \a
    jal general
    sb a3, \j(s9)
    mv a3, \b
    jal general
    sb a3, \j(s10)
    mv a3, \c
    jal general
    sb a3, \j(s11)
6:
.endm

.include "requant.inc"

run:
    addi sp, sp, -FRAME
    sw ra, SAVED(sp)
    sw s0, SAVED + 4(sp)
    sw s1, SAVED + 8(sp)
    sw s2, SAVED + 12(sp)
    sw s3, SAVED + 16(sp)
    sw s4, SAVED + 20(sp)
    sw s5, SAVED + 24(sp)
    sw s6, SAVED + 28(sp)
    sw s7, SAVED + 32(sp)
    sw s8, SAVED + 36(sp)
    sw s9, SAVED + 40(sp)
    sw s10, SAVED + 44(sp)
    sw s11, SAVED + 48(sp)

# --- the layer: a7 record, s1 arena
    lw a7, 0(a0)
    lw t0, 4(a0)
    add a7, a7, t0
    sw a7, REC(sp)
    lw s1, 12(a0)
    lw t0, 20(a0)
    lw t1, 8(a7)
    add t0, t0, t1
    sw t0, WTS(sp)
    lw t1, 28(a7)
    add t0, t0, t1
    sw t0, TAB(sp)
    lw t1, 92(a7)
    lw t0, 96(a7)
    addi t0, t0, -128
    sw t0, ZO(sp)
    lw t0, 100(a7)
    addi t0, t0, -128
    sw t0, LO(sp)
    lw t0, 104(a7)
    addi t0, t0, -128
    sw t0, HI(sp)
    lw a1, 44(a7)               # cg
    lw a2, 60(a7)               # kh
    lw a3, 64(a7)               # kw
    lw a4, 40(a7)               # groups
    mul t0, a3, a1
    sw t0, RUN(sp)
    sw a2, ROWS(sp)
    mul s2, t0, a2
    sw s2, K(sp)
    addi s3, s2, 3
    andi s3, s3, -4
    sw s3, K4(sp)
    mul s4, a4, a1              # bytes of a pixel, of a row
    lw t1, 36(a7)
    mul s5, t1, s4
    lw t2, 76(a7)
    mul t2, t2, s5
    sw t2, DHROW(sp)
    sub t2, t2, t0
    sw t2, JUMP(sp)
    bnez t2, 1f                 # rows of the window that are neighbours are one run
    sw s2, RUN(sp)
    li t2, 1
    sw t2, ROWS(sp)
1:  lw t2, 72(a7)
    mul t2, t2, s4
    sw t2, SWCI(sp)
    lw t2, 68(a7)
    mul t2, t2, s5
    sw t2, SHROW(sp)
    lw t2, 24(a7)               # scratch
    add t2, t2, s1
    sw t2, COLS(sp)
    slli t3, s3, 2
    add t2, t2, t3
    sw t2, EXP(sp)
    lw t3, 32(a7)               # the last row, the last column
    addi t4, a2, -1
    lw t5, 76(a7)
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
    lw t5, 80(a7)
    addi t5, t5, -1
    beqz t5, 2f
3:  li t3, -1
2:  sw t3, LIMX(sp)
    lw t0, 84(a7)               # the first position
    neg t0, t0
    mul t0, t0, s5
    lw t1, 88(a7)
    mul t1, t1, s4
    sub t0, t0, t1
    lw t1, 16(a7)
    add t0, t0, t1
    add t0, t0, s1
    sw t0, IN(sp)
    lw t0, 20(a7)
    add t0, t0, s1
    sw t0, OUT(sp)

# --- who makes what
    lw s0, 48(a7)               # positions
    lw t0, 52(a7)
    mul s0, s0, t0
    lw s1, 116(a7)              # block
    lw t0, 120(a7)
    andi t0, t0, 1              # no weight is -128
    lw s2, 56(a7)
    andi s2, s2, -4             # channels in fours
    beqz s1, 4f
    beqz t0, 4f
    li t0, 6                    # fewer positions do not pay for expanding
    bgeu s0, t0, 5f
4:  li s2, 0
5:  sw s2, PACKED(sp)
    li s3, 0
    beqz s2, 6f
    li t0, 3
    divu s3, s0, t0
6:  sw s3, BLOCKS(sp)
    slli t0, s3, 1
    add s3, s3, t0
    sub s0, s0, s3
    sw s0, COUNT(sp)            # what is left for `single`
    li a0, 0
    jal start
    lw t0, PACKED(sp)
    beqz t0, rest

# --- packed: passes of as many channels as scratch has room for
    lw t0, WTS(sp)
    sw t0, PASSW(sp)
    lw t0, TAB(sp)
    sw t0, PASST(sp)
    sw zero, PASS0(sp)
pass:
    lw a0, PASS0(sp)
    jal start
    lw a7, REC(sp)
    lw t0, 116(a7)
    andi t0, t0, -4
    lw t1, PACKED(sp)
    lw t2, PASS0(sp)
    sub t1, t1, t2
    bltu t0, t1, 1f
    mv t0, t1
1:  sw t0, PASSN(sp)
    lw t1, BLOCKS(sp)
    sw t1, BLEFT(sp)

# expand: words of two channels, [tile][k][2]. a0 bytes, four rows of them; a1 words
    lw a0, PASSW(sp)
    lw a1, EXP(sp)
    lw a3, K(sp)
    lui a6, 0x800
    addi a6, a6, 128            # 128 + 65536 * 128
    lw a2, K4(sp)
    mul t0, t0, a2
    add t0, t0, a0              # end of the bytes
2:  mv a4, a3                   # a tile
3:  li a5, 4                    # four taps of it, or what is left
    bgeu a4, a5, 4f
    mv a5, a4
4:  sub a4, a4, a5
    add a5, a5, a0
5:  lbu t1, 0(a0)
    lbu t2, 4(a0)
    lbu t3, 8(a0)
    lbu t4, 12(a0)
    slli t2, t2, 16
    slli t4, t4, 16
    add t1, t1, t2
    add t3, t3, t4
    sub t1, t1, a6
    sub t3, t3, a6
    sw t1, 0(a1)
    sw t3, 4(a1)
    addi a0, a0, 1
    addi a1, a1, 8
    bne a0, a5, 5b
    addi a0, a0, 15             # bytes of the other rows, up to the next quad
    andi a0, a0, -4
    bnez a4, 3b
    bltu a0, t0, 2b
    sw a0, PASSW(sp)

# three positions
block:
    LOAD_PLACE
    lw a7, REC(sp)
    lw a0, 72(a7)
    lw a1, SWCI(sp)
    lw a2, 112(a7)
    lw a3, LIMX(sp)
    lw a4, LIMY(sp)
    li a5, 0                    # 1: one of them is not inside
    addi s11, sp, 0
    addi s10, sp, 12
1:  sw s2, WINX(s11)
    sw s3, WINO(s11)
    sw s0, WINIX(s11)
    sw s1, WINIY(s11)
    or t0, s0, s1
    bltz t0, 2f
    blt a3, s0, 2f
    bge a4, s1, 3f
2:  li a5, 1
3:  STEP
    addi s11, s11, 4
    bne s11, s10, 1b
    STORE_PLACE
    lw t0, RUN(sp)
    lw t1, ROWS(sp)
    beqz a5, 5f
    addi s11, sp, 0             # gather all three
    lw s9, COLS(sp)
4:  mv a0, s9
    lw a1, WINIX(s11)
    lw a2, WINIY(s11)
    lw a3, WINX(s11)
    jal gather
    sw s9, WINX(s11)
    lw t0, K4(sp)
    add s9, s9, t0
    addi s11, s11, 4
    bne s11, s10, 4b
    lw t0, K(sp)
    li t1, 1
5:  sw t0, RUNX(sp)
    sw t1, ROWSX(sp)
    lw t0, EXP(sp)
    sw t0, TILE(sp)
    lw t0, PASST(sp)
    sw t0, TTAB(sp)
    lw t0, PASSN(sp)
    sw t0, TLEFT(sp)

# a tile: s0 weights; s9-s11 windows; ra last place for four taps; t3 rounds; a0-a5, s1, t0, t1 temporary.
# T and H of the first and of the second two channels: a6 a7 t4 t5 | s2 s3 s4 s5 | s6 s7 s8 t6 (three positions)
tile:
    lw s9, WINX(sp)
    lw s10, WINX + 4(sp)
    lw s11, WINX + 8(sp)
    lw s0, TILE(sp)
    lw a1, TTAB(sp)
    lw a6, 12(a1)               # the biases
    lw a7, 28(a1)
    lw t4, 44(a1)
    lw t5, 60(a1)
    slli t0, a7, 16
    slli t1, t5, 16
    add a6, a6, t0
    add t4, t4, t1
    mv s2, a6
    mv s3, a7
    mv s4, t4
    mv s5, t5
    mv s6, a6
    mv s7, a7
    mv s8, t4
    mv t6, t5
    lui t3, 8
    lw t1, ROWSX(sp)
1:  lw t0, RUNX(sp)             # a run
    sw t1, TROWS(sp)
    addi ra, t0, -4
    bltz ra, 3f
    add ra, ra, s9
2:  TAPS 0
    TAPS 2
    addi s9, s9, 4
    addi s10, s10, 4
    addi s11, s11, 4
    addi s0, s0, 32
    bgeu ra, s9, 2b
    lw t0, RUNX(sp)
3:  andi t1, t0, 2
    beqz t1, 4f
    TAPS 0
    addi s9, s9, 2
    addi s10, s10, 2
    addi s11, s11, 2
    addi s0, s0, 16
    lw t0, RUNX(sp)
4:  andi t1, t0, 1
    beqz t1, 5f
    lw a2, 0(s0)
    lw a3, 4(s0)
    ONE_TAP s9, a6, a7, t4, t5
    ONE_TAP s10, s2, s3, s4, s5
    ONE_TAP s11, s6, s7, s8, t6
    addi s9, s9, 1
    addi s10, s10, 1
    addi s11, s11, 1
    addi s0, s0, 8
5:  lw t1, TROWS(sp)
    lw t0, JUMP(sp)
    addi t1, t1, -1
    add s9, s9, t0
    add s10, s10, t0
    add s11, s11, t0
    bnez t1, 1b
    sw s0, TILE(sp)

# the tile's results: the first channel of each two is T - 65536 * H
    slli a0, a7, 16
    sub a6, a6, a0
    slli a0, t5, 16
    sub t4, t4, a0
    slli a0, s3, 16
    sub s2, s2, a0
    slli a0, s5, 16
    sub s4, s4, a0
    slli a0, s7, 16
    sub s6, s6, a0
    slli a0, t6, 16
    sub s8, s8, a0
    lw s0, TTAB(sp)
    lw s9, WINO(sp)
    lw s10, WINO + 4(sp)
    lw s11, WINO + 8(sp)
    lw t0, LO(sp)
    lw t1, HI(sp)
    lw t2, ZO(sp)
    CHANNEL 0, a6, s2, s6
    CHANNEL 1, a7, s3, s7
    CHANNEL 2, t4, s4, s8
    CHANNEL 3, t5, s5, t6
    lw t0, TLEFT(sp)
    addi s0, s0, 64
    sw s0, TTAB(sp)
    addi s9, s9, 4
    sw s9, WINO(sp)
    addi s10, s10, 4
    sw s10, WINO + 4(sp)
    addi s11, s11, 4
    sw s11, WINO + 8(sp)
    addi t0, t0, -4
    sw t0, TLEFT(sp)
    beqz t0, 1f
    j tile
1:  lw t0, BLEFT(sp)
    addi t0, t0, -1
    sw t0, BLEFT(sp)
    beqz t0, 1f
    j block
1:  lw t0, TTAB(sp)
    sw t0, PASST(sp)
    lw t0, PASS0(sp)
    lw t1, PASSN(sp)
    lw t2, PACKED(sp)
    add t1, t1, t0
    sw t1, PASS0(sp)
    beq t1, t2, 1f
    j pass

# --- what packed has left over: channels of the positions that it made, then the other positions
1:  lw t1, OP(sp)               # the last pass began at channel t0
    sub t1, t1, t0
    sw t1, OP(sp)
    lw t1, OROW(sp)
    sub t1, t1, t0
    sw t1, OROW(sp)
rest:
    lw a7, REC(sp)
    lw t0, 56(a7)
    lw t1, WTS(sp)
    lw t2, TAB(sp)
    lw t3, COUNT(sp)
    beqz t3, 1f
    jal single
1:  lw t3, BLOCKS(sp)
    beqz t3, done
    lw a7, REC(sp)
    lw a0, PACKED(sp)
    lw t0, 56(a7)
    sub t0, t0, a0
    beqz t0, done
    jal start
    lw t1, K4(sp)
    mul t1, t1, a0
    lw t2, WTS(sp)
    add t1, t1, t2
    slli t2, a0, 4
    lw t4, TAB(sp)
    add t2, t2, t4
    lw t3, BLOCKS(sp)
    slli t4, t3, 1
    add t3, t3, t4
    sw t3, COUNT(sp)
    jal single
done:
    lw ra, SAVED(sp)
    lw s0, SAVED + 4(sp)
    lw s1, SAVED + 8(sp)
    lw s2, SAVED + 12(sp)
    lw s3, SAVED + 16(sp)
    lw s4, SAVED + 20(sp)
    lw s5, SAVED + 24(sp)
    lw s6, SAVED + 28(sp)
    lw s7, SAVED + 32(sp)
    lw s8, SAVED + 36(sp)
    lw s9, SAVED + 40(sp)
    lw s10, SAVED + 44(sp)
    lw s11, SAVED + 48(sp)
    addi sp, sp, FRAME
    ret

# Goes to the first position; outputs from channel a0 on. Uses t1-t4.
start:
    lw t4, REC(sp)
    lw t1, 88(t4)
    neg t1, t1
    sw t1, IX(sp)
    lw t1, 84(t4)
    neg t1, t1
    sw t1, IY(sp)
    lw t1, IN(sp)
    sw t1, XP(sp)
    sw t1, XROW(sp)
    lw t1, OUT(sp)
    add t1, t1, a0
    sw t1, OP(sp)
    sw t1, OROW(sp)
    lw t1, 52(t4)
    sw t1, LEFT(sp)
    ret

# For any table: a3 = sum, a0 = multiplier, a1 = shift word; t0-t2 bounds and zero. -> a3
general:
    REQUANT_GENERAL
    ret

# --- single: COUNT positions from the place on; t0 channels of weights t1, table t2
# s0 column; s1 weights, s2 table, s3 output, s4 channels left: all of these run on from group to group;
# s5 -128 * sum x; s6 window; s7 groups left; a6 end of the column's whole fours, a7 its end
single:
    sw ra, ONERA(sp)
    sw t0, ONEC(sp)
    sw t1, ONEW(sp)
    sw t2, ONET(sp)
position:
    lw a7, REC(sp)
    lw s1, ONEW(sp)
    lw s2, ONET(sp)
    lw s3, OP(sp)
    lw s6, XP(sp)
    lw s7, 40(a7)
group:
    lw a1, IX(sp)
    lw a2, IY(sp)
    mv s0, s6
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
    mv a3, s6
    jal gather
2:  lw a7, K(sp)
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
    lw s4, ONEC(sp)
four:
    li t3, 4
    bltu s4, t3, few
    li s8, 0
    li s9, 0
    li s10, 0
    li s11, 0
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
    addi s4, s4, -4
    bnez s4, four
    j next
few:                            # 1 to 3 channels, one after another
    beqz s4, next
    slli s9, s4, 2              # bytes of a quad
    mv s10, s4
1:  mv s11, s1
    li s8, 0
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
    addi s10, s10, -1
    bnez s10, 1b
    sub s1, s1, s9              # behind the tile
    lw t3, K4(sp)
    mul t3, t3, s4
    add s1, s1, t3
next:
    lw a0, REC(sp)
    lw a0, 44(a0)
    add s6, s6, a0
    addi s7, s7, -1
    bnez s7, group
    LOAD_PLACE
    lw a7, REC(sp)
    lw a0, 72(a7)
    lw a1, SWCI(sp)
    lw a2, 112(a7)
    STEP
    STORE_PLACE
    lw t0, COUNT(sp)
    addi t0, t0, -1
    sw t0, COUNT(sp)
    bnez t0, position
    lw ra, ONERA(sp)
    ret

# One output of `single`: a5 = sum of x * (w + 128); s5, s2, s3, t0-t2 as there. Uses a0-a5.
finish:
    add a5, a5, s5
    lw a3, 12(s2)
    add a5, a5, a3
    lw a0, 4(s2)
    lw a1, 8(s2)
    bltz a1, 8f
    REQUANT_SETUP
    REQUANT a5
7:  sb a3, 0(s3)
    addi s2, s2, 16
    addi s3, s3, 1
    ret
8:  mv a3, a5
    REQUANT_GENERAL
    j 7b

# --- gather: the window at column a1, row a2, address a3 (of the first channel of the group) -> K bytes at a0
# Uses a4-a7, t0-t6. What lies outside is zx - 128.
gather:
    lw a7, REC(sp)
    lw a4, 60(a7)               # rows left
    lw a5, 92(a7)
    addi a5, a5, -128
row:
    lw t0, 32(a7)
    bgeu a2, t0, blank
    lw t0, 36(a7)
    lw t1, 64(a7)               # kw
    lw t2, 80(a7)               # dw
    lw t3, 40(a7)
    lw t4, 44(a7)               # cg
    or t2, t2, t3
    addi t2, t2, -1
    bnez t2, apart
    sub t0, t0, a1              # taps up to the right edge
    bge t1, t0, 1f
    mv t0, t1
1:  neg t2, a1                  # taps before the left edge
    bgez t2, 2f
    li t2, 0
2:  bge t2, t0, blank
    sub t1, t1, t0
    mul t1, t1, t4
    sub t0, t0, t2
    mul a6, t0, t4
    mul t0, t2, t4
    add t2, a3, t0
    jal t6, fill
    mv t0, a6
    mv a6, t1
    mv t1, t2
    jal t6, copy
    mv t0, a6
    jal t6, fill
    j below
blank:
    lw t1, 64(a7)
    lw t4, 44(a7)
    mul t0, t1, t4
    jal t6, fill
below:
    lw t0, DHROW(sp)
    add a3, a3, t0
    lw t0, 76(a7)
    add a2, a2, t0
    addi a4, a4, -1
    bnez a4, row
    ret

apart:                          # tap by tap: a1 and a3 walk along the row and come back
    mv a6, t1
1:  lw t0, 44(a7)
    lw t1, 36(a7)
    bgeu a1, t1, 2f
    mv t1, a3
    jal t6, copy
    j 3f
2:  jal t6, fill
3:  lw t0, 80(a7)
    add a1, a1, t0
    lw t1, 40(a7)
    mul t0, t0, t1
    lw t1, 44(a7)
    mul t0, t0, t1
    add a3, a3, t0
    addi a6, a6, -1
    bnez a6, 1b
    lw t1, 64(a7)
    mul t0, t0, t1
    sub a3, a3, t0
    lw t0, 80(a7)
    mul t0, t0, t1
    sub a1, a1, t0
    j below

.include "bytes.inc"
