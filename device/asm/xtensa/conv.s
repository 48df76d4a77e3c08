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
# Frame: words of the layer, then of the place where it is.
.include "frame.inc"
.include "record.inc"
.include "requant.inc"
.equ REC, 4                     # the record
.equ WTS, 8                     # weights and table of the pass
.equ TAB, 12
.equ COL, 16                    # the column; the bytes that it is made of lie in its second half
.equ EXP, 20                    # expanded weights, and behind them four words for each channel: bias and SHORTENED
.equ READY, 24                  # not 0: they are there
.equ K4, 28
.equ RUN, 32                    # a window inside: ROWS runs of RUN bytes that begin DHROW bytes apart
.equ ROWS, 36
.equ DHROW, 40
.equ LIMX, 44                   # the last column and row where a window lies inside, -1: none
.equ LIMY, 48
.equ UNIT, 52                   # taps that are neighbours, bytes from one such unit to the next
.equ USTEP, 56
.equ STEPX, 60                  # bytes from window to window, from a row of them to the next
.equ STEPY, 64
.equ LINE, 68                   # bytes from a row of the window to the next
.equ FLIP, 72                   # 0x80808080
.equ MASK, 76                   # 0x00ff00ff
.equ IX, 80                     # the position: column and row of its window, address of that, address of the output,
.equ IY, 84
.equ XP, 88
.equ OP, 92
.equ OX, 96                     # positions left in the row, addresses for the first one of it
.equ XROW, 100
.equ OROW, 104
.equ OY, 108                    # rows left
.equ OUT, 112                   # first output of the pass
.equ IN, 116
.equ LEFT, 120                  # channels from the pass on
.equ COUNT, 124                 # channels of the pass, or left of the group
.equ PARAMS, 128
.equ DELTA, 132                 # from there to the table
.equ END, 136                   # of what is walked along
.equ GROUP, 140                 # groups left
.equ CORR, 144                  # -128 * sum xu
.equ GX, 148                    # address of the group's window, of its outputs
.equ GOUT, 152
.equ TILE, 156                  # the row
.equ ROWSN, 160                 # rows of the tile, left of them
.equ RLEFT, 164
REQUANT_FRAME 168
.equ FRAME, 208

    ENTER FRAME
    l32i a15, a2, 0
    l32i a4, a2, 4
    add a15, a15, a4
    s32i a15, sp, REC
    l32i a4, a2, 28             # kept weights
    s32i a4, sp, EXP
    l32i a4, a2, 36
    s32i a4, sp, READY
    l32i a14, a2, 12            # arena
    l32i a4, a2, 20
    l32i a5, a15, R_DATA
    add a4, a4, a5
    s32i a4, sp, WTS
    l32i a5, a15, R_TABLE
    add a4, a4, a5
    s32i a4, sp, TAB
    l32i a4, a15, R_SCRATCH
    add a4, a4, a14
    s32i a4, sp, COL
    l32i a4, a15, R_TO
    add a4, a4, a14
    s32i a4, sp, OUT
    REQUANT_SETUP
    movi a4, 255
    slli a5, a4, 16
    add a4, a4, a5
    s32i a4, sp, MASK
    movi a4, 128
    slli a5, a4, 8
    add a4, a4, a5
    slli a5, a4, 16
    add a4, a4, a5
    s32i a4, sp, FLIP

# --- geometry: a4 kh, a5 kw, a6 channels of a group, a7 bytes of a pixel, a8 of a row
    l32i a4, a15, R_KH
    l32i a5, a15, R_KW
    l32i a6, a15, R_CG
    l32i a9, a15, R_GROUPS
    mull a7, a6, a9
    l32i a8, a15, R_W
    mull a8, a8, a7
    mull a10, a5, a6
    s32i a10, sp, RUN
    mull a11, a10, a4
    addi a2, a11, 3
    srli a2, a2, 2
    slli a2, a2, 2
    s32i a2, sp, K4
    l32i a12, a15, R_DH
    mull a13, a12, a8
    s32i a13, sp, LINE
    bne a13, a10, 1f            # rows that are neighbours are one run
    s32i a11, sp, RUN
    j 2f
1:  bnei a4, 1, 3f
2:  movi a4, 1
    movi a13, 0
