# DEPTHWISE_CONV_2D: each input channel has filters of its own.
#   out[c, j] = requantise(bias[c, j] + sum_t x[c, t] * w[c, j, t])     x signed; the bias holds -zero * sum of w
#
# `walk`, for kernels of 3 x 3 with stride 1 or 2: the nine weights of a channel stay in registers while a line of
# outputs is made (a row, or a column where that is longer). With stride 1 each step reads a column of three inputs, which
# ends one sum (A), continues a second (B, which becomes A) and begins a third (which becomes B): 33 instructions for nine
# products. With stride 2 a step reads two columns: one continues a sum, the other ends it and begins the next: 39.
# Padding before and after the line is a constant in the sums; of a line with padding beside it, three weights are 0.
#
# `plane`, for the rest: scratch holds the input of one channel, with its padding, as lines along the longer axis. With
# a stride of s along the line it is split into s parts, so that what neighbouring outputs read with one tap are
# neighbours. Eight outputs at a time, tap by tap from a list of (place, weight): 3.6 instructions per product, and 3.5
# for each byte of the plane. Where the whole plane is too large, the lines of some outputs at a time.
#
# `slow`, where not even the lines of one output fit: tap by tap.
#
# Requantisation, where no sum reaches 2^29 and e is 21 at most: sums and weights are doubled, so that with m2 = 2m
#   V = floor(a * m / 2^30) is the high word of one product:
#   out = (V + 1 + 2^e + zero * 2^(1 + e) - (a < 0 ? 2 : 0)) >> 1 + e
# The last term does not matter where negative results are cut off. Else requant.inc has what is right for any sum.
#
# An axis is an address, that of the record for y, 4 more for x: of its fields at
.equ SIZE, 32                   # inputs, outputs, taps, stride, dilation, padding before, bytes from output to output
.equ OUTS, 48
.equ TAPS, 60
.equ STRIDE, 68
.equ DIL, 76
.equ PADS, 84
.equ OSTEP, 108
# Frame, from sp: words of the layer, then of the place where it is.
.equ REC, 0                     # the record
.equ WTS, 4                     # weights of the channel, in DATA
.equ TAB, 8                     # its table
.equ IN, 12                     # its input, its output
.equ OUT, 16
.equ CLEFT, 20                  # channels left
.equ LO, 24                     # bounds and zero point of the output, padding; as int8
.equ HI, 28
.equ ZO, 32
.equ PAD, 36
.equ CUT, 40                    # 1: negative results are cut off
.equ ALONG, 44                  # the axis of the lines, the one across, bytes from input to input of both
.equ ACROSS, 48
.equ STEP, 52
.equ LSTEP, 56
.equ BIAS, 60
.equ LBASE, 64                  # the line at hand: address of its input, of its output, lines left with it
.equ OBASE, 68
.equ LLEFT, 72
# walk
.equ LEAD, 76                   # padding before the line and after it: 0 or 1
.equ TRAIL, 80
.equ SPAN, 84                   # bytes of outputs of a line but for the one that has padding after it
.equ WSTEP, 88                  # from weight to weight along the line: 1 or 3
.equ LINE, 92                   # the first input line of the line at hand
.equ INNER, 96                  # 1: the weights are those of a line without padding beside it
.equ FIRST, 100                 # sum at the start of a line with padding before it; what padding after it adds
.equ AFTER, 104
# plane
.equ WTS0, 76                   # of the layer, or the band: weights, table, input, output
.equ TAB0, 80
.equ IN0, 84
.equ OUT0, 88
.equ PLANE, 92
.equ ROOM, 96                   # bytes for it
.equ LIST, 100                  # (place, weight) of each tap
.equ LISTEND, 104
.equ PITCH, 108                 # bytes of a line, of a part of it; parts
.equ PART, 112
.equ PARTS, 116
.equ INPUTS, 120                # inputs in a line, place and part of the first
.equ HEAD, 124
.equ HEADPART, 128
.equ BAND, 132                  # output lines at a time, of this band, left
.equ NB, 136
.equ OLEFT, 140
.equ LINES, 144                 # lines of the plane, input line of the first, input lines from one to the next
.equ FIRSTLINE, 148
.equ APART, 152
.equ TAPLINE, 156               # bytes from the line of a tap to that of the next, of an output to the next
.equ OUTLINE, 160
.equ JLEFT, 164                 # filters of the channel left
.equ SUMS, 168                  # eight of them
.equ SAVED, 200                 # ra, s0-s11
.equ FRAME, 256

.include "frame.inc"
.include "record.inc"
.include "requant.inc"

run:
    ENTER FRAME, SAVED

