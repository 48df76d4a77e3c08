@ DEPTHWISE: each input channel has filters of its own.
@   out[o] = clamp(requantise(bias[o] + sum of (x - zx) * w[o])), taps outside the image count nothing.
@
@ All sums here are negative: s = -acc, by weights 128 - wu = -w and by a negated bias; it makes a rounding cheap (small).
@
@ Kernels of up to 3 x 3 taps whose stride is 1 along an axis: for each output channel the code walks along that axis,
@ line by line. A step reads a column of three bytes across the walk, and adds it to the three outputs that it belongs
@ to: one is done then, two are kept (A1 lacks one column, A2 two). Two products come from one multiplication:
@   X = x0 + 65536 * x1, W = w1 + 65536 * w0:  (X * W + 32768) >> 16 = x0 * w0 + x1 * w1, as no weight is -128.
@ If sums begin with bias + zx * all weights, what lies outside counts zx * its weight: a column outside adds that (Z), a
@ line outside has weights of 0.
@ 55 instructions an output of nine taps, 58 if it saturates; a line costs about 60 more and a channel 400.
@
@ Every other record: tap by tap, for each output those that are inside (general).

@ ---- the record, in bytes; of two axes the first is y
    .equ DATA, 8
    .equ FROM, 16
    .equ TO, 20
    .equ SCRATCH, 24        @ the weights of one channel, a word each
    .equ TABLE, 28
    .equ SIZE, 32           @ axes
    .equ CHANNELS, 40
    .equ OUTPUTS, 48        @ axes
    .equ MULTIPLIER, 56
    .equ KERNEL, 60         @ axes
    .equ STRIDE, 68         @ axes
    .equ DILATION, 76       @ axes
    .equ BEFORE, 84         @ axes: padding before the image
    .equ ZX, 92
    .equ ZO, 96
    .equ LO, 100
    .equ HI, 104
    .equ PITCH, 108         @ axes: bytes between outputs
    .equ PAIRS, 120

@ ---- the frame, in bytes
    .equ PAIR, 0            @ for columns 0 to 2 each: two weights,
    .equ THIRD, 4           @ the third weight,
    .equ Z, 8               @ and what the column counts outside of the image
    .equ COLUMN, 12
    .equ N0, 36             @ minus the multiplier: bits 0 to 12,
    .equ N1, 40             @ bits 13 to 25,
    .equ N2, 44             @ bits 26 to 30
    .equ SHIFT, 48          @ after the multiplication
    .equ MODE, 52           @ of requantisation: 0 small, 1 small and clamped, 2 any
    .equ STEP, 56           @ bytes from one column to the next
    .equ END, 60            @ behind the last column that ends an output
    .equ OUT_STEP, 64
    .equ RECORD, 68
    .equ INPUT, 72          @ this channel's first value
    .equ OUTPUT, 76
    .equ WEIGHTS, 80
    .equ ENTRY, 84          @ of the table
    .equ WORDS, 88          @ scratch
    .equ TAPS, 92
    .equ LEFT, 96           @ output channels
    .equ FILTERS, 100       @ left for this input channel
    .equ WALK, 104          @ the record, moved so that fields of axes are those along the walk; 0: general
    .equ ACROSS, 108        @ the same for the axis across
    .equ WARM, 112          @ bytes of columns that end no output
    .equ SPAN, 116          @ bytes to END
    .equ TAIL, 120          @ outputs that end behind the image
    .equ LINE_STEP, 124     @ bytes between lines of the input
    .equ ZERO, 128          @ -(bias + zx * all weights)
    .equ ZS, 132            @ zx as a signed byte
    .equ NINE, 136          @ weights of three columns of three
    .equ MASK, 172          @ lines that PAIR and THIRD hold: bits 0 to 2
    .equ FIRST, 176         @ input line of tap 0
    .equ LINE, 180          @ the output line
    .equ LINES, 184         @ left
    .equ COUNT, 188
    .equ FRAME, 192