3:  s32i a4, sp, ROWS
    s32i a13, sp, DHROW
    l32i a13, a15, R_H          # the last row and column
    l32i a4, a15, R_KH
    addi a4, a4, -1
    mull a4, a4, a12
    sub a13, a13, a4
    addi a13, a13, -1
    s32i a13, sp, LIMY
    l32i a13, a15, R_W
    sub a13, a13, a5
    l32i a12, a15, R_DW
    bnei a9, 1, 4f              # a run needs neighbours: no groups, no dilation
    beqi a5, 1, 5f
    beqi a12, 1, 5f
4:  beqi a5, 1, 5f
    movi a5, 1
    movi a13, -1
5:  s32i a5, sp, UNIT
    s32i a13, sp, LIMX
    mull a12, a12, a7
    s32i a12, sp, USTEP
    l32i a4, a15, R_SW
    mull a4, a4, a7
    s32i a4, sp, STEPX
    l32i a4, a15, R_SH
    mull a4, a4, a8
    s32i a4, sp, STEPY
    l32i a4, a15, R_TOP         # the first window
    mull a4, a4, a8
    l32i a5, a15, R_LEFT
    mull a5, a5, a7
    add a4, a4, a5
    l32i a5, a15, R_FROM
    add a5, a5, a14
    sub a5, a5, a4
    s32i a5, sp, IN
    l32i a4, a15, R_OG
    s32i a4, sp, LEFT

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
1:  SHORTENED a3, a8, a9, a10, a11
    l32i a11, a3, 0
    s32i a11, a2, 0
    s32i a8, a2, 4
    s32i a9, a2, 8
    s32i a10, a2, 12
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
    bnone a8, a14, 3f
    ssr a15
    sra a8, a8
2:  max a8, a8, a11
    min a8, a8, a12
    addi a8, a8, -128
    s8i a8, a13, 0
    addi a13, a13, 1
    addi a6, a6, 16
    l32i a9, sp, END
    bne a6, a9, channel
    call0 next
    bnez a4, position
    l32i a4, sp, COUNT          # the next pass
    l32i a5, sp, OUT
    add a5, a5, a4
    s32i a5, sp, OUT
    l32i a5, sp, LEFT
    sub a5, a5, a4
    s32i a5, sp, LEFT
    beqz a5, return
    j pass
3:  l32i a8, sp, DELTA
    add a8, a8, a6
    call0 exact
    j 2b

# --- single. a0 and a5 temporary, a2 to a4 and a6 to a15 as above; a10 mask
single:
    call0 first
single_position:
    l32i a15, sp, REC
    l32i a4, a15, R_GROUPS
    s32i a4, sp, GROUP
    l32i a4, sp, XP
    s32i a4, sp, GX
    l32i a4, sp, OP
    s32i a4, sp, GOUT
    l32i a4, sp, WTS
    s32i a4, sp, TILE
    l32i a6, sp, TAB
    s32i a6, sp, PARAMS
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
    bnone a8, a14, 8f
    ssr a15
    sra a8, a8
4:  max a8, a8, a11
    min a8, a8, a12
    addi a8, a8, -128
    s8i a8, a13, 0
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
    l32i a15, sp, REC
    l32i a4, a15, R_CG
    l32i a5, sp, GX
    add a5, a5, a4
    s32i a5, sp, GX
    l32i a4, sp, GROUP
    addi a4, a4, -1
    s32i a4, sp, GROUP
    bnez a4, group
    call0 next
    bnez a4, single_position
    j return
8:  mov a8, a6
    call0 exact
    l32i a10, sp, MASK
    j 4b

# The first position. Uses a4, a15.
    .balign 4
first:
    l32i a15, sp, REC
    l32i a4, a15, R_TOP
    neg a4, a4
    s32i a4, sp, IY
    l32i a4, a15, R_OH
    s32i a4, sp, OY
    l32i a4, sp, IN
    s32i a4, sp, XROW
    s32i a4, sp, XP
    l32i a4, sp, OUT
    s32i a4, sp, OROW
    s32i a4, sp, OP
    j 1f

# The next one; a4 = 0: there is none. Uses a5, a15.
    .balign 4
next:
    l32i a15, sp, REC
    l32i a4, sp, OX
    addi a4, a4, -1
    beqz a4, 2f
    s32i a4, sp, OX
    l32i a5, a15, R_SW
    l32i a4, sp, IX
    add a4, a4, a5
    s32i a4, sp, IX
    l32i a5, a15, R_PIXEL
    l32i a4, sp, OP
    add a4, a4, a5
    s32i a4, sp, OP
    l32i a5, sp, STEPX
    l32i a4, sp, XP
    add a4, a4, a5
    s32i a4, sp, XP
    ret
