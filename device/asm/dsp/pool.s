@ POOL: the largest value, or the mean rounded half away from zero, of the part of each window inside the image;
@ then clamped. Four channels at a time as the bytes of a word: SSUB8 and SEL keep the larger of each, SXTAB16 sums
@ two of them in halfwords, which hold 256 values. Channels behind the last four, and means of larger windows, go one by
@ one. Record: [4] from [5] to [6] h w channels oh ow kh kw sh sw top left [17] lo hi mean.
@ r0 input of the channels at hand, r1 output, r2 at a value, r3 value, r4 r5 result and scratch, r6 from a value to the
@ next, r7 from the end of the window's row to its next, r8 rows left, r9 end of the row, r10 bytes of a row of the
@ window, r11 rows of the window, r12 channels left.
@ A word of the largest: 6 instructions for each value, 3 for each row and 14 besides.
    .include "record.inc"
    .equ P_HEIGHT, 24               @ then width
    .equ P_CHANNELS, 32
    .equ P_OH, 36                   @ then ow, kh, kw, sh, sw, top, left, lo, hi
    .equ P_OW, 40
    .equ P_KH, 44
    .equ P_SH, 52
    .equ P_TOP, 60
    .equ P_LO, 68
    .equ P_MEAN, 76

    .equ F_LO, 0                    @ lo and hi less 128, as a number and four times in a word
    .equ F_HI, 4
    .equ F_LO4, 8
    .equ F_HI4, 12
    .equ F_COUNT, 16
    .equ F_Y, 20                    @ position
    .equ F_X, 24
    .equ F_INPUT, 28
    .equ F_RECORD, 32
    .equ F_MEAN, 36                 @ 0, or half of the count
    .equ FRAME, 44

