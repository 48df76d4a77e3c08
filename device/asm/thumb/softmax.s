@ SOFTMAX over the last axis:  out[i] = exp(x[i] - max) / sum of these, from a table of exp(-d) in Q0.31 for d = 0 to 255.
@   The sum (Q12.19) is shifted left until it is S = 0.5 to 1 in Q0.31. gemmlowp's one_over_one_plus_x_for_x_in_0_1:
@   R = 48/17 - 32/17 * S (Q2.29), three times R += R * (1 - S * R). S * R is off by 1/17 at most, so that none of its
@   saturations happens, but the last of R = 1.
@   out = R * exp >> the shift that the sum left, rounded; at most 255.
@ 6 instructions an input for the maximum, 8 for the sum, 45 an output, and 310 a row.

@ ---- the record, in bytes
    .equ DATA, 8
    .equ FROM, 16
    .equ TO, 20
    .equ ROWS, 24
    .equ DEPTH, 28

@ r8 input, r9 its end, r10 output, r11 the maximum's place in the table, r12 rows left
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
    mov r8, r1
    ldr r1, [r7, #TO]
    adds r1, r5
    mov r10, r1
    ldr r1, [r7, #ROWS]
    mov r12, r1
    ldr r6, [r0, #20]
    ldr r1, [r7, #DATA]
    adds r6, r1
    push {r6, r7}           @ the table, the record

@ ---- the maximum: r11 = table + 4 * max, so that exp(x - max) lies at r11 - 4 * x
row:
    ldr r6, [sp, #4]
    ldr r6, [r6, #DEPTH]
    mov r0, r8
    add r6, r8
    mov r9, r6
    movs r7, #0
    movs r3, #127
    mvns r3, r3
1:  ldrsb r4, [r0, r7]
    adds r0, #1
    cmp r4, r3
    ble 2f
    movs r3, r4
2:  cmp r0, r9
    bne 1b
    lsls r3, r3, #2
    ldr r2, [sp]
    adds r3, r2
    mov r11, r3

@ ---- the sum, r6
    movs r6, #0
    mov r0, r8
3:  ldrsb r4, [r0, r7]
    adds r0, #1
    lsls r4, r4, #2
    subs r4, r3, r4
    ldr r4, [r4]
    lsrs r4, r4, #12
    adcs r6, r4
    cmp r0, r9
    bne 3b
    movs r7, #34            @ of the outputs: 22 + the sum's bits above 1.0
4:  subs r7, #1
    lsls r6, r6, #1         @ at least twice: 512 inputs sum up to 2^28
    lsrs r1, r6, #30
    beq 4b

@ ---- r6 = R in Q0.31
    push {r7}
    movs r7, #0x1E
    lsls r0, r7, #8
    adds r7, r0
    lsls r0, r7, #16
    adds r7, r0             @ 16/17: 0x1E1E1E1E
    adds r1, r7, r7
    rsbs r1, r1, #0
    movs r0, r6
    bl high
    adds r0, r7
    adds r0, r7
    adds r7, r0
    movs r0, #3
5:  push {r0}
    movs r0, r6
    movs r1, r7
    bl high
    movs r1, #1
    lsls r1, r1, #29
    subs r1, r0
    movs r0, r7
    bl high
    lsls r0, r0, #2
    adds r7, r0
    pop {r0}
    subs r0, #1
    bne 5b
    lsls r6, r7, #1
    bpl 6f
    mvns r6, r0             @ 2^31 - 1
    lsrs r6, r6, #1
6:  pop {r7}

@ ---- outputs
7:  mov r2, r8
    movs r1, #0
    ldrsb r1, [r2, r1]
    adds r2, #1
    mov r8, r2
    lsls r1, r1, #2
    mov r0, r11
    subs r1, r0, r1
    ldr r1, [r1]
    movs r0, r6
    bl high
    movs r1, #0
    lsrs r0, r7
    adcs r0, r1
    cmp r0, #255
    bls 8f
    movs r0, #255
8:  subs r0, #128
    mov r1, r10
    strb r0, [r1]
    adds r1, #1
    mov r10, r1
    cmp r8, r9
    bne 7b
    mov r1, r12
    subs r1, #1
    mov r12, r1
    bne row
    add sp, #8
    pop {r4, r5, r6, r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4, r5, r6, r7, pc}

@ ---- r0 = r0 * r1 / 2^31, rounded: the product in 64 bits, by halves; uses r1 to r5
high:
    uxth r2, r0
    asrs r0, r0, #16
    uxth r3, r1
    asrs r1, r1, #16
    movs r4, r2
    muls r4, r3
    muls r3, r0
    muls r2, r1
    muls r0, r1
    lsrs r4, r4, #16
    adds r3, r4             @ no overflow
    asrs r4, r3, #31
    asrs r5, r2, #31
    adds r3, r2
    adcs r4, r5             @ r4:r3 = the product's bits 16 and up, but for r0
    lsls r4, r4, #17
    lsrs r3, r3, #15
    adcs r4, r3
    adds r0, r0
    adds r0, r4
    bx lr