# --- the layer: a7 record, s1 arena, s4 channels, s5 bytes of a row
    lw a7, 0(a0)
    lw t0, 4(a0)
    add a7, a7, t0
    sw a7, REC(sp)
    lw s1, 12(a0)
    lw s2, 20(a0)
    lw t1, R_DATA(a7)
    add s2, s2, t1
    sw s2, WTS(sp)
    lw t1, R_TABLE(a7)
    add s3, s2, t1
    sw s3, TAB(sp)
    lw t0, R_ZX(a7)
    addi t0, t0, -128
    sw t0, PAD(sp)
    lw t1, R_ZO(a7)
    addi t1, t1, -128
    sw t1, ZO(sp)
    lw t0, R_HI(a7)
    addi t0, t0, -128
    sw t0, HI(sp)
    lw t0, R_LO(a7)
    addi t0, t0, -128
    sw t0, LO(sp)
    slt t0, t0, t1
    xori t0, t0, 1
    sw t0, CUT(sp)
    lw t0, R_FROM(a7)
    add t0, t0, s1
    sw t0, IN(sp)
    lw t0, R_TO(a7)
    add t0, t0, s1
    sw t0, OUT(sp)
    lw s4, R_GROUPS(a7)
    sw s4, CLEFT(sp)
    lw s5, SIZE + 4(a7)
    mul s5, s5, s4

# --- is it one for `walk`?
    li t0, 3
    lw t1, TAPS(a7)
    bne t1, t0, plane
    lw t1, TAPS + 4(a7)
    bne t1, t0, plane
    lw t1, STRIDE(a7)
    lw t0, STRIDE + 4(a7)
    bne t1, t0, plane
    addi t1, t1, -1
    sltiu t0, t1, 2
    beqz t0, plane
    lw t1, DIL(a7)              # dilations and filters of a channel: 1
    lw t0, DIL + 4(a7)
    or t1, t1, t0
    lw t0, R_OG(a7)
    or t1, t1, t0
    li t0, 1
    bne t1, t0, plane
    mv t1, s4
1:  lw t0, 8(s3)                # every table: e of 1 to 21, no GENERAL
    lw t2, 12(s3)
    jal moderate
    beqz t0, plane
    addi s3, s3, 16
    addi t1, t1, -1
    bnez t1, 1b
    lw t0, OUTS(a7)             # columns: where they are longer, and have the same step in input and output
    lw t1, OUTS + 4(a7)
    bgeu t1, t0, 2f
    mv a0, a7
    addi a1, a7, 4
    mv a2, s5
    mv a3, s4
    li a4, 3
    jal line
    bnez t0, walk
2:  addi a0, a7, 4              # rows
    mv a1, a7
    mv a2, s4
    mv a3, s5
    li a4, 1
    jal line
    bnez t0, walk
    j plane

# t0 = 1 where the shift word t0 and the bias t2 suit the short requantisation. Uses t3.
moderate:
    lui t3, 0x10000             # from -2^28 to 2^28 - 1; the products of 8191 taps stay below 2^27
    add t2, t2, t3
    srli t2, t2, 29
    addi t0, t0, -1
    sltiu t0, t0, 21
    sltiu t2, t2, 1
    and t0, t0, t2
    ret

# Lines along axis a0, across a1, with the steps a2, a3 in the input, a4 from weight to weight.
# -> t0 = 0: not for `walk`
line:
    sw a0, ALONG(sp)
    sw a1, ACROSS(sp)
    sw a2, STEP(sp)
    sw a3, LSTEP(sp)
    sw a4, WSTEP(sp)
    lw t2, PADS(a0)
    sw t2, LEAD(sp)
    lw t0, OUTS(a0)
    lw t4, STRIDE(a0)
    addi t3, t0, -1             # columns behind that padding
    mul t3, t3, t4
    addi t3, t3, 3
    sub t3, t3, t2
    lw t1, SIZE(a0)
    sub t3, t3, t1              # and behind the image
    bgez t3, 1f
    li t3, 0
1:  sw t3, TRAIL(sp)
    lw t5, OSTEP(a0)
    sub t0, t0, t3
    mul t0, t0, t5
    sw t0, SPAN(sp)
    or t3, t3, t2
    sltiu t0, t3, 2
    addi t4, t4, -1
    bnez t4, 2f
    sub t5, t5, a2              # with stride 1 there is no register for a step of its own in the output
    sltiu t5, t5, 1
    and t0, t0, t5
2:  ret

# --- walk. t0-t2 inputs; s2-s10 weights: along the line within across it; a0 A, a1 B, a2 bias, all doubled; a3, a4
# temporary; a5 m2, a6 1 + e, a7 what is added to V; t3 lo, t4 hi; t5, t6, s11 inputs' addresses; s0 step; s1 output,
# ra its end
.macro THREE_INPUTS
    lb t0, 0(t5)
    lb t1, 0(t6)
    lb t2, 0(s11)
    add t5, t5, s0
    add t6, t6, s0
    add s11, s11, s0
.endm

