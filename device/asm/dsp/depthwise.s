@ DEPTHWISE: each input channel has filters of its own.
@   out[c, j] = requantise(bias_s[c, j] + sum_t x[c, t] * w[c, j, t])    x, w signed; taps outside the image: zx - 128
@ Lines of the input are taken in pairs into scratch, a word per pixel and channel: (x of the upper, x of the lower
@ line) as int16, with the padding. SMLAD multiplies such a word with a pair of weights of one column of the filter.
@ A window on two output lines at a time shares the words that it reads: for output line 0 of a filter of 3 the pairs of
@ weights are (w0, w1), (w2, -), for line 1, one input line below, (-, w0), (w1, w2).
@ - filters of 3 x 3, stride 1 or 2 along y, fast requantisation: weights, bias and scale of a channel lie in one stream
@   of 9 words. With stride 1 only one of two pairs of lines is new from turn to turn. 38 and 41 instructions for two
@   outputs of 9 products.
@ - any other: a stream of (place of a word, weights for line 0, for line 1): 5 instructions for up to 4 products. Where
@   lines are dilated, or the stride is larger than the filter, output lines go one by one; line 1 has weights of 0.
@ A signal, which has one line, is turned so that its pixels are lines.
@ Channels are taken in blocks that fit into scratch: for each channel 4 bytes per pixel and pair of lines, 12 per
@ column and pair of lines of each of its filters, and one of a pixel of zero points.
@ A word of input in scratch costs 3.5 instructions for its two values.
    .include "record.inc"
    .include "requant.inc"

@ Frame
    .equ F_TABLE, 0                 @ four words that are loaded together: of the channel
    .equ F_ZO, 4
    .equ F_OUT0, 8
    .equ F_OUT1, 12
    .equ F_STOP, 16                 @ where the weights of the block end
    .equ F_LO, 20                   @ less 128, as zo
    .equ F_HI, 24
    .equ F_RECORD, 28
    .equ F_SPECIAL, 32              @ not 0: 3 x 3
    .equ F_FINISH, 36               @ requantisation: fast or any
    .equ F_LINES, 40                @ output lines in a turn: 1 or 2
    .equ F_PAIRS, 44                @ of input lines
    .equ F_STRIDE, 48               @ input lines from one to the next of the window
    .equ F_WIDTH, 52                @ pixels of a line in scratch
    .equ F_BLOCK, 56                @ channels in a block
    .equ F_INPUT, 60                @ of the block: first pixel,
    .equ F_OUT, 64                  @ first output,
    .equ F_BYTES, 68                @ weights,
    .equ F_CHANNELS, 72             @ table,
    .equ F_N, 76                    @ channels
    .equ F_REST, 80                 @ channels from this block on
    .equ F_WEIGHTS, 84              @ in scratch
    .equ F_SLOTS, 88                @ pairs of lines, each of
    .equ F_SLOT, 92                 @ so many bytes
    .equ F_ZEROS, 96                @ a pixel of zero points
    .equ F_OY, 100
    .equ F_LINE, 104                @ output of this turn
    .equ F_OX, 108                  @ positions left
    .equ F_AT, 112                  @ the window's first word
    .equ F_OTHER, 116               @ from a word of the upper pair of lines to that of the lower
    .equ F_COLUMN, 120              @ from a column of the window to the next
    .equ F_SIZE, 124                @ bytes of the weights of one filter, and of those of a channel
    .equ F_CHANNEL, 128
    .equ F_LEFT, 132                @ pairs of lines that are still to be taken, and the next one
    .equ F_NEXT, 136
    .equ F_ROWS, 140                @ the two lines: steps and addresses
    .equ F_INSIDE, 156              @ pixels inside of the image, and to its right
    .equ F_END, 140                 @ or, later: where the weights of a channel end
    .equ F_PW, 144
    .equ F_ENTRY, 164               @ into the loop over a filter
    .equ F_COPY, 168                @ of the record
    .equ WORDS, 31
    .equ FRAME, F_COPY+4*WORDS+4