2:  l32i a4, sp, OY
    addi a4, a4, -1
    beqz a4, 3f
    s32i a4, sp, OY
    l32i a5, a15, R_SH
    l32i a4, sp, IY
    add a4, a4, a5
    s32i a4, sp, IY
    l32i a5, a15, R_ROW
    l32i a4, sp, OROW
    add a4, a4, a5
    s32i a4, sp, OROW
    s32i a4, sp, OP
    l32i a5, sp, STEPY
    l32i a4, sp, XROW
    add a4, a4, a5
    s32i a4, sp, XROW
    s32i a4, sp, XP
1:  l32i a4, a15, R_LEFT
    neg a4, a4
    s32i a4, sp, IX
    l32i a4, a15, R_OW
    s32i a4, sp, OX
3:  ret

# The column of the window at IX, IY, whose first byte is at a3. Uses a2 to a15.
# First: a5 runs of a4 bytes in words from a3 on, a6 bytes between them.
    .balign 4
column:
    l32i a8, sp, IX
    l32i a9, sp, IY
    or a10, a8, a9
    bltz a10, clip
    l32i a10, sp, LIMX
    blt a10, a8, clip
    l32i a10, sp, LIMY
    blt a10, a9, clip
    l32i a4, sp, RUN
    l32i a5, sp, ROWS
    l32i a6, sp, DHROW
    or a7, a3, a4
    or a7, a7, a6
    sub a6, a6, a4
    extui a7, a7, 0, 2
    beqz a7, sum
    l32i a7, sp, COL            # bytes somewhere: they are copied
    l32i a8, sp, K4
    add a7, a7, a8
1:  mov a8, a4
    REPEAT a8, copy
    l8ui a9, a3, 0
    addi a3, a3, 1
    s8i a9, a7, 0
    addi a7, a7, 1
    AGAIN a8, copy
    add a3, a3, a6
    addi a5, a5, -1
    bnez a5, 1b
gathered:
    l32i a3, sp, COL
    l32i a4, sp, K4
    add a3, a3, a4
    movi a5, 1
    j sum
# a window that leaves the image, or tap by tap. a2 rows left, a9 row, a3 its source; a4 taps of a unit, a5 units left,
# a6 source, a10 column; a7 to; a8, a12, a11 bytes before, inside, behind; a14 zero point
clip:
    l32i a15, sp, REC
    l32i a7, sp, COL
    l32i a8, sp, K4
    add a7, a7, a8
    l32i a2, a15, R_KH
    l32i a14, a15, R_ZX
    addi a14, a14, -128
3:  l32i a4, sp, UNIT
    l32i a10, sp, IX
    mov a6, a3
    movi a5, 1
    l32i a11, a15, R_KW
    l32i a8, a15, R_H
    bgeu a9, a8, 4f
    bnei a4, 1, 5f
    mov a5, a11
    j 5f
4:  mov a4, a11                 # a row outside: all taps are before
    neg a10, a11
5:  neg a8, a10
    movi a11, 0
    max a8, a8, a11
    min a8, a8, a4
    l32i a11, a15, R_W
    sub a11, a11, a10
    min a11, a11, a4
    max a11, a11, a8
    sub a12, a11, a8
    sub a11, a4, a11
    l32i a13, a15, R_CG
    mull a8, a8, a13
    mull a12, a12, a13
    mull a11, a11, a13
    add a13, a6, a8
    beqz a8, 6f
    REPEAT a8, before
    s8i a14, a7, 0
    addi a7, a7, 1
    AGAIN a8, before
6:  beqz a12, 7f
    REPEAT a12, inside
    l8ui a8, a13, 0
    addi a13, a13, 1
    s8i a8, a7, 0
    addi a7, a7, 1
    AGAIN a12, inside
7:  beqz a11, 8f
    REPEAT a11, behind
    s8i a14, a7, 0
    addi a7, a7, 1
    AGAIN a11, behind
8:  l32i a8, a15, R_DW
    add a10, a10, a8
    l32i a8, sp, USTEP
    add a6, a6, a8
    addi a5, a5, -1
    bnez a5, 5b
    l32i a8, sp, LINE
    add a3, a3, a8
    l32i a8, a15, R_DH
    add a9, a9, a8
    addi a2, a2, -1
    bnez a2, 3b
    j gathered

# the runs become the column, their sum CORR. a7 to, a8, a9 words; a12 sums of even and of odd ones, which take 128
# words; a13 sum, a14 words left
sum:
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
