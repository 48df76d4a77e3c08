@ CONV: convolutions of any shape, 1x1, dense, with groups.
@   out[g, j] = clamp(requantise(bias[g, j] + sum of (x - zx) * w[g, j])), taps outside of the image count nothing.
@
@ Pairs (`pairs` is set, and there is room to expand weights): two products come from one multiplication, as
@   X = x0 + 65536 * x2, W = w2 + 65536 * w0:  X * W = x0*w2 + 65536 * (x0*w0 + x2*w2) + 2^32 * ...
@   and |x0*w2| < 2^15, |x0*w0 + x2*w2| < 2^15 if no w is -128. ASRS leaves bit 15 in C, so that ASRS and ADCS add
@   the upper half, rounded. Four taps (a quad) are two such pairs, even (0, 2) and odd (1, 3).
@ The weights of `block` channels are expanded into a stream, in the order in which they are read:
@   for two channels a, b:  bias a, bias b; for each quad: even a, even b, odd a, odd b; 5 words to requantise a, 5 for b
@   for an odd channel:     bias; for each quad: even, odd; 5 words
@ Then, for each position of the output, a column is made, the window as pairs, and multiplied by the whole stream.
@ A window that lies inside of the image is read as words (channels % 4 == 0), or by a table of its bytes' places; any
@ other one is gathered as bytes before.
@   four taps of two channels   15 instructions, 21 cycles (Cortex-M0+)
@   two outputs more            41, 57 cycles; 9 less for each sum that is not above 0, if that gives lo (ReLU)
@   four taps of a column       12 by places, 10 of words, 20 and more where they are gathered
@   eight weights, once         17
@
@ Bytes (everything else): with xu = x + 128 and wu = w + 128, the sum is sum xu*wu - 128 * sum xu + bias'; padding of the
@ rows, wu = 128, cancels whatever xu is.
@   eight taps of eight channels 206 instructions, 277 cycles
@   an output more              58, 74 cycles
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

