# Convolution of single pixels: CONV_2D of 1x1 without groups and padding, FULLY_CONNECTED, with ESP32-S3's vectors.
#   out[j] = requantise(bias[j] + sum_k x[k] * w[j, k])        signed bytes
# Scratch, from its first multiple of 16 on: the column, which is a pixel with zeros up to a multiple of 16; rows of
# weights, as long each, from DATA's bytes w + 128 (what lies behind their last word meets the zeros of the column); four
# words for each row: bias and SHORTENED. A product is 0.125 instructions: two for 16.
#
# `pass`, where there is room for a block of rows (or they are kept): 24 more for an output.
# `single`, for one position: as much of one row as there is room for; 0.875 more for each weight, 67 for an output.
#
# The column is loaded one vector ahead: where the rows begin. load leaves windows, and what has too little scratch for
# this, to the next family (device/whit/checks/pie.py).
.include "../xtensa/frame.inc"
.include "../xtensa/record.inc"
.include "../xtensa/requant.inc"
# The frame, and what it says of the layer, then of the place where it is.
.equ REC, 4                     # the record
.equ WTS, 8                     # weights and table of the pass
.equ TAB, 12
.equ COL, 16                    # the column; where rows begin
.equ EXP, 20
.equ K, 24                      # bytes of a pixel; vectors, words of a row
.equ VECTORS, 28
.equ WORDS, 32
.equ XP, 36                     # the position: addresses of its pixel and of its output
.equ OP, 40
.equ COUNT, 44                  # channels of the pass, or left
.equ PARAMS, 48                 # the four words of the first row, the end of them
.equ END, 52
.equ LEFT, 56                   # channels from the pass on
.equ FLIP, 60                   # 0x80808080
.equ READY, 64                  # not 0: rows and words are there
.equ OX, 68                     # positions left in the row, addresses for the first one of it
.equ XROW, 72
.equ OROW, 76
.equ OY, 80                     # rows left
.equ OUT, 84                    # first output of the pass
.equ IN, 88
.equ STEPX, 92                  # bytes from pixel to pixel that is taken, from a row of them to the next
.equ STEPY, 96
.equ DELTA, 100                 # from PARAMS to the table
.equ ROOM, 104                  # `single`: words for a row
.equ TILE, 108                  # the row; where its words end
.equ NEXT, 112
.equ ROWSN, 116                 # rows of the tile, left of them
.equ RLEFT, 120
REQUANT_FRAME 124
.equ SIMD_AT, 160
.include "simd.inc"
.equ FRAME, 160 + SIMD_FRAME

    ENTER FRAME
    RECORD a15, a4
    s32i a15, sp, REC
    l32i a12, a2, 28            # kept weights
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
    l32i a4, a15, R_TO
    add a4, a4, a14
    s32i a4, sp, OUT
    l32i a4, a15, R_FROM
    add a4, a4, a14
    s32i a4, sp, IN
    l32i a4, a15, R_OG
    s32i a4, sp, LEFT
    REQUANT_SETUP
    movi a4, 128
    slli a5, a4, 8
    add a4, a4, a5
    slli a5, a4, 16
    add a4, a4, a5
    s32i a4, sp, FLIP

# --- geometry: a3 bytes of a pixel, a5 words
    l32i a3, a15, R_CG
    s32i a3, sp, K
    l32i a4, a15, R_SW
    mull a4, a4, a3
    s32i a4, sp, STEPX
    l32i a4, a15, R_SH
    l32i a5, a15, R_W
    mull a4, a4, a5
    mull a4, a4, a3
    s32i a4, sp, STEPY
    addi a5, a3, 3
    srli a5, a5, 2
    s32i a5, sp, WORDS
    addi a6, a3, 15
    srli a6, a6, 4
    s32i a6, sp, VECTORS
    l32i a4, a15, R_SCRATCH
    add a4, a4, a14
    addx8 a7, a5, a4            # its end, where nothing is expanded
    addi a7, a7, 8
    addi a4, a4, 15
    srli a4, a4, 4
    slli a4, a4, 4
    s32i a4, sp, COL
    slli a6, a6, 4
    add a4, a4, a6
    s32i a4, sp, EXP
    sub a7, a7, a4
    srli a7, a7, 4
    slli a7, a7, 2
    s32i a7, sp, ROOM