# A -> a4
.macro RESULT sign
    mulhsu a4, a0, a5
    .if \sign
    srai a3, a0, 31
    slli a3, a3, 1
    add a4, a4, a3
    .endif
    add a4, a4, a7
    sra a4, a4, a6
.endm

.macro BOUNDS
    bge a4, t3, 1f
    mv a4, t3
1:  bge t4, a4, 2f
    mv a4, t4
2:
.endm

# The last column ends A.
.macro END
    mul a3, t0, s4
    mul a4, t1, s7
    add a0, a0, a3
    mul a3, t2, s10
    add a0, a0, a4
    add a0, a0, a3
.endm

# A = B + the middle column, B = bias + the first
.macro ONWARD
    mul a3, t0, s3
    add a0, a1, a3
    mul a3, t1, s6
    add a0, a0, a3
    mul a3, t2, s9
    add a0, a0, a3
    mul a3, t0, s2
    add a1, a2, a3
    mul a3, t1, s5
    add a1, a1, a3
    mul a3, t2, s8
    add a1, a1, a3
.endm

walk:                           # a channel
    lw t0, TAB(sp)
    lw a6, 8(t0)
    lw t1, 12(t0)
    slli t1, t1, 1
    sw t1, BIAS(sp)
    lw a5, 4(t0)
    slli a5, a5, 1
    addi t0, t0, 16
    sw t0, TAB(sp)
    lw a7, ZO(sp)
    slli a7, a7, 1
    addi a7, a7, 1
    sll a7, a7, a6
    addi a7, a7, 1
    addi a6, a6, 1
    lw t3, LO(sp)
    lw t4, HI(sp)
    lw s0, STEP(sp)
    sw zero, INNER(sp)
    lw t2, ACROSS(sp)
    lw t0, PADS(t2)
    neg t0, t0
    sw t0, LINE(sp)
    lw t1, LSTEP(sp)
    mul t1, t1, t0
    lw t0, IN(sp)
    add t1, t1, t0
    sw t1, LBASE(sp)
    addi t0, t0, 1
    sw t0, IN(sp)
    lw t0, OUT(sp)
    sw t0, OBASE(sp)
    addi t0, t0, 1
    sw t0, OUT(sp)
    lw t0, OUTS(t2)
    sw t0, LLEFT(sp)
walk_line:
    lw t0, LINE(sp)             # are all three input lines in the image?
    lw t5, LBASE(sp)
    lw t1, LSTEP(sp)
    lw t2, ACROSS(sp)
    lw t2, SIZE(t2)
    addi a3, t0, 2
    bltz t0, 1f
    bge a3, t2, 1f
    add t6, t5, t1
    add s11, t6, t1
    lw t2, INNER(sp)
    bnez t2, 4f
    li t2, 1
    sw t2, INNER(sp)
    jal weights
    j 3f

1:  sw zero, INNER(sp)
    jal weights
    lw a3, PAD(sp)
    lw t2, ACROSS(sp)
    lw t2, SIZE(t2)
    lw t0, LINE(sp)
    bltu t0, t2, 1f             # outside: padding times its weights, which are then 0
    add a4, s2, s3
    add a4, a4, s4
    mul a4, a4, a3
    add a2, a2, a4
    li s2, 0
    li s3, 0
    li s4, 0
1:  addi t0, t0, 1
    bltu t0, t2, 1f
    add a4, s5, s6
    add a4, a4, s7
    mul a4, a4, a3
    add a2, a2, a4
    li s5, 0
    li s6, 0
    li s7, 0
1:  addi t0, t0, 1
    bltu t0, t2, 1f
    add a4, s8, s9
    add a4, a4, s10
    mul a4, a4, a3
    add a2, a2, a4
    li s8, 0
    li s9, 0
    li s10, 0
1:  lw t0, LINE(sp)             # any line of the image will do for those
    lw a3, LBASE(sp)
    lw t1, LSTEP(sp)
    jal nearest
    mv t5, a4
    jal nearest
    mv t6, a4
    jal nearest
    mv s11, a4
3:  add a3, s2, s5              # what padding before the line and after it is worth
    add a3, a3, s8
    lw a4, PAD(sp)
    mul a3, a3, a4
    add a3, a3, a2
    sw a3, FIRST(sp)
    add a3, s4, s7
    add a3, a3, s10
    mul a3, a3, a4
    sw a3, AFTER(sp)

4:  lw t1, ACROSS(sp)
    lw a3, LINE(sp)
    lw t0, LSTEP(sp)
    lw t2, STRIDE(t1)
    lw t1, OSTEP(t1)
    add a3, a3, t2
    sw a3, LINE(sp)
    lw a3, LBASE(sp)
    lw s1, OBASE(sp)
    lw ra, SPAN(sp)
    add a3, a3, t0
    add t1, t1, s1
    sw t1, OBASE(sp)
    add ra, ra, s1
    addi t2, t2, -1
    bnez t2, walk_by_two
    sw a3, LBASE(sp)
    lw a3, LEAD(sp)
    lw a1, FIRST(sp)
    bnez a3, 5f
    THREE_INPUTS
    mul a3, t0, s2
    add a1, a2, a3
    mul a3, t1, s5
    add a1, a1, a3
    mul a3, t2, s8
    add a1, a1, a3
