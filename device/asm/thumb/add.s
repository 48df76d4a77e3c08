@ ADD, SUB:  out = requantise(A +- B),  A = requantise((a - za) << 20), B likewise; then the zero point and a clamp.
@ SQUARED_DIFFERENCE: the same with << 7, and of (A - B)^2. A stride of 0 broadcasts.
@
@ For sums that is nearly a line, out = a * RA +- b * RB + C, in units of 2^-20:
@   RA = ma * m / 2^(22 + ea + e), rounded, is off by 0.501 at most: a term by 128;
@   the roundings of A and B are off by 1 each, which is 2^(1 - e) of an output together, and that of the sum by 2^(-1 - e):
@   40 units if e >= 16.
@ So what is right lies within 300 units of it. C is lower by MARGIN = 320; where the fraction is not among the 640 largest,
@ its whole part is right: 20 instructions (27 cycles) an output. One in 1600 is worked out step by step instead (exact).
@ That is also what runs if RA + RB >= 2^22, when it might not fit, and for squares: 125 instructions.

@ ---- the record, in bytes
    .equ DATA, 8
    .equ A, 16
    .equ B, 20
    .equ TO, 24
    .equ SIZES, 32
    .equ STRIDES_A, 48
    .equ STRIDES_B, 64
    .equ SCALE_A, 80        @ zero point, multiplier, shifts
    .equ SCALE_B, 92
    .equ ZO, 104
    .equ SCALE, 108
    .equ SHIFTS, 112
    .equ LO, 116
    .equ HI, 120
    .equ UP, 124

