@ DEPTHWISE: each input channel has filters of its own.
@   out[o] = clamp(requantise(bias[o] + sum of (x - zx) * w[o])), taps outside the image count nothing.
@
@ A walk, where along an axis the stride is 1 (or 2) and the dilation 1: 3 or 5 columns of taps along it, 3 lines of taps
@ across; weights of 0 fill smaller kernels up. For each output channel the code walks line by line. A step reads a column
@ of three bytes and adds it to each output that it belongs to: one is done then, the others go on (A1 lacks one column,
@ A2 two ...). Two products come from one multiplication:
@   X = x0 + 65536 * x1, W = w1 + 65536 * w0:  (X * W + 32768) >> 16 = x0 * w0 + x1 * w1, as no weight is -128.
@ If sums begin with bias + zx * all weights, what lies outside counts zx * its weight: a column outside adds that (Z), a
@ line outside has weights of 0.
@ Every other record: tap by tap (general).
@
@ Instructions an output: 44 with 3 columns, 4 more where values and outputs are not equally far apart, 55 with stride 2,
@ 66 with 5 columns; 5 less where it is clamped. A line costs 50 more and a channel 600. Without a walk 4 for each tap and
@ 50, at an edge 7 for each tap, 18 for each row of taps and 80.
@
@ Requantisation: out = zo + floor(X), X = (a * m + 2^30 - (a < 0 ? 2^31 : 0)) / 2^(31 + e) + 1/2: both roundings in one,
@ as what the first gives is negative for a < 0, or 0, where it does not matter. The smallest a that gives lo, and the
@ largest that gives hi, come from divisions:
@   a_lo = -floor(D * 2^30 / m), D = (2 * (zo - lo) + 1) * 2^e - 1;   a_hi = ceil(D * 2^30 / m) - 1 with hi - zo in D
@ All sums are T = a - a_lo. Where 0 <= T <= a_hi - a_lo,
@   out - lo = floor((T * m + remainder of the first) / 2^(31 + e)), or 1 / 2^e more before the floor, by the sign of a
@ and a word takes these 8 bits and 24 after the point. With a slope of m / 2^(7 + e), rounded, it is off by T / 2 at most,
@ and the sign, in the middle between both, by 2^(23 - e) (where lo = zo, it is known). The word is kept lower by that
@ MARGIN: its whole part is right but where its fraction is among the 2 * MARGIN largest; `any` works these out, one in 30
@ to 1000. So it is for 1 <= e <= 11 and lo <= zo <= hi; of other scales `any` works out all.

@ ---- the record, in bytes; of two axes the first is y
    .equ DATA, 8
    .equ FROM, 16
    .equ TO, 20
    .equ SCRATCH, 24        @ for the weights of one channel as words
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
    .equ PAIR, 0            @ for each column: two weights,
    .equ THIRD, 4           @ the third weight,
    .equ Z, 8               @ and what the column counts outside of the image
    .equ COLUMN, 12
    .equ SLOPE, 60
    .equ OFFSET, 64
    .equ CERTAIN, 68        @ fractions from here on are in doubt
    .equ LOW, 72            @ lo and hi as signed numbers
    .equ HIGH, 76
    .equ A_LO, 80
    .equ STEP, 84           @ bytes from one column to the next
    .equ END, 88            @ behind the last column that ends an output
    .equ OUT_STEP, 92
    .equ A3, 96
    .equ A4, 100
    .equ RECORD, 104
    .equ INPUT, 108         @ this channel's first value
    .equ OUTPUT, 112
    .equ WEIGHTS, 116
    .equ ENTRY, 120         @ of the table
    .equ WORDS, 124         @ scratch
    .equ TAPS, 128
    .equ LEFT, 132          @ output channels
    .equ FILTERS, 136       @ left for this input channel
    .equ WALK, 140          @ the record, moved so that fields of axes are those along the walk; 0: general
    .equ ACROSS, 144        @ the same for the axis across
    .equ KIND, 148          @ 3: three columns, 5: five, 2: three with stride 2
    .equ WARM, 152          @ bytes of columns that end no output
    .equ SPAN, 156          @ bytes to END
    .equ TAIL, 160          @ outputs that end behind the image
    .equ LAST, 164          @ stride 2: 1 if the image has a column at END
    .equ LINE_STEP, 168     @ bytes between lines of the input,
    .equ LINE_NEXT, 172     @ from the lines of one output to those of the next
    .equ INNER, 176         @ a line is not all inside whose tap 0 is here
    .equ FULL, 180          @ all lines of taps: bits 0 to 2
    .equ ZERO, 184          @ bias + zx * all weights - a_lo
    .equ ZS, 188            @ zx as a signed number
    .equ MASK, 192          @ lines that PAIR and THIRD hold
    .equ FIRST, 196         @ input line of tap 0
    .equ BASE, 200          @ where r0 starts
    .equ LINE, 204          @ the output line
    .equ LINES, 208         @ left
    .equ COUNT, 212
    .equ BACK, 216          @ where finish returns to
    .equ SAME, 220          @ 0: STEP is not OUT_STEP, 1: it is, and the outputs up to END are odd, 2: even
    .equ WINDOW, 224        @ weights of 3 or 5 columns of 3
    .equ FRAME, 284
