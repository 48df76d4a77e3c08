@ ADD, SUB: out = requantise(rescale((a - za) << 20) +- rescale((b - zb) << 20));
@ SQUARED_DIFFERENCE: the same with << 7, and the difference squared. Up to four axes; a stride of 0 broadcasts.
@ Record: [4] a [5] b (offset * 2, + 1 in DATA) [6] to [8] sizes[4] strides_a[4] strides_b[4] [20] za, scale_a[2]
@ [23] zb, scale_b[2] [26] zo, scale[2] lo hi up mode.
@ The fast way is for ADD with neighbouring values, bounds of int8, and scales as converters give them: right shifts,
@ or exactly 1/2 for an operand. There
@   rescale((a - za) << 20) = ((a << 21) - (za << 21)) * m >> 32, rounded, then >> e, rounded,
@ is RSB, SMMULR and three more. As the difference is a multiple of 2^20, m = 2^31 - 1 and e = 1 give its half exactly.
@ All |sums| stay below 2^29. 20.5 instructions for an output.
    .include "record.inc"
    .include "requant.inc"
    .equ A_TO, 24
    .equ A_SIZES, 32
    .equ A_STRIDES_A, 48
    .equ A_STRIDES_B, 64
    .equ A_A, 80                    @ zero point, multiplier, shifts
    .equ A_B, 92
    .equ A_OUT, 104
    .equ A_LO, 116                  @ then hi, up, mode
    .equ A_UP, 124
    .equ A_MODE, 128

@ Frame. Nine words for the fast way: za << 21, zb << 21, scales of a, b, and the sum, zo; then the end of a row.
    .equ F_FAST, 0
    .equ F_END, 36
    .equ F_A, 40                    @ operands
    .equ F_B, 44
    .equ F_OUT, 48
    .equ F_I, 52                    @ how many are left of the three outer axes
    .equ F_J, 56
    .equ F_K, 60
    .equ F_SLOW, 64                 @ not 0: the general way
    .equ F_RECORD, 68
    .equ FRAME, 76

@ One output: r0 a, r1 b, r2 out, r3-r11 as in the frame, r12 and lr scratch
.macro sum
    ldrsb r12, [r0], #1
    ldrsb lr, [r1], #1
    rsb r12, r3, r12, lsl #21
    rsb lr, r4, lr, lsl #21
    smmulr r12, r12, r5
    smmulr lr, lr, r7
    adds r12, r12, r12, asr #31
    asrs r12, r12, r6
    adc r12, r12, #0
    adds lr, lr, lr, asr #31
    asrs lr, lr, r8
    adc r12, r12, lr
    lsl r12, r12, #1
    smmulr r12, r12, r9
    adds r12, r12, r12, asr #31
    asrs r12, r12, r10
    adc r12, r12, r11
    ssat r12, #8, r12
    strb r12, [r2], #1
.endm