5:  THREE_INPUTS
    ONWARD
    beq s1, ra, 8f
    lw a3, CUT(sp)
    beqz a3, 7f
6:  THREE_INPUTS                # one output
    END
    RESULT 0
    ONWARD
    BOUNDS
    sb a4, 0(s1)
    add s1, s1, s0
    bne s1, ra, 6b
    j 8f
7:  THREE_INPUTS
    END
    RESULT 1
    ONWARD
    BOUNDS
    sb a4, 0(s1)
    add s1, s1, s0
    bne s1, ra, 7b
8:  lw a3, TRAIL(sp)
    beqz a3, 9f
last_of_line:
    lw a3, AFTER(sp)
    add a0, a0, a3
    RESULT 1
    BOUNDS
    sb a4, 0(s1)
9:
line_end:
    lw a3, LLEFT(sp)
    addi a3, a3, -1
    sw a3, LLEFT(sp)
    beqz a3, 1f
    j walk_line
1:  lw a3, WTS(sp)
    addi a3, a3, 9
    sw a3, WTS(sp)
    lw a3, CLEFT(sp)
    addi a3, a3, -1
    sw a3, CLEFT(sp)
    beqz a3, 1f
    j walk
1:  j done

# A += the middle column
.macro CONTINUE
    mul a3, t0, s3
    mul a4, t1, s6
    add a0, a0, a3
    mul a3, t2, s9
    add a0, a0, a4
    add a0, a0, a3
.endm

# A = bias + the first column
.macro BEGIN
    mul a3, t0, s2
    add a0, a2, a3
    mul a3, t1, s5
    add a0, a0, a3
    mul a3, t2, s8
    add a0, a0, a3
.endm

walk_by_two:                    # the same with stride 2; a1 from output to output
    add a3, a3, t0
    sw a3, LBASE(sp)
    lw a1, ALONG(sp)
    lw a1, OSTEP(a1)
    lw a3, LEAD(sp)
    lw a0, FIRST(sp)
    bnez a3, 5f
    THREE_INPUTS
    BEGIN
5:  beq s1, ra, 8f
    lw a3, CUT(sp)
    beqz a3, 7f
6:  THREE_INPUTS
    CONTINUE
    THREE_INPUTS
    END
    RESULT 0
    BEGIN
    BOUNDS
    sb a4, 0(s1)
    add s1, s1, a1
    bne s1, ra, 6b
    j 8f
7:  THREE_INPUTS
    CONTINUE
    THREE_INPUTS
    END
    RESULT 1
    BEGIN
    BOUNDS
    sb a4, 0(s1)
    add s1, s1, a1
    bne s1, ra, 7b
8:  lw a3, TRAIL(sp)
    beqz a3, line_end
    THREE_INPUTS
    CONTINUE
    j last_of_line

# The weights and the bias of the channel, doubled. Uses a3.
weights:
    lw a2, BIAS(sp)
    lw a3, WTS(sp)
    lbu s2, 0(a3)
    lbu s6, 4(a3)
    lbu s10, 8(a3)
    lbu s3, 1(a3)
    lbu s4, 2(a3)
    lbu s5, 3(a3)
    lbu s7, 5(a3)
    lbu s8, 6(a3)
    lbu s9, 7(a3)
    lw a3, WSTEP(sp)
    addi a3, a3, -1
    beqz a3, 1f
    mv a3, s3                   # along a column: transposed
    mv s3, s5
    mv s5, a3
    mv a3, s4
    mv s4, s8
    mv s8, a3
    mv a3, s7
    mv s7, s9
    mv s9, a3
1:
.macro TWICE w
    addi \w, \w, -128
    slli \w, \w, 1
.endm
    TWICE s2
    TWICE s3
    TWICE s4
    TWICE s5
    TWICE s6
    TWICE s7
    TWICE s8
    TWICE s9
    TWICE s10
    ret

# a4 = the address of line t0, or of the nearest in the image; a3 is that of line t0 if it were. The next line: t0, a3.
nearest:
    mv a4, t0
    bgez a4, 1f
    li a4, 0
1:  blt a4, t2, 2f
    addi a4, t2, -1
2:  sub a4, a4, t0
    mul a4, a4, t1
    add a4, a4, a3
    addi t0, t0, 1
    add a3, a3, t1
    ret