@ ---- the frame, in bytes
    .equ COUNTS, 0          @ left of the three outer axes
    .equ AT_A, 12
    .equ AT_B, 16
    .equ MODE, 20           @ bit 0: subtract, bit 1: square
    .equ RECORD, 24
    .equ UPS, 28            @ by how much operands are shifted left
    .equ LOW, 32            @ lo as a signed number
    .equ C, 36
    .equ FRAME, 40

    .equ MARGIN, 320

    .macro slope operand    @ r3 = RA or RB; r7 record, r2 = 0
    ldr r5, [r7, #SCALE]
    ldr r4, [r7, #\operand + 4]
    movs r2, #0
    bl scale
    ldr r7, [sp, #RECORD]
    ldr r4, [r7, #\operand + 8]
    ldr r5, [r7, #SHIFTS]
    adds r4, r5
    subs r4, #9
    lsrs r3, r4
    adcs r3, r2
    .endm

run:
    push {r4, r5, r6, r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4, r5, r6, r7}
    sub sp, #FRAME
    ldr r7, [r0, #4]
    ldr r1, [r0]
    adds r7, r1
    str r7, [sp, #RECORD]
    ldr r5, [r0, #12]
    ldr r6, [r0, #20]
    ldr r1, [r7, #DATA]
    adds r6, r1
    ldr r0, [r7, #A]        @ offset * 2, + 1 if it is in DATA
    lsrs r0, r0, #1
    bcs 1f
    adds r0, r5
    subs r0, r6
1:  adds r0, r6
    ldr r1, [r7, #B]
    lsrs r1, r1, #1
    bcs 2f
    adds r1, r5
    subs r1, r6
2:  adds r1, r6
    ldr r3, [r7, #TO]
    adds r3, r5
    str r0, [sp, #AT_A]
    str r1, [sp, #AT_B]
    ldr r4, [r7, #SIZES]
    str r4, [sp, #COUNTS]
    ldr r4, [r7, #SIZES + 4]
    str r4, [sp, #COUNTS + 4]
    ldr r4, [r7, #SIZES + 8]
    str r4, [sp, #COUNTS + 8]
    ldr r4, [r7, #STRIDES_A + 12]
    mov r9, r4
    ldr r4, [r7, #STRIDES_B + 12]
    mov r10, r4
    ldr r4, [r7, #LO]
    ldr r2, [r7, #HI]
    subs r2, r4
    mov r12, r2

@ ---- r6 RA and r7 RB, C; r8 stays 0 if they do not serve
    movs r2, #0
    mov r8, r2
    adds r7, #UP
    ldr r4, [r7]
    str r4, [sp, #UPS]
    ldr r5, [r7, #4]
    str r5, [sp, #MODE]
    cmp r4, #20
    bne line
    cmp r5, #2
    bhs line
    ldr r7, [sp, #RECORD]
    ldr r6, [r7, #SHIFTS]
    subs r6, #16
    cmp r6, #16             @ nor may there be a left shift
    bhs line
    mov r11, r3
    slope SCALE_A
    mov r8, r3
    slope SCALE_B
    mov r6, r8
    mov r8, r2
    adds r4, r6, r3
    lsrs r4, r4, #22
    bne 4f
    ldr r4, [sp, #MODE]
    lsrs r4, r4, #1
    bcc 3f
    rsbs r3, r3, #0
3:  ldr r4, [r7, #ZO]
    ldr r5, [r7, #LO]
    subs r4, r5
    subs r5, #128
    str r5, [sp, #LOW]
    lsls r4, r4, #1
    adds r4, #1
    lsls r4, r4, #19
    ldr r5, [r7, #SCALE_A]
    subs r5, #128
    muls r5, r6
    subs r4, r5
    ldr r5, [r7, #SCALE_B]
    subs r5, #128
    muls r5, r3
    subs r4, r5
    movs r5, #MARGIN / 4
    lsls r5, r5, #2
    subs r4, r5
    str r4, [sp, #C]
    lsls r5, r5, #13        @ of fractions, shifted left by 12 bits
    rsbs r5, r5, #0
    mov r8, r5
    movs r7, r3
4:  mov r3, r11

@ ---- a line of the innermost axis
@ r0 a, r1 b, r2 0, r3 out, r8 largest certain fraction, r9 and r10 strides, r11 end of out, r12 hi - lo, lr lo
line:
    ldr r4, [sp, #RECORD]
    ldr r4, [r4, #SIZES + 12]
    adds r4, r3
    mov r11, r4
    movs r2, #0
    mov r4, r8
    cmp r4, r2
    beq slow
    ldr r4, [sp, #LOW]
    mov lr, r4
fast:
    ldrsb r4, [r0, r2]
    ldrsb r5, [r1, r2]
    muls r4, r6
    muls r5, r7
    add r0, r9
    add r1, r10
    adds r4, r5
    ldr r5, [sp, #C]
    adds r4, r5
    lsls r5, r4, #12
    cmp r5, r8
    bhs doubt
    asrs r4, r4, #20
    cmp r4, r12
    bhi 3f
2:  add r4, lr
    strb r4, [r3]
    adds r3, #1
    cmp r3, r11
    bne fast
    b next
3:  asrs r4, r4, #31        @ 0 or hi - lo
    mvns r4, r4
    mov r5, r12
    ands r4, r5
    b 2b

slow:
    ldrsb r4, [r0, r2]
    ldrsb r5, [r1, r2]
    add r0, r9
    add r1, r10
    bl exact
    strb r4, [r3]
    adds r3, #1
    cmp r3, r11
    bne slow

@ ---- the next line: one step of the third axis; where it ends, back to its start and a step of the second ...
next:
    ldr r2, [sp, #RECORD]
    adds r2, #8
    add r5, sp, #COUNTS + 8
    ldr r0, [sp, #AT_A]
    ldr r1, [sp, #AT_B]
    mov r11, r3
1:  ldr r3, [r2, #STRIDES_A]
    adds r0, r3
    ldr r4, [r2, #STRIDES_B]
    adds r1, r4
    ldr r4, [r5]
    subs r4, #1
    str r4, [r5]
    bne 2f
    ldr r4, [r2, #SIZES]
    str r4, [r5]
    muls r3, r4
    subs r0, r3
    ldr r3, [r2, #STRIDES_B]
    muls r3, r4
    subs r1, r3
    subs r2, #4
    subs r5, #4
    cmp r5, sp
    bhs 1b
    add sp, #FRAME
    pop {r4, r5, r6, r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4, r5, r6, r7, pc}
2:  mov r3, r11
    str r0, [sp, #AT_A]
    str r1, [sp, #AT_B]
    b line

doubt:
    mov r5, r9
    subs r0, r5
    ldrsb r4, [r0, r2]
    add r0, r9
    mov r5, r10
    subs r1, r5
    ldrsb r5, [r1, r2]
    add r1, r10
    mov r2, lr
    bl exact
    mov lr, r2
    movs r2, #0
    strb r4, [r3]
    adds r3, #1
    cmp r3, r11
    bne fast
    b next

@ ---- exact: r4 = the output of r4 and r5, step by step; uses r5
exact:
    push {r0, r1, r2, r3, r6, r7, lr}
    .equ PUSHED, 28
    ldr r0, [sp, #PUSHED + RECORD]
    adds r0, #SCALE_A       @ zero point, multiplier, shifts
    movs r1, r5
    bl operand
    movs r4, r1
    movs r1, r3
    adds r0, #SCALE_B - SCALE_A
    bl operand
    adds r0, #ZO - SCALE_B
    ldr r2, [sp, #PUSHED + MODE]
    lsrs r2, r2, #1
    bcc 1f
    rsbs r3, r3, #0
1:  adds r5, r1, r3
    lsrs r2, r2, #1
    bcc 2f
    muls r5, r5
    ldr r4, [r0, #8]
    lsrs r4, r4, #8
    lsls r5, r4
2:  ldr r4, [r0, #4]
    ldrb r2, [r0, #8]
    bl scale
    ldr r4, [r0]
    adds r4, r3
    ldr r3, [r0, #LO - ZO]
    cmp r4, r3
    blt 3f
    ldr r3, [r0, #HI - ZO]
    cmp r4, r3
    ble 4f
3:  movs r4, r3
4:  subs r4, #128
    pop {r0, r1, r2, r3, r6, r7, pc}

operand:
    ldr r5, [r0]
    subs r5, r4, r5
    adds r5, #128
    ldr r4, [sp, #PUSHED + UPS]
    lsls r5, r4
    ldr r4, [r0, #4]
    ldrb r2, [r0, #8]
@ r3 = r5 * r4 / 2^31, rounded, then >> r2, rounded: the product in 64 bits, by halves; uses r4 to r7
scale:
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
    cmp r2, #0
    beq 1f
    asrs r5, r3, #31        @ halves away from zero
    adds r3, r5
    asrs r3, r2
    adcs r3, r4
1:  bx lr
