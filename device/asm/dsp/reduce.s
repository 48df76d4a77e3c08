@ REDUCE. MEAN and SUM: out = requantise(bias + sum of (x + 128)), the mean's division is in the multiplier.
@ The largest or the smallest: as it is. Two kept axes and two reduced ones.
@ Record: [4] from [5] to [6] kept[4] [10] reduced[4] [14] bias scale[2] zo lo hi kind; axes are (size, stride) twice.
@ Four outputs that are neighbours in the input go at a time: SXTAB16 sums two of their bytes in halfwords, which hold
@ 256 values, SSUB8 and SEL keep the larger or smaller of each. 6 instructions for four values, 32 for a sum's output.
@ Others go one by one, 4 or 6 instructions a value.
@ r0 input of the outputs at hand, r1 output, r2 at a value, r3 value, r4 r5 results, r6 values left in the row, r7 rows
@ left, r8 from a value to the next, r9 record, r10 row, r11 from row to row, r12 kind.
    .include "record.inc"
    .include "requant.inc"
    .equ R_KEPT, 24
    .equ R_REDUCED, 40
    .equ R_BIAS, 56
    .equ R_SCALE, 60
    .equ R_ZO, 68
    .equ R_LO, 72
    .equ R_KIND, 80

    .equ F_SUMS, 0
    .equ F_BIAS, 16                 @ for x without the 128
    .equ F_LEAST, 20                @ outputs that must be left to take four: 4, or more than there are
    .equ F_LEFT, 24                 @ outputs of this line
    .equ F_LINES, 28
    .equ F_LINE, 32
    .equ FRAME, 36

run:
    push {r4-r11, lr}
    sub sp, #FRAME
    ldrd r1, r2, [r0]
    add r9, r1, r2
    ldr r3, [r0, #X_ARENA]
    ldrd r0, r1, [r9, #FROM]
    adds r0, r0, r3
    adds r1, r1, r3
    ldr r2, [r9, #R_REDUCED]
    ldr r3, [r9, #R_REDUCED+8]
    mul r2, r2, r3
    ldr r3, [r9, #R_BIAS]
    add r3, r3, r2, lsl #7
    str r3, [sp, #F_BIAS]
    ldr r12, [r9, #R_KIND]
    cmp r12, #0
    it ne
    movne r2, #0
    ldr r3, [r9, #R_KEPT+12]
    cmp r2, #256
    it ls
    cmpls r3, #1
    ite eq
    moveq r3, #4
    mvnne r3, #0
    str r3, [sp, #F_LEAST]
    ldr r2, [r9, #R_KEPT]
.Lline:                             @ r2 lines left
    str r2, [sp, #F_LINES]
    str r0, [sp, #F_LINE]
    ldr r2, [r9, #R_KEPT+8]
.Loutput:                           @ r2 outputs left
    str r2, [sp, #F_LEFT]
    ldrd r7, r11, [r9, #R_REDUCED]
    ldr r8, [r9, #R_REDUCED+12]
    ldr r3, [sp, #F_LEAST]
    mov r10, r0
    cmp r2, r3
    blo .Lone
    movs r4, #0
    movs r5, #0
    cmp r12, #1
    bhs .Lextremes
1:  mov r2, r10
    ldr r6, [r9, #R_REDUCED+8]
2:  ldr r3, [r2]
    add r2, r2, r8
    sxtab16 r4, r4, r3
    sxtab16 r5, r5, r3, ror #8
    subs r6, r6, #1
    bne 2b
    add r10, r10, r11
    subs r7, r7, #1
    bne 1b
    asr r10, r4, #16
    asr r11, r5, #16
    sxth r4, r4
    sxth r5, r5
    stm sp, {r4, r5}
    strd r10, r11, [sp, #F_SUMS+8]
    mov r7, sp
    movs r8, #4
3:  ldr r4, [r7], #4
    bl .Lrescale
    subs r8, r8, #1
    bne 3b
    mov r12, r8
4:  adds r0, r0, #4
    ldr r2, [sp, #F_LEFT]
    subs r2, r2, #4
    bne .Loutput
.Lnext:                             @ line
    ldr r0, [sp, #F_LINE]
    ldrd r2, r3, [r9, #R_KEPT]
    adds r0, r0, r3
    ldr r2, [sp, #F_LINES]
    subs r2, r2, #1
    bne .Lline
    add sp, #FRAME
    pop {r4-r11, pc}

.Lextremes:                         @ r12 1: the largest, 2: the smallest
    ldr r4, [r10]
1:  mov r2, r10
    ldr r6, [r9, #R_REDUCED+8]
2:  ldr r3, [r2]
    add r2, r2, r8
    cmp r12, #1
    ite eq
    ssub8eq r5, r3, r4
    ssub8ne r5, r4, r3
    sel r4, r3, r4
    subs r6, r6, #1
    bne 2b
    add r10, r10, r11
    subs r7, r7, #1
    bne 1b
    str r4, [r1], #4
    b 4b

.Lone:
    cmp r12, #0
    ite eq
    moveq r4, #0
    ldrsbne r4, [r10]
1:  mov r2, r10
    ldr r6, [r9, #R_REDUCED+8]
2:  ldrsb r3, [r2]
    add r2, r2, r8
    cmp r12, #1
    blo 3f
    ite eq
    subeq r5, r3, r4
    subne r5, r4, r3
    cmp r5, #0
    it gt
    movgt r4, r3
    b 4f
3:  add r4, r4, r3
4:  subs r6, r6, #1
    bne 2b
    add r10, r10, r11
    subs r7, r7, #1
    bne 1b
    cmp r12, #0
    bne 5f
    bl .Lrescale
    movs r3, #0
    mov r12, r3
    b 6f
5:  strb r4, [r1], #1
6:  ldr r3, [r9, #R_KEPT+12]
    adds r0, r0, r3
    ldr r2, [sp, #F_LEFT]
    subs r2, r2, #1
    bne .Loutput
    b .Lnext

@ The output of the sum r4; r2, r3, r5, r6, r12 scratch
.Lrescale:
    ldr r3, [sp, #F_BIAS]
    adds r4, r4, r3
    ldrd r12, r6, [r9, #R_SCALE]
    rescale_any
    ldr r3, [r9, #R_ZO]
    ldrd r2, r5, [r9, #R_LO]
    qadd r4, r4, r3
    cmp r4, r2
    it lt
    movlt r4, r2
    cmp r4, r5
    it gt
    movgt r4, r5
    subs r4, r4, #128
    strb r4, [r1], #1
    bx lr