# --- who makes it
    l32i a4, a15, R_OG
    beqz a12, 1f
    addi a12, a12, 15
    srli a12, a12, 4
    slli a12, a12, 4
    s32i a12, sp, EXP
    j pass
1:  s32i a12, sp, READY
    l32i a4, a15, R_BLOCK
    bnez a4, pass
    j single

# --- a pass: a4 channels at most. a2 to, a3 from, a4 channels left, a6 rows of the tile, a7 bytes of a word of each, a8
# rows left, a9, a10 from and to, a13 bytes of a row
pass:
    l32i a5, sp, LEFT
    min a4, a4, a5
    s32i a4, sp, COUNT
    l32i a2, sp, EXP
    l32i a13, sp, VECTORS
    slli a13, a13, 4
    mull a7, a13, a4
    add a7, a7, a2
    s32i a7, sp, PARAMS
    slli a8, a4, 4
    add a8, a8, a7
    s32i a8, sp, END
    l32i a3, sp, TAB
    sub a8, a3, a7
    s32i a8, sp, DELTA
    l32i a9, sp, READY
    bnez a9, start
    l32i a3, sp, WTS
tile:
    movi a6, 4
    min a6, a6, a4
    slli a7, a6, 2
    mov a8, a6
row:
    mov a9, a3
    mov a10, a2
    l32i a5, sp, WORDS
    call0 words
    add a2, a2, a13
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
1:  FOUR_WORDS a3, 12
    addi a2, a2, 16
    addi a3, a3, 16
    addi a4, a4, -1
    bnez a4, 1b
    s32i a3, sp, TAB

start:
    call0 first
# a2 column, a3 next of it, a4 next weights, a5 vectors; a6 channel, a10 the last one's end; a7 sum, a8 and a9 temporary;
# a11 and a12 bounds, a13 output, a14 and a15 NEAR and FRAC. Vector 0 inputs, 1 weights
position:
    call0 column
    l32i a2, sp, COL
    l32i a4, sp, EXP
    l32i a5, sp, VECTORS
    l32i a6, sp, PARAMS
    l32i a10, sp, END
    l32i a11, sp, LO
    l32i a12, sp, HI
    l32i a13, sp, OP
    l32i a14, sp, NEAR
    l32i a15, sp, FRAC
channel:
    SUM_CLEAR
    mov a3, a2
    VECTOR 0, a3
    loop a5, 1f
    VECTOR 1, a4
    SUM_VECTOR 0, a3, 0, 1
1:  l32i a9, a6, 0
    l32i a8, a6, 4
    SUM_TO a7
    ssr a8
    add a7, a7, a9
    l32i a9, a6, 8
    sra a8, a7
    mull a8, a8, a9
    l32i a9, a6, 12
    add a8, a8, a9
    RESULT a8, 3f, 2
    addi a13, a13, 1
    addi a6, a6, 16
    bne a6, a10, channel
    call0 next
    bnez a4, position
    NEXT_PASS
3:  l32i a9, sp, DELTA
    add a9, a9, a6
    call0 exact
    l32i a10, sp, END
    j 2b

# --- single. a2 next of the column, a3 row, a4 vectors, a6 table, a8 words left, a9 next of the row, a10 that expanded
single:
    call0 first
single_position:
    call0 column
    l32i a3, sp, WTS
    l32i a6, sp, TAB
    l32i a4, sp, LEFT
    s32i a4, sp, COUNT
    l32i a13, sp, OP
some:                           # a tile
    l32i a5, sp, COUNT
    movi a7, 4
    min a7, a7, a5
    s32i a7, sp, ROWSN
    s32i a7, sp, RLEFT