@ and where there is no walk
    .equ COL, 0             @ input column of tap 0
    .equ COLS, 4            @ left
    .equ OUT, 8
    .equ PLACE, 12          @ of tap 0, which may be outside
    .equ PLACE_STEP, 16     @ bytes to that of the next output
    .equ TAP_STEP, 20       @ between taps of a row
    .equ ROW_STEP, 24       @ between rows of taps
    .equ PLAIN, 28          @ bias - a_lo
    .equ INNER_COL, 32      @ a window is not all inside whose tap 0 is in this column
    .equ INNER_NOW, 36
    .equ WORDS_END, 40
    .equ JUMP_ALL, 44       @ into the first eight taps

@ ---- steps of a walk
@ r0 the column's middle value, r1 from there to the value of tap 2, r2 to that of tap 0; r3 to r7 free
@ r8 A1, r9 A2, r10 bias, r11 a_hi - a_lo, r12 the output, lr from one output to the next
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

    .macro advance
    ldr r6, [sp, #STEP]
    adds r0, r6
    .endm

    .macro begin_two        @ this column's part in the outputs that go on
    multiply 0, r6, r7
    add r6, r10
    mov r8, r6
    .endm

    .macro begin_three
    multiply 1, r6, r7
    add r6, r9
    mov r8, r6
    multiply 0, r6, r7
    add r6, r10
    mov r9, r6
    .endm

    .macro begin_five
    multiply 3, r6, r7
    add r6, r9
    mov r8, r6
    multiply 2, r6, r7
    ldr r7, [sp, #A3]
    adds r6, r7
    mov r9, r6
    multiply 1, r6, r7
    ldr r7, [sp, #A4]
    adds r6, r7
    str r6, [sp, #A3]
    multiply 0, r6, r7
    add r6, r10
    str r6, [sp, #A4]
    .endm

    .macro first_output tail    @ go there if the image ends no output
    ldr r3, [sp, #OUT_STEP]
    mov lr, r3
    ldr r3, [sp, #END]
    cmp r0, r3
    bne 9f
    b \tail
9:
    .endm

    .macro output_three a1, a2, name    @ where one turn's A1 is the next one's A2, nothing moves
    load
    multiply 2, r5, r6
    add r5, \a1
    multiply 1, r6, r7
    add \a2, r6
    multiply 0, r6, r7
    add r6, r10
    mov \a1, r6
    requantise \name
    strb r4, [r0, r6]
    add r0, lr
    .endm

    .macro next_output loop
    strb r4, [r6]
    add r12, lr
    advance
    ldr r6, [sp, #END]
    cmp r0, r6
    bne \loop
    .endm

@ ---- r4 the output of T, which is in r5, r6 = r12; uses r7
    .macro requantise name
    cmp r5, r11
    bhi \name\()_outside
    ldr r4, [sp, #SLOPE]
    muls r4, r5
    ldr r6, [sp, #OFFSET]
    adds r4, r6
    lsls r6, r4, #8
    ldr r7, [sp, #CERTAIN]
    cmp r6, r7
    bhs \name\()_doubt
    lsrs r4, r4, #24
\name\()_store:
    mov r6, r12
    .endm

    .macro requantise_rest name
\name\()_outside:
    ldr r4, [sp, #LOW]
    cmp r5, #0
    blt \name\()_store
    ldr r4, [sp, #HIGH]
    b \name\()_store
\name\()_doubt:
    bl any
    ldr r6, [sp, #OUT_STEP]
    mov lr, r6
    b \name\()_store
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
    ldr r1, [r7, #LO]
    subs r1, #128
    str r1, [sp, #LOW]
    ldr r1, [r7, #HI]
    subs r1, #128
    str r1, [sp, #HIGH]

@ ---- which way to walk: along the longer axis if that can be, else along the other, else not at all
    movs r1, #0
    str r1, [sp, #WALK]
    ldr r1, [r7, #PAIRS]
    lsrs r1, r1, #1
    bcc 6f
    adds r1, r7, #4         @ along x
    movs r2, r7
    ldr r3, [r7, #OUTPUTS]
    ldr r4, [r7, #OUTPUTS + 4]
    cmp r4, r3
    bge 1f
    movs r2, r1             @ along y
    movs r1, r7
1:  mov r8, r1
2:  ldr r3, [r2, #KERNEL]
    cmp r3, #3
    bhi 5f
    ldr r3, [r1, #DILATION]
    cmp r3, #1
    bne 5f
    movs r5, #3             @ KIND, which is one more than
    ldr r3, [r1, #KERNEL]
    cmp r3, #3
    bls 3f
    movs r5, #5
    cmp r3, #5
    bhi 5f
3:  ldr r3, [r1, #STRIDE]
    cmp r3, #1
    beq 4f
    cmp r3, #2
    bne 5f
    cmp r5, #3
    bne 5f
    movs r5, #2
4:  subs r3, r5, #1         @ columns that end no output
    ldr r4, [r1, #SIZE]
    ldr r6, [r1, #BEFORE]
    cmp r6, r3
    bhi 5f
    cmp r4, r3
    bge 7f
5:  movs r3, r1
    movs r1, r2
    movs r2, r3
    cmp r1, r8
    bne 2b
6:  b no_walk
7:  str r1, [sp, #WALK]
    str r2, [sp, #ACROSS]
    str r5, [sp, #KIND]
    subs r3, r6             @ of these, columns of the image
    subs r4, r3             @ and how many are left,
    cmp r5, #2
    bne 1f
    movs r5, #1
    ands r5, r4
    str r5, [sp, #LAST]
    lsrs r4, r4, #1         @ each or every other of which ends an output
1:  ldr r6, [r1, #OUTPUTS]
    cmp r4, r6
    ble 2f
    movs r4, r6
2:  subs r6, r4
    str r6, [sp, #TAIL]
    movs r6, #1
    bics r6, r4
    adds r6, #1             @ SAME, if the steps are
    mov r9, r6
    ldr r5, [r1, #STRIDE]
    muls r4, r5
    adds r4, r3
    ldr r5, [r7, #CHANNELS]
    ldr r6, [r7, #SIZE + 4]
    muls r6, r5
    cmp r1, r7
    bne 3f
    mov r8, r5              @ along y
    mov r5, r6
    mov r6, r8
3:  str r5, [sp, #STEP]
    str r6, [sp, #LINE_STEP]
    ldr r6, [r1, #PITCH]
    str r6, [sp, #OUT_STEP]
    mov r1, r9
    cmp r5, r6
    beq 4f
    movs r1, #0
4:  str r1, [sp, #SAME]
    ldr r6, [sp, #LINE_STEP]
    muls r3, r5
    str r3, [sp, #WARM]
    muls r4, r5
    str r4, [sp, #SPAN]
    ldr r3, [r2, #STRIDE]
    muls r6, r3
    str r6, [sp, #LINE_NEXT]
    ldr r3, [r2, #KERNEL]
    movs r4, #1
    lsls r4, r3
    subs r4, #1
    str r4, [sp, #FULL]
    subs r3, #1
    bne 4f
    movs r3, #1             @ r0 is at tap 1, even if there is none
4:  ldr r4, [r2, #DILATION]
    muls r3, r4
    ldr r4, [r2, #SIZE]
    subs r4, r3
    str r4, [sp, #INNER]
    b channel

no_walk:
    ldr r1, [r7, #PITCH + 4]
    str r1, [sp, #OUT_STEP]
    ldr r1, [r7, #CHANNELS]
    ldr r2, [r7, #STRIDE + 4]
    muls r2, r1
    str r2, [sp, #PLACE_STEP]
    ldr r3, [r7, #KERNEL + 4]
    subs r3, #1
    ldr r2, [r7, #DILATION + 4]
    muls r3, r2             @ columns of a window, but for one
    muls r2, r1
    str r2, [sp, #TAP_STEP]
    ldr r4, [r7, #SIZE + 4]
    subs r5, r4, r3
    bgt 1f
    movs r5, #0
1:  str r5, [sp, #INNER_COL]
    ldr r3, [r7, #KERNEL]
    subs r3, #1
    ldr r2, [r7, #DILATION]
    muls r3, r2
    ldr r5, [r7, #SIZE]
    subs r5, r3
    bgt 2f
    movs r5, #0
2:  str r5, [sp, #INNER]
    muls r1, r4
    muls r1, r2
    str r1, [sp, #ROW_STEP]
    ldr r1, [sp, #TAPS]
    lsls r2, r1, #3
    ldr r3, [sp, #WORDS]
    adds r3, r2
    str r3, [sp, #WORDS_END]
    rsbs r1, r1, #0         @ of eight taps, those to leave out in the first turn
    lsls r1, r1, #29
    lsrs r1, r1, #26
    str r1, [sp, #JUMP_ALL]

@ ---- a channel: its weights as words, with a walk; without, a word of their place in the window before each. r5 their sum
channel:
    ldr r0, [sp, #WEIGHTS]
    ldr r1, [sp, #WORDS]
    ldr r2, [sp, #TAPS]
    movs r5, #0
    ldr r7, [sp, #RECORD]
    ldr r3, [sp, #WALK]
    cmp r3, #0
    beq 2f
1:  ldrb r4, [r0]
    subs r4, #128
    stmia r1!, {r4}
    adds r5, r4
    adds r0, #1
    subs r2, #1
    bne 1b
    b 5f
2:  ldr r6, [r7, #KERNEL + 4]
    mov r8, r3              @ places: of a row,
3:  ldrb r4, [r0]
    subs r4, #128
    stmia r1!, {r3, r4}     @ of a tap
    adds r5, r4
    adds r0, #1
    subs r2, #1
    beq 5f
    ldr r4, [sp, #TAP_STEP]
    adds r3, r4
    subs r6, #1
    bne 3b
    ldr r3, [sp, #ROW_STEP]
    add r8, r3
    mov r3, r8
    b 2b
5:  str r0, [sp, #WEIGHTS]
    ldr r3, [sp, #ENTRY]
    ldr r0, [r3, #12]
    str r0, [sp, #PLAIN]    @ (a walk has no such word, it writes there later)
    ldr r1, [sp, #ZS]
    muls r5, r1
    adds r5, r0
@ its requantisation: with r11 and CERTAIN as they are at first, all is in doubt
    movs r0, #0
    str r0, [sp, #CERTAIN]
    str r0, [sp, #A_LO]
    mvns r1, r0
    mov r11, r1
    ldr r2, [r3, #8]        @ e
    ldr r1, [r3, #4]        @ m
    subs r3, r2, #1
    cmp r3, #11
    bhs 3f
    lsrs r3, r1, #30
    beq 3f
    ldr r6, [r7, #ZO]
    ldr r4, [r7, #LO]
    cmp r4, r6
    bhi 3f
    ldr r4, [r7, #HI]
    subs r4, r6
    blo 3f
    bl divide
    subs r0, #1             @ a_hi is one less where nothing remains
    movs r0, #0
    adcs r3, r0
    subs r3, #1
    mov r11, r3
    ldr r4, [r7, #LO]
    subs r4, r6, r4
    mov r8, r4
    bl divide
    adds r5, r3
    ldr r4, [sp, #PLAIN]
    adds r4, r3
    str r4, [sp, #PLAIN]
    add r11, r3
    rsbs r3, r3, #0
    str r3, [sp, #A_LO]
    adds r2, #7
    lsrs r1, r2
    movs r3, #0
    adcs r1, r3
    str r1, [sp, #SLOPE]
    lsrs r0, r2
    movs r4, #31
    subs r4, r2
    movs r1, #1
    lsls r1, r4             @ 2^(24 - e)
    mov r4, r8
    cmp r4, #0
    beq 2f
    lsrs r1, r1, #1
    movs r3, r1
2:  adds r0, r1
    mov r4, r11
    lsrs r4, r4, #1
    adds r4, #4             @ for what else was cut off
    adds r4, r3             @ MARGIN
    subs r0, r4
    lsls r4, r4, #9         @ fractions are shifted left by 8 bits
    rsbs r4, r4, #0
    str r4, [sp, #CERTAIN]
    ldr r4, [sp, #LOW]
    lsls r4, r4, #24
    adds r0, r4
    str r0, [sp, #OFFSET]
3:  str r5, [sp, #ZERO]
    ldr r5, [sp, #WALK]
    cmp r5, #0
    bne 4f
    b general

@ ---- weights of a window, zeros where the kernel has no tap
4:  add r4, sp, #WINDOW
    movs r0, #5
    movs r1, #0
    movs r2, #0
    movs r3, #0
5:  stmia r4!, {r1, r2, r3}
    subs r0, #1
    bne 5b
    add r4, sp, #WINDOW
    ldr r2, [sp, #ACROSS]
    ldr r1, [r5, #KERNEL]   @ columns
    ldr r2, [r2, #KERNEL]   @ lines
    movs r3, #4             @ along y the next tap of a column is the next weight
    lsls r6, r2, #2
    cmp r5, r7
    beq 6f
    lsls r3, r1, #2
    movs r6, #4
6:  mov r8, r6
    movs r6, #3
    subs r6, r2
    lsls r6, r6, #2
    mov r9, r6
    ldr r0, [sp, #WORDS]
7:  movs r5, r0
    movs r6, r2
8:  ldr r7, [r5]
    adds r5, r3
    stmia r4!, {r7}
    subs r6, #1
    bne 8b
    add r0, r8
    add r4, r9
    subs r1, #1
    bne 7b
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
    beq ready
    str r5, [sp, #MASK]
    mov r8, r0
    mov r9, r1
    mov r12, r2
    movs r0, r5
    ldr r3, [sp, #ZERO]
    mov r10, r3
    ldr r7, [sp, #ZS]
    add r1, sp, #WINDOW
    mov r2, sp
    movs r3, #36
    ldr r4, [sp, #KIND]
    cmp r4, #5
    bne 1f
    movs r3, #60
1:  adds r3, r1
    mov lr, r3
2:  ldmia r1!, {r3, r4, r5}
    lsrs r6, r0, #1
    bcs 3f
    movs r3, #0
3:  lsrs r6, r6, #1
    bcs 3f
    movs r4, #0
3:  lsrs r6, r6, #1
    bcs 3f
    movs r5, #0
3:  adds r6, r3, r4
    adds r6, r5
    muls r6, r7
    lsls r3, r3, #16
    adds r4, r3
    stmia r2!, {r4, r5, r6}
    mov r3, r10
    subs r3, r6
    mov r10, r3
    cmp r1, lr
    bne 2b
    mov r0, r8
    mov r1, r9
    mov r2, r12

@ ---- sums, as if the columns before the image had been there; then columns that end no output, then the others
ready:
    str r0, [sp, #BASE]
    ldr r3, [sp, #SPAN]
    adds r3, r0
    str r3, [sp, #END]
    ldr r3, [sp, #WARM]
    adds r3, r0
    mov lr, r3
    ldr r3, [sp, #LINE]
    mov r12, r3
    ldr r3, [sp, #Z]
    add r3, r10
    ldr r4, [sp, #COLUMN + Z]
    ldr r5, [sp, #KIND]
    cmp r5, #3
    beq three
    bhi 1f
    b two
1:  b five

three:
    mov r9, r3
    adds r3, r4
    mov r8, r3
    b 2f
1:  load
    begin_three
    advance
2:  cmp r0, lr
    bne 1b
    first_output three_tail
    ldr r3, [sp, #SAME]
    cmp r3, #1
    blo three_apart
    mov r4, r12             @ values and outputs are as far apart: r12 is how far an output is from r0
    subs r4, r0
    mov r12, r4
    cmp r3, #2
    beq three_loop
    mov r3, r8
    mov r8, r9
    mov r9, r3
    b three_odd
three_loop:
    output_three r8, r9, three
three_odd:
    output_three r9, r8, odd
    ldr r6, [sp, #END]
    cmp r0, r6
    bne three_loop
    add r12, r0
    b three_tail

    requantise_rest three
    requantise_rest odd

three_apart:
    load
    multiply 2, r5, r6
    add r5, r8
    begin_three
    requantise apart
    next_output three_apart
    b three_tail

    requantise_rest apart

three_tail:
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

@ ---- the next line; if all taps of this one are inside and all of the next, that is a step further
next_line:
    ldr r3, [sp, #LINES]
    subs r3, #1
    beq next
    str r3, [sp, #LINES]
    ldr r5, [sp, #ACROSS]
    ldr r3, [sp, #LINE]
    ldr r4, [r5, #PITCH]
    adds r3, r4
    str r3, [sp, #LINE]
    ldr r3, [sp, #FIRST]
    ldr r4, [r5, #STRIDE]
    adds r3, r4
    str r3, [sp, #FIRST]
    ldr r4, [sp, #INNER]
    cmp r3, r4
    bge 1f
    ldr r3, [sp, #MASK]
    ldr r4, [sp, #FULL]
    cmp r3, r4
    bne 1f
    ldr r0, [sp, #BASE]
    ldr r3, [sp, #LINE_NEXT]
    adds r0, r3
    b ready
1:  b line

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

@ ---- stride 2: each turn takes two columns
two:
    mov r8, r3
    b 2f
1:  load
    begin_two
    advance
2:  cmp r0, lr
    bne 1b
    first_output two_tail
two_loop:
    load
    multiply 1, r6, r7
    add r8, r6
    advance
    load
    multiply 2, r5, r6
    add r5, r8
    begin_two
    requantise two
    next_output two_loop
two_tail:
    ldr r5, [sp, #TAIL]
    cmp r5, #0
    beq 5f
    ldr r3, [sp, #LAST]
    cmp r3, #0
    beq 3f
    load
    multiply 1, r6, r7
    b 4f
3:  ldr r6, [sp, #COLUMN + Z]
4:  str r5, [sp, #COUNT]
    add r6, r8
    ldr r5, [sp, #2 * COLUMN + Z]
    adds r5, r6
    ldr r6, [sp, #Z]
    add r6, r10
    mov r8, r6
    bl finish
    ldr r5, [sp, #COUNT]
    subs r5, #1
    bne 3b
5:  b next_line

    requantise_rest two

@ ---- five columns
five:
    str r3, [sp, #A4]
    adds r3, r4
    str r3, [sp, #A3]
    ldr r4, [sp, #2 * COLUMN + Z]
    adds r3, r4
    mov r9, r3
    ldr r4, [sp, #3 * COLUMN + Z]
    adds r3, r4
    mov r8, r3
    b 2f
1:  load
    begin_five
    advance
2:  cmp r0, lr
    bne 1b
    first_output five_tail
five_loop:
    load
    multiply 4, r5, r6
    add r5, r8
    begin_five
    requantise five
    next_output five_loop
five_tail:
    ldr r3, [sp, #TAIL]
    b 2f
1:  str r3, [sp, #COUNT]
    ldr r5, [sp, #4 * COLUMN + Z]
    add r5, r8
    ldr r6, [sp, #3 * COLUMN + Z]
    add r6, r9
    mov r8, r6
    ldr r6, [sp, #2 * COLUMN + Z]
    ldr r7, [sp, #A3]
    adds r6, r7
    mov r9, r6
    ldr r6, [sp, #COLUMN + Z]
    ldr r7, [sp, #A4]
    adds r6, r7
    str r6, [sp, #A3]
    ldr r6, [sp, #Z]
    add r6, r10
    str r6, [sp, #A4]
    bl finish
    ldr r3, [sp, #COUNT]
    subs r3, #1
2:  cmp r3, #0
    bne 1b
    b next_line

    requantise_rest five

@ ---- r3 = floor(D * 2^30 / r1), r0 what remains, D = (2 * r4 + 1) * 2^r2 - 1; uses r4
divide:
    lsls r0, r4, #1
    adds r0, #1
    lsls r0, r2
    subs r0, #1
    cmp r4, #0
    beq 1f
    movs r4, #9
1:  adds r4, r2             @ bits of D, and of the quotient
    movs r3, #30
    subs r3, r4
    lsls r0, r3
    movs r3, #0
2:  adds r0, r0
    cmp r0, r1
    blo 3f
    subs r0, r1
3:  adcs r3, r3
    subs r4, #1
    bne 2b
    bx lr

@ ---- the output at r12, which goes on, of T, which is in r5; uses r3 to r7
finish:
    mov r6, lr
    str r6, [sp, #BACK]
    requantise finish
    strb r4, [r6]
    ldr r6, [sp, #OUT_STEP]
    add r12, r6
    ldr r6, [sp, #BACK]
    bx r6

    requantise_rest finish

@ ---- r4 = the output of T, which is in r5, for any scale: a * m in 64 bits, by halves of a and m; uses r3 to r7
any:
    ldr r3, [sp, #A_LO]
    adds r5, r3
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
    beq 1f
    asrs r7, r3, #31        @ halves away from zero
    adds r3, r7
    asrs r3, r6
    adcs r3, r4
1:  ldr r6, [sp, #RECORD]
    ldr r4, [r6, #ZO]
    subs r4, #128
    adds r4, r3
    ldr r6, [sp, #LOW]
    cmp r4, r6
    blt 2f
    ldr r6, [sp, #HIGH]
    cmp r4, r6
    ble 3f
2:  movs r4, r6
3:  bx lr

@ ---- no walk, line by line
general:
    ldr r1, [r7, #BEFORE]
    rsbs r1, r1, #0
    str r1, [sp, #FIRST]
    ldr r1, [r7, #OUTPUTS]
    str r1, [sp, #LINES]
    ldr r1, [sp, #OUTPUT]
    str r1, [sp, #LINE]
outputs:
    ldr r7, [sp, #RECORD]
    ldr r1, [sp, #LINE]
    str r1, [sp, #OUT]
    ldr r1, [r7, #OUTPUTS + 4]
    str r1, [sp, #COLS]
    ldr r1, [r7, #BEFORE + 4]
    rsbs r1, r1, #0
    str r1, [sp, #COL]
    ldr r2, [sp, #FIRST]
    ldr r3, [r7, #SIZE + 4]
    muls r3, r2
    adds r1, r3
    ldr r3, [r7, #CHANNELS]
    muls r1, r3
    ldr r3, [sp, #INPUT]
    adds r1, r3
    str r1, [sp, #PLACE]
    movs r1, #0             @ columns where all of a window is inside; none if rows are not
    ldr r3, [sp, #INNER]
    cmp r2, r3
    bhs 1f
    ldr r1, [sp, #INNER_COL]
1:  str r1, [sp, #INNER_NOW]
window:
    ldr r4, [sp, #COL]
    ldr r0, [sp, #PLACE]
    ldr r1, [sp, #WORDS]
    ldr r3, [sp, #INNER_NOW]
    cmp r4, r3
    bhs edge
    ldr r2, [sp, #PLAIN]
    ldr r3, [sp, #WORDS_END]
    mov lr, r3
    ldr r3, [sp, #JUMP_ALL]
    add pc, r3              @ counted from the next instruction but one
    nop
1:  .rept 8
    ldmia r1!, {r3, r4}
    ldrsb r3, [r0, r3]
    muls r3, r4
    adds r2, r3
    .endr
    cmp r1, lr
    bne 1b
output:
    movs r5, r2
    ldr r3, [sp, #OUT]
    mov r12, r3
    bl finish
    mov r3, r12
    str r3, [sp, #OUT]
    ldr r3, [sp, #PLACE]
    ldr r4, [sp, #PLACE_STEP]
    adds r3, r4
    str r3, [sp, #PLACE]
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
    beq 2f
    b outputs
2:  b next

@ ---- an output at the edge: r7 taps of a row are inside, from column r4 on, at r0 and r1
edge:
    ldr r2, [sp, #RECORD]
    ldr r6, [r2, #SIZE + 4]
    ldr r7, [r2, #KERNEL + 4]
    ldr r5, [r2, #DILATION + 4]
    ldr r3, [sp, #TAP_STEP]
1:  cmp r4, #0
    bge 2f
    adds r4, r5
    adds r0, r3
    adds r1, #8
    subs r7, #1
    bne 1b
    b 4f
2:  subs r3, r7, #1
    muls r3, r5
    adds r3, r4
3:  cmp r3, r6
    blt 4f
    subs r3, r5
    subs r7, #1
    bne 3b
4:  mov r10, r0
    mov r12, r1
    lsls r4, r7, #3
    mov r9, r4
    ldr r3, [sp, #FIRST]
    mov r8, r3
    ldr r3, [r2, #KERNEL]
    str r3, [sp, #COUNT]
    ldr r2, [sp, #ZERO]
    cmp r7, #0
    beq output
    ldr r5, [sp, #TAP_STEP]
    ldr r6, [sp, #ZS]
    movs r7, #0
@ r0 value, r1 weight, r2 sum, r5 TAP_STEP, r6 zx, r7 0, lr behind the row's last weight
@ r8 input row, r9 bytes of a row's weights that count, r10 its first value, r12 its first weight
5:  ldr r3, [sp, #RECORD]
    ldr r3, [r3, #SIZE]
    cmp r8, r3
    bhs 7f
    mov r0, r10
    mov r1, r12
    mov lr, r12
    add lr, r9
6:  ldrsb r3, [r0, r7]
    add r0, r5
    subs r3, r6
    ldr r4, [r1, #4]
    adds r1, #8
    muls r3, r4
    adds r2, r3
    cmp r1, lr
    bne 6b
7:  ldr r3, [sp, #RECORD]
    ldr r4, [r3, #DILATION]
    add r8, r4
    ldr r4, [sp, #ROW_STEP]
    add r10, r4
    ldr r4, [r3, #KERNEL + 4]
    lsls r4, r4, #3
    add r12, r4
    ldr r3, [sp, #COUNT]
    subs r3, #1
    str r3, [sp, #COUNT]
    bne 5b
    b output