@ Zero point and scale of an operand into the frame; r7 becomes not 0 where they are not for the fast way
.macro operand at, zero, scale
    ldr r1, [r9, #\at]
    subs r1, r1, #128
    lsls r1, r1, #21
    str r1, [sp, #\zero]
    ldrd r5, r6, [r9, #\at+4]
    orr r7, r7, r6, lsr #8          @ a left shift
    cbnz r6, 8f
    eor r1, r5, #0x40000000
    orrs r7, r1
    mvn r5, #0x80000000
    movs r6, #1
8:  strd r5, r6, [sp, #\scale]
.endm

run:
    push {r4-r11, lr}
    sub sp, #FRAME
    ldrd r1, r2, [r0]
    add r9, r1, r2                  @ the record
    ldr r3, [r0, #X_ARENA]
    ldr r4, [r0, #X_DATA]
    ldr r1, [r9, #PART]
    adds r4, r4, r1
    ldrd r1, r2, [r9, #FROM]
    lsrs r1, r1, #1
    ite cs
    addcs r1, r4
    addcc r1, r3
    lsrs r2, r2, #1
    ite cs
    addcs r2, r4
    addcc r2, r3
    strd r1, r2, [sp, #F_A]
    ldr r1, [r9, #A_TO]
    adds r3, r3, r1
    str r3, [sp, #F_OUT]
    str r9, [sp, #F_RECORD]
    @ what the fast way needs
    ldr r7, [r9, #A_MODE]
    ldr r1, [r9, #A_STRIDES_A+12]
    ldr r2, [r9, #A_STRIDES_B+12]
    eor r1, r1, #1
    eor r2, r2, #1
    orrs r7, r1
    orrs r7, r2
    ldrd r1, r2, [r9, #A_LO]
    eor r2, r2, #255
    orrs r7, r1
    orrs r7, r2
    ldr r1, [r9, #A_UP]
    eor r1, r1, #20
    orrs r7, r1
    operand A_A, F_FAST, F_FAST+8
    operand A_B, F_FAST+4, F_FAST+16
    ldr r1, [r9, #A_OUT]
    subs r1, r1, #128
    str r1, [sp, #F_FAST+32]
    ldrd r5, r6, [r9, #A_OUT+4]
    strd r5, r6, [sp, #F_FAST+24]
    orr r7, r7, r6, lsr #8
    cbnz r6, 1f
    movs r7, #1
1:  str r7, [sp, #F_SLOW]
    movs r1, #0
    str r1, [sp, #F_I]
.Lplane:
    movs r1, #0
    str r1, [sp, #F_J]
.Lline:
    movs r1, #0
    str r1, [sp, #F_K]
.Lrow:                              @ r9 record
    add r2, sp, #F_A
    ldm r2, {r0-r5}                 @ a, b, out, i, j, k
    ldrd r6, r7, [r9, #A_STRIDES_A]
    mla r0, r3, r6, r0
    mla r0, r4, r7, r0
    ldrd r6, r7, [r9, #A_STRIDES_A+8]
    mla r0, r5, r6, r0
    mov r10, r7
    ldrd r6, r7, [r9, #A_STRIDES_B]
    mla r1, r3, r6, r1
    mla r1, r4, r7, r1
    ldrd r6, r7, [r9, #A_STRIDES_B+8]
    mla r1, r5, r6, r1
    mov r11, r7
    ldr r3, [r9, #A_SIZES+12]
    ldr r4, [sp, #F_SLOW]
    cmp r4, #0
    bne .Lslow
    lsrs r4, r3, #1
    add r3, r3, r2
    str r3, [sp, #F_END]
    ldm sp, {r3-r11}
    bcc 1f                          @ LSRS left in C whether the number is odd
    sum
    b 2f
1:  sum
    sum
2:  ldr r12, [sp, #F_END]
    cmp r2, r12
    bne 1b
.Lnext:                             @ r2 out
    str r2, [sp, #F_OUT]
    ldr r9, [sp, #F_RECORD]
    add r3, sp, #F_I
    ldm r3, {r4, r5, r6}
    add r1, r9, #A_SIZES
    ldm r1, {r0, r1, r7}
    adds r6, r6, #1
    str r6, [sp, #F_K]
    cmp r6, r7
    bne .Lrow
    adds r5, r5, #1
    str r5, [sp, #F_J]
    cmp r5, r1
    bne .Lline
    adds r4, r4, #1
    str r4, [sp, #F_I]
    cmp r4, r0
    bne .Lplane
    add sp, #FRAME
    pop {r4-r11, pc}

@ The general way: r0 a, r1 b, r2 out, r3 outputs left, r10 r11 strides, r9 record; r4 value, r7 r8 scratch
.Lslow:
    ldrsb r4, [r1]
    add r1, r1, r11
    add r8, r9, #A_B
    bl .Loperand
    mov r7, r4
    ldrsb r4, [r0]
    add r0, r0, r10
    add r8, r9, #A_A
    bl .Loperand
    ldr r5, [r9, #A_MODE]
    lsls r5, r5, #31
    it mi
    rsbmi r7, r7, #0
    add r4, r4, r7
    ldr r5, [r9, #A_MODE]
    lsls r5, r5, #30
    it mi
    mulmi r4, r4, r4
    add r8, r9, #A_OUT
    bl .Lrescale
    ldr r5, [r8]
    adds r4, r4, r5
    ldrd r5, r6, [r9, #A_LO]
    cmp r4, r5
    it lt
    movlt r4, r5
    cmp r4, r6
    it gt
    movgt r4, r6
    subs r4, r4, #128
    strb r4, [r2], #1
    subs r3, r3, #1
    bne .Lslow
    b .Lnext
.Loperand:                          @ r4 to rescale((r4 - zero point) << up); r8 zero point and scale
    ldr r5, [r8]
    adds r4, r4, #128
    subs r4, r4, r5
    ldr r5, [r9, #A_UP]
    lsls r4, r5
.Lrescale:
    ldrd r12, r6, [r8, #4]
    rescale_any
    bx lr
