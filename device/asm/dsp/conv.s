@ CONV: convolution of any shape, 1x1, dense, with groups.
@   out[g, j] = requantise(bias_s[g, j] + sum_k x[g, k] * w[g, j, k])    x, w signed; taps outside the image: zx - 128
@ Two ways:
@ - block > 0: the weights of `block` channels are widened to pairs of int16 in scratch (or kept from run to run), the
@   windows of two output positions likewise, and SMLAD makes two products of one instruction. A tile is four channels
@   of both positions: 16 products in 11 instructions.
@   Window: (even pair of position 0, of position 1, odd pair of 0, of 1) for each four k.
@   Weights: (even pairs of the tile's rows, odd pairs) for each four k; rows behind the last full tile one by one.
@   A pair is k and k + 2 (even: 0 and 2, odd: 1 and 3) where channels % 4 == 0: what SXTB16 makes of a word.
@   Elsewhere runs of bytes begin anywhere, and a pair is k and k + 1.
@ - block == 0 (one position, or groups): the weights stay bytes w + 128, and
@     sum x * w = sum x * (w + 128) - 128 * sum x,
@   each word of x being widened once for four rows: 16 products in 20 instructions.
@ An odd position at the end is computed twice, to one place.
@ The layer takes the fast requantisation if no channel is GENERAL and the bounds are those of int8. Blocks of code that
@ are chosen once for the layer are jumped to through addresses in the frame.
@ Besides the products, instructions: 78 for a tile of 8 outputs, 53 for a tile of 4 from bytes; 60 for two positions,
@ and 1.1 for each value of their windows where these lie inside and are words, 2.5 where they are not, 3 to 4 at the
@ border; 1.1 (1.6) to widen a weight.
    .include "record.inc"
    .include "requant.inc"

@ Frame. The first six words are loaded together.
    .equ F_TABLE, 0                 @ of the tile that is computed
    .equ F_ZO, 4                    @ zo - 128
    .equ F_OUT0, 8
    .equ F_OUT1, 12
    .equ F_WINDOW, 16
    .equ F_WEIGHTS, 20              @ of the tile that is computed
    .equ F_ENTRY, 24                @ into the unrolled loop
    .equ F_END, 28                  @ of the window
    .equ F_FINISH, 32               @ requantisation of a tile: fast or any
    .equ F_TILES, 36                @ where the table of full tiles ends
    .equ F_ROWS, 40                 @ where the table ends
    .equ F_RECORD, 44
@ The next position, and what leads to the one behind it: ten words that are loaded together.
    .equ F_OUT, 48
    .equ F_IX, 52                   @ first column and row of the window
    .equ F_IY, 56
    .equ F_NX, 60                   @ how many columns and rows a window may start at and lie inside
    .equ F_NY, 64
    .equ F_SOURCE, 68               @ of the window's first tap
    .equ F_OX, 72                   @ positions left in this row
    .equ F_STEPS, 76                @ for out, ix and source
    .equ F_LINE, 88                 @ output of this row
    .equ F_LEFT, 92                 @ positions left
    .equ F_INPUT, 96
    .equ F_OUTS, 100                @ output of the first position and channel of the block
    .equ F_RUN, 104                 @ bytes of one row of a window
    .equ F_STEP, 108                @ from the end of one row of a window to the start of the next
    .equ F_TAPS, 112                @ taps that are gathered together: kw, or 1 where they are dilated
    .equ F_K4, 116
    .equ F_BYTES, 120               @ weights of the block as they are in DATA
    .equ F_PAIRS, 124               @ and widened
    .equ F_CHANNELS, 128            @ table of the block
    .equ F_REST, 132                @ channels from this block on
    .equ F_FILLED, 136
    .equ F_LO, 140                  @ lo - 128, hi - 128
    .equ F_HI, 144
    .equ F_FINISH_ROW, 148          @ the same of one row
    .equ F_OFFSETS, 152             @ of the taps from the first one, for windows in runs that are no words
    .equ F_OFFSETS_END, 156         @ 0: none
    .equ F_SUMS, 160                @ of a tile; or
    .equ F_LINK, 160
    .equ F_PLACE, 164               @ of the first position of two: ix, iy, inside, source
    .equ F_BASE, 180                @ of the window that is gathered
    .equ F_LINES, 184               @ its rows that are left
    .equ F_FIRST, 188               @ its ix
    .equ FRAME, 196

run:
    push {r4-r11, lr}
    sub sp, #FRAME
    ldrd r1, r2, [r0]
    add r9, r1, r2                  @ the record
    ldr r10, [r0, #X_ARENA]
    ldr r11, [r0, #X_DATA]
    ldr r1, [r9, #PART]
    add r11, r11, r1                @ the weights
    str r9, [sp, #F_RECORD]
    ldrd r1, r2, [r9, #FROM]
    add r1, r1, r10
    add r2, r2, r10
    str r1, [sp, #F_INPUT]
    str r2, [sp, #F_OUTS]
    ldrd r1, r2, [r9, #SCRATCH]
    add r1, r1, r10
    add r2, r2, r11
    str r1, [sp, #F_WINDOW]
    str r2, [sp, #F_CHANNELS]
    str r11, [sp, #F_BYTES]
    @ the fast requantisation? r6 negative: no
    ldrd r3, r4, [r9, #LO]
    rsb r6, r3, #0
    subs r5, r4, #255
    orr r6, r6, r5
    ldr r8, [r9, #OG]
    ldr r5, [r9, #PAIRS]
    lsls r5, r5, #30
    bmi 2f                          @ no channel is
    ldr r5, [r9, #GROUPS]
    mul r5, r5, r8
    add r2, r2, #T_SHIFT
1:  ldr r12, [r2], #T_BYTES
    orr r6, r6, r12
    subs r5, r5, #1
    bne 1b
2:
    sub r3, r3, #128
    sub r4, r4, #128
    strd r3, r4, [sp, #F_LO]
    ldr r3, [r9, #ZO]
    sub r3, r3, #128
    str r3, [sp, #F_ZO]
    @ sizes of a window
    ldr r7, [r9, #CG]
    ldrd r3, r4, [r9, #KH]
    mul r5, r4, r7                  @ bytes of a row
    str r5, [sp, #F_RUN]
    mul r5, r5, r3
    add r12, r5, #3
    bic r12, r12, #3                @ k4
    str r12, [sp, #F_K4]
    ldr r1, [r9, #BLOCK]
    cmp r1, #0
    beq .Lbytes
    @ taps that lie side by side in a row, and where the next row follows
    ldrd r2, lr, [r9, #DH]
    ldrd r10, r11, [r9, #HEIGHT]
    cmp lr, #1
    ite eq
    moveq r1, r4
    movne r1, #1
    str r1, [sp, #F_TAPS]
    mul r1, r2, r11
    mls r5, r4, lr, r1
    mul r5, r5, r7                  @ (dh * w - kw * dw) * cg
    str r5, [sp, #F_STEP]
    mul r1, r1, r7                  @ from row to row of a window
    @ windows that lie inside
    subs r5, r3, #1
    mls r5, r5, r2, r10             @ h - (kh - 1) * dh
    bic r5, r5, r5, asr #31
    subs r10, r4, #1
    mls r10, r10, lr, r11           @ w - (kw - 1) * dw
    bic r10, r10, r10, asr #31
    strd r10, r5, [sp, #F_NX]
    @ offsets of the taps, a word each, behind the widened weights: there are 2 * k4 + 24 * block bytes where k4 <= 288
    movs r5, #0
    lsls r2, r7, #30
    beq 5f
    ldr r2, [r9, #BLOCK]
    add r8, r2, r2, lsl #1          @ 24 * block >= 2 * k4 + 4
    lsls r8, r8, #2
    cmp r12, #288
    it ls
    cmpls r12, r8
    bhs 5f
    adds r5, r2, #2
    mul r5, r5, r12
    ldr r2, [sp, #F_WINDOW]
    add r5, r2, r5, lsl #1
    str r5, [sp, #F_OFFSETS]
    mul lr, lr, r7
    movs r2, #0
2:  mov r10, r2
    mov r11, r4
3:  mov r8, r7
4:  str r10, [r5], #4
    add r10, r10, #1
    subs r8, r8, #1
    bne 4b
    sub r10, r10, r7
    add r10, r10, lr
    subs r11, r11, #1
    bne 3b
    add r2, r2, r1
    subs r3, r3, #1
    bne 2b
    str r3, [r5], #4                @ one more: pairs are read
    ldr r1, [sp, #F_OFFSETS]
    subs r5, r5, r1
    bic r5, r5, #7
    add r5, r5, r1
    b 6f
5:  cmp lr, #1                      @ rows of a window are copied in runs, which dilated columns are not
    it ne
    strne r5, [sp, #F_NX]
6:  str r5, [sp, #F_OFFSETS_END]
    ldr r8, [r9, #OG]
    ldr r1, [r9, #BLOCK]

@ ---- Widened weights. r0 x, r1 block, r6 negative: any requantisation, r8 og, r12 k4 ----
    ldr r2, [r0, #X_KEPT]
    ldr r3, [r0, #X_FILLED]
    ldr r4, [sp, #F_WINDOW]
    add r4, r4, r12, lsl #2         @ behind the windows: the widened weights
    str r4, [sp, #F_END]
    cmp r2, #0
    ite eq
    moveq r3, #0                    @ not kept
    movne r4, r2
    it ne
    movne r1, r8                    @ kept: all channels in one go
    str r4, [sp, #F_PAIRS]
    str r3, [sp, #F_FILLED]
    str r8, [sp, #F_REST]
    adr r2, .Lany+1
    adr r3, .Lany_row+1
    cmp r6, #0
    bmi 1f
    adr r2, .Lfast+1
    adr r3, .Lfast_row+1
1:  str r2, [sp, #F_FINISH]
    str r3, [sp, #F_FINISH_ROW]
    @ enter the loop, which does four quads, so that it ends with a whole turn
    adr r2, .Lquads+1
    rsb r3, r12, #0
    ubfx r3, r3, #2, #2             @ quads to skip
    mov r4, #QUAD
    mla r2, r3, r4, r2
    str r2, [sp, #F_ENTRY]
    mov r8, r1

.Lblock:                            @ r7 cg, r8 channels of a block, r12 k4
    ldr r3, [sp, #F_REST]
    cmp r8, r3
    it hi
    movhi r8, r3                    @ channels of this block
    sub r3, r3, r8
    str r3, [sp, #F_REST]
    ldr r0, [sp, #F_CHANNELS]
    bic r3, r8, #3
    add r3, r0, r3, lsl #4
    add r4, r0, r8, lsl #4
    strd r3, r4, [sp, #F_TILES]
    ldr r3, [sp, #F_FILLED]
    cbz r3, 1f
    b .Lwidened

    @ widen: tiles of four rows, 16 weights in 16 instructions
1:  ldr r0, [sp, #F_BYTES]
    ldr r1, [sp, #F_PAIRS]
    bic lr, r8, #3
    mla lr, lr, r12, r0             @ end of the full tiles
    cmp r0, lr
    beq .Lwide_rows
.Lwiden:
    ldm r0!, {r2-r5}
    eor r2, r2, #0x80808080
    eor r3, r3, #0x80808080
    eor r4, r4, #0x80808080
    eor r5, r5, #0x80808080
    sxtb16 r6, r2
    sxtb16 r9, r3
    sxtb16 r10, r4
    sxtb16 r11, r5
    sxtb16 r2, r2, ror #8
    sxtb16 r3, r3, ror #8
    sxtb16 r4, r4, ror #8
    sxtb16 r5, r5, ror #8
    tst r7, #3
    bne 2f
    stm r1!, {r6, r9-r11}
    stm r1!, {r2-r5}
    cmp r0, lr
    bne .Lwiden
    b .Lwide_rows
2:  pkhtb r12, r5, r11, asr #16
    pkhbt r11, r11, r5, lsl #16
    pkhtb r5, r4, r10, asr #16
    pkhbt r10, r10, r4, lsl #16
    pkhtb r4, r3, r9, asr #16
    pkhbt r9, r9, r3, lsl #16
    pkhtb r3, r2, r6, asr #16
    pkhbt r6, r6, r2, lsl #16
    stm r1!, {r6, r9-r11}
    stm r1!, {r3, r4, r5, r12}
    cmp r0, lr
    bne .Lwiden
.Lwide_rows:                        @ the rest of the rows, one by one
    ldr r12, [sp, #F_K4]
    ands r2, r8, #3
    beq 5f
    lsls r9, r2, #2                 @ from word to word of a row
    mov r10, r2
3:  add r11, r1, r12, lsl #1
    mov r3, r0
4:  ldr r4, [r3]
    add r3, r3, r9
    eor r4, r4, #0x80808080
    sxtb16 r5, r4
    sxtb16 r4, r4, ror #8
    tst r7, #3
    ittt ne
    pkhtbne r6, r4, r5, asr #16
    pkhbtne r5, r5, r4, lsl #16
    movne r4, r6
    strd r5, r4, [r1], #8
    cmp r1, r11
    bne 4b
    adds r0, r0, #4
    subs r10, r10, #1
    bne 3b
5:
.Lwidened:
    @ to the first position
    ldr r9, [sp, #F_RECORD]
    bl .Lstart

.Lpair:                             @ two positions, or twice the last one; r7 cg, r9 record
    bl .Lplace
    str r0, [sp, #F_OUT0]
    add r12, sp, #F_PLACE
    stm r12, {r1, r2, r3, r5}
    ldr r4, [sp, #F_LEFT]
    subs r4, r4, #1
    beq 1f
    subs r4, r4, #1
    str r4, [sp, #F_LEFT]
    bl .Lplace
    b 2f
1:  str r4, [sp, #F_LEFT]
2:  str r0, [sp, #F_OUT1]
    ldr r0, [sp, #F_WINDOW]
    ldr r4, [sp, #F_PLACE+8]
    ands r4, r4, r3
    beq .Lborder
    mov r6, r5
    ldr r5, [sp, #F_PLACE+12]
    tst r7, #3
    bne 3f
    @ both inside, in words: 8 values in 9 instructions
    ldr r3, [r9, #KH]
    ldrd r4, r8, [sp, #F_RUN]
1:  add r2, r5, r4
2:  ldr r12, [r5], #4
    ldr lr, [r6], #4
    sxtb16 r10, r12
    sxtb16 r11, lr
    sxtb16 r12, r12, ror #8
    sxtb16 lr, lr, ror #8
    stm r0!, {r10, r11, r12, lr}
    cmp r5, r2
    bne 2b
    add r5, r5, r8
    add r6, r6, r8
    subs r3, r3, #1
    bne 1b
    b .Lcompute
3:  ldr lr, [sp, #F_OFFSETS_END]
    cmp lr, #0
    beq 5f
    @ both inside, by offsets: 4 values in 10 instructions
    ldr r1, [sp, #F_OFFSETS]
4:  ldrd r3, r4, [r1], #8
    ldrsb r8, [r5, r3]
    ldrsb r10, [r5, r4]
    ldrsb r11, [r6, r3]
    ldrsb r12, [r6, r4]
    pkhbt r8, r8, r10, lsl #16
    pkhbt r11, r11, r12, lsl #16
    strd r8, r11, [r0], #8
    cmp r1, lr
    bne 4b
    b .Lcompute
5:  mov r5, r6
    b 7f
.Lborder:                           @ zx everywhere, then what lies inside
    ldr r10, [r9, #ZX]
    sub r10, r10, #128
    pkhbt r10, r10, r10, lsl #16
    mov r11, r10
    mov r12, r10
    mov lr, r10
    ldr r8, [sp, #F_END]
    mov r6, r0
6:  stm r6!, {r10, r11, r12, lr}
    cmp r6, r8
    bne 6b
7:  adds r0, r0, #4
    bl .Lgather
    add r12, sp, #F_PLACE
    ldm r12, {r1, r2, r3, r5}
    ldr r0, [sp, #F_WINDOW]
    bl .Lgather

.Lcompute:                          @ all channels of the block at both positions
    ldr r1, [sp, #F_PAIRS]
    str r1, [sp, #F_WEIGHTS]
    ldr r0, [sp, #F_CHANNELS]
    str r0, [sp, #F_TABLE]
    ldr r1, [sp, #F_TILES]
    cmp r0, r1
    beq .Lrow

@ r0 window, r1 weights, r2 r3 pairs of both positions, r12 lr pairs of two rows, r4-r7 sums of position 0, r8-r11 of 1
    .equ QUAD, 88                   @ bytes of code for four k
.Ltile:
    ldr r4, [r0, #T_BIAS]
    ldr r5, [r0, #T_BIAS+T_BYTES]
    ldr r6, [r0, #T_BIAS+2*T_BYTES]
    ldr r7, [r0, #T_BIAS+3*T_BYTES]
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    ldrd r0, r1, [sp, #F_WINDOW]
    ldr pc, [sp, #F_ENTRY]
.Lquads:
    .rept 8
    ldrd r2, r3, [r0], #8
    ldrd r12, lr, [r1], #8
    smlad r4, r12, r2, r4
    smlad r8, r12, r3, r8
    smlad r5, lr, r2, r5
    smlad r9, lr, r3, r9
    ldrd r12, lr, [r1], #8
    smlad r6, r12, r2, r6
    smlad r10, r12, r3, r10
    smlad r7, lr, r2, r7
    smlad r11, lr, r3, r11
    .endr
    ldr r2, [sp, #F_END]
    cmp r0, r2
    bne .Lquads
    str r1, [sp, #F_WEIGHTS]
    ldm sp, {r0-r3}
    ldr pc, [sp, #F_FINISH]
.Lfast:
    requantise_2 r4, r8, 0
    requantise_2 r5, r9, T_BYTES
    requantise_2 r6, r10, 2*T_BYTES
    adds r0, r0, #3*T_BYTES
.Lfast_row:
    requantise_2 r7, r11, 0
    adds r0, r0, #T_BYTES
.Ltiled:
    str r0, [sp, #F_TABLE]
    strd r2, r3, [sp, #F_OUT0]
    ldr r1, [sp, #F_TILES]
    cmp r0, r1
    blo .Ltile
.Lrow:                              @ channels behind the last full tile: r7 and r11 sums, 8 products in 9 instructions
    ldr r1, [sp, #F_ROWS]
    cmp r0, r1
    beq .Lcomputed
    ldr r7, [r0, #T_BIAS]
    mov r11, r7
    ldrd r0, r1, [sp, #F_WINDOW]
    ldr r12, [sp, #F_END]
1:  ldrd r5, r6, [r1], #8
    ldrd r2, r3, [r0], #8
    smlad r7, r5, r2, r7
    smlad r11, r5, r3, r11
    ldrd r2, r3, [r0], #8
    smlad r7, r6, r2, r7
    smlad r11, r6, r3, r11
    cmp r0, r12
    bne 1b
    str r1, [sp, #F_WEIGHTS]
    ldm sp, {r0-r3}
    ldr pc, [sp, #F_FINISH_ROW]

.Lcomputed:
    ldr r9, [sp, #F_RECORD]
    ldr r7, [r9, #CG]
    ldr r4, [sp, #F_LEFT]
    cmp r4, #0
    bne .Lpair
    @ the next block
    ldr r12, [sp, #F_K4]
    ldr r0, [sp, #F_CHANNELS]
    ldr r1, [sp, #F_ROWS]
    str r1, [sp, #F_CHANNELS]
    subs r1, r1, r0
    lsr r8, r1, #4
    ldr r2, [sp, #F_OUTS]
    add r2, r2, r8
    str r2, [sp, #F_OUTS]
    ldr r2, [sp, #F_BYTES]
    mla r2, r8, r12, r2
    str r2, [sp, #F_BYTES]
    ldr r3, [sp, #F_REST]
    cmp r3, #0
    bne .Lblock
.Lend:
    add sp, #FRAME
    pop {r4-r11, pc}

@ Any requantisation: of a tile's 4 channels, or of one row
.Lany:
    add r12, sp, #F_SUMS
    stm r12, {r4-r11}
    movs r5, #4
    b 1f
.Lany_row:
    add r12, sp, #F_SUMS
    str r7, [r12]
    str r11, [r12, #16]
    movs r5, #1
1:  ldrd r10, r11, [sp, #F_LO]
    mov r9, r5                      @ channels
    mov r7, r12
2:  ldr r4, [r7, #16]
    bl .Lrequantise
    strb r4, [r3], #1
    ldr r4, [r7], #4
    bl .Lrequantise
    strb r4, [r2], #1
    adds r0, r0, #T_BYTES
    subs r9, r9, #1
    bne 2b
    b .Ltiled
.Lrequantise:
    requantise_any

@ ---- Positions ----
@ To the first position. r7 bytes of a pixel, r9 record
.Lstart:
    ldrd r1, r2, [r9, #OH]
    mul r1, r1, r2
    str r1, [sp, #F_LEFT]
    ldr r1, [r9, #PIXEL]
    ldrd r2, r3, [r9, #SH]
    mul r4, r3, r7
    add r12, sp, #F_STEPS
    stm r12, {r1, r3, r4}
    ldr r1, [sp, #F_OUTS]
    ldr r3, [r9, #ROW]
    subs r1, r1, r3
    str r1, [sp, #F_LINE]
    ldr r1, [r9, #TOP]
    adds r2, r2, r1
    rsbs r2, r2, #0                 @ the row before the first one
    add r12, sp, #F_OUT
    b 1f

@ A position, and on to the next. r7 bytes of a pixel, r9 record -> r0 output, r1 ix, r2 iy, r3 0 unless the window lies
@ inside, r5 address of its first tap
.Lplace:
    add r12, sp, #F_OUT
    ldm r12, {r0-r6, r8, r10, r11}
    add r8, r8, r0
    add r10, r10, r1
    add r11, r11, r5
    subs r6, r6, #1
    bne 2f
1:  ldr r8, [sp, #F_LINE]           @ to the next row
    ldr r10, [r9, #ROW]
    add r8, r8, r10
    str r8, [sp, #F_LINE]
    ldr r10, [r9, #SH]
    add r10, r10, r2
    str r10, [r12, #F_IY-F_OUT]
    ldr r6, [r9, #WIDTH]
    mul r11, r10, r6
    ldr r10, [r9, #LEFT]
    rsb r10, r10, #0
    add r11, r11, r10
    ldr r6, [sp, #F_INPUT]
    mla r11, r11, r7, r6
    ldr r6, [r9, #OW]
2:  strd r8, r10, [r12]
    strd r11, r6, [r12, #F_SOURCE-F_OUT]
    cmp r1, r3
    it lo
    cmplo r2, r4
    sbcs r3, r3, r3
    bx lr

@ What lies inside of a window as pairs to r0. r1 ix, r2 iy, r5 address of its first tap, r7 cg, r9 record
.Lgather:
    str lr, [sp, #F_LINK]
    str r0, [sp, #F_BASE]
    str r1, [sp, #F_FIRST]
    mov r10, r1
    mov r11, r2
    movs r6, #0                     @ k
    ldr r4, [r9, #KH]
4:  str r4, [sp, #F_LINES]
    ldr r4, [r9, #KW]               @ taps left in this row
5:  ldrd r2, r3, [r9, #HEIGHT]
    ldr r8, [sp, #F_TAPS]
    subs r12, r3, r10               @ taps up to the right edge
    cmp r12, r8
    it gt
    movgt r12, r8
    cmp r11, r2
    it hs
    movhs r12, #0                   @ a row outside
    rsbs r3, r10, #0                @ taps left of the image
    it mi
    movmi r3, #0
    subs r2, r12, r3
    ble 6f
    mul r2, r2, r7
    mla r1, r3, r7, r5
    mla r3, r3, r7, r6
    ldr r0, [sp, #F_BASE]
    add r0, r0, r3, lsl #2
    ands r3, r3, #1
    sub r0, r0, r3, lsl #1
    bl .Lcopy
6:  ldr r8, [sp, #F_TAPS]
    ldr r3, [r9, #DW]
    mul r3, r3, r8
    add r10, r10, r3
    mla r5, r3, r7, r5
    mla r6, r8, r7, r6
    subs r4, r4, r8
    bgt 5b
    ldr r3, [sp, #F_STEP]
    add r5, r5, r3
    ldr r10, [sp, #F_FIRST]
    ldr r3, [r9, #DH]
    add r11, r11, r3
    ldr r4, [sp, #F_LINES]
    subs r4, r4, #1
    bne 4b
    ldr pc, [sp, #F_LINK]

@ r2 bytes (not 0) from r1 as pairs to r0, both advance; r3, r8, r12 scratch. Where channels % 4, k % 2 is bit 1 of r0
.Lcopy:
    tst r7, #3
    bne 2f
1:  ldr r3, [r1], #4
    sxtb16 r8, r3
    sxtb16 r3, r3, ror #8
    str r8, [r0], #8
    str r3, [r0], #8
    subs r2, r2, #4
    bne 1b
    bx lr
2:  tst r0, #2
    beq 3f
    ldrsb r3, [r1], #1
    strh r3, [r0], #6
    subs r2, r2, #1
3:  subs r2, r2, #4
    blt 5f
4:  ldr r3, [r1], #4
    sxtb16 r8, r3
    sxtb16 r3, r3, ror #8
    pkhbt r12, r8, r3, lsl #16
    pkhtb r3, r3, r8, asr #16
    str r12, [r0], #8
    str r3, [r0], #8
    subs r2, r2, #4
    bge 4b
5:  adds r2, r2, #2
    blt 6f
    ldrh r3, [r1], #2
    orr r3, r3, r3, lsl #8
    sxtb16 r3, r3
    str r3, [r0], #8
6:  lsls r2, r2, #31
    beq 7f
    ldrsb r3, [r1], #1
    strh r3, [r0], #2
7:  bx lr

@ ---- Weights as bytes. r6 negative: any requantisation, r7 cg, r8 og, r12 k4 ----
    .equ F_SUM, F_PAIRS             @ 128 * sum of x
    .equ F_GROUP, F_REST            @ groups left
    .equ F_DIRECT, F_FILLED         @ not 0: x is read where it lies
    .equ DOT, 80                    @ bytes of code for four k
.Lbytes:
    adr r2, .Ldots+1
    rsb r3, r12, #0
    ubfx r3, r3, #2, #2
    mov r4, #DOT
    mla r2, r3, r4, r2
    str r2, [sp, #F_ENTRY]
    adr r2, .Lbytes_any+1
    adr r3, .Lbytes_any_row+1
    cmp r6, #0
    bmi 1f
    adr r2, .Lbytes_fast+1
    adr r3, .Lbytes_fast_row+1
1:  str r2, [sp, #F_FINISH]
    str r3, [sp, #F_FINISH_ROW]
    @ one position, whose window is the whole image, in words: no need to gather
    ldrd r1, r2, [r9, #HEIGHT]
    ldrd r3, r4, [r9, #KH]
    eors r1, r3
    eors r2, r4
    orrs r1, r2
    ldrd r2, r3, [r9, #OH]
    mul r2, r2, r3
    ldr r6, [r9, #GROUPS]
    mul r2, r2, r6
    ldrd r3, r4, [r9, #DH]
    mul r2, r2, r3
    mul r2, r2, r4
    subs r2, r2, #1
    orrs r1, r2
    ldrd r2, r3, [r9, #TOP]
    orrs r1, r2
    orrs r1, r3
    ands r2, r7, #3                 @ kh * kw * cg % 4 may be 0 all the same; then it is gathered
    orrs r1, r2
    clz r1, r1
    lsrs r1, r1, #5                 @ 1 if all of this is 0
    str r1, [sp, #F_DIRECT]
    ldr r0, [sp, #F_WINDOW]
    it ne
    ldrne r0, [sp, #F_INPUT]
    str r0, [sp, #F_BASE]
    mul r7, r7, r6                  @ bytes of a pixel
    bl .Lstart

.Lposition:                         @ r7 bytes of a pixel, r9 record
    bl .Lplace
    str r0, [sp, #F_OUT0]
    ldr r6, [sp, #F_BASE]
    str r6, [sp, #F_WINDOW]
    ldr r0, [sp, #F_DIRECT]
    cmp r0, #0
    bne .Lgathered
    @ the window: for each tap, cg bytes of each group; groups are k4 bytes apart
    str r1, [sp, #F_FIRST]
    mov r11, r2
    ldr r8, [r9, #CG]
    ldr r4, [r9, #KH]
1:  str r4, [sp, #F_LINES]
    ldr r10, [sp, #F_FIRST]
    ldr r4, [r9, #KW]
2:  str r4, [sp, #F_TAPS]
    ldrd r2, r3, [r9, #HEIGHT]
    cmp r10, r3
    it lo
    cmplo r11, r2
    sbcs lr, lr, lr                 @ 0: a tap outside
    mov r0, r6
    mov r1, r5
    ldr r4, [r9, #GROUPS]
3:  mov r2, r8
    cmp lr, #0
    bne 5f
    ldr r3, [r9, #ZX]
    eor r3, r3, #128
4:  strb r3, [r0], #1
    subs r2, r2, #1
    bne 4b
    b 9f
5:  subs r2, r2, #4
    blt 7f
6:  ldr r3, [r1], #4
    str r3, [r0], #4
    subs r2, r2, #4
    bge 6b
7:  adds r2, r2, #4
    beq 9f
8:  ldrb r3, [r1], #1
    strb r3, [r0], #1
    subs r2, r2, #1
    bne 8b
9:  ldr r3, [sp, #F_K4]
    add r0, r0, r3
    sub r0, r0, r8
    subs r4, r4, #1
    bne 3b
    add r6, r6, r8
    ldr r3, [r9, #DW]
    add r10, r10, r3
    mla r5, r3, r7, r5
    ldr r4, [sp, #F_TAPS]
    subs r4, r4, #1
    bne 2b
    ldrd r2, r3, [r9, #DH]
    add r11, r11, r2
    ldr r4, [r9, #KW]
    mul r3, r3, r4
    ldr r4, [r9, #WIDTH]
    mul r2, r2, r4
    subs r2, r2, r3                 @ dh * w - kw * dw
    mla r5, r2, r7, r5
    ldr r4, [sp, #F_LINES]
    subs r4, r4, #1
    bne 1b
.Lgathered:
    ldr r0, [sp, #F_BYTES]
    str r0, [sp, #F_WEIGHTS]
    ldr r0, [sp, #F_CHANNELS]
    str r0, [sp, #F_TABLE]
    ldr r1, [r9, #GROUPS]
.Lgroup:                            @ r0 table, r1 groups left, r9 record
    str r1, [sp, #F_GROUP]
    ldr r1, [r9, #OG]
    bic r2, r1, #3
    add r2, r0, r2, lsl #4
    add r1, r0, r1, lsl #4
    strd r2, r1, [sp, #F_TILES]
    ldr r1, [sp, #F_WINDOW]
    ldr r2, [sp, #F_K4]
    add r4, r1, r2
    str r4, [sp, #F_END]
    lsls r2, r2, #7
    rsb r2, r2, #0
    movs r3, #0
1:  ldr r5, [r1], #4
    eor r5, r5, #0x80808080
    usada8 r2, r5, r3, r2           @ of x + 128
    cmp r1, r4
    bne 1b
    lsls r2, r2, #7
    str r2, [sp, #F_SUM]
    ldr r1, [sp, #F_TILES]
    cmp r0, r1
    beq .Lbytes_row

@ r0 x, r1 weights, r2 r3 odd and even pair of x, r4-r7 sums, r8-r11 weights of four rows, r12 scratch, lr end of x
.Lbytes_tile:
    ldr r3, [sp, #F_SUM]
    ldr r4, [r0, #T_BIAS]
    ldr r5, [r0, #T_BIAS+T_BYTES]
    ldr r6, [r0, #T_BIAS+2*T_BYTES]
    ldr r7, [r0, #T_BIAS+3*T_BYTES]
    subs r4, r4, r3
    subs r5, r5, r3
    subs r6, r6, r3
    subs r7, r7, r3
    ldrd r0, r1, [sp, #F_WINDOW]
    ldr lr, [sp, #F_END]
    ldr pc, [sp, #F_ENTRY]
.Ldots:
    .rept 4
    ldr r2, [r0], #4
    ldm r1!, {r8-r11}
    sxtb16 r3, r2
    sxtb16 r2, r2, ror #8
    uxtb16 r12, r8
    uxtb16 r8, r8, ror #8
    smlad r4, r12, r3, r4
    smlad r4, r8, r2, r4
    uxtb16 r12, r9
    uxtb16 r9, r9, ror #8
    smlad r5, r12, r3, r5
    smlad r5, r9, r2, r5
    uxtb16 r12, r10
    uxtb16 r10, r10, ror #8
    smlad r6, r12, r3, r6
    smlad r6, r10, r2, r6
    uxtb16 r12, r11
    uxtb16 r11, r11, ror #8
    smlad r7, r12, r3, r7
    smlad r7, r11, r2, r7
    .endr
    cmp r0, lr
    bne .Ldots
    str r1, [sp, #F_WEIGHTS]
    ldm sp, {r0-r2}
    ldr pc, [sp, #F_FINISH]
.Lbytes_fast:
    requantise_1 r4, 0
    requantise_1 r5, T_BYTES
    requantise_1 r6, 2*T_BYTES
    adds r0, r0, #3*T_BYTES
.Lbytes_fast_row:
    requantise_1 r7, 0
    adds r0, r0, #T_BYTES
.Lbytes_tiled:
    str r0, [sp, #F_TABLE]
    str r2, [sp, #F_OUT0]
    ldr r1, [sp, #F_TILES]
    cmp r0, r1
    blo .Lbytes_tile
.Lbytes_row:                        @ channels behind the last full tile, one by one
    ldr r9, [sp, #F_RECORD]
    ldr r1, [r9, #OG]
    ands r5, r1, #3
    ldr r1, [sp, #F_ROWS]
    cmp r0, r1
    beq .Lgrouped
    lsls r5, r5, #2                 @ from word to word of a row
    ldr r3, [sp, #F_SUM]
    ldr r7, [r0, #T_BIAS]
    subs r7, r7, r3
    ldrd r0, r1, [sp, #F_WINDOW]
    adds r2, r1, #4
    str r2, [sp, #F_WEIGHTS]
    ldr lr, [sp, #F_END]
1:  ldr r2, [r0], #4
    sxtb16 r3, r2
    sxtb16 r2, r2, ror #8
    ldr r8, [r1]
    add r1, r1, r5
    uxtb16 r12, r8
    uxtb16 r8, r8, ror #8
    smlad r7, r12, r3, r7
    smlad r7, r8, r2, r7
    cmp r0, lr
    bne 1b
    ldm sp, {r0-r2}
    ldr pc, [sp, #F_FINISH_ROW]
.Lgrouped:                          @ r5 rows behind the last full tile; on to the next group
    ldr r12, [sp, #F_K4]
    ldrd r2, r1, [sp, #F_WINDOW]
    subs r3, r12, #4
    mla r1, r3, r5, r1
    add r2, r2, r12
    strd r2, r1, [sp, #F_WINDOW]
    ldr r1, [sp, #F_GROUP]
    subs r1, r1, #1
    bne .Lgroup
    ldr r7, [r9, #CG]
    ldr r1, [r9, #GROUPS]
    mul r7, r7, r1
    ldr r1, [sp, #F_LEFT]
    subs r1, r1, #1
    str r1, [sp, #F_LEFT]
    bne .Lposition
    add sp, #FRAME
    pop {r4-r11, pc}

.Lbytes_any:
    add r3, sp, #F_SUMS
    stm r3, {r4-r7}
    ldrd r10, r11, [sp, #F_LO]
    mov r7, r3
    movs r3, #4
    b 1f
.Lbytes_any_row:
    add r3, sp, #F_SUMS
    str r7, [r3]
    ldrd r10, r11, [sp, #F_LO]
    mov r7, r3
    movs r3, #1
1:  ldr r4, [r7], #4
    bl .Lrequantise
    strb r4, [r2], #1
    adds r0, r0, #T_BYTES
    subs r3, r3, #1
    bne 1b
    b .Lbytes_tiled
