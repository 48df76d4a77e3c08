@ CONV: convolutions of any shape, 1x1, dense, with groups.
@   out[g, j] = clamp(requantise(bias[g, j] + sum of (x - zx) * w[g, j])), taps outside of the image count nothing.
@
@ Pairs (`pairs` is set, and there is room to expand weights): two products come from one multiplication, as
@   X = x0 + 65536 * x2, W = w2 + 65536 * w0:  X * W = x0*w2 + 65536 * (x0*w0 + x2*w2) + 2^32 * ...
@   and |x0*w2| < 2^15, |x0*w0 + x2*w2| < 2^15 if no w is -128. ASRS leaves bit 15 in C, so that ASRS, ADCS add
@   the rounded upper half. Four taps k ... k + 3 (a quad) are two such pairs, even (0, 2) and odd (1, 3).
@ The weights of `block` channels are expanded into a stream, in the order in which they are read:
@   for two channels a, b:  bias a, bias b; k4/4 times: even a, even b, odd a, odd b; 5 words for requantising a, 5 for b
@   for an odd channel:     bias; k4/4 times: even, odd; 5 words
@ Then, for each position of the output, the column (the window as pairs) is made, and multiplied by the stream:
@ eight products in 15 instructions (21 cycles), 41 instructions more for the two outputs.
@ A window that lies inside is read word by word (channels % 4 == 0), or by a table of its bytes' places; any other one
@ is gathered as bytes before.
@
@ Bytes (everything else): with xu = x + 128 and wu = w + 128, the sum is sum xu*wu - 128 * sum xu + bias'; padding of the
@ rows, wu = 128, cancels whatever xu is. 3.4 instructions a product.
    .include "requant.inc"

@ ---- the record, in bytes
    .equ DATA, 8
    .equ FROM, 16
    .equ TO, 20
    .equ SCRATCH, 24
    .equ TABLE, 28
    .equ HEIGHT, 32
    .equ WIDTH, 36
    .equ GROUPS, 40
    .equ CG, 44
    .equ OH, 48
    .equ OW, 52
    .equ OG, 56
    .equ KH, 60
    .equ KW, 64
    .equ SH, 68
    .equ SW, 72
    .equ DH, 76
    .equ DW, 80
    .equ TOP, 84
    .equ LEFT, 88
    .equ ZX, 92
    .equ ZO, 96
    .equ LO, 100
    .equ HI, 104
    .equ ROW, 108
    .equ PIXEL, 112
    .equ BLOCK, 116
    .equ PAIRS, 120                 @ bit 0: no weight is -128; bit 1: all sums are small (requant.inc)

    .equ MOST, 288                  @ largest k4 for which scratch has a table of places

@ ---- the frame, in bytes. The first six are read at once, the first three also written
    .equ F_SRC, 0                   @ first tap of the window, wherever it lies
    .equ F_OUT, 4
    .equ F_IX, 8                    @ its column
    .equ F_STEP, 12                 @ from one position to the next: of F_SRC,
    .equ F_PIXEL, 16                @ of F_OUT,
    .equ F_SW, 20                   @ of F_IX
    .equ F_IXEND, 24
    .equ F_LIMIT, 28                @ windows of this row that begin left of it, and not left of the image, lie inside
    .equ F_INNER, 32                @ code that reads such a window
    .equ F_COLUMN, 36
    .equ F_BYTES, 40                @ the window as bytes
    .equ F_STREAM, 44
    .equ F_PLACES, 48
    .equ F_PLACES_END, 52
    .equ F_END, 56                  @ of the whole stream
    .equ F_C80, 60                  @ 0x00800080,
    .equ F_MASK, 64                 @ 0x00FF00FF,
    .equ F_X80, 68                  @ 0x80808080: these three are read at once
    .equ F_ROWBYTES, 72             @ of one row of the window
    .equ F_GAP, 76                  @ from its end to the next row
    .equ F_DOWN, 80                 @ from row to row of the window
    .equ F_RECORD, 84
    .equ F_K4, 88
    .equ F_CI, 92                   @ bytes of a pixel
    .equ F_TAPS, 96                 @ of a row that are gathered together,
    .equ F_RUNS, 100                @ times this is kw
    .equ F_RUNBYTES, 104
    .equ F_ZX, 108                  @ zx - 128 in all four bytes
    .equ F_LIMIT_X, 112             @ bounds of windows that lie inside
    .equ F_LIMIT_Y, 116
    .equ F_IX0, 120
    .equ F_IY, 124
    .equ F_SRC0, 128                @ the first window
    .equ F_SRCROW, 132
    .equ F_OUTROW, 136
    .equ F_ROWSTEP, 140
    .equ F_LINES, 144               @ rows of the output that are left
    .equ F_TO, 148
    .equ F_WEIGHTS, 152
    .equ F_TABLE, 156
    .equ F_LEFT, 160                @ channels that are left, from this block on
    .equ F_BLOCK, 164               @ channels of this block
    .equ F_FILLED, 168              @ the stream is kept, and there already
    .equ F_SMALL, 172
    .equ F_ZS, 176                  @ zo - 128
    .equ F_LO, 180                  @ lo - 128
    .equ F_HI, 184
    .equ F_GROUP, 188               @ first channel of the group
    .equ F_G_ROW, 192               @ the row that is gathered
    .equ F_G_Y, 196
    .equ F_G_ROWS, 200
    .equ F_G_RUNS, 204
    .equ F_SUM, 208
    .equ F_ACC, 212                 @ four words
    .equ F_B_WEIGHTS, 228
    .equ F_B_TABLE, 232
    .equ F_B_LEFT, 236
    .equ F_TILE, 240
    .equ F_TILE_ROW, 244
    .equ FRAME, 248

