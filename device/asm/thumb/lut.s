@ LUT: out[i] = table[in[i] as a byte], for i of 0 to size - 1. Record: [2] table [4] from [5] to [6] size.
@ r0 in, r1 table, r2 out, r3 bytes left. 7.25 cycles a byte (Cortex-M0+).
run:
    push {r4, r5, r6, r7, lr}
    ldr r4, [r0, #4]
    ldr r5, [r0]
    adds r4, r5             @ the record
    ldr r1, [r4, #8]
    ldr r5, [r0, #20]
    adds r1, r5
    ldr r5, [r0, #12]       @ the arena
    ldr r0, [r4, #16]
    adds r0, r5
    ldr r2, [r4, #20]
    adds r2, r5
    ldr r3, [r4, #24]
    subs r3, #4
    blt 2f
1:  ldrb r4, [r0]           @ four bytes at a time
    ldrb r5, [r0, #1]
    ldrb r6, [r0, #2]
    ldrb r7, [r0, #3]
    ldrb r4, [r1, r4]
    ldrb r5, [r1, r5]
    ldrb r6, [r1, r6]
    ldrb r7, [r1, r7]
    strb r4, [r2]
    strb r5, [r2, #1]
    strb r6, [r2, #2]
    strb r7, [r2, #3]
    adds r0, #4
    adds r2, #4
    subs r3, #4
    bge 1b
2:  adds r3, #4             @ 0 to 3 bytes remain
    beq 4f
3:  ldrb r4, [r0]
    ldrb r4, [r1, r4]
    strb r4, [r2]
    adds r0, #1
    adds r2, #1
    subs r3, #1
    bne 3b
4:  pop {r4, r5, r6, r7, pc}