@ and where there is no walk
    .equ COL, 0             @ input column of tap 0
    .equ COLS, 4            @ left
    .equ OUT, 8
    .equ JUMP, 12           @ into the first four taps
    .equ TAP_STEP, 16       @ bytes between taps of a row
    .equ ROW_STEP, 20       @ between rows of taps

@ ---- steps of the walk
@ r0 the column's middle value, r1 from there to the value of tap 2, r2 to that of tap 0; r3 to r7 free
@ r8 A1, r9 A2, r10 bias, r11 ROUND, r12 the output, lr from one output to the next
    .macro load             @ r3 = x0 + 65536 * x1, r4 = x2
    ldrsb r3, [r0, r2]
    ldrb r4, [r0]
    lsls r4, r4, #24
    asrs r4, r4, #8
    adds r3, r3, r4
    ldrsb r4, [r0, r1]
    .endm

    .macro multiply column, sum, free   @ sum = the column's three products
    ldr \sum, [sp, #\column * COLUMN + THIRD]
    muls \sum, r4
    ldr \free, [sp, #\column * COLUMN + PAIR]
    muls \free, r3
    asrs \free, \free, #16
    adcs \sum, \free
    .endm

    .macro begin            @ this column's part in the two outputs that go on
    multiply 1, r6, r7
    add r6, r9
    mov r8, r6
    multiply 0, r6, r7
    add r6, r10
    mov r9, r6
    .endm

@ Requantisation where |acc| < 2^18, 1 <= e <= 17 and nothing is shifted left. With m = 2^26 * m2 + 2^13 * m1 + m0,
@   V = floor(acc * m / 2^26) = acc * m2 + (acc * m1 + (acc * m0 >> 13) >> 13), where everything fits 32 bits.
@ Both roundings, to the nearest at 2^-31 and, after e more bits, halves away from zero, become one sum and one shift:
@   out = (V + 16 - (acc < 0 ? 32 : 0) + 2^(4 + e) >> 5 + e) + zo, as r >> 31 differs from acc >> 31 only where r = 0.
@ ROUND is 2^(4 + e) - 16 + (zo << 5 + e). Bits 27 to 31 of the negated sum, and its bit 26 as carry, add 32 or 0.
@ r5 = -acc -> r4, uses r6
    .macro small
    ldr r4, [sp, #N0]
    muls r4, r5
    asrs r4, r4, #13
    ldr r6, [sp, #N1]
    muls r6, r5
    adds r4, r4, r6
    asrs r4, r4, #13
    ldr r6, [sp, #N2]
    muls r6, r5
    adds r4, r4, r6
    lsrs r6, r5, #27
    adcs r4, r6
    add r4, r11
    ldr r6, [sp, #SHIFT]
    asrs r4, r6
    .endm

run:
    push {r4, r5, r6, r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4, r5, r6, r7}
    sub sp, #FRAME

@ ---- addresses and counts
    ldr r7, [r0, #4]
    ldr r1, [r0]
    adds r7, r1
    str r7, [sp, #RECORD]
    ldr r5, [r0, #12]
    ldr r1, [r7, #FROM]
    adds r1, r5
    str r1, [sp, #INPUT]
    ldr r1, [r7, #TO]
    adds r1, r5
    str r1, [sp, #OUTPUT]
    ldr r1, [r7, #SCRATCH]
    adds r1, r5
    str r1, [sp, #WORDS]
    ldr r1, [r0, #20]
    ldr r2, [r7, #DATA]
    adds r1, r2
    str r1, [sp, #WEIGHTS]
    ldr r2, [r7, #TABLE]
    adds r1, r2
    str r1, [sp, #ENTRY]
    ldr r1, [r7, #KERNEL]
    ldr r2, [r7, #KERNEL + 4]
    muls r1, r2
    str r1, [sp, #TAPS]
    ldr r1, [r7, #CHANNELS]
    ldr r2, [r7, #MULTIPLIER]
    str r2, [sp, #FILTERS]
    muls r1, r2
    str r1, [sp, #LEFT]
    ldr r1, [r7, #ZX]
    subs r1, #128
    str r1, [sp, #ZS]

@ ---- which way to walk: along the longer axis if that can be, else along the other, else not at all
    movs r1, #0
    str r1, [sp, #WALK]
    ldr r1, [r7, #PAIRS]
    cmp r1, #0
    beq channel
    adds r1, r7, #4         @ along x
    movs r2, r7
    ldr r3, [r7, #OUTPUTS]
    ldr r4, [r7, #OUTPUTS + 4]
    cmp r4, r3
    bge 1f
    movs r2, r1             @ along y
    movs r1, r7
1:  movs r5, #2
2:  ldr r3, [r1, #KERNEL]
    cmp r3, #3
    bhi 3f
    ldr r4, [r2, #KERNEL]
    cmp r4, #3
    bhi 3f
    ldr r3, [r1, #STRIDE]
    cmp r3, #1
    bne 3f
    ldr r3, [r1, #DILATION]
    cmp r3, #1
    bne 3f
    ldr r6, [r1, #BEFORE]
    cmp r6, #2
    bhi 3f
    ldr r4, [r1, #SIZE]
    cmp r4, #2
    bhs 4f
3:  movs r3, r1
    movs r1, r2
    movs r2, r3
    subs r5, #1
    bne 2b
    b channel
4:  str r1, [sp, #WALK]
    str r2, [sp, #ACROSS]
    ldr r3, [r1, #PITCH]
    str r3, [sp, #OUT_STEP]
    movs r5, #2
    subs r5, r6             @ columns of the image that end no output
    subs r4, r5             @ those left
    ldr r3, [r1, #OUTPUTS]
    cmp r4, r3
    ble 5f
    movs r4, r3             @ those that end one
5:  subs r3, r4
    str r3, [sp, #TAIL]
    adds r4, r5
    ldr r3, [r7, #CHANNELS]
    ldr r6, [r7, #SIZE + 4]
    muls r6, r3
    cmp r1, r7
    bne 6f
    movs r2, r3             @ along y
    movs r3, r6
    movs r6, r2
6:  str r3, [sp, #STEP]
    str r6, [sp, #LINE_STEP]
    muls r5, r3
    str r5, [sp, #WARM]
    muls r4, r3
    str r4, [sp, #SPAN]

@ ---- a channel: its weights as words, negated; r5 their sum, r6 that of their absolute values
channel:
    ldr r0, [sp, #WEIGHTS]
    ldr r1, [sp, #WORDS]
    ldr r2, [sp, #TAPS]
    movs r3, #128
    movs r5, #0
    movs r6, #0
1:  ldrb r4, [r0]
    subs r4, r3, r4
    stmia r1!, {r4}
    adds r5, r4
    asrs r7, r4, #31
    adds r4, r7
    eors r4, r7
    adds r6, r4
    adds r0, #1
    subs r2, #1
    bne 1b
    str r0, [sp, #WEIGHTS]
@ its requantisation
    ldr r7, [sp, #RECORD]
    ldr r0, [sp, #ENTRY]
    ldr r1, [r0, #12]
    ldr r2, [sp, #ZS]
    muls r5, r2
    subs r5, r1
    str r5, [sp, #ZERO]
    movs r4, #2
    lsrs r2, r6, #11
    bne 3f
    lsls r6, r6, #7
    asrs r2, r1, #31
    eors r1, r2
    subs r1, r2
    adds r6, r1             @ 128 * sum of |w| + |bias|: no sum is larger
    lsrs r6, r6, #18
    bne 3f
    ldr r2, [r0, #8]
    subs r3, r2, #1
    cmp r3, #17
    bhs 3f
    ldr r1, [r0, #4]
    lsls r3, r1, #19        @ minus bits 0 to 12
    lsrs r3, r3, #19
    subs r3, r6, r3
    str r3, [sp, #N0]
    lsls r3, r1, #6         @ minus bits 13 to 25
    lsrs r3, r3, #19
    subs r3, r6, r3
    str r3, [sp, #N1]
    lsrs r3, r1, #26
    subs r3, r6, r3
    str r3, [sp, #N2]
    adds r3, r2, #5
    str r3, [sp, #SHIFT]
    ldr r3, [r7, #ZO]
    subs r3, #128
    lsls r3, r3, #1
    adds r3, #1             @ 2 * zo + 1 in units of 2^(4 + e)
    adds r2, #4
    lsls r3, r2
    subs r3, #16
    mov r11, r3
    movs r4, #0
    ldr r3, [r7, #LO]
    ldr r2, [r7, #HI]
    subs r2, r3
    cmp r2, #255
    beq 3f
    movs r4, #1
3:  str r4, [sp, #MODE]
    ldr r5, [sp, #WALK]
    cmp r5, #0
    bne 4f
    b general

@ ---- weights of three columns of three, zeros where the kernel has no tap
4:  add r4, sp, #NINE
    movs r1, #0
    movs r2, #0
    movs r3, #0
    stmia r4!, {r1, r2, r3}
    stmia r4!, {r1, r2, r3}
    stmia r4!, {r1, r2, r3}
    subs r4, #36
    ldr r2, [sp, #ACROSS]
    ldr r1, [r5, #KERNEL]   @ columns
    ldr r2, [r2, #KERNEL]   @ lines
    movs r3, #4             @ along y the next tap of a column is the next weight
    lsls r6, r2, #2
    cmp r5, r7
    beq 5f
    lsls r3, r1, #2
    movs r6, #4
5:  mov r8, r6
    movs r6, #3
    subs r6, r2
    lsls r6, r6, #2
    mov r9, r6
    ldr r0, [sp, #WORDS]
6:  movs r5, r0
    movs r6, r2
7:  ldr r7, [r5]
    adds r5, r3
    stmia r4!, {r7}
    subs r6, #1
    bne 7b
    add r0, r8
    add r4, r9
    subs r1, #1
    bne 6b

    ldr r1, [sp, #ACROSS]
    ldr r2, [r1, #BEFORE]
    subs r2, r6, r2
    str r2, [sp, #FIRST]
    ldr r2, [r1, #OUTPUTS]
    str r2, [sp, #LINES]
    ldr r2, [sp, #OUTPUT]
    str r2, [sp, #LINE]
    movs r2, #8             @ none
    str r2, [sp, #MASK]

@ ---- a line: r5 which of its three input lines are inside; r0 the middle one, or one that is inside
line:
    ldr r3, [sp, #ACROSS]
    ldr r6, [r3, #SIZE]
    ldr r1, [r3, #DILATION]
    ldr r3, [r3, #KERNEL]
    ldr r7, [sp, #LINE_STEP]
    ldr r4, [sp, #FIRST]
    movs r5, #0
    adds r2, r4, r1
    movs r0, r2
    cmp r0, r6
    blt 1f
    subs r0, r6, #1
1:  cmp r0, #0
    bge 2f
    movs r0, #0
2:  cmp r4, r6
    bhs 3f
    adds r5, #1
    subs r4, r0
    muls r4, r7
    b 4f
3:  movs r4, #0
4:  cmp r2, r0
    bne 5f
    cmp r3, #2
    blo 5f
    adds r5, #2
5:  adds r1, r2
    cmp r1, r6
    bhs 6f
    cmp r3, #3
    blo 6f
    adds r5, #4
    subs r1, r0
    muls r1, r7
    b 7f
6:  movs r1, #0
7:  movs r2, r4
    muls r0, r7
    ldr r3, [sp, #INPUT]
    adds r0, r3
@ its weights, if they are not those of the line before
    ldr r3, [sp, #MASK]
    cmp r3, r5
    beq 3f
    str r5, [sp, #MASK]
    mov r8, r0
    mov r9, r1
    mov r12, r2
    movs r0, r5
    ldr r3, [sp, #ZERO]
    mov r10, r3
    ldr r7, [sp, #ZS]
    add r1, sp, #NINE
    mov r2, sp
1:  ldmia r1!, {r3, r4, r5}
    lsrs r6, r0, #1
    bcs 2f
    movs r3, #0
2:  lsrs r6, r6, #1
    bcs 2f
    movs r4, #0
2:  lsrs r6, r6, #1
    bcs 2f
    movs r5, #0
2:  adds r6, r3, r4
    adds r6, r5
    muls r6, r7
    lsls r3, r3, #16
    adds r4, r3
    stmia r2!, {r4, r5, r6}
    mov r3, r10
    subs r3, r6
    mov r10, r3
    add r3, sp, #NINE + 36
    cmp r1, r3
    bne 1b
    mov r0, r8
    mov r1, r9
    mov r2, r12
@ sums, as if the columns before the image had been there; then columns that end no output
3:  ldr r3, [sp, #Z]
    add r3, r10
    mov r9, r3
    ldr r4, [sp, #COLUMN + Z]
    adds r3, r4
    mov r8, r3
    ldr r3, [sp, #SPAN]
    adds r3, r0
    str r3, [sp, #END]
    ldr r3, [sp, #WARM]
    adds r3, r0
    mov lr, r3
    b 5f
4:  load
    begin
    ldr r6, [sp, #STEP]
    adds r0, r6
5:  cmp r0, lr
    bne 4b
    ldr r3, [sp, #LINE]
    mov r12, r3
    ldr r3, [sp, #END]
    cmp r0, r3
    beq tail
    ldr r3, [sp, #MODE]
    cmp r3, #0
    bne clamped
    ldr r3, [sp, #OUT_STEP]
    mov lr, r3

@ ---- a column and an output
1:  load
    multiply 2, r5, r6
    add r5, r8
    begin
    small
    sxtb r6, r4
    cmp r6, r4
    beq 2f
    asrs r4, r4, #31
    movs r6, #127
    eors r4, r6
2:  mov r6, r12
    strb r4, [r6]
    add r12, lr
    ldr r6, [sp, #STEP]
    adds r0, r6
    ldr r6, [sp, #END]
    cmp r0, r6
    bne 1b
    b tail

@ ---- the same with any requantisation
clamped:
    load
    multiply 2, r5, r6
    add r5, r8
    begin
    bl finish
    ldr r6, [sp, #STEP]
    adds r0, r6
    ldr r6, [sp, #END]
    cmp r0, r6
    bne clamped

@ ---- outputs that end behind the image
tail:
    ldr r3, [sp, #TAIL]
    b 2f
1:  str r3, [sp, #COUNT]
    ldr r5, [sp, #2 * COLUMN + Z]
    add r5, r8
    ldr r6, [sp, #COLUMN + Z]
    add r6, r9
    mov r8, r6
    ldr r6, [sp, #Z]
    add r6, r10
    mov r9, r6
    bl finish
    ldr r3, [sp, #COUNT]
    subs r3, #1
2:  cmp r3, #0
    bne 1b
    ldr r1, [sp, #ACROSS]
    ldr r2, [sp, #FIRST]
    ldr r3, [r1, #STRIDE]
    adds r2, r3
    str r2, [sp, #FIRST]
    ldr r2, [sp, #LINE]
    ldr r3, [r1, #PITCH]
    adds r2, r3
    str r2, [sp, #LINE]
    ldr r2, [sp, #LINES]
    subs r2, #1
    str r2, [sp, #LINES]
    beq next
    b line

@ ---- the next channel
next:
    ldr r0, [sp, #ENTRY]
    adds r0, #16
    str r0, [sp, #ENTRY]
    ldr r0, [sp, #OUTPUT]
    adds r0, #1
    str r0, [sp, #OUTPUT]
    ldr r0, [sp, #FILTERS]
    subs r0, #1
    bne 1f
    ldr r0, [sp, #INPUT]
    adds r0, #1
    str r0, [sp, #INPUT]
    ldr r0, [sp, #RECORD]
    ldr r0, [r0, #MULTIPLIER]
1:  str r0, [sp, #FILTERS]
    ldr r0, [sp, #LEFT]
    subs r0, #1
    str r0, [sp, #LEFT]
    beq 2f
    b channel
2:  add sp, #FRAME
    pop {r4, r5, r6, r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4, r5, r6, r7, pc}

@ ---- stores the output of the sum r5 at r12, which goes on; uses r3 to r7
finish:
    ldr r6, [sp, #MODE]
    cmp r6, #2
    beq 3f
    small
1:  ldr r6, [sp, #RECORD]
    ldr r7, [r6, #LO]
    subs r7, #128
    cmp r4, r7
    blt 2f
    ldr r7, [r6, #HI]
    subs r7, #128
    cmp r4, r7
    bgt 2f
    movs r7, r4
2:  mov r6, r12
    strb r7, [r6]
    ldr r6, [sp, #OUT_STEP]
    add r12, r6
    bx lr
@ any scale: acc * m in 64 bits, by halves of acc and m
3:  rsbs r5, r5, #0
    ldr r3, [sp, #ENTRY]
    ldr r6, [r3, #8]
    ldr r4, [r3, #4]
    lsls r6, r6, #19
    lsrs r6, r6, #27
    lsls r5, r6
    uxth r6, r4
    lsrs r4, r4, #16
    asrs r7, r5, #16
    uxth r5, r5
    movs r3, r5
    muls r3, r6
    muls r6, r7
    muls r5, r4
    muls r7, r4
    lsrs r3, r3, #16
    adds r6, r3             @ no overflow
    asrs r3, r6, #31
    adds r6, r5
    movs r4, #0
    adcs r3, r4             @ r3:r6 = the product's bits 16 and up, but for r7
    lsls r3, r3, #17
    lsrs r6, r6, #15
    adcs r3, r6
    adds r7, r7
    adds r3, r7
    ldr r6, [sp, #ENTRY]
    ldrb r6, [r6, #8]
    cmp r6, #0
    beq 4f
    asrs r7, r3, #31
    adds r3, r7
    asrs r3, r6
    adcs r3, r4
4:  ldr r6, [sp, #RECORD]
    ldr r4, [r6, #ZO]
    subs r4, #128
    adds r4, r3
    b 1b

@ ---- no walk: r8 input row, r9 bytes of a row's weights that count, r10 its first value, r12 its first weight
@ r0 value, r1 weight, r2 sum, r3 and r4 free, r5 TAP_STEP, r6 zx, r7 0, lr behind the row's last weight
general:
    ldr r1, [r7, #CHANNELS]
    ldr r2, [r7, #DILATION + 4]
    muls r2, r1
    str r2, [sp, #TAP_STEP]
    ldr r2, [r7, #DILATION]
    ldr r3, [r7, #SIZE + 4]
    muls r1, r3
    muls r1, r2
    str r1, [sp, #ROW_STEP]
    ldr r1, [r7, #PITCH + 4]
    str r1, [sp, #OUT_STEP]
    ldr r1, [r7, #BEFORE]
    rsbs r1, r1, #0
    str r1, [sp, #FIRST]
    ldr r1, [r7, #OUTPUTS]
    str r1, [sp, #LINES]
    ldr r1, [sp, #OUTPUT]
    str r1, [sp, #LINE]
outputs:
    ldr r7, [sp, #RECORD]
    ldr r1, [r7, #BEFORE + 4]
    rsbs r1, r1, #0
    str r1, [sp, #COL]
    ldr r1, [r7, #OUTPUTS + 4]
    str r1, [sp, #COLS]
    ldr r1, [sp, #LINE]
    str r1, [sp, #OUT]
@ r7 taps of a row are inside, from column r4 on; r3 bytes of weights are left of the image
window:
    ldr r1, [sp, #RECORD]
    ldr r4, [sp, #COL]
    ldr r5, [r1, #DILATION + 4]
    ldr r6, [r1, #SIZE + 4]
    ldr r7, [r1, #KERNEL + 4]
    movs r3, #0
1:  cmp r4, #0
    bge 2f
    adds r4, r5
    adds r3, #4
    subs r7, #1
    bne 1b
    b 4f
2:  subs r2, r7, #1
    muls r2, r5
    adds r2, r4
3:  cmp r2, r6
    blt 4f
    subs r2, r5
    subs r7, #1
    bne 3b
4:  ldr r2, [sp, #WORDS]
    adds r2, r3
    mov r12, r2
    lsls r2, r7, #2
    mov r9, r2
    rsbs r2, r7, #0         @ of four taps, those to leave out the first time
    lsls r2, r2, #30
    lsrs r2, r2, #30
    movs r3, #12
    muls r2, r3
    str r2, [sp, #JUMP]
    ldr r3, [sp, #FIRST]
    mov r8, r3
    muls r3, r6
    adds r3, r4
    ldr r4, [r1, #CHANNELS]
    muls r3, r4
    ldr r4, [sp, #INPUT]
    adds r3, r4
    mov r10, r3
    ldr r2, [sp, #ZERO]
    ldr r5, [sp, #TAP_STEP]
    ldr r6, [sp, #ZS]
    ldr r3, [r1, #KERNEL]
    str r3, [sp, #COUNT]
    cmp r7, #0
    beq 8f
    movs r7, #0
5:  ldr r3, [sp, #RECORD]   @ a row of taps
    ldr r3, [r3, #SIZE]
    cmp r8, r3
    bhs 7f
    mov r0, r10
    mov r1, r12
    mov lr, r12
    add lr, r9
    ldr r3, [sp, #JUMP]
    add pc, r3              @ counted from the next instruction but one
    nop
6:  .rept 4
    ldrsb r3, [r0, r7]
    add r0, r5
    subs r3, r6
    ldmia r1!, {r4}
    muls r3, r4
    adds r2, r3
    .endr
    cmp r1, lr
    bne 6b
7:  ldr r3, [sp, #RECORD]
    ldr r4, [r3, #DILATION]
    add r8, r4
    ldr r4, [sp, #ROW_STEP]
    add r10, r4
    ldr r4, [r3, #KERNEL + 4]
    lsls r4, r4, #2
    add r12, r4
    ldr r3, [sp, #COUNT]
    subs r3, #1
    str r3, [sp, #COUNT]
    bne 5b
8:  movs r5, r2
    ldr r3, [sp, #OUT]
    mov r12, r3
    bl finish
    mov r3, r12
    str r3, [sp, #OUT]
    ldr r1, [sp, #RECORD]
    ldr r2, [sp, #COL]
    ldr r3, [r1, #STRIDE + 4]
    adds r2, r3
    str r2, [sp, #COL]
    ldr r2, [sp, #COLS]
    subs r2, #1
    str r2, [sp, #COLS]
    bne window
    ldr r2, [sp, #FIRST]
    ldr r3, [r1, #STRIDE]
    adds r2, r3
    str r2, [sp, #FIRST]
    ldr r2, [sp, #LINE]
    ldr r3, [r1, #PITCH]
    adds r2, r3
    str r2, [sp, #LINE]
    ldr r2, [sp, #LINES]
    subs r2, #1
    str r2, [sp, #LINES]
    beq 9f
    b outputs
9:  b next