@ ---- the frame, in bytes
    .equ F_X, 0                     @ along x:
    .equ F_SRC, 0                   @ first tap of the window, wherever it lies
    .equ F_OUT, 4
    .equ F_IX, 8                    @ its column
    .equ F_STEP, 12                 @ three words, what these are advanced by: stride, bytes of the output, of the input
    .equ F_TAP, 24                  @ from column to column of a window
    .equ F_LIMIT_X, 28              @ windows that begin before, and not before the image, lie inside
    .equ F_IXEND, 32
    .equ F_Y, 36                    @ and along y
    .equ F_IY, 44
    .equ F_DOWN, 60
    .equ F_LIMIT_Y, 64
    .equ F_IYEND, 68
    .equ F_LIMIT, 72                @ F_LIMIT_X, or 0 where rows of the window are outside
    .equ F_INNER, 76                @ code that reads a window that lies inside
    .equ F_EXIT, 80                 @ code behind the stream's pairs of channels
    .equ F_COLUMN, 84
    .equ F_BYTES, 88                @ the window as bytes
    .equ F_STREAM, 92
    .equ F_PLACES, 96
    .equ F_PLACES_END, 100
    .equ F_C80, 104                 @ 0x00800080,
    .equ F_MASK, 108                @ 0x00FF00FF,
    .equ F_X80, 112                 @ 0x80808080
    .equ F_ROWBYTES, 116            @ of one row of the window
    .equ F_RECORD, 120
    .equ F_K4, 124
    .equ F_CI, 128                  @ bytes of a pixel
    .equ F_TAPS, 132                @ of a row that are gathered together,
    .equ F_RUNS, 136                @ times this is kw
    .equ F_RUNBYTES, 140
    .equ F_SRC0, 144                @ the first window
    .equ F_TO, 148
    .equ F_WEIGHTS, 152
    .equ F_TABLE, 156
    .equ F_LEFT, 160                @ channels that are left, from this block on
    .equ F_BLOCK, 164               @ channels of this block
    .equ F_FILLED, 168              @ the stream is kept, and there already
    .equ F_SMALL, 172
    .equ F_ZS, 176                  @ zo - 128
    .equ F_LO, 180                  @ lo - zo
    .equ F_HI, 184                  @ hi - zo
    .equ F_GROUP, 188               @ first channel of the group
    .equ F_G_ROW, 192               @ the row that is gathered
    .equ F_G_Y, 196
    .equ F_G_ROWS, 200
    .equ F_G_RUNS, 204
    .equ F_SUM, 208
    .equ F_ACC, 212                 @ eight words
    .equ F_B_WEIGHTS, 244
    .equ F_B_TABLE, 248
    .equ F_B_LEFT, 252
    .equ F_TILE_ROW, 256
    .equ FRAME, 260

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
    ldr r1, [r0, #28]
    str r1, [sp, #F_STREAM]         @ 0 unless it is kept
    ldr r1, [r0, #36]
    str r1, [sp, #F_FILLED]
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
    ldr r1, [r7, #SCRATCH]
    adds r1, r1, r6
    str r1, [sp, #F_COLUMN]
    str r1, [sp, #F_BYTES]
    ldr r1, [r7, #FROM]
    adds r6, r6, r1                 @ the image

@ ---- both axes, x first, whose fields of the record are one word after those of y
    ldr r1, [r7, #CG]
    ldr r2, [r7, #GROUPS]
    muls r1, r2
    str r1, [sp, #F_CI]
    add r4, sp, #F_STEP
    adds r7, #4
1:  ldr r2, [r7, #SH]               @ r1 bytes from one to the next
    ldr r3, [r7, #ROW]
    movs r5, r2
    muls r5, r1
    stmia r4!, {r2, r3, r5}
    ldr r5, [r7, #OH]
    muls r5, r2
    ldr r0, [r7, #TOP]
    subs r5, r5, r0                 @ behind the last window's first tap
    muls r0, r1
    subs r6, r6, r0
    ldr r2, [r7, #DH]
    ldr r3, [r7, #KH]
    subs r3, #1
    muls r3, r2
    muls r2, r1
    ldr r0, [r7, #HEIGHT]
    muls r1, r0
    subs r3, r0, r3                 @ size - (kernel - 1) * dilation, or 0
    asrs r0, r3, #31
    bics r3, r0
    stmia r4!, {r2, r3, r5}
    adds r4, #F_Y - F_STEP - 24 + 12
    subs r7, #4
    ldr r0, [sp, #F_RECORD]
    cmp r7, r0
    bhs 1b
    movs r7, r0
    str r6, [sp, #F_SRC0]

@ ---- sizes
    ldr r1, [r7, #CG]
    ldr r2, [r7, #KW]
    movs r3, r2
    muls r3, r1
    str r3, [sp, #F_ROWBYTES]
    ldr r4, [r7, #KH]
    muls r4, r3
    adds r4, #3
    lsrs r4, r4, #2
    lsls r4, r4, #2
    str r4, [sp, #F_K4]
    movs r0, #1
    ldr r5, [sp, #F_TAP]
    cmp r5, r1                      @ taps of a row are neighbours: they are gathered together
    beq 2f
    movs r0, r2
    movs r2, #1
    movs r3, r1
2:  str r0, [sp, #F_RUNS]
    str r2, [sp, #F_TAPS]
    str r3, [sp, #F_RUNBYTES]
    ldr r1, [r7, #OG]
    str r1, [sp, #F_LEFT]

@ ---- constants
    movs r1, #128
    lsls r3, r1, #16
    adds r1, r1, r3
    lsrs r3, r1, #7
    lsls r2, r1, #1
    subs r2, r2, r3
    lsls r3, r1, #8
    adds r3, r3, r1
    add r5, sp, #F_C80
    stmia r5!, {r1-r3}
    ldr r1, [r7, #ZO]
    ldr r2, [r7, #LO]
    ldr r3, [r7, #HI]
    subs r2, r2, r1
    subs r3, r3, r1
    subs r1, #128
    add r5, sp, #F_ZS
    stmia r5!, {r1-r3}

@ ---- pairs or bytes? r4 k4, r7 record
    ldr r5, [sp, #F_COLUMN]
    ldr r3, [sp, #F_STREAM]
    movs r2, #0
    str r2, [sp, #F_GROUP]
    lsls r6, r4, #1                 @ bytes of a column
    ldr r0, [r7, #BLOCK]
    ldr r1, [r7, #PAIRS]
    lsrs r1, r1, #1
    str r1, [sp, #F_SMALL]
    ldr r1, [r7, #OG]
    bcc 4f
    cmp r3, #0
    bne 2f
    str r2, [sp, #F_FILLED]
    cmp r0, #0
    beq 4f
    movs r1, r0
    b 3f
2:  cmp r0, #0                      @ a stream of all channels
    bne 3f
    movs r5, r6                     @ scratch is too small: the column is behind the stream,
    adds r5, #24
    muls r5, r1
    adds r5, r5, r3
    movs r4, #0                     @ and no table of places
3:  str r5, [sp, #F_COLUMN]
    adds r5, r5, r6
    lsrs r6, r6, #1
    subs r6, r5, r6
    str r6, [sp, #F_BYTES]
    adr r0, .Lwords
    ldr r6, [r7, #CG]
    lsls r2, r6, #30
    beq 5f
    @ a table of places. r0 and r1 of rows and columns of the window, r5 end of the table, r6 channels
    str r1, [sp, #F_BLOCK]
    adr r2, .Lgather
    movs r1, #MOST / 4
    lsls r1, r1, #2
    subs r4, #1
    cmp r4, r1
    bhs 2f
    str r5, [sp, #F_PLACES]
    movs r0, #0
    ldr r4, [r7, #KH]
    mov r8, r4
1:  movs r1, r0
    ldr r4, [r7, #KW]
6:  movs r2, r6
7:  stmia r5!, {r1}
    adds r1, #1
    subs r2, #1
    bne 7b
    subs r1, r1, r6
    ldr r2, [sp, #F_TAP]
    adds r1, r1, r2
    subs r4, #1
    bne 6b
    ldr r2, [sp, #F_DOWN]
    adds r0, r0, r2
    mov r2, r8
    subs r2, #1
    mov r8, r2
    bne 1b
    ldr r1, [sp, #F_K4]
    lsls r1, r1, #2
    ldr r0, [sp, #F_PLACES]
    adds r1, r1, r0
    str r1, [sp, #F_PLACES_END]
8:  cmp r5, r1
    bhs 9f
    stmia r5!, {r4}                 @ padding may be any byte of the window: its weights are 0
    b 8b
9:  adr r2, .Lplaces
2:  str r2, [sp, #F_INNER]
    b 7f
4:  movs r3, #0                     @ bytes
    str r3, [sp, #F_STREAM]
    adr r0, .Ldirect
    ldr r6, [sp, #F_ROWBYTES]
    eors r4, r6
    bne 6f
    ldr r6, [r7, #CG]
5:  ldr r4, [sp, #F_SRC0]           @ words, all in reach?
    orrs r4, r6
    lsls r4, r4, #30
    bne 6f
    ldr r4, [sp, #F_RUNS]
    cmp r4, #1
    beq 8f
6:  adr r0, .Lgather
8:  str r0, [sp, #F_INNER]
    str r1, [sp, #F_BLOCK]
    ldr r2, [sp, #F_BYTES]
    cmp r2, r5
    beq .Llines                     @ bytes
7:  adr r0, .Lnext
    str r0, [sp, #F_EXIT]
    cmp r3, #0
    bne 1f
    str r5, [sp, #F_STREAM]
1:  b .Lblock

@ ---- positions
.Llines:
    ldr r7, [sp, #F_RECORD]
    ldr r2, [sp, #F_SRC0]
    ldr r3, [sp, #F_TO]
    ldr r4, [r7, #TOP]
    negs r4, r4
    add r0, sp, #F_Y
    stmia r0!, {r2-r4}
.Lline:                             @ r2 source, r3 output, r4 row
    movs r5, #0
    ldr r6, [sp, #F_LIMIT_Y]
    cmp r4, r6
    bhs 1f
    ldr r5, [sp, #F_LIMIT_X]
1:  str r5, [sp, #F_LIMIT]
    ldr r7, [sp, #F_RECORD]
    ldr r4, [r7, #LEFT]
    negs r4, r4
    add r0, sp, #F_X
    stmia r0!, {r2-r4}
    b .Lposition

    .balign 4
.Lodd:                              @ an odd channel, or behind it
    cmp r1, r9
    bne .Lnext
    ldmia r1!, {r7}
    ldr r0, [sp, #F_COLUMN]
1:  ldmia r0!, {r2, r3}
    ldmia r1!, {r4, r5}
    muls r4, r2
    muls r5, r3
    asrs r4, r4, #16
    adcs r7, r4
    asrs r5, r5, #16
    adcs r7, r5
    cmp r0, r8
    blo 1b
    bhi 2f
    mov r0, r12
    subs r0, #1
    b .Lone
2:  b .Lany_one
    .balign 4
.Lnext:
    add r0, sp, #F_X
    ldmia r0!, {r2-r7}
    adds r2, r2, r7
    adds r3, r3, r6
    adds r4, r4, r5
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
    ldr r7, [sp, #F_ROWBYTES]
    subs r0, r0, r7
    ldr r2, [sp, #F_DOWN]
    adds r0, r0, r2
    b 1b

.Lline_end:
    add r0, sp, #F_Y
    ldmia r0!, {r2-r7}
    adds r2, r2, r7
    adds r3, r3, r6
    adds r4, r4, r5
    subs r0, #24
    stmia r0!, {r2-r4}
    ldr r5, [sp, #F_IYEND]
    cmp r4, r5
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
    ldr r7, [sp, #F_RECORD]
    ldr r2, [r7, #ZX]
    ldr r1, [sp, #F_X80]
    lsrs r3, r1, #7
    muls r3, r2
    eors r3, r1
    ldr r1, [sp, #F_BYTES]
    ldr r2, [sp, #F_K4]
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
    ldr r3, [sp, #F_TAP]
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

@ ---- bytes: xu and its sum. r0 window
    .balign 4
.Ldirect:
    ldr r0, [sp, #F_GROUP]
    adds r0, r0, r2
9:  ldr r1, [sp, #F_BYTES]
    ldr r4, [sp, #F_K4]
    adds r4, r4, r1
    mov r8, r4                      @ end of the bytes
    ldr r5, [sp, #F_MASK]
    ldr r6, [sp, #F_X80]
    movs r7, #0
1:  ldmia r0!, {r2}
    eors r2, r6
    stmia r1!, {r2}
    lsrs r3, r2, #8
    ands r2, r5
    ands r3, r5
    adds r2, r2, r3
    uxth r3, r2
    adds r7, r7, r3
    lsrs r2, r2, #16
    adds r7, r7, r2
    cmp r1, r4
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
    cmp r5, #8
    bhs 1f
    b .Lbytes_rows
1:  mov r4, r12
    str r4, [sp, #F_TILE_ROW]       @ the output
    mov lr, r8
    .macro start from, to           @ the bias for inputs plus 128
    ldr r4, [r2, #16 * \from]
    subs r4, r4, r3
    mov \to, r4
    .endm
    start 0, r5
    start 1, r6
    start 2, r7
    start 3, r8
    start 4, r9
    start 5, r10
    start 6, r11
    start 7, r12
    ldr r2, [sp, #F_K4]
    lsls r4, r2, #2
    adds r4, r4, r1                 @ the second tile
    lsls r2, r2, #29
    bpl 1f
    subs r0, #4                     @ an odd number of quads: begin with the second half
    subs r1, #16
    subs r4, #16
    b 2f
    .macro dots x, w                @ 25 instructions for 8 products
    ldrb r2, [r0, #\x]
    ldrb r3, [r1, #\w]
    muls r3, r2
    adds r5, r5, r3
    ldrb r3, [r1, #\w + 4]
    muls r3, r2
    adds r6, r6, r3
    ldrb r3, [r1, #\w + 8]
    muls r3, r2
    adds r7, r7, r3
    ldrb r3, [r1, #\w + 12]
    muls r3, r2
    add r8, r3
    ldrb r3, [r4, #\w]
    muls r3, r2
    add r9, r3
    ldrb r3, [r4, #\w + 4]
    muls r3, r2
    add r10, r3
    ldrb r3, [r4, #\w + 8]
    muls r3, r2
    add r11, r3
    ldrb r3, [r4, #\w + 12]
    muls r3, r2
    add r12, r3
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
    adds r4, #32
    cmp r0, lr
    bhs 3f
    b 1b
3:  add r0, sp, #F_ACC
    stmia r0!, {r5-r7}
    mov r1, r8
    mov r2, r9
    mov r3, r10
    stmia r0!, {r1-r3}
    mov r1, r11
    mov r2, r12
    stmia r0!, {r1, r2}
    ldr r1, [sp, #F_TILE_ROW]
    mov r12, r1
    mov r8, lr
    movs r1, r4
    movs r5, #8
    b .Lbytes_scale
.Lbytes_rows:                       @ a tile that is left, channel by channel: 5 instructions a product
    cmp r5, #4
    bls 1f
    movs r5, #4
1:  lsls r7, r5, #2
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
    movs r0, r2
    b 1f
.Lstore_any:                        @ r2 multiplier, r3 shifts, r6 the sum; r1 and r7 stay
    REQUANT_ANY r6, r2, r3, r0, r4, r5
1:  ldr r2, [sp, #F_LO]
    cmp r0, r2
    blt 2f
    ldr r2, [sp, #F_HI]
    cmp r0, r2
    bgt 2f
    movs r2, r0
2:  ldr r0, [sp, #F_ZS]
    adds r2, r2, r0
    mov r0, r12
    strb r2, [r0]
    adds r0, #1
    mov r12, r0
    bx lr

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
    movs r7, #1
    ldr r0, [sp, #F_LO]
    cmp r0, #0
    bne 2f
    ldr r0, [sp, #F_ZS]             @ what is clamped at zo is not clamped below: zo may be added before
    adds r7, r7, r0
    adds r7, r7, r0
2:  SMALL_SPLIT r2, r5, r3, r4, r0, r7
    movs r7, #16
1:  stmia r1!, {r0, r2-r5}
    bx lr

@ ---- registers for all positions
@ r8 end of the column, less 2 for any requantisation; r9 end of the stream's pairs of channels; r10 where the
@ multiplication begins; r11 hi, r12 output, lr lo
.Lexpanded:
    ldr r1, [sp, #F_BLOCK]
    lsls r2, r1, #31
    bpl 1f
    ldr r0, [sp, #F_EXIT]           @ .Lnext, as the only block with an odd channel is the last one
    subs r0, #.Lnext - .Lodd
    str r0, [sp, #F_EXIT]
1:  ldr r4, [sp, #F_K4]
    lsls r0, r4, #1
    ldr r1, [sp, #F_COLUMN]
    adds r1, r1, r0
    ldr r2, [sp, #F_LO]
    cmp r2, #0
    bne 1f
    ldr r2, [sp, #F_SMALL]
    cmp r2, #0
    bne 2f
1:  subs r1, #2
2:  mov r8, r1
    ldr r2, [sp, #F_ZS]
    mov lr, r2
    adds r0, #24
    ldr r1, [sp, #F_BLOCK]
    ldr r3, [sp, #F_STREAM]
    lsrs r1, r1, #1
    lsls r1, r1, #1
    muls r1, r0
    adds r1, r1, r3
    mov r9, r1
    ldr r1, [sp, #F_HI]
    adds r1, r1, r2
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
    b .Llines

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
7:  ldr r0, [sp, #F_EXIT]
    mov pc, r0