# --- plane
plane:
    lw t0, IN(sp)
    sw t0, IN0(sp)
    lw t0, OUT(sp)
    sw t0, OUT0(sp)
    lw t0, TAB(sp)
    sw t0, TAB0(sp)
    lw t0, WTS(sp)
    sw t0, WTS0(sp)
    lw t0, TAPS(a7)             # taps, their list, and what scratch has beside it for sure
    lw t1, TAPS + 4(a7)
    mul s2, t0, t1
    lw t2, R_OG(a7)
    mul t2, t2, s4
    li t3, 2
    bgeu t2, t3, 1f
    mv t2, t3
1:  addi t2, t2, -2
    mul t2, t2, s2
    slli s3, t2, 2
    lw t2, OUTS + 4(a7)
    addi t2, t2, -1
    lw t3, STRIDE + 4(a7)
    mul t2, t2, t3
    addi t1, t1, -1
    lw t3, DIL + 4(a7)
    mul t1, t1, t3
    add t1, t1, t2
    addi t1, t1, 1
    mul t1, t1, s4
    mul t1, t1, t0
    add s3, s3, t1
    andi s3, s3, -4
    sw s3, ROOM(sp)
    srli t0, s2, 13             # sums of more taps might not suit the short requantisation
    bnez t0, slow
    lw t0, R_SCRATCH(a7)
    add t0, t0, s1
    sw t0, PLANE(sp)
    add t0, t0, s3
    sw t0, LIST(sp)
    slli t1, s2, 3
    add t0, t0, t1
    sw t0, LISTEND(sp)
    lw t0, OUTS(a7)             # columns: where they are longer and all of the plane fits
    lw t1, OUTS + 4(a7)
    bgeu t1, t0, 2f
    mv a0, a7
    addi a1, a7, 4
    mv a2, s5
    mv a3, s4
    jal lines
    lw t1, OUTS + 4(a7)
    beq t0, t1, 3f
2:  addi a0, a7, 4
    mv a1, a7
    mv a2, s4
    mv a3, s5
    jal lines
    bnez t0, 3f
    j slow

# The places of the taps: a0 axis along the line, t1 row, t2 column, t5 list
3:  lw t5, LIST(sp)
    lw t6, PARTS(sp)
    lw a4, PART(sp)
    lw a5, TAPLINE(sp)
    lw a2, DIL(a0)
    li t1, 0
4:  li t2, 0
5:  mv t3, t2                   # t3 along, t4 across
    mv t4, t1
    bne a0, a7, 6f
    mv t3, t1
    mv t4, t2
6:  mul t3, t3, a2
    divu a6, t3, t6
    remu t3, t3, t6
    mul t3, t3, a4
    add a6, a6, t3
    mul t4, t4, a5
    add a6, a6, t4
    sw a6, 0(t5)
    addi t5, t5, 8
    addi t2, t2, 1
    lw t3, TAPS + 4(a7)
    bne t2, t3, 5b
    addi t1, t1, 1
    lw t3, TAPS(a7)
    bne t1, t3, 4b
    j bands

# Lines along axis a0, across a1, with the steps a2, a3. -> t0 output lines at a time, 0: not even one fits
lines:
    sw a0, ALONG(sp)
    sw a1, ACROSS(sp)
    sw a2, STEP(sp)
    sw a3, LSTEP(sp)
    lw t0, OUTS(a0)
    addi t0, t0, -1
    li t1, 1
    beqz t0, 1f
    lw t1, STRIDE(a0)
1:  sw t1, PARTS(sp)
    mul t0, t0, t1
    lw t2, TAPS(a0)
    addi t2, t2, -1
    lw t3, DIL(a0)
    mul t2, t2, t3
    add t0, t0, t2
    addi t0, t0, 1              # inputs of a line with its padding
    lw t2, PADS(a0)
    sub t3, t0, t2
    lw t4, SIZE(a0)
    bge t4, t3, 2f
    mv t3, t4
2:  sw t3, INPUTS(sp)
    divu t4, t2, t1
    remu t2, t2, t1
    sw t2, HEADPART(sp)
    add t0, t0, t1
    addi t0, t0, -1
    divu t0, t0, t1
    sw t0, PART(sp)
    mul t2, t2, t0
    add t2, t2, t4
    sw t2, HEAD(sp)
    mul t0, t0, t1
    sw t0, PITCH(sp)
    lw t1, ROOM(sp)
    divu t1, t1, t0             # lines that fit
    lw t2, TAPS(a1)
    lw t3, DIL(a1)
    lw t4, STRIDE(a1)
    addi t5, t2, -1
    mul t5, t5, t3
    addi t5, t5, 1              # lines of one output
    bltu t1, t5, 3f
    mul t3, t3, t0
    mul t6, t4, t0
    li t2, 1
    sub t0, t1, t5
    divu t0, t0, t4
    addi t0, t0, 1
    lw t1, OUTS(a1)
    bgeu t1, t0, 4f
    mv t0, t1
    j 4f
