@ REDUCE. MEAN and SUM: out = requantise(bias + sum of (x + 128)), the mean's division is in the multiplier.
@ The largest or the smallest: as it is; the smallest is the complement of the largest complement.
@ Two kept axes and two reduced ones. 3.5 instructions a value of a sum, 6.5 of the others; 13 a row, 70 an output.

@ ---- the record, in bytes; two axes are (size, stride) twice
    .equ FROM, 16
    .equ TO, 20
    .equ KEPT, 24
    .equ REDUCED, 40
    .equ BIAS, 56
    .equ SCALE, 60
    .equ SHIFTS, 64
    .equ ZO, 68
    .equ LO, 72
    .equ HI, 76
    .equ KIND, 80

@ r0 value, r1 r2 free, r3 result, r4 stride, r5 flip: 0, or -1 for complements; r6 rows left, r7 0 or the record
@ r8 the output's first value, r9 input row, r10 kept lines left, r11 their start, r12 output
run:
    push {r4, r5, r6, r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4, r5, r6, r7}
    ldr r7, [r0, #4]
    ldr r1, [r0]
    adds r7, r1
    ldr r5, [r0, #12]
    ldr r1, [r7, #FROM]
    adds r1, r5
    mov r11, r1
    ldr r1, [r7, #TO]
    adds r1, r5
    mov r12, r1
    ldr r1, [r7, #KEPT]
    mov r10, r1
line:
    mov r8, r11
    ldr r6, [r7, #KEPT + 8]
output:
    push {r6, r7}
    ldr r4, [r7, #REDUCED + 12]
    ldr r5, [r7, #REDUCED + 8]
    ldr r6, [r7, #REDUCED]
    ldr r3, [r7, #BIAS]
    movs r1, r5             @ 128 for each value
    muls r1, r6
    lsls r1, r1, #7
    adds r3, r1
    ldr r1, [r7, #KIND]
    mov r9, r8
    cmp r1, #0
    bne extreme
    rsbs r5, r5, #0         @ of four values, those to leave out in a row's first turn
    lsls r5, r5, #30
    lsrs r5, r5, #30
    movs r1, #6
    muls r5, r1
1:  ldr r7, [sp, #4]        @ a row
    mov r0, r9
    ldr r1, [r7, #REDUCED + 4]
    add r9, r1
    ldr r1, [r7, #REDUCED + 8]
    adds r1, #3
    lsrs r1, r1, #2         @ turns
    movs r7, #0
    add pc, r5              @ counted from the next instruction but one
    nop
2:  .rept 4
    ldrsb r2, [r0, r7]
    add r0, r4
    adds r3, r2
    .endr
    subs r1, #1
    bne 2b
    subs r6, #1
    bne 1b

@ ---- requantise: the product in 64 bits, by halves
    ldr r7, [sp, #4]
    ldr r2, [r7, #SHIFTS]
    lsrs r1, r2, #8
    lsls r3, r1
    uxtb r2, r2
    ldr r4, [r7, #SCALE]
    uxth r5, r4
    lsrs r4, r4, #16
    asrs r6, r3, #16
    uxth r3, r3
    movs r1, r3
    muls r1, r5
    muls r5, r6
    muls r3, r4
    muls r6, r4
    lsrs r1, r1, #16
    adds r5, r1             @ no overflow
    asrs r1, r5, #31
    adds r5, r3
    movs r4, #0
    adcs r1, r4             @ r1:r5 = the product's bits 16 and up, but for r6
    lsls r3, r1, #17
    lsrs r5, r5, #15
    adcs r3, r5
    adds r6, r6
    adds r3, r6
    cmp r2, #0
    beq 3f
    asrs r1, r3, #31        @ halves away from zero
    adds r3, r1
    asrs r3, r2
    adcs r3, r4
3:  ldr r1, [r7, #ZO]
    adds r3, r1
    ldr r1, [r7, #LO]
    cmp r3, r1
    blt 4f
    ldr r1, [r7, #HI]
    cmp r3, r1
    ble 5f
4:  movs r3, r1
5:  subs r3, #128

store:
    pop {r6, r7}
    mov r1, r12
    strb r3, [r1]
    movs r1, #1
    add r12, r1
    ldr r1, [r7, #KEPT + 12]
    add r8, r1
    subs r6, #1
    bne output
    ldr r1, [r7, #KEPT + 4]
    add r11, r1
    mov r1, r10
    subs r1, #1
    mov r10, r1
    bne line
    pop {r4, r5, r6, r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4, r5, r6, r7, pc}

extreme:
    movs r5, #1
    subs r5, r1
    movs r3, #127
    mvns r3, r3
1:  mov r0, r9
    ldr r7, [sp, #4]
    ldr r1, [r7, #REDUCED + 4]
    add r9, r1
    ldr r1, [r7, #REDUCED + 8]
    movs r7, #0
2:  ldrsb r2, [r0, r7]
    add r0, r4
    eors r2, r5
    cmp r2, r3
    ble 3f
    movs r3, r2
3:  subs r1, #1
    bne 2b
    subs r6, #1
    bne 1b
    eors r3, r5
    b store
