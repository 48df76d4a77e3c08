@ POOL: the largest value, or the mean rounded half away from zero, of the part of each window that lies inside the image;
@ then clamped.
@
@ Windows of up to four values without a clamp: one loop over the channels loads all four, the same ones again where
@ there are fewer (few): 16 instructions an output, 70 a window. Else row by row, four taps in a turn of the loop, the
@ first turn entered in its middle: 4.5 instructions a value for the largest and 3 for the mean, 11 a row, 20 and 40 an
@ output.
@
@ The mean's division: n = |sum| + count / 2 is below 129 * count, so with R = floor(2^24 / count), which is made when the
@ count changes, n * R fits 32 bits and q = n * R >> 24 is never too large, and too small by 1 at most where count < 2^17;
@ what remains of n corrects it.

@ ---- the record, in bytes; of two axes the first is y
    .equ FROM, 16
    .equ TO, 20
    .equ SIZE, 24           @ axes
    .equ CHANNELS, 32
    .equ OUTPUTS, 36        @ axes
    .equ KERNEL, 44         @ axes
    .equ STRIDE, 52         @ axes
    .equ BEFORE, 60         @ axes: padding before the image
    .equ LO, 68
    .equ HI, 72
    .equ MEAN, 76

@ ---- the frame, in bytes
    .equ RECORD, 0
    .equ INPUT, 4
    .equ LOW, 8             @ bounds as signed numbers
    .equ HIGH, 12
    .equ ROWS, 16           @ of outputs, left
    .equ COLS, 20
    .equ Y, 24              @ the window's first row, which may be outside
    .equ X, 28
    .equ INSIDE, 32         @ rows of the window that are inside
    .equ LINE, 36           @ address of the first of these
    .equ COUNT, 40          @ values of the window
    .equ INVERSE, 44        @ R
    .equ JUMP, 48           @ bytes of taps to leave out in a row's first turn
    .equ OUT_END, 52        @ of this window's channels
    .equ PITCH, 56          @ bytes of a row
    .equ FRAME, 60

    .macro part axis, start @ r1 = first place inside, r2 = how many, of a window that begins at start; r7 record
    ldr r1, [sp, #\start]
    ldr r2, [r7, #KERNEL + 4 * \axis]
    adds r2, r1
    ldr r3, [r7, #SIZE + 4 * \axis]
    cmp r2, r3
    ble 8f
    movs r2, r3
8:  cmp r1, #0
    bge 9f
    movs r1, #0
9:  subs r2, r1
    .endm

run:
    push {r4, r5, r6, r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    push {r4, r5, r6}
    sub sp, #FRAME
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
    mov r12, r1
    ldr r1, [r7, #LO]
    subs r1, #128
    str r1, [sp, #LOW]
    ldr r1, [r7, #HI]
    subs r1, #128
    str r1, [sp, #HIGH]
    ldr r1, [r7, #OUTPUTS]
    str r1, [sp, #ROWS]
    ldr r1, [r7, #BEFORE]
    rsbs r1, r1, #0
    str r1, [sp, #Y]
    movs r1, #0
    str r1, [sp, #COUNT]
    ldr r1, [r7, #SIZE + 4]
    ldr r5, [r7, #CHANNELS]
    muls r1, r5
    str r1, [sp, #PITCH]

row:
    part 0, Y
    str r2, [sp, #INSIDE]
    ldr r2, [sp, #PITCH]
    muls r1, r2
    ldr r2, [sp, #INPUT]
    adds r1, r2
    str r1, [sp, #LINE]
    ldr r1, [r7, #OUTPUTS + 4]
    str r1, [sp, #COLS]
    ldr r1, [r7, #BEFORE + 4]
    rsbs r1, r1, #0
    str r1, [sp, #X]

@ ---- a window: r8 this channel's first value, r9 bytes of a row of values, r10 from behind them to the next row
@ r0 value, r2 result, r3 and r4 free, r5 bytes of a pixel, r6 rows left, r7 0, r12 output
window:
    part 1, X
    ldr r5, [r7, #CHANNELS]
    muls r1, r5
    ldr r0, [sp, #LINE]
    adds r0, r1
    mov r8, r0
    movs r1, r2
    muls r1, r5
    mov r9, r1
    ldr r3, [sp, #PITCH]
    subs r4, r3, r1
    mov r10, r4
    mov r4, r12
    adds r4, r5
    str r4, [sp, #OUT_END]
    ldr r6, [sp, #INSIDE]
    muls r6, r2
    rsbs r1, r2, #0         @ of four taps, those to leave out in the first turn
    lsls r1, r1, #30
    lsrs r1, r1, #30
    ldr r4, [r7, #MEAN]
    movs r7, #0
    cmp r4, #0
    bne mean
    movs r4, #10
    muls r1, r4
    str r1, [sp, #JUMP]
    cmp r6, #4
    bhi largest
    ldr r4, [sp, #LOW]
    ldr r1, [sp, #HIGH]
    subs r1, r4
    cmp r1, #255
    bne largest

@ ---- few: r1, r2, r3 from the first value to the others
    movs r1, r3             @ a column of them,
    cmp r2, #1
    beq 1f
    mov r1, r5              @ a row,
    cmp r2, r6
    beq 1f
    movs r2, r3             @ or two rows of two
    adds r3, r2, r1
    b 4f
1:  cmp r6, #1
    bne 2f
    movs r1, #0
2:  movs r2, r1
    cmp r6, #3
    blo 3f
    adds r2, r1
3:  movs r3, r2
    cmp r6, #4
    bne 4f
    adds r3, r1
4:  mov r6, r12
    subs r6, r0
    add r12, r5
    add r5, r8
    mov r9, r5
5:  ldrsb r4, [r0, r7]
    ldrsb r5, [r0, r1]
    cmp r4, r5
    bge 6f
    movs r4, r5
6:  ldrsb r5, [r0, r2]
    cmp r4, r5
    bge 6f
    movs r4, r5
6:  ldrsb r5, [r0, r3]
    cmp r4, r5
    bge 6f
    movs r4, r5
6:  strb r4, [r0, r6]
    adds r0, #1
    cmp r0, r9
    bne 5b
    b next

@ ---- the largest of any number
largest:
    mov r0, r8
    ldr r6, [sp, #INSIDE]
    ldrsb r2, [r0, r7]
1:  mov r4, r0
    add r4, r9
    ldr r3, [sp, #JUMP]
    add pc, r3              @ counted from the next instruction but one
    nop
2:  .rept 4
    ldrsb r3, [r0, r7]
    add r0, r5
    cmp r3, r2
    ble 3f
    movs r2, r3
3:
    .endr
    cmp r0, r4
    bne 2b
    add r0, r10
    subs r6, #1
    bne 1b
    bl put
    bne largest
    b next

@ ---- the mean; first R, if the count is a new one
mean:
    movs r4, #6
    muls r1, r4
    str r1, [sp, #JUMP]
    ldr r3, [sp, #COUNT]
    cmp r3, r6
    beq 4f
    str r6, [sp, #COUNT]
    movs r1, #0
    movs r2, #1             @ 2^24 begins with a 1,
    movs r3, #25            @ and has 25 bits
1:  adds r1, r1
    cmp r2, r6
    blo 2f
    subs r2, r6
    adds r1, #1
2:  adds r2, r2
    subs r3, #1
    bne 1b
    str r1, [sp, #INVERSE]
4:  mov r0, r8
    ldr r6, [sp, #INSIDE]
    movs r2, #0
6:  mov r4, r0
    add r4, r9
    ldr r3, [sp, #JUMP]
    add pc, r3
    nop
7:  .rept 4
    ldrsb r3, [r0, r7]
    add r0, r5
    adds r2, r3
    .endr
    cmp r0, r4
    bne 7b
    add r0, r10
    subs r6, #1
    bne 6b
    ldr r6, [sp, #COUNT]
    asrs r3, r2, #31
    eors r2, r3
    subs r2, r3
    lsrs r1, r6, #1
    adds r1, r2             @ n
    ldr r2, [sp, #INVERSE]
    muls r2, r1
    lsrs r2, r2, #24        @ q
    movs r4, r2
    muls r4, r6
    subs r1, r4
8:  cmp r1, r6
    blo 9f
    adds r2, #1
    subs r1, r6
    b 8b
9:  eors r2, r3
    subs r2, r3
    bl put
    bne 4b

@ ---- the next window
next:
    ldr r7, [sp, #RECORD]
    ldr r1, [sp, #X]
    ldr r2, [r7, #STRIDE + 4]
    adds r1, r2
    str r1, [sp, #X]
    ldr r1, [sp, #COLS]
    subs r1, #1
    str r1, [sp, #COLS]
    beq 1f
    b window
1:  ldr r1, [sp, #Y]
    ldr r2, [r7, #STRIDE]
    adds r1, r2
    str r1, [sp, #Y]
    ldr r1, [sp, #ROWS]
    subs r1, #1
    str r1, [sp, #ROWS]
    beq 2f
    b row
2:  add sp, #FRAME
    pop {r4, r5, r6}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    pop {r4, r5, r6, r7, pc}

@ ---- clamps and stores r2, goes on to the next channel; not equal if there is one
put:
    ldr r3, [sp, #LOW]
    cmp r2, r3
    blt 1f
    ldr r3, [sp, #HIGH]
    cmp r2, r3
    ble 2f
1:  movs r2, r3
2:  mov r3, r12
    strb r2, [r3]
    movs r2, #1
    add r8, r2
    add r12, r2
    ldr r3, [sp, #OUT_END]
    cmp r3, r12
    bx lr