3:  bltu t1, t2, 5f             # only those of its taps
    mv t2, t3
    mv t3, t0
    li t6, 0
    li t0, 1
4:  sw t0, BAND(sp)
    sw t2, APART(sp)
    sw t3, TAPLINE(sp)
    sw t6, OUTLINE(sp)
    ret
5:  li t0, 0
    ret

bands:
    lw a1, ACROSS(sp)
    lw t0, PADS(a1)
    neg t0, t0
    sw t0, FIRSTLINE(sp)
    lw t0, OUTS(a1)
    sw t0, OLEFT(sp)
band:
    lw a1, ACROSS(sp)
    lw t0, BAND(sp)
    lw t1, OLEFT(sp)
    bgeu t1, t0, 1f
    mv t0, t1
1:  sw t0, NB(sp)
    lw t2, TAPS(a1)             # its lines
    lw t3, APART(sp)
    addi t3, t3, -1
    bnez t3, 2f
    lw t3, DIL(a1)
    addi t2, t2, -1
    mul t2, t2, t3
    addi t2, t2, 1
    lw t3, STRIDE(a1)
    addi t0, t0, -1
    mul t3, t3, t0
    add t2, t2, t3
2:  sw t2, LINES(sp)
    lw t0, PITCH(sp)
    mul t0, t0, t2
    lw t1, PLANE(sp)
    add t0, t0, t1
    lbu t2, PAD(sp)             # padding everywhere, in words: what is behind the plane is not yet in use
    slli t3, t2, 8
    or t2, t2, t3
    slli t3, t2, 16
    or t2, t2, t3
3:  sw t2, 0(t1)
    addi t1, t1, 4
    bltu t1, t0, 3b
    lw t0, TAB0(sp)
    sw t0, TAB(sp)
    lw t0, WTS0(sp)
    sw t0, WTS(sp)
    lw t0, IN0(sp)
    sw t0, IN(sp)
    lw t0, OUT0(sp)
    sw t0, OUT(sp)
    lw a7, REC(sp)
    lw t0, R_GROUPS(a7)
    sw t0, CLEFT(sp)

# a channel to the plane. a0 line, a1 lines left, a2 input line, a3 its address; a4, a5 place and part; a6 inputs
channel:
    lw a1, LINES(sp)
    lw a2, FIRSTLINE(sp)
    lw t0, LSTEP(sp)
    mul a3, a2, t0
    lw t1, IN(sp)
    add a3, a3, t1
    lw a0, PLANE(sp)
    lw s0, STEP(sp)
    lw s1, PARTS(sp)
    mul s2, s0, s1              # from input to input of a part
    lw s3, PART(sp)
    lw s4, PITCH(sp)
    addi s5, s4, -1
    lw s6, ACROSS(sp)
    lw s6, SIZE(s6)
    lw s7, INPUTS(sp)
    lw s8, HEAD(sp)
    lw s9, HEADPART(sp)
    lw s10, APART(sp)
    mul s11, s10, t0
1:  bgeu a2, s6, 7f
    blez s7, 7f
    mv a6, s7
    mv a5, s9
    add a4, a0, s8
    mv a7, a3
2:  add t0, a6, s1              # a part: as many inputs as it has
    addi t0, t0, -1
    beq s0, s2, 3f
    divu t0, t0, s1
3:  add t0, t0, a4              # its end
    mv t1, a7
    mv t2, a4
    addi t3, t0, -4
    bltu t3, t2, 5f
4:  lb t4, 0(t1)
    add t1, t1, s2
    lb t5, 0(t1)
    add t1, t1, s2
    lb t6, 0(t1)
    add t1, t1, s2
    lb ra, 0(t1)
    add t1, t1, s2
    sb t4, 0(t2)
    sb t5, 1(t2)
    sb t6, 2(t2)
    sb ra, 3(t2)
    addi t2, t2, 4
    bgeu t3, t2, 4b
    beq t2, t0, 6f
5:  lb t4, 0(t1)
    add t1, t1, s2
    sb t4, 0(t2)
    addi t2, t2, 1
    bne t2, t0, 5b
6:  add a7, a7, s0              # the next part
    add a4, a4, s3
    addi a5, a5, 1
    bltu a5, s1, 8f
    sub a4, a4, s5
    li a5, 0
8:  addi a6, a6, -1
    sub t0, s7, a6
    beqz a6, 7f
    bltu t0, s1, 2b
7:  add a0, a0, s4
    add a2, a2, s10
    add a3, a3, s11
    addi a1, a1, -1
    bnez a1, 1b
    lw a7, REC(sp)
    lw t0, R_OG(a7)
    sw t0, JLEFT(sp)