@ An axis for the other
.macro swap at
    ldrd r1, r2, [r9, #\at]
    strd r2, r1, [r9, #\at]
.endm

run:
    push {r4-r11, lr}
    sub sp, #FRAME
    ldrd r1, r2, [r0]
    add r1, r1, r2                  @ the record
    ldr r10, [r0, #X_ARENA]
    ldr r11, [r0, #X_DATA]
    add r9, sp, #F_COPY
    str r9, [sp, #F_RECORD]
    mov r2, r9
    movs r3, #WORDS
1:  ldr r4, [r1], #4
    str r4, [r2], #4
    subs r3, r3, #1
    bne 1b
    ldr r1, [r9, #HEIGHT]
    ldr r2, [r9, #OH]
    ldr r3, [r9, #KH]
    mul r1, r1, r2
    mul r1, r1, r3
    cmp r1, #1
    bne 1f
    swap HEIGHT
    swap OH
    swap KH
    swap SH
    swap DH
    swap TOP
    swap ROW
1:
    ldr r1, [r9, #PART]
    add r11, r11, r1
    str r11, [sp, #F_BYTES]
    ldrd r1, r2, [r9, #FROM]
    add r1, r1, r10
    add r2, r2, r10
    strd r1, r2, [sp, #F_INPUT]
    str r2, [r9, #TO]
    ldrd r1, r2, [r9, #SCRATCH]
    add r1, r1, r10
    add r2, r2, r11
    str r1, [sp, #F_WEIGHTS]
    str r2, [sp, #F_CHANNELS]
    @ the fast requantisation? r6 negative: no
    ldrd r3, r4, [r9, #LO]
    movs r6, #0
    subs r3, r3, #128
    subs r4, r4, #128
    strd r3, r4, [sp, #F_LO]
    ldr r3, [r9, #ZO]
    subs r3, r3, #128
    str r3, [sp, #F_ZO]
    ldr r7, [r9, #GROUPS]
    str r7, [sp, #F_REST]
    ldr r8, [r9, #OG]
    mul r5, r7, r8                  @ output channels
    mov r4, r5
    adds r2, r2, #T_SHIFT
1:  ldr r3, [r2], #T_BYTES
    orrs r6, r3
    subs r4, r4, #1
    bne 1b
    adr r3, .Lfast+1
    adr r4, .Lany+1
    lsrs r6, r6, #31
    it ne
    movne r3, r4
    str r3, [sp, #F_FINISH]
    @ output lines in a turn, and pairs of input lines
    ldrd r1, r2, [r9, #KH]
    ldrd r3, r4, [r9, #SH]
    ldrd r10, r11, [r9, #DH]
    adds r12, r1, #1
    cmp r1, r3
    it ge
    cmpge r10, #1
    ite eq
    moveq lr, #2
    movne lr, #1
    it eq
    addeq r12, r12, r3
    lsr r12, r12, #1
    strd lr, r12, [sp, #F_LINES]
    str r10, [sp, #F_STRIDE]
    @ special?
    eor r0, r1, #3
    orrs r6, r0
    eor r0, r2, #3
    orrs r6, r0
    mul r0, r10, r8
    subs r0, r0, #1
    orrs r6, r0
    subs r0, r3, #1
    lsrs r0, r0, #1
    orrs r6, r0
    ite eq
    moveq r6, r3
    movne r6, #0
    str r6, [sp, #F_SPECIAL]
    @ pixels of a line in scratch, and channels of a block
    ldr r3, [r9, #OW]
    subs r3, r3, #1
    mul r3, r3, r4
    subs r4, r2, #1
    mla r3, r4, r11, r3
    adds r3, r3, #1                 @ (ow - 1) * sw + (kw - 1) * dw + 1
    str r3, [sp, #F_WIDTH]
    mul r4, r2, r8
    add r4, r4, r4, lsl #1
    adds r4, r4, r3
    mul r4, r4, r12
    lsls r4, r4, #2
    adds r4, r4, #1                 @ bytes for a channel
    mul r3, r3, r7
    lsls r5, r5, #2
    mla r5, r5, r2, r3
    mul r5, r5, r1                  @ bytes of scratch
    udiv r5, r5, r4
    bics r5, r5, #3
    it eq
    moveq r5, #4
    str r5, [sp, #F_BLOCK]

.Lblock:
    ldrd r7, r8, [sp, #F_N]         @ r8: channels that are left
    ldr r7, [sp, #F_BLOCK]
    cmp r7, r8
    it hi
    movhi r7, r8
    str r7, [sp, #F_N]
    ldr r9, [sp, #F_RECORD]
    lsls r0, r7, #2
    ldr r1, [r9, #DW]
    mul r1, r1, r0
    str r1, [sp, #F_COLUMN]
    ldr r1, [sp, #F_WIDTH]
    mul r1, r1, r0
    str r1, [sp, #F_SLOT]
    @ widen the weights. r0 bytes, r1 table, r2 to
    ldr r0, [sp, #F_BYTES]
    ldr r1, [sp, #F_CHANNELS]
    ldr r2, [sp, #F_WEIGHTS]
    ldr r3, [sp, #F_SPECIAL]
    cbz r3, .Lwiden
1:  ldr r3, [r1, #T_BIAS]
    str r3, [r2], #4
    movs r6, #3
2:  ldrb r4, [r0, #3]
    ldrb r5, [r0, #6]
    ldrb r3, [r0], #1
    subs r4, r4, #128
    subs r5, r5, #128
    subs r3, r3, #128
    pkhbt r3, r3, r4, lsl #16
    pkhbt r4, r4, r5, lsl #16
    strd r3, r4, [r2], #8
    subs r6, r6, #1
    bne 2b
    adds r0, r0, #6
    ldrd r3, r4, [r1, #T_SCALE]
    lsls r3, r3, #1
    strd r3, r4, [r2], #8
    adds r1, r1, #T_BYTES
    subs r7, r7, #1
    bne 1b
    b .Lwidened
.Lwiden:                            @ a filter: for each column and pair of lines their place, and two pairs of weights
    ldrd r11, r12, [r9, #KH]
    ldr r8, [r9, #OG]
    ldr r10, [sp, #F_PAIRS]
    mul r6, r10, r12
    add r6, r6, r6, lsl #1
    lsls r6, r6, #2
    mul r3, r6, r8
    strd r6, r3, [sp, #F_SIZE]
    adr r3, .Lunit+1
    lsls r6, r6, #29                @ 12 bytes for each: bit 2 tells whether their number is odd
    it mi
    addmi r3, r3, #UNIT
    str r3, [sp, #F_ENTRY]
    mul r7, r7, r8
1:  movs r6, #0                     @ column
2:  ldr r1, [sp, #F_COLUMN]
    mul r1, r1, r6                  @ place
    movs r3, #0                     @ line of the window
3:  movs r4, #0
    movs r5, #0
    cmp r3, r11
    bge 4f
    mla r4, r3, r12, r0
    ldrb r4, [r4, r6]
    subs r4, r4, #128
4:  ldr lr, [sp, #F_LINES]
    cmp lr, #1
    beq 5f
    ldr lr, [r9, #SH]
    subs lr, r3, lr
    bmi 5f
    cmp lr, r11
    bge 5f
    mla r5, lr, r12, r0
    ldrb r5, [r5, r6]
    subs r5, r5, #128
5:  lsls lr, r3, #31
    bne 6f
    strh r4, [r2, #4]
    strh r5, [r2, #8]
    b 7f
6:  strh r4, [r2, #6]
    strh r5, [r2, #10]
    str r1, [r2], #12
    ldr r4, [sp, #F_SLOT]
    add r1, r1, r4
7:  adds r3, r3, #1
    cmp r3, r10, lsl #1
    bne 3b
    adds r6, r6, #1
    cmp r6, r12
    bne 2b
    mla r0, r11, r12, r0
    subs r7, r7, #1
    bne 1b
.Lwidened:
    str r2, [sp, #F_STOP]
    str r2, [sp, #F_SLOTS]
    ldr r7, [sp, #F_N]
    ldr r3, [sp, #F_SLOT]
    ldr r4, [sp, #F_PAIRS]
    mla r2, r3, r4, r2
    str r2, [sp, #F_ZEROS]
    ldr r4, [r9, #ZX]
    eor r4, r4, #128
1:  strb r4, [r2], #1
    subs r7, r7, #1
    bne 1b
    movs r0, #0

@ ---- A turn: one or two output lines ----
.Lturn:                             @ r0 first output line, r9 record
    str r0, [sp, #F_OY]
    ldr r1, [r9, #ROW]
    ldr r2, [sp, #F_OUT]
    mla r2, r0, r1, r2
    ldr r3, [sp, #F_LINES]
    lsrs r3, r3, #1
    add r3, r3, r0                  @ the second line, if there is one
    ldr r4, [r9, #OH]
    cmp r3, r4
    it ge
    movge r3, r0
    subs r3, r3, r0
    mla r3, r3, r1, r2
    strd r2, r3, [sp, #F_OUT0]
    ldr r1, [r9, #OW]
    str r1, [sp, #F_OX]
    @ r4 input line, r2 slot, r6 pairs to take
    ldr r3, [r9, #SH]
    ldr r5, [r9, #TOP]
    mul r4, r0, r3
    subs r4, r4, r5
    ldrd r2, r3, [sp, #F_SLOTS]
    ldr r6, [sp, #F_PAIRS]
    str r2, [sp, #F_AT]
    str r3, [sp, #F_OTHER]
    ldr r5, [sp, #F_SPECIAL]
    cmp r5, #1
    bne 1f
    cbz r0, 1f
    movs r6, #1                     @ only the lower pair is new, and takes the place of what was the upper one
    adds r4, r4, #2
    lsls r0, r0, #30
    bmi 2f
    adds r2, r2, r3
    b 1f
2:  add r5, r2, r3
    str r5, [sp, #F_AT]
    rsbs r3, r3, #0
    str r3, [sp, #F_OTHER]
1:
.Ltake:                             @ a pair of lines: r4 the upper, to r2
    ldr r1, [sp, #F_STRIDE]
    adds r5, r4, r1
    adds r1, r1, r5
    strd r6, r1, [sp, #F_LEFT]
    ldrd r10, r11, [r9, #HEIGHT]
    ldr r12, [r9, #GROUPS]
    ldr r6, [sp, #F_INPUT]
    ldr r0, [sp, #F_ZEROS]
    mul r3, r11, r12
    mla r7, r4, r3, r6
    mla r8, r5, r3, r6
    subs r7, r7, #4
    sub r8, r8, #4
    subs r0, r0, #4
    cmp r4, r10
    ite lo
    movlo r4, r12
    movhs r4, #0
    it hs
    movhs r7, r0
    cmp r5, r10
    ite lo
    movlo r5, r12
    movhs r5, #0
    it hs
    movhs r8, r0
    add r1, sp, #F_ROWS
    stm r1, {r4, r5, r7, r8}
    ldr r12, [r9, #LEFT]
    ldr r3, [sp, #F_WIDTH]
    cmp r12, r3
    it hi
    movhi r12, r3
    sub r3, r3, r12
    cmp r11, r3
    it hi
    movhi r11, r3
    sub r3, r3, r11
    strd r11, r3, [sp, #F_INSIDE]
    ldr r4, [sp, #F_N]
    bl .Loutside
    add r1, sp, #F_ROWS
    ldm r1, {r5, r6, r7, r8}
    ldr r12, [sp, #F_INSIDE]
    mov r10, r5
    mov r11, r6
    mov r0, r7
    mov r1, r8
    bl .Lpixels
    ldr r12, [sp, #F_INSIDE+4]
    ldr r0, [sp, #F_ZEROS]
    subs r0, r0, #4
    bl .Loutside
    ldr r9, [sp, #F_RECORD]
    ldrd r6, r4, [sp, #F_LEFT]
    subs r6, r6, #1
    bne .Ltake
    ldr r1, [sp, #F_SPECIAL]
    cmp r1, #0
    beq .Lposition

@ 3 x 3: r0 weights, bias and scale; r1 from a pair of lines to the next; r2 r3 outputs; r4 r5 sums; r6 r7 x;
@ r8 (w0, w1), r9 (w1, w2); r10-r12 columns, lr zo. `first` is the bias for line 1
.macro column_1 p, first            @ lines 0 1 | 2 3
    ldr r7, [\p, r1]
    ldr r6, [\p], #4
    ldrd r8, r9, [r0], #8
    smlatb r5, r6, r8, \first
    smlad r4, r6, r8, r4
    smlad r5, r7, r9, r5
    smlabt r4, r7, r9, r4
.endm
.macro column_2 p, first            @ lines 0 1 | 2 3 | 4, of which line 1 begins with 2
    ldr r7, [\p, r1]
    ldrd r8, r9, [r0], #8
    smlad r5, r7, r8, \first
    smlabt r4, r7, r9, r4
    ldr r7, [\p, r1, lsl #1]
    ldr r6, [\p], #4
    smlad r4, r6, r8, r4
    smlabt r5, r7, r9, r5
.endm
.macro channel_3 column
    ldr r4, [r0], #4
    \column r10, r4
    \column r11, r5
    \column r12, r5
    ldrd r6, r7, [r0], #8
    smmlar r5, r5, r6, r5
    smmlar r4, r4, r6, r4
    adds r5, r5, r5, asr #31
    asrs r5, r7
    adc r5, r5, lr
    adds r4, r4, r4, asr #31
    asrs r4, r7
    adc r4, r4, lr
    ssat r5, #8, r5
    ssat r4, #8, r4
    strb r5, [r3], #1
    strb r4, [r2], #1
    ldr r6, [sp, #F_STOP]
    cmp r0, r6
.endm
.Lposition_3:
    ldr r10, [sp, #F_AT]
    ldr r4, [sp, #F_COLUMN]
    add r11, r10, r4
    add r12, r11, r4
    ldr r0, [sp, #F_WEIGHTS]
    ldr r1, [sp, #F_OTHER]
    ldrd r2, r3, [sp, #F_OUT0]
    ldr lr, [sp, #F_ZO]
    ldr r4, [sp, #F_SPECIAL]
    lsrs r4, r4, #1
    bne 2f
1:  channel_3 column_1
    bne 1b
    b 3f
2:  channel_3 column_2
    bne 2b
3:  bl .Lnext
    bne .Lposition_3
    b .Lturned

@ Any filter: r0 table, r1 zo, r2 r3 outputs, r4 r5 sums, r6 place, r7 r8 weights, r9 x, r10 weights, r11 window of the
@ channel, lr end of the filter's weights
.Lposition:
    ldr r10, [sp, #F_WEIGHTS]
    ldr r0, [sp, #F_CHANNELS]
    str r0, [sp, #F_TABLE]
    ldm sp, {r0-r3}
    ldr r11, [sp, #F_AT]
1:  ldr r6, [sp, #F_CHANNEL]
    add r6, r6, r10
    str r6, [sp, #F_END]
2:  ldr lr, [sp, #F_SIZE]
    add lr, lr, r10
    ldr r4, [r0, #T_BIAS]
    mov r5, r4
    ldr pc, [sp, #F_ENTRY]
    .equ UNIT, 16                   @ bytes of code
.Lunit:
    .rept 2
    ldm r10!, {r6, r7, r8}
    ldr r9, [r11, r6]
    smlad r4, r7, r9, r4
    smlad r5, r8, r9, r5
    .endr
    cmp r10, lr
    bne .Lunit
    ldr pc, [sp, #F_FINISH]
.Lfast:
    requantise_2 r4, r5, 0
4:  adds r0, r0, #T_BYTES
    ldr r6, [sp, #F_END]
    cmp r10, r6
    bne 2b
    add r11, r11, #4
    ldr r6, [sp, #F_STOP]
    cmp r10, r6
    bne 1b
    bl .Lnext
    bne .Lposition
.Lturned:                           @ r9 record
    ldr r0, [sp, #F_OY]
    ldr r1, [sp, #F_LINES]
    adds r0, r0, r1
    ldr r1, [r9, #OH]
    cmp r0, r1
    blt .Lturn
    @ the next block
    ldrd r0, r1, [sp, #F_N]
    subs r1, r1, r0
    beq 1f
    str r1, [sp, #F_REST]
    ldr r1, [r9, #OG]
    mul r1, r1, r0
    add r2, sp, #F_INPUT
    ldm r2, {r4-r7}
    adds r4, r4, r0
    adds r5, r5, r1
    ldrd r3, r8, [r9, #KH]
    mul r3, r3, r8
    mla r6, r3, r1, r6
    add r7, r7, r1, lsl #4
    stm r2, {r4-r7}
    b .Lblock
@ Bounds other than those of a byte: what was saturated is clamped, four at a time. r4 lo, r5 hi, four times
1:  ldrd r4, r5, [sp, #F_LO]
    cmn r4, #128
    it eq
    cmpeq r5, #127
    beq .Lb_done
    uxtb r4, r4
    orr r4, r4, r4, lsl #8
    orr r4, r4, r4, lsl #16
    uxtb r5, r5
    orr r5, r5, r5, lsl #8
    orr r5, r5, r5, lsl #16
    ldr r6, [r9, #GROUPS]
    ldr r7, [r9, #OG]
    mul r6, r6, r7
    ldr r0, [r9, #TO]
    ldr r7, [r9, #OH]
.Lb_row:
    mov r1, r0
    ldr r8, [r9, #OW]
.Lb_pixel:
    mov r2, r1
    adds r3, r1, r6
    sub r10, r3, #4
    cmp r2, r10
    bhi .Lb_rest
.Lb_word:
    ldr r11, [r2]
    ssub8 r12, r11, r4
    sel r11, r11, r4
    ssub8 r12, r5, r11
    sel r11, r11, r5
    str r11, [r2], #4
    cmp r2, r10
    bls .Lb_word
    b .Lb_rest
.Lb_byte:
    ldrb r11, [r2]
    ssub8 r12, r11, r4
    sel r11, r11, r4
    ssub8 r12, r5, r11
    sel r11, r11, r5
    strb r11, [r2], #1
.Lb_rest:
    cmp r2, r3
    bne .Lb_byte
    ldr r12, [r9, #PIXEL]
    add r1, r1, r12
    subs r8, r8, #1
    bne .Lb_pixel
    ldr r12, [r9, #ROW]
    add r0, r0, r12
    subs r7, r7, #1
    bne .Lb_row
.Lb_done:
    add sp, #FRAME
    pop {r4-r11, pc}

.Lany:
    str r10, [sp, #F_PW]
    mov r8, r11
    ldrd r10, r11, [sp, #F_LO]
    mov r7, r4
    mov r4, r5
    bl .Lrequantise
    strb r4, [r3], #1
    mov r4, r7
    bl .Lrequantise
    strb r4, [r2], #1
    ldr r10, [sp, #F_PW]
    mov r11, r8
    b 4b
.Lrequantise:
    requantise_any

@ To the next position: r2 r3 behind the outputs. Z if there is none. -> r9 record
.Lnext:
    ldr r9, [sp, #F_RECORD]
    ldr r4, [r9, #OG]
    ldr r5, [sp, #F_N]
    ldr r6, [r9, #PIXEL]
    mls r6, r4, r5, r6
    add r2, r2, r6
    add r3, r3, r6
    strd r2, r3, [sp, #F_OUT0]
    ldr r4, [r9, #SW]
    ldr r6, [sp, #F_AT]
    mul r4, r4, r5
    add r6, r6, r4, lsl #2
    str r6, [sp, #F_AT]
    ldr r4, [sp, #F_OX]
    subs r4, r4, #1
    str r4, [sp, #F_OX]
    bx lr

@ r12 pixels of two lines as words to r2: of zero points (r0), or from r0 and r1 with steps r10 and r11. r4 channels.
@ Addresses are less 4. r3 channel + 4; r5-r9 scratch
.Loutside:
    mov r1, r0
    mov r10, #0
    mov r11, #0
.Lpixels:
    cmp r12, #0
    beq 6f
1:  movs r3, #4
    cmp r3, r4
    bhi 3f
2:  ldr r7, [r0, r3]
    ldr r9, [r1, r3]
    sxtb16 r6, r7
    sxtb16 r8, r9
    sxtb16 r7, r7, ror #8
    sxtb16 r9, r9, ror #8
    pkhbt r5, r6, r8, lsl #16
    pkhtb r8, r8, r6, asr #16
    pkhbt r6, r7, r9, lsl #16
    pkhtb r9, r9, r7, asr #16
    stm r2!, {r5, r6, r8, r9}
    adds r3, r3, #4
    cmp r3, r4
    bls 2b
3:  adds r5, r4, #4
    b 5f
4:  ldrsb r7, [r0, r3]
    ldrsb r9, [r1, r3]
    pkhbt r7, r7, r9, lsl #16
    str r7, [r2], #4
    adds r3, r3, #1
5:  cmp r3, r5
    bne 4b
    add r0, r0, r10
    add r1, r1, r11
    subs r12, r12, #1
    bne 1b
6:  bx lr