run:
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    sub sp, #FRAME

@ ---- addresses. r7 record
    ldr r7, [r0, #4]
    ldr r1, [r0]
    adds r7, r7, r1
    str r7, [sp, #F_RECORD]
    ldr r6, [r0, #12]               @ arena
    ldr r5, [r0, #20]
    ldr r1, [r7, #DATA]
    adds r5, r5, r1
    str r5, [sp, #F_WEIGHTS]
    ldr r1, [r7, #TABLE]
    adds r5, r5, r1
    str r5, [sp, #F_TABLE]
    ldr r1, [r7, #TO]
    adds r1, r1, r6
    str r1, [sp, #F_TO]
    ldr r5, [r7, #SCRATCH]
    adds r5, r5, r6
    str r5, [sp, #F_COLUMN]
    str r5, [sp, #F_BYTES]
    ldr r1, [r7, #FROM]
    adds r6, r6, r1                 @ the image

@ ---- sizes. r0 x, r3 bytes of a pixel, r4 k4, r5 scratch, r6 image
    ldr r1, [r7, #CG]
    ldr r3, [r7, #GROUPS]
    muls r3, r1
    str r3, [sp, #F_CI]
    ldr r2, [r7, #KW]
    muls r2, r1
    str r2, [sp, #F_ROWBYTES]
    ldr r4, [r7, #KH]
    muls r4, r2
    adds r4, #3
    lsrs r4, r4, #2
    lsls r4, r4, #2
    str r4, [sp, #F_K4]
    ldr r1, [r7, #SW]
    str r1, [sp, #F_SW]
    muls r1, r3
    str r1, [sp, #F_STEP]
    ldr r2, [r7, #WIDTH]
    muls r2, r3                     @ bytes of a row of the image
    ldr r1, [r7, #TOP]
    muls r1, r2
    subs r6, r6, r1
    ldr r1, [r7, #LEFT]
    muls r1, r3
    subs r6, r6, r1
    str r6, [sp, #F_SRC0]
    ldr r1, [r7, #SH]
    muls r1, r2
    str r1, [sp, #F_ROWSTEP]
    ldr r1, [r7, #DH]
    muls r1, r2
    str r1, [sp, #F_DOWN]
    ldr r2, [sp, #F_ROWBYTES]
    subs r1, r1, r2
    str r1, [sp, #F_GAP]
    ldr r1, [r7, #PIXEL]
    str r1, [sp, #F_PIXEL]
    ldr r1, [r7, #LEFT]
    negs r1, r1
    str r1, [sp, #F_IX0]
    ldr r2, [sp, #F_SW]
    ldr r6, [r7, #OW]
    muls r2, r6
    adds r1, r1, r2
    str r1, [sp, #F_IXEND]
    ldr r1, [r7, #OG]
    str r1, [sp, #F_LEFT]
    @ bounds of the windows that lie inside: size - (kernel - 1) * dilation, or 0
    ldr r1, [r7, #KH]
    ldr r2, [r7, #DH]
    subs r1, #1
    muls r1, r2
    ldr r2, [r7, #HEIGHT]
    subs r2, r2, r1
    asrs r1, r2, #31
    bics r2, r1
    str r2, [sp, #F_LIMIT_Y]
    ldr r1, [r7, #KW]
    ldr r2, [r7, #DW]
    subs r1, #1
    muls r1, r2
    ldr r2, [r7, #WIDTH]
    subs r2, r2, r1
    asrs r1, r2, #31
    bics r2, r1
    str r2, [sp, #F_LIMIT_X]
    @ taps that are neighbours: a row of the window, or one
    movs r1, #1
    ldr r2, [r7, #KW]
    ldr r6, [r7, #GROUPS]
    cmp r6, #1
    bne 1f
    ldr r6, [r7, #DW]
    cmp r6, #1
    bne 1f
    movs r1, r2
    movs r2, #1
1:  str r1, [sp, #F_TAPS]
    str r2, [sp, #F_RUNS]
    ldr r6, [r7, #CG]
    muls r1, r6
    str r1, [sp, #F_RUNBYTES]
    @ constants
    movs r1, #128
    lsls r2, r1, #16
    adds r1, r1, r2
    str r1, [sp, #F_C80]
    lsls r2, r1, #8
    adds r2, r2, r1
    str r2, [sp, #F_X80]
    lsrs r2, r1, #7
    lsls r1, r1, #1
    subs r1, r1, r2
    str r1, [sp, #F_MASK]
    @ zero points and bounds
    ldr r1, [r7, #ZX]
    subs r1, #128
    lsls r1, r1, #24
    lsrs r2, r1, #8
    adds r1, r1, r2
    lsrs r2, r1, #16
    adds r1, r1, r2
    str r1, [sp, #F_ZX]
    ldr r1, [r7, #ZO]
    subs r1, #128
    str r1, [sp, #F_ZS]
    ldr r1, [r7, #LO]
    subs r1, #128
    str r1, [sp, #F_LO]
    ldr r1, [r7, #HI]
    subs r1, #128
    str r1, [sp, #F_HI]

@ ---- pairs or bytes? r0 x, r4 k4, r5 scratch, r7 record
    movs r2, #0
    str r2, [sp, #F_GROUP]
    lsls r6, r4, #1                 @ bytes of a column
    ldr r1, [r7, #PAIRS]
    lsrs r1, r1, #1
    str r1, [sp, #F_SMALL]
    bcc .Lbytes
    ldr r1, [r7, #BLOCK]
    ldr r3, [r0, #28]               @ where the stream is kept
    cmp r3, #0
    beq 1f
    ldr r2, [r0, #36]
    movs r0, r1
    ldr r1, [r7, #OG]               @ a stream of all channels
    cmp r0, #0
    bne 2f
    movs r5, r6                     @ scratch is too small: the column is behind the stream,
    adds r5, #24
    muls r5, r1
    adds r5, r5, r3
    movs r4, #0                     @ and no table of places
    b 2f
1:  cmp r1, #0
    bne 2f
.Lbytes:
    ldr r1, [sp, #F_LEFT]
    str r1, [sp, #F_BLOCK]
    adr r1, .Lgather
    str r1, [sp, #F_INNER]
    movs r1, #0
    str r1, [sp, #F_STREAM]
    b .Llines
2:  str r1, [sp, #F_BLOCK]
    str r2, [sp, #F_FILLED]
    str r5, [sp, #F_COLUMN]
    adds r5, r5, r6
    lsrs r6, r6, #1
    subs r6, r5, r6
    str r6, [sp, #F_BYTES]
    @ how to read a window that lies inside. r3 kept stream, r5 end of the column
    adr r2, .Lgather
    ldr r6, [r7, #CG]
    lsls r1, r6, #30
    bne 3f
    ldr r1, [sp, #F_SRC0]
    lsls r1, r1, #30
    bne 9f
    ldr r1, [sp, #F_RUNS]
    cmp r1, #1
    bne 9f
    adr r2, .Lwords
    b 9f
3:  movs r1, #MOST / 4
    lsls r1, r1, #2
    subs r4, #1
    cmp r4, r1
    bhs 9f
    str r5, [sp, #F_PLACES]
    movs r0, #0
    ldr r2, [r7, #KH]
4:  str r2, [sp, #F_G_ROWS]
    movs r1, r0
    ldr r4, [r7, #KW]
5:  movs r2, r6
6:  stmia r5!, {r1}
    adds r1, #1
    subs r2, #1
    bne 6b
    ldr r2, [r7, #DW]
    subs r2, #1
    muls r2, r6
    adds r1, r1, r2
    subs r4, #1
    bne 5b
    ldr r2, [sp, #F_DOWN]
    adds r0, r0, r2
    ldr r2, [sp, #F_G_ROWS]
    subs r2, #1
    bne 4b
    ldr r4, [sp, #F_K4]
    lsls r4, r4, #2
    ldr r1, [sp, #F_PLACES]
    adds r4, r4, r1
    str r4, [sp, #F_PLACES_END]
7:  cmp r5, r4
    bhs 8f
    stmia r5!, {r2}                 @ padding may be any byte of the window: its weights are 0
    b 7b
8:  adr r2, .Lplaces
9:  str r2, [sp, #F_INNER]
    cmp r3, #0
    bne 1f
    movs r3, r5
1:  str r3, [sp, #F_STREAM]

@ ---- the next block: its stream
.Lblock:
    ldr r1, [sp, #F_BLOCK]
    ldr r2, [sp, #F_LEFT]
    cmp r1, r2
    bls 1f
    movs r1, r2
    str r1, [sp, #F_BLOCK]
1:  mov r12, r1
    ldr r0, [sp, #F_FILLED]
    cmp r0, #0
    bne .Lexpanded
    movs r7, #16
    ldr r6, [sp, #F_MASK]
    ldr r1, [sp, #F_C80]
    negs r1, r1
    mov r8, r1
    ldr r1, [sp, #F_STREAM]
@ r0 weights, r1 stream, r6 mask, r7 16, r8 -0x00800080, r9 from quad to quad of a row, r10 less 8, r11 end of the
@ stream's weights, r12 channels left. 17 instructions for 8 weights
.Ltile:
    mov r2, r12
    cmp r2, #4
    bls 1f
    movs r2, #4
1:  lsls r2, r2, #2
    mov r9, r2
    subs r2, #8
    mov r10, r2
    movs r2, #0
.Lrows:
    ldr r0, [sp, #F_WEIGHTS]
    adds r0, r0, r2
    mov r3, r9
    subs r3, r3, r2
    beq .Ltiled
    ldr r4, [sp, #F_TABLE]
    ldr r5, [sp, #F_K4]
    subs r3, #4
    beq 2f
    adds r2, #8
    str r2, [sp, #F_TILE_ROW]
    ldr r2, [r4, #12]
    ldr r3, [r4, #28]
    stmia r1!, {r2, r3}
    lsls r5, r5, #2
    adds r5, r5, r1
    mov r11, r5
1:  ldmia r0!, {r2, r3}
    rors r2, r7
    rors r3, r7
    lsrs r4, r2, #8
    lsrs r5, r3, #8
    ands r2, r6
    ands r3, r6
    ands r4, r6
    ands r5, r6
    add r2, r8
    add r3, r8
    add r4, r8
    add r5, r8
    stmia r1!, {r2-r5}
    add r0, r10
    cmp r1, r11
    bne 1b
    bl .Lscale
    b 4f
2:  adds r2, #4                     @ an odd channel
    str r2, [sp, #F_TILE_ROW]
    ldr r2, [r4, #12]
    stmia r1!, {r2}
    lsls r5, r5, #1
    adds r5, r5, r1
    mov r11, r5
3:  ldr r2, [r0]
    add r0, r9
    rors r2, r7
    lsrs r3, r2, #8
    ands r2, r6
    ands r3, r6
    add r2, r8
    add r3, r8
    stmia r1!, {r2, r3}
    cmp r1, r11
    bne 3b
4:  bl .Lscale
    ldr r2, [sp, #F_TILE_ROW]
    b .Lrows
.Ltiled:
    mov r2, r9
    ldr r3, [sp, #F_K4]
    muls r3, r2
    lsrs r3, r3, #2
    adds r0, r0, r3
    subs r0, r0, r2
    str r0, [sp, #F_WEIGHTS]
    lsrs r2, r2, #2
    mov r3, r12
    subs r3, r3, r2
    mov r12, r3
    bne .Ltile
    b .Lexpanded

@ Five words for the next channel: c, m2, m1, m0, shift of requant.inc; or the second and third are multiplier and shifts
.Lscale:
    ldr r5, [sp, #F_TABLE]
    ldr r2, [r5, #4]
    ldr r3, [r5, #8]
    adds r5, #16
    str r5, [sp, #F_TABLE]
    ldr r5, [sp, #F_SMALL]
    cmp r5, #0
    beq 1f
    movs r5, r3
    ldr r7, [sp, #F_ZS]
    lsls r7, r7, #1
    adds r7, #1
    SMALL_SPLIT r2, r5, r3, r4, r0, r7
    movs r7, #16
1:  stmia r1!, {r0, r2-r5}
    bx lr

@ ---- registers for all positions
@ r8 end of the column, less 2 for any requantisation; r9 end of the stream's pairs of channels; r10 where the
@ multiplication begins; r11 hi, r12 output, lr lo
.Lexpanded:
    ldr r4, [sp, #F_K4]
    lsls r0, r4, #1
    ldr r1, [sp, #F_COLUMN]
    adds r1, r1, r0
    ldr r3, [sp, #F_ZS]
    ldr r2, [sp, #F_LO]
    cmp r2, r3
    bne 1f
    ldr r3, [sp, #F_SMALL]
    cmp r3, #0
    bne 2f
1:  subs r1, #2
2:  mov r8, r1
    mov lr, r2
    adds r0, #24
    ldr r1, [sp, #F_BLOCK]
    ldr r3, [sp, #F_STREAM]
    movs r2, r1
    muls r2, r0
    adds r2, r2, r3
    str r2, [sp, #F_END]
    lsrs r1, r1, #1
    lsls r1, r1, #1
    muls r1, r0
    adds r1, r1, r3
    mov r9, r1
    ldr r1, [sp, #F_HI]
    mov r11, r1
    lsrs r4, r4, #2
    negs r4, r4
    lsls r4, r4, #29
    lsrs r4, r4, #29                @ quads that the first turn skips
    movs r0, #QUAD
    muls r4, r0
    adr r0, .Lquads
    adds r0, r0, r4
    mov r10, r0

@ ---- positions
.Llines:
    ldr r7, [sp, #F_RECORD]
    ldr r1, [r7, #TOP]
    negs r1, r1
    str r1, [sp, #F_IY]
    ldr r1, [sp, #F_SRC0]
    str r1, [sp, #F_SRCROW]
    ldr r1, [sp, #F_TO]
    str r1, [sp, #F_OUTROW]
    ldr r1, [r7, #OH]
.Lline:
    str r1, [sp, #F_LINES]
    ldr r1, [sp, #F_IY]
    ldr r2, [sp, #F_LIMIT_Y]
    movs r5, #0
    cmp r1, r2
    bhs 1f
    ldr r5, [sp, #F_LIMIT_X]
1:  str r5, [sp, #F_LIMIT]
    ldr r2, [sp, #F_SRCROW]
    ldr r3, [sp, #F_OUTROW]
    ldr r4, [sp, #F_IX0]
    add r0, sp, #F_SRC
    stmia r0!, {r2-r4}
    b .Lposition

.Lnext:
    add r0, sp, #F_SRC
    ldmia r0!, {r2-r7}
    adds r2, r2, r5
    adds r3, r3, r6
    adds r4, r4, r7
    subs r0, #24
    stmia r0!, {r2-r4}
    ldr r5, [sp, #F_IXEND]
    cmp r4, r5
    beq .Lline_end
.Lposition:                         @ r2 source, r3 output, r4 column
    mov r12, r3
.Lwindow:
    ldr r5, [sp, #F_LIMIT]
    cmp r4, r5
    bhs .Lborder
    ldr r5, [sp, #F_INNER]
    mov pc, r5

    .balign 4
.Lplaces:                           @ 12 instructions for 4 taps
    movs r0, r2
    ldr r1, [sp, #F_COLUMN]
    ldr r6, [sp, #F_PLACES]
    ldr r7, [sp, #F_PLACES_END]
1:  ldmia r6!, {r2-r5}
    ldrsb r2, [r0, r2]
    ldrsb r3, [r0, r3]
    ldrsb r4, [r0, r4]
    ldrsb r5, [r0, r5]
    lsls r4, r4, #16
    adds r2, r2, r4
    lsls r5, r5, #16
    adds r3, r3, r5
    stmia r1!, {r2, r3}
    cmp r6, r7
    bne 1b
.Lcolumn:
    ldr r1, [sp, #F_STREAM]
    b .Ltest

    .balign 4
.Lwords:                            @ 10 instructions for 4 taps
    movs r0, r2
    ldr r7, [sp, #F_ROWBYTES]
.Lpack:                             @ r0 source, r7 bytes that are neighbours
    ldr r1, [sp, #F_COLUMN]
    add r3, sp, #F_C80
    ldmia r3!, {r4-r6}
1:  adds r7, r7, r0
2:  ldmia r0!, {r2}
    eors r2, r6
    lsrs r3, r2, #8
    ands r2, r5
    ands r3, r5
    subs r2, r2, r4
    subs r3, r3, r4
    stmia r1!, {r2, r3}
    cmp r0, r7
    bne 2b
    cmp r1, r8
    bhs .Lcolumn
    ldr r2, [sp, #F_GAP]
    adds r0, r0, r2
    ldr r7, [sp, #F_ROWBYTES]
    b 1b

.Lline_end:
    ldr r7, [sp, #F_RECORD]
    ldr r1, [sp, #F_SRCROW]
    ldr r2, [sp, #F_ROWSTEP]
    adds r1, r1, r2
    str r1, [sp, #F_SRCROW]
    ldr r1, [sp, #F_OUTROW]
    ldr r2, [r7, #ROW]
    adds r1, r1, r2
    str r1, [sp, #F_OUTROW]
    ldr r1, [sp, #F_IY]
    ldr r2, [r7, #SH]
    adds r1, r1, r2
    str r1, [sp, #F_IY]
    ldr r1, [sp, #F_LINES]
    subs r1, #1
    bne .Lline
    @ the next block
    ldr r1, [sp, #F_BLOCK]
    ldr r2, [sp, #F_TO]
    adds r2, r2, r1
    str r2, [sp, #F_TO]
    ldr r2, [sp, #F_LEFT]
    subs r2, r2, r1
    str r2, [sp, #F_LEFT]
    beq .Lreturn
    b .Lblock
.Lreturn:
    add sp, #FRAME
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}

@ ---- the window as bytes: taps outside are zx
.Lborder:
    ldr r1, [sp, #F_BYTES]
    ldr r2, [sp, #F_K4]
    ldr r3, [sp, #F_ZX]
1:  subs r2, #4
    str r3, [r1, r2]
    bne 1b
    .balign 4
.Lgather:
    ldr r7, [sp, #F_RECORD]
    ldr r0, [sp, #F_SRC]
    ldr r1, [sp, #F_GROUP]
    adds r0, r0, r1
    ldr r1, [sp, #F_IY]
    str r1, [sp, #F_G_Y]
    ldr r1, [sp, #F_BYTES]
    ldr r2, [r7, #KH]
1:  str r2, [sp, #F_G_ROWS]
    str r0, [sp, #F_G_ROW]
    ldr r2, [sp, #F_G_Y]
    ldr r3, [r7, #HEIGHT]
    cmp r2, r3
    bhs 7f
    ldr r5, [sp, #F_IX]
    ldr r6, [sp, #F_RUNS]
2:  str r6, [sp, #F_G_RUNS]         @ r0 source, r1 destination, r5 column of a run of taps
    ldr r4, [r7, #WIDTH]
    subs r4, r4, r5
    ldr r3, [sp, #F_TAPS]
    cmp r4, r3
    ble 3f
    movs r4, r3
3:  asrs r2, r5, #31
    ands r2, r5
    negs r2, r2                     @ taps left of the image
    subs r4, r4, r2                 @ taps inside
    ble 6f
    ldr r6, [r7, #CG]
    muls r4, r6
    movs r3, r2
    muls r3, r6
    adds r3, r3, r1
    ldr r6, [sp, #F_CI]
    muls r2, r6
    adds r2, r2, r0
    movs r6, r2
    orrs r6, r3
    orrs r6, r4
    lsls r6, r6, #30
    bne 5f
4:  subs r4, #4                     @ words
    ldr r6, [r2, r4]
    str r6, [r3, r4]
    bne 4b
    b 6f
5:  subs r4, #1
    ldrb r6, [r2, r4]
    strb r6, [r3, r4]
    bne 5b
6:  ldr r3, [sp, #F_RUNBYTES]
    adds r1, r1, r3
    ldr r3, [r7, #DW]
    adds r5, r5, r3
    ldr r2, [sp, #F_CI]
    muls r3, r2
    adds r0, r0, r3
    ldr r6, [sp, #F_G_RUNS]
    subs r6, #1
    bne 2b
    b 8f
7:  ldr r3, [sp, #F_ROWBYTES]
    adds r1, r1, r3
8:  ldr r2, [r7, #DH]
    ldr r3, [sp, #F_G_Y]
    adds r2, r2, r3
    str r2, [sp, #F_G_Y]
    ldr r0, [sp, #F_G_ROW]
    ldr r3, [sp, #F_DOWN]
    adds r0, r0, r3
    ldr r2, [sp, #F_G_ROWS]
    subs r2, #1
    bne 1b
    ldr r0, [sp, #F_BYTES]
    ldr r7, [sp, #F_K4]
    ldr r1, [sp, #F_STREAM]
    cmp r1, #0
    beq 9f
    b .Lpack

@ ---- bytes
@ r0 window, r7 k4. First xu and its sum
9:  adds r1, r0, r7
    mov r8, r1                      @ its end
    ldr r5, [sp, #F_MASK]
    ldr r6, [sp, #F_X80]
    movs r7, #0
1:  ldr r2, [r0]
    eors r2, r6
    stmia r0!, {r2}
    lsrs r3, r2, #8
    ands r2, r5
    ands r3, r5
    adds r2, r2, r3
    uxth r3, r2
    adds r7, r7, r3
    lsrs r2, r2, #16
    adds r7, r7, r2
    cmp r0, r1
    bne 1b
    lsls r7, r7, #7
    str r7, [sp, #F_SUM]
    ldr r5, [sp, #F_LEFT]           @ channels of a group
    ldr r1, [sp, #F_GROUP]
    cmp r1, #0
    bne .Lbytes_tile
    ldr r1, [sp, #F_WEIGHTS]
    str r1, [sp, #F_B_WEIGHTS]
    ldr r1, [sp, #F_TABLE]
    str r1, [sp, #F_B_TABLE]

.Lbytes_tile:                       @ r5 channels left
    str r5, [sp, #F_B_LEFT]
    ldr r0, [sp, #F_BYTES]
    ldr r1, [sp, #F_B_WEIGHTS]
    ldr r2, [sp, #F_B_TABLE]
    ldr r3, [sp, #F_SUM]
    cmp r5, #4
    blo .Lbytes_rows
    ldr r4, [r2]
    ldr r5, [r2, #16]
    ldr r6, [r2, #32]
    ldr r7, [r2, #48]
    subs r4, r4, r3
    subs r5, r5, r3
    subs r6, r6, r3
    subs r7, r7, r3
    ldr r2, [sp, #F_K4]
    lsls r2, r2, #29
    bpl 1f
    subs r0, #4                     @ an odd number of quads: begin with the second half
    subs r1, #16
    b 2f
    .macro dots x, w                 @ 13 instructions for 4 products
    ldrb r2, [r0, #\x]
    ldrb r3, [r1, #\w]
    muls r3, r2
    adds r4, r4, r3
    ldrb r3, [r1, #\w + 4]
    muls r3, r2
    adds r5, r5, r3
    ldrb r3, [r1, #\w + 8]
    muls r3, r2
    adds r6, r6, r3
    ldrb r3, [r1, #\w + 12]
    muls r3, r2
    adds r7, r7, r3
    .endm
1:  dots x=0, w=0
    dots x=1, w=1
    dots x=2, w=2
    dots x=3, w=3
2:  dots x=4, w=16
    dots x=5, w=17
    dots x=6, w=18
    dots x=7, w=19
    adds r0, #8
    adds r1, #32
    cmp r0, r8
    blo 1b
    add r0, sp, #F_ACC
    stmia r0!, {r4-r7}
    movs r5, #4
    b .Lbytes_scale
.Lbytes_rows:                       @ the last one to three channels, one by one: 5 instructions a product
    lsls r7, r5, #2
    movs r4, #0
1:  str r4, [sp, #F_TILE_ROW]
    ldr r0, [sp, #F_BYTES]
    ldr r1, [sp, #F_B_WEIGHTS]
    adds r1, r1, r4
    lsls r4, r4, #2
    ldr r2, [sp, #F_B_TABLE]
    ldr r6, [r2, r4]
    ldr r3, [sp, #F_SUM]
    subs r6, r6, r3
2:  .irp i, 0, 1, 2, 3
    ldrb r2, [r0, #\i]
    ldrb r3, [r1, #\i]
    muls r2, r3
    adds r6, r6, r2
    .endr
    adds r0, #4
    adds r1, r1, r7
    cmp r0, r8
    bne 2b
    ldr r4, [sp, #F_TILE_ROW]
    add r2, sp, #F_ACC
    str r6, [r2, r4]
    adds r4, #4
    cmp r4, r7
    bne 1b
    adds r1, #4
    subs r1, r1, r7
.Lbytes_scale:                      @ r1 the next tile, r5 channels
    str r1, [sp, #F_B_WEIGHTS]
    ldr r1, [sp, #F_B_LEFT]
    subs r1, r1, r5
    str r1, [sp, #F_B_LEFT]
    add r1, sp, #F_ACC
    lsls r5, r5, #2
    adds r5, r5, r1
    mov r9, r5
    ldr r7, [sp, #F_B_TABLE]
3:  ldmia r1!, {r6}
    ldr r2, [r7, #4]
    ldr r3, [r7, #8]
    adds r7, #16
    bl .Lstore_any
    cmp r1, r9
    bne 3b
    str r7, [sp, #F_B_TABLE]
    ldr r5, [sp, #F_B_LEFT]
    cmp r5, #0
    beq 4f
    b .Lbytes_tile
4:  @ the next group
    ldr r1, [sp, #F_GROUP]
    ldr r2, [sp, #F_RECORD]
    ldr r2, [r2, #CG]
    adds r1, r1, r2
    ldr r2, [sp, #F_CI]
    subs r2, r2, r1
    bne 5f
    str r2, [sp, #F_GROUP]
    b .Lnext
5:  str r1, [sp, #F_GROUP]
    ldr r2, [sp, #F_SRC]
    ldr r4, [sp, #F_IX]
    b .Lwindow

@ ---- an output with any requantisation, to r12
.Lstore:                            @ r1 the stream, r6 the sum
    ldmia r1!, {r0, r2-r5}
    ldr r7, [sp, #F_SMALL]
    cmp r7, #0
    beq .Lstore_any
    SMALL_SIGNED r6, r2, r3, r4, r0, r5
    b 2f
.Lstore_any:                        @ r2 multiplier, r3 shifts, r6 the sum; r1 and r7 stay
    REQUANT_ANY r6, r2, r3, r0, r4, r5
    asrs r4, r0, #31                @ to 17 bits, so that adding does not overflow
    asrs r5, r0, #16
    cmp r4, r5
    beq 1f
    movs r0, #1
    lsls r0, r0, #15
    eors r0, r4
1:  ldr r2, [sp, #F_ZS]
    adds r2, r2, r0
2:  ldr r4, [sp, #F_LO]
    cmp r2, r4
    bge 3f
    movs r2, r4
3:  ldr r4, [sp, #F_HI]
    cmp r2, r4
    ble 4f
    movs r2, r4
4:  mov r0, r12
    strb r2, [r0]
    adds r0, #1
    mov r12, r0
    bx lr

@ ---- multiplication. r0 column, r1 stream, r2 r3 x, r4 r5 w, r6 r7 sums
    .equ QUAD, 30                   @ bytes of code for four taps
    .balign 4
.Lquads:
    .rept 8
    ldmia r0!, {r2, r3}
    ldmia r1!, {r4, r5}
    muls r4, r2
    muls r5, r2
    asrs r4, r4, #16
    adcs r6, r4
    asrs r5, r5, #16
    adcs r7, r5
    ldmia r1!, {r4, r5}
    muls r4, r3
    muls r5, r3
    asrs r4, r4, #16
    adcs r6, r4
    asrs r5, r5, #16
    adcs r7, r5
    .endr
    cmp r0, r8
    blo .Lquads
    bhi .Lany
@ Small sums, lo == zo: what is not above 0 gives lo.
    cmp r6, #0
    ble 3f
    ldmia r1!, {r0, r2-r5}
    SMALL_POSITIVE r6, r2, r3, r4, r0, r5
    cmp r2, r11
    bgt 4f
1:  mov r0, r12
    strb r2, [r0]
.Lone:
    cmp r7, #0
    ble 5f
    ldmia r1!, {r2-r6}
    SMALL_POSITIVE r7, r3, r4, r5, r2, r6
    cmp r3, r11
    bgt 6f
2:  strb r3, [r0, #1]
    adds r0, #2
    mov r12, r0
.Ltest:
    cmp r1, r9
    bhs 7f
    ldmia r1!, {r6, r7}
    ldr r0, [sp, #F_COLUMN]
    mov pc, r10

.Lany:                              @ two channels, r6 and r7 their sums
    str r7, [sp, #F_ACC]
    bl .Lstore
    ldr r7, [sp, #F_ACC]
.Lany_one:
    movs r6, r7
    bl .Lstore
    b .Ltest

3:  mov r2, lr
    adds r1, #20
    b 1b
4:  mov r2, r11
    b 1b
5:  mov r3, lr
    adds r1, #20
    b 2b
6:  mov r3, r11
    b 2b
7:  ldr r0, [sp, #F_END]
    cmp r1, r0
    bne 8f
    b .Lnext
8:  ldmia r1!, {r7}                 @ an odd channel
    ldr r0, [sp, #F_COLUMN]
9:  ldmia r0!, {r2, r3}
    ldmia r1!, {r4, r5}
    muls r4, r2
    muls r5, r3
    asrs r4, r4, #16
    adcs r7, r4
    asrs r5, r5, #16
    adcs r7, r5
    cmp r0, r8
    blo 9b
    bhi .Lany_one
    mov r0, r12
    subs r0, #1
    b .Lone