# a filter. s0 inputs of the first tap's place; s1 output, a6 its line's end, a7 from one to the next, ra outputs left;
# s2-s9 sums; s10 list, s11 its end; a0 m2, a1 1 + e (negative: any sums; then they are not doubled, m, and the shift
# word), a2 what is added to V; t0 lo, t1 hi; t2 weight, t3 place, a3-a5, t4-t6 temporary
filter:
    lw s0, TAB(sp)
    lw a0, 4(s0)
    lw a1, 8(s0)
    lw s2, 12(s0)
    addi s0, s0, 16
    sw s0, TAB(sp)
    mv t0, a1
    mv t2, s2
    jal moderate
    beqz t0, 1f
    slli s2, s2, 1
    slli a0, a0, 1
    lw a2, ZO(sp)
    slli a2, a2, 1
    addi a2, a2, 1
    sll a2, a2, a1
    addi a2, a2, 1
    addi a1, a1, 1
    j 2f
1:  lui t1, 0x80000
    or a1, a1, t1
2:  sw s2, BIAS(sp)
    lw s10, LIST(sp)
    lw s11, LISTEND(sp)
    lw s0, WTS(sp)
3:  lbu t2, 0(s0)
    addi s0, s0, 1
    addi t2, t2, -128
    sll t2, t2, t0
    sw t2, 4(s10)
    addi s10, s10, 8
    bne s10, s11, 3b
    sw s0, WTS(sp)
    lw t0, LO(sp)
    lw t1, HI(sp)
    lw s0, PLANE(sp)
    sw s0, LBASE(sp)
    lw s1, OUT(sp)
    sw s1, OBASE(sp)
    addi s0, s1, 1
    sw s0, OUT(sp)
    lw s0, NB(sp)
    sw s0, LLEFT(sp)
    lw s0, ALONG(sp)
    lw a7, OSTEP(s0)

plane_line:
    lw s0, LBASE(sp)
    lw s1, OBASE(sp)
    lw t2, ALONG(sp)
    lw ra, OUTS(t2)
    mul a6, ra, a7
    add a6, a6, s1
eight:
    li t2, 4
    lw s10, LIST(sp)
    lw s6, BIAS(sp)
    mv s7, s6
    mv s8, s6
    mv s9, s6
    bgeu t2, ra, four
    mv s2, s6
    mv s3, s6
    mv s4, s6
    mv s5, s6
1:  lw t3, 0(s10)
    lw t2, 4(s10)
    add t3, t3, s0
    lb t4, 0(t3)
    lb t5, 1(t3)
    lb t6, 2(t3)
    lb a5, 3(t3)
    mul t4, t4, t2
    mul t5, t5, t2
    mul t6, t6, t2
    mul a5, a5, t2
    add s2, s2, t4
    lb t4, 4(t3)
    add s3, s3, t5
    lb t5, 5(t3)
    add s4, s4, t6
    lb t6, 6(t3)
    add s5, s5, a5
    lb a5, 7(t3)
    mul t4, t4, t2
    mul t5, t5, t2
    mul t6, t6, t2
    mul a5, a5, t2
    add s6, s6, t4
    add s7, s7, t5
    add s8, s8, t6
    add s9, s9, a5
    addi s10, s10, 8
    bne s10, s11, 1b
    bltz a1, 5f
.macro FINAL a
    mulhsu a3, \a, a0
    srai a4, \a, 31
    slli a4, a4, 1
    add a3, a3, a4
    add a3, a3, a2
    sra a3, a3, a1
    bge a3, t0, 2f
    mv a3, t0
2:  bge t1, a3, 3f
    mv a3, t1
3:  sb a3, 0(s1)
    add s1, s1, a7
    beq s1, a6, line_done
.endm
    FINAL s2
    FINAL s3
    FINAL s4
    FINAL s5
    addi s0, s0, 4
    addi ra, ra, -4
4:  FINAL s6
    FINAL s7
    FINAL s8
    FINAL s9
    addi s0, s0, 4
    addi ra, ra, -4
    j eight

four:                           # the last four at most
1:  lw t3, 0(s10)
    lw t2, 4(s10)
    add t3, t3, s0
    lb t4, 0(t3)
    lb t5, 1(t3)
    lb t6, 2(t3)
    lb a5, 3(t3)
    mul t4, t4, t2
    mul t5, t5, t2
    mul t6, t6, t2
    mul a5, a5, t2
    add s6, s6, t4
    add s7, s7, t5
    add s8, s8, t6
    add s9, s9, a5
    addi s10, s10, 8
    bne s10, s11, 1b
    bgez a1, 4b
    addi t4, sp, SUMS + 16
    j 6f
5:  addi t4, sp, SUMS           # any sums
    addi s0, s0, 8
    addi ra, ra, -8
6:  addi t5, sp, SUMS + 32
    sw s2, SUMS(sp)
    sw s3, SUMS + 4(sp)
    sw s4, SUMS + 8(sp)
    sw s5, SUMS + 12(sp)
    sw s6, SUMS + 16(sp)
    sw s7, SUMS + 20(sp)
    sw s8, SUMS + 24(sp)
    sw s9, SUMS + 28(sp)
    lw t2, ZO(sp)