one:                            # a row of it
    s32i a3, sp, TILE
    mov a9, a3
    SUM_CLEAR
    l32i a2, sp, COL
    VECTOR 0, a2
    l32i a7, sp, ROWSN
    slli a7, a7, 2
    l32i a8, sp, WORDS
1:  l32i a5, sp, ROOM
    min a5, a5, a8
    sub a8, a8, a5
    addi a4, a5, 3
    srli a4, a4, 2
    l32i a10, sp, EXP
    call0 words
    l32i a10, sp, EXP
    loop a4, 2f
    VECTOR 1, a10
    SUM_VECTOR 0, a2, 0, 1
2:  bnez a8, 1b
    s32i a9, sp, NEXT
    SHORTENED a6, a8, a9, a3, a5
    SUM_TO a7
    l32i a5, a6, 12
    ssr a8
    add a7, a7, a5
    sra a8, a7
    mull a8, a8, a9
    add a8, a8, a3
    l32i a11, sp, LO
    l32i a12, sp, HI
    l32i a14, sp, NEAR
    l32i a15, sp, FRAC
    RESULT a8, 4f, 3
    addi a13, a13, 1
    addi a6, a6, 16
    l32i a3, sp, TILE           # the next row begins a word behind this one
    addi a3, a3, 4
    l32i a5, sp, RLEFT
    addi a5, a5, -1
    s32i a5, sp, RLEFT
    bnez a5, one
    l32i a3, sp, NEXT           # the next tile, where the first row of this one would go on
    l32i a7, sp, ROWSN
    slli a5, a7, 2
    sub a3, a3, a5
    addi a3, a3, 4
    l32i a5, sp, COUNT
    sub a5, a5, a7
    s32i a5, sp, COUNT
    bnez a5, some
    call0 next
    bnez a4, single_position
    j return
4:  mov a9, a6
    call0 exact
    j 3b

# a5 words, w + 128 in each byte, from a9 on, a7 bytes from one to the next, as signed bytes to a10; a9 and a10 go on. Uses
# a5, a11, a12, a14, a15.
    .balign 4
words:
    l32i a12, sp, FLIP
    bnei a7, 16, 2f
    srli a11, a5, 2
    beqz a11, 1f
    loop a11, 1f
    .rept 2
    l32i a14, a9, 32 * \#
    l32i a15, a9, 32 * \# + 16
    xor a14, a14, a12
    xor a15, a15, a12
    s32i a14, a10, 8 * \#
    s32i a15, a10, 8 * \# + 4
    .endr
    addi a9, a9, 64
    addi a10, a10, 16
1:  extui a5, a5, 0, 2
    beqz a5, 3f
2:  loop a5, 3f
    l32i a14, a9, 0
    add a9, a9, a7
    xor a14, a14, a12
    s32i a14, a10, 0
    addi a10, a10, 4
3:  ret

# The column of the position. Uses a3 to a9.
    .balign 4
column:
    l32i a3, sp, XP
    l32i a7, sp, COL
    l32i a4, sp, K
    l32i a5, sp, VECTORS
    addi a5, a5, -1
    slli a5, a5, 4
    add a5, a5, a7
    movi a6, 0
    .rept 4
    s32i a6, a5, 4 * \#
    .endr
    extui a6, a3, 0, 2
    bnez a6, 1f                 # no words
    srli a8, a4, 2
    extui a4, a4, 0, 2
    beqz a8, 1f
    loop a8, 1f
    l32i a9, a3, 0
    addi a3, a3, 4
    s32i a9, a7, 0
    addi a7, a7, 4
1:  beqz a4, 2f
    loop a4, 2f
    l8ui a9, a3, 0
    addi a3, a3, 1
    s8i a9, a7, 0
    addi a7, a7, 1
2:  ret

# The first position. Uses a4, a15.
    .balign 4
first:
    l32i a15, sp, REC
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
1:  l32i a4, a15, R_OW
    s32i a4, sp, OX
3:  ret

    EXACT
    SIMD_CODE
    LEAVE