run:
    push {r4-r11, lr}
    sub sp, #FRAME
    ldrd r1, r2, [r0]
    adds r4, r1, r2                 @ the record
    ldr r3, [r0, #X_ARENA]
    ldrd r0, r1, [r4, #FROM]
    adds r0, r0, r3
    adds r1, r1, r3
    str r0, [sp, #F_INPUT]
    str r4, [sp, #F_RECORD]
    ldrd r2, r3, [r4, #P_LO]
    subs r2, r2, #128
    subs r3, r3, #128
    strd r2, r3, [sp, #F_LO]
    uxtb r2, r2
    uxtb r3, r3
    orr r2, r2, r2, lsl #8
    orr r3, r3, r3, lsl #8
    orr r2, r2, r2, lsl #16
    orr r3, r3, r3, lsl #16
    strd r2, r3, [sp, #F_LO4]
    movs r2, #0
.Lline:
    str r2, [sp, #F_Y]
    movs r3, #0
.Lposition:                         @ r1 output, r2 y, r3 x, r4 record
    str r3, [sp, #F_X]
    ldrd r5, r6, [r4, #P_SH]
    ldrd r7, r8, [r4, #P_TOP]
    mul r5, r5, r2
    subs r5, r5, r7
    mul r6, r6, r3
    sub r6, r6, r8                  @ where the window begins
    ldrd r7, r8, [r4, #P_KH]
    ldrd r9, r10, [r4, #P_HEIGHT]
    add r7, r7, r5
    add r8, r8, r6                  @ and ends
    cmp r7, r9
    it gt
    movgt r7, r9
    cmp r8, r10
    it gt
    movgt r8, r10
    bic r5, r5, r5, asr #31
    bic r6, r6, r6, asr #31
    sub r11, r7, r5
    sub r8, r8, r6
    mla r0, r5, r10, r6
    sub r7, r10, r8
    mul r2, r11, r8
    ldr r6, [r4, #P_CHANNELS]
    ldr r3, [sp, #F_INPUT]
    mla r0, r0, r6, r3
    mul r7, r7, r6
    mul r10, r8, r6
    mov r12, r6
    cmp r8, #1                      @ a window of one column is taken as one of one row
    itttt eq
    addeq r6, r6, r7
    muleq r10, r11, r6
    moveq r11, r8
    moveq r7, #0
    ldr r3, [r4, #P_MEAN]
    cbz r3, .Lwords
    str r2, [sp, #F_COUNT]
    cmp r2, #256
    bgt .Lbytes
.Lwords:
    subs r12, r12, #4
    blt .Lrest
1:  mov r2, r0
    mov r8, r11
    cmp r3, #0
    bne .Lmean
    mov r4, #0x80808080
2:  add r9, r2, r10
3:  ldr r3, [r2]
    add r2, r2, r6
    ssub8 r5, r4, r3
    sel r4, r4, r3
    cmp r2, r9
    bne 3b
    add r2, r2, r7
    subs r8, r8, #1
    bne 2b
    ldrd r3, r5, [sp, #F_LO4]
    ssub8 lr, r4, r3
    sel r4, r4, r3
    ssub8 lr, r4, r5
    sel r4, r5, r4
    movs r3, #0
@ four results in r4
.Lstore:
    str r4, [r1], #4
    adds r0, r0, #4
    subs r12, r12, #4
    bge 1b
.Lrest:
    adds r12, r12, #4
    beq .Lnext
.Lbytes:                            @ one channel at a time; r3 not 0: the mean
    mov r2, r0
    mov r8, r11
    cmp r3, #0
    ite eq
    mvneq r4, #127
    movne r4, #0
1:  add r9, r2, r10
2:  ldrsb r5, [r2]
    add r2, r2, r6
    cbnz r3, 3f
    cmp r5, r4
    it gt
    movgt r4, r5
    b 4f
3:  add r4, r4, r5
4:  cmp r2, r9
    bne 2b
    add r2, r2, r7
    subs r8, r8, #1
    bne 1b
    cbz r3, 5f
    bl .Ldivide
    b 6f
5:  bl .Lclamp
6:  strb r4, [r1], #1
    adds r0, r0, #1
    subs r12, r12, #1
    bne .Lbytes
.Lnext:                             @ position
    ldr r4, [sp, #F_RECORD]
    ldrd r2, r3, [sp, #F_Y]
    adds r3, r3, #1
    ldr r5, [r4, #P_OW]
    cmp r3, r5
    bne .Lposition
    adds r2, r2, #1
    ldr r5, [r4, #P_OH]
    cmp r2, r5
    bne .Lline
    add sp, #FRAME
    pop {r4-r11, pc}

.Lmean:                             @ four sums in halfwords: channels 0 and 2 in r4, 1 and 3 in r5
    movs r4, #0
    movs r5, #0
1:  add r9, r2, r10
2:  ldr r3, [r2]
    add r2, r2, r6
    sxtab16 r4, r4, r3
    sxtab16 r5, r5, r3, ror #8
    cmp r2, r9
    bne 2b
    add r2, r2, r7
    subs r8, r8, #1
    bne 1b
    mov r9, r4
    asrs r4, r5, #16
    bl .Ldivide
    lsl r8, r4, #8
    asr r4, r9, #16
    bl .Ldivide
    uxtab r8, r8, r4
    lsl r8, r8, #8
    sxth r4, r5
    bl .Ldivide
    uxtab r8, r8, r4
    lsl r8, r8, #8
    sxth r4, r9
    bl .Ldivide
    uxtab r4, r8, r4
    movs r3, #1
    b .Lstore

@ r4 divided by the count, rounded half away from zero, and clamped; r2, r3 scratch (r3 not 0 behind it)
.Ldivide:
    ldr r2, [sp, #F_COUNT]
    asrs r3, r4, #31
    eor r3, r3, r2, lsr #1
    sub r3, r3, r4, asr #31         @ half of the count with the sign of r4
    add r4, r4, r3
    sdiv r4, r4, r2
    movs r3, #1
.Lclamp:
    ldr r2, [sp, #F_LO]
    cmp r4, r2
    it lt
    movlt r4, r2
    ldr r2, [sp, #F_HI]
    cmp r4, r2
    it gt
    movgt r4, r2
    bx lr