7:  lw a3, 0(t4)
    REQUANT_GENERAL
    sb a3, 0(s1)
    add s1, s1, a7
    beq s1, a6, line_done
    addi t4, t4, 4
    bne t4, t5, 7b
    j eight

line_done:
    lw t2, LLEFT(sp)
    addi t2, t2, -1
    beqz t2, 1f
    sw t2, LLEFT(sp)
    lw t2, LBASE(sp)
    lw t3, OUTLINE(sp)
    add t2, t2, t3
    sw t2, LBASE(sp)
    lw t3, ACROSS(sp)
    lw t3, OSTEP(t3)
    lw t2, OBASE(sp)
    add t2, t2, t3
    sw t2, OBASE(sp)
    j plane_line
1:  lw t2, JLEFT(sp)
    addi t2, t2, -1
    sw t2, JLEFT(sp)
    beqz t2, 2f
    j filter
2:  lw t2, IN(sp)
    addi t2, t2, 1
    sw t2, IN(sp)
    lw t2, CLEFT(sp)
    addi t2, t2, -1
    sw t2, CLEFT(sp)
    beqz t2, 3f
    j channel
3:  lw a1, ACROSS(sp)           # the next band
    lw t0, NB(sp)
    lw t1, STRIDE(a1)
    mul t1, t1, t0
    lw t2, FIRSTLINE(sp)
    add t2, t2, t1
    sw t2, FIRSTLINE(sp)
    lw t1, OSTEP(a1)
    mul t1, t1, t0
    lw t2, OUT0(sp)
    add t2, t2, t1
    sw t2, OUT0(sp)
    lw t2, OLEFT(sp)
    sub t2, t2, t0
    sw t2, OLEFT(sp)
    beqz t2, done
    j band

# --- slow. s0 weights, s1 output, s2 input (of the channel), s3 row of the window, s4 its column, s5 channels left,
# s6 filters left, s7 record, s8 table, s9 outputs left in the row, s10 rows left, s11 padding; t0-t2 lo, hi, zero
slow:
    mv s7, a7
    lw s11, PAD(sp)
    lw s10, OUTS(s7)
    lw s3, PADS(s7)
    neg s3, s3
    lw t0, LO(sp)
    lw t1, HI(sp)
    lw t2, ZO(sp)
slow_row:
    lw t3, OUT0(sp)
    sw t3, OUT(sp)
    lw s9, OUTS + 4(s7)
    lw s4, PADS + 4(s7)
    neg s4, s4
slow_position:
    lw s0, WTS0(sp)
    lw s8, TAB0(sp)
    lw s1, OUT(sp)
    lw s2, IN0(sp)
    lw s5, R_GROUPS(s7)
slow_channel:
    lw s6, R_OG(s7)
slow_filter:
    lw a3, 12(s8)
    mv a4, s3
    lw t3, TAPS(s7)
1:  lw t4, TAPS + 4(s7)
    mv a5, s4
2:  mv t5, s11
    lw t6, SIZE(s7)
    bgeu a4, t6, 3f
    lw t6, SIZE + 4(s7)
    bgeu a5, t6, 3f
    mul t6, t6, a4
    add t6, t6, a5
    lw t5, R_GROUPS(s7)
    mul t6, t6, t5
    add t6, t6, s2
    lb t5, 0(t6)
3:  lbu t6, 0(s0)
    addi s0, s0, 1
    addi t6, t6, -128
    mul t5, t5, t6
    add a3, a3, t5
    lw t6, DIL + 4(s7)
    add a5, a5, t6
    addi t4, t4, -1
    bnez t4, 2b
    lw t6, DIL(s7)
    add a4, a4, t6
    addi t3, t3, -1
    bnez t3, 1b
    lw a0, 4(s8)
    lw a1, 8(s8)
    addi s8, s8, 16
    REQUANT_GENERAL
    sb a3, 0(s1)
    addi s1, s1, 1
    addi s6, s6, -1
    bnez s6, slow_filter
    addi s2, s2, 1
    addi s5, s5, -1
    bnez s5, slow_channel
    lw t3, OUT(sp)
    lw t4, OSTEP + 4(s7)
    add t3, t3, t4
    sw t3, OUT(sp)
    lw t4, STRIDE + 4(s7)
    add s4, s4, t4
    addi s9, s9, -1
    bnez s9, slow_position
    lw t3, OUT0(sp)
    lw t4, OSTEP(s7)
    add t3, t3, t4
    sw t3, OUT0(sp)
    lw t4, STRIDE(s7)
    add s3, s3, t4
    addi s10, s10, -1
    bnez s10, slow_row

done:
    LEAVE FRAME, SAVED
