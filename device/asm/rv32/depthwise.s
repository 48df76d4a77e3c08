# DEPTHWISE_CONV_2D: each input channel has filters of its own.
#   out[c, j] = requantise(bias[c, j] + sum_t x[c, t] * w[c, j, t])     x signed; the bias holds -zero * sum of w
#
# `walk`, for kernels of 3 x 3 with stride 1: the nine weights of a channel stay in registers while a line of outputs is
# made (a row, or a column where that is longer). Each step reads a column of three inputs, which ends one sum (A),
# continues a second (B, which becomes A) and begins a third (which becomes B): 37.5 instructions for nine products.
# Padding before and after the line is a constant in the sums; of a line with padding beside it, three weights are 0.
#
# `any`, for the rest: the input rows of one output row, with their padding, are copied to scratch (not where they lie
# inside the image) so that every window lies inside; then four positions of a channel at a time, tap by tap:
# 5 instructions per product. Weights are in scratch as w.
#
# Frame, from sp: words of the layer, then of the place where it is.
.equ REC, 0                     # the record
.equ WTS, 4                     # weights of the channel, in DATA or as w
.equ TAB, 8                     # its table
.equ IN, 12                     # its input, its output
.equ OUT, 16
.equ LEFT, 20                   # channels left
.equ LO, 24                     # bounds and zero point of the output, padding; as int8
.equ HI, 28
.equ ZO, 32
.equ PAD, 36
# walk
.equ STEP, 40                   # bytes along the line in input and output, from line to line in both
.equ LSTEP, 44
.equ OLSTEP, 48
.equ LAST, 52                   # lines - 1 of the input, padding before the first, lines of the output
.equ LPAD, 56
.equ LINES, 60
.equ LEAD, 64                   # padding before the line and after it: 0 or 1
.equ TRAIL, 68
.equ SPAN, 72                   # STEP * outputs of a line but for the one that has padding after it
.equ ALONG, 76                  # bytes from a weight to the next along the line: 1 or 3
.equ LINE, 80                   # the first input line of the line at hand, its address, that of its output, lines left
.equ LBASE, 84
.equ OBASE, 88
.equ LLEFT, 92
.equ INNER, 96                  # 1: the weights are those of a line without padding beside it
.equ FIRST, 100                 # sum at the start of a line with padding before it; what padding after it adds
.equ AFTER, 104
.equ BIAS, 108
# any
.equ SRC, 40                    # rows of the output row at hand, bytes from one to the next
.equ RSTEP, 44
.equ ROWS, 48                   # scratch: the copied rows, their bytes
.equ WIDTH, 52
.equ OY, 56                     # input row of the first tap, output rows left, address of the output row
.equ OROWS, 60
.equ OROW, 64
.equ ROW0, 68                   # address of that input row
.equ WORDS, 72                  # weights as w: scratch
.equ NEXT, 76                   # bytes from behind the last tap of a row to the first of the next
.equ JLEFT, 80                  # filters of the channel left
.equ SAVED, 112                 # ra, s0-s11
.equ FRAME, 176

.include "requant.inc"
.include "copy.inc"

run:
    addi sp, sp, -FRAME
    sw ra, SAVED(sp)
    sw s0, SAVED + 4(sp)
    sw s1, SAVED + 8(sp)
    sw s2, SAVED + 12(sp)
    sw s3, SAVED + 16(sp)
    sw s4, SAVED + 20(sp)
    sw s5, SAVED + 24(sp)
    sw s6, SAVED + 28(sp)
    sw s7, SAVED + 32(sp)
    sw s8, SAVED + 36(sp)
    sw s9, SAVED + 40(sp)
    sw s10, SAVED + 44(sp)
    sw s11, SAVED + 48(sp)

# --- the layer: a7 record, s1 arena
    lw a7, 0(a0)
    lw t0, 4(a0)
    add a7, a7, t0
    sw a7, REC(sp)
    lw s1, 12(a0)
    lw s2, 20(a0)
    lw t1, 8(a7)
    add s2, s2, t1
    sw s2, WTS(sp)
    lw t1, 28(a7)
    add s3, s2, t1
    sw s3, TAB(sp)
    lw t0, 92(a7)
    addi t0, t0, -128
    sw t0, PAD(sp)
    lw t0, 96(a7)
    addi t0, t0, -128
    sw t0, ZO(sp)
    lw t0, 100(a7)
    addi t0, t0, -128
    sw t0, LO(sp)
    lw t0, 104(a7)
    addi t0, t0, -128
    sw t0, HI(sp)
    lw t0, 16(a7)
    add t0, t0, s1
    sw t0, IN(sp)
    lw t0, 20(a7)
    add t0, t0, s1
    sw t0, OUT(sp)
    lw s4, 40(a7)               # channels
    sw s4, LEFT(sp)

# --- is it one for `walk`?
    li t0, 3
    lw t1, 60(a7)
    bne t1, t0, 2f
    lw t1, 64(a7)
    bne t1, t0, 2f
    lw t1, 68(a7)               # strides, dilations and filters of a channel: 1
    lw t0, 72(a7)
    or t1, t1, t0
    lw t0, 76(a7)
    or t1, t1, t0
    lw t0, 80(a7)
    or t1, t1, t0
    lw t0, 56(a7)
    or t1, t1, t0
    li t0, 1
    bne t1, t0, 2f
    mv t1, s4                   # every table: no GENERAL, and e of 22 at most, so that the zero point can be shifted
    li t2, 22
1:  lw t0, 8(s3)
    bltu t2, t0, 2f
    addi s3, s3, 16
    addi t1, t1, -1
    bnez t1, 1b
    lw a0, 48(a7)               # oh, h, top; ow, w, left
    lw a1, 32(a7)
    lw a2, 84(a7)
    lw a3, 52(a7)
    lw a4, 36(a7)
    lw a5, 88(a7)
    mul s5, a4, s4              # bytes of a row
    lw s6, 108(a7)              # row and pixel of the output
    lw s7, 112(a7)
    bne s5, s6, 1f              # columns: where they are longer, and have the same step in input and output
    bgeu a3, a0, 1f
    mv t0, a0
    mv t1, a1
    mv t2, a2
    li s8, 3
    mv s9, s4
    jal line
    bnez t2, walk
1:  bne s4, s7, 2f              # rows
    mv t0, a3
    mv t1, a4
    mv t2, a5
    mv a3, a0
    mv a4, a1
    mv a5, a2
    li s8, 1
    mv s9, s5
    mv s5, s4
    mv s7, s6
    jal line
    bnez t2, walk
2:  j any

# A line of t0 outputs, t1 inputs, t2 padding before; a3, a4, a5 the same across; steps s5 along, s9 across (input),
# s7 across (output); s8 bytes from weight to weight. -> t2 = 0: not for `walk`
line:
    sw s5, STEP(sp)
    sw s9, LSTEP(sp)
    sw s7, OLSTEP(sp)
    sw a3, LINES(sp)
    addi t3, a4, -1
    sw t3, LAST(sp)
    sw a5, LPAD(sp)
    sw s8, ALONG(sp)
    sw t2, LEAD(sp)
    addi t3, t0, 2              # columns behind that padding
    sub t3, t3, t2
    sub t3, t3, t1              # and behind the image
    bgez t3, 1f
    li t3, 0
1:  sw t3, TRAIL(sp)
    sub t0, t0, t3
    mul t0, t0, s5
    sw t0, SPAN(sp)
    or t3, t3, t2
    sltiu t2, t3, 2
    ret

# --- walk. t0-t2 inputs; s2-s10 weights: along the line within across it; a0 A, a1 B, a2 bias, a3, a4 temporary;
# a5 m2, a6 e, a7 half + zero << e; t3 lo, t4 hi; t5, t6, s11 inputs' addresses; s0 step; s1 output, ra its end
.macro THREE_INPUTS
    lb t0, 0(t5)
    lb t1, 0(t6)
    lb t2, 0(s11)
    add t5, t5, s0
    add t6, t6, s0
    add s11, s11, s0
.endm

# A -> a4
.macro RESULT
    mulhsu a4, a0, a5
    mul a3, a0, a5
    srli a3, a3, 31
    add a4, a4, a3
    srai a3, a4, 31
    add a4, a4, a3
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
    sw t1, BIAS(sp)
    lw a5, 4(t0)
    slli a5, a5, 1
    addi t0, t0, 16
    sw t0, TAB(sp)
    li a7, 1
    sll a7, a7, a6
    srli a7, a7, 1
    lw t0, ZO(sp)
    sll t0, t0, a6
    add a7, a7, t0
    lw t3, LO(sp)
    lw t4, HI(sp)
    lw s0, STEP(sp)
    sw zero, INNER(sp)
    lw t0, LPAD(sp)
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
    lw t0, LINES(sp)
    sw t0, LLEFT(sp)
walk_line:
    lw t0, LINE(sp)             # are all three input lines in the image?
    lw t5, LBASE(sp)
    lw t1, LSTEP(sp)
    lw t2, LAST(sp)
    addi a3, t0, 2
    bltz t0, 1f
    blt t2, a3, 1f
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
    lw t2, LAST(sp)
    lw t0, LINE(sp)
    bgeu t2, t0, 1f             # outside: padding times its weights, which are then 0
    add a4, s2, s3
    add a4, a4, s4
    mul a4, a4, a3
    add a2, a2, a4
    li s2, 0
    li s3, 0
    li s4, 0
1:  addi t0, t0, 1
    bgeu t2, t0, 1f
    add a4, s5, s6
    add a4, a4, s7
    mul a4, a4, a3
    add a2, a2, a4
    li s5, 0
    li s6, 0
    li s7, 0
1:  addi t0, t0, 1
    bgeu t2, t0, 1f
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

4:  lw a3, LINE(sp)
    lw t0, LSTEP(sp)
    addi a3, a3, 1
    sw a3, LINE(sp)
    lw a3, LBASE(sp)
    lw s1, OBASE(sp)
    add a3, a3, t0
    sw a3, LBASE(sp)
    lw a3, OLSTEP(sp)
    lw ra, SPAN(sp)
    add a3, a3, s1
    add ra, ra, s1
    sw a3, OBASE(sp)
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
    beq s1, ra, 7f
6:  THREE_INPUTS                # one output
    mul a3, t0, s4
    mul a4, t1, s7
    add a0, a0, a3
    mul a3, t2, s10
    add a0, a0, a4
    add a0, a0, a3
    RESULT
    ONWARD
    BOUNDS
    sb a4, 0(s1)
    add s1, s1, s0
    bne s1, ra, 6b
7:  lw a3, TRAIL(sp)
    beqz a3, 8f
    lw a3, AFTER(sp)
    add a0, a0, a3
    RESULT
    BOUNDS
    sb a4, 0(s1)
8:  lw a3, LLEFT(sp)
    addi a3, a3, -1
    sw a3, LLEFT(sp)
    bnez a3, walk_line
    lw a3, WTS(sp)
    addi a3, a3, 9
    sw a3, WTS(sp)
    lw a3, LEFT(sp)
    addi a3, a3, -1
    sw a3, LEFT(sp)
    bnez a3, walk
    j done

# The weights and the bias of the channel. Uses t0, a3.
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
    lw a3, ALONG(sp)
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
1:  addi s2, s2, -128
    addi s3, s3, -128
    addi s4, s4, -128
    addi s5, s5, -128
    addi s6, s6, -128
    addi s7, s7, -128
    addi s8, s8, -128
    addi s9, s9, -128
    addi s10, s10, -128
    ret

# a4 = the address of line t0, or of the nearest in the image; a3 is that of line t0 if it were. The next line: t0, a3.
nearest:
    mv a4, t0
    bgez a4, 1f
    li a4, 0
1:  bge t2, a4, 2f
    mv a4, t2
2:  sub a4, a4, t0
    mul a4, a4, t1
    add a4, a4, a3
    addi t0, t0, 1
    add a3, a3, t1
    ret

# --- any
any:
    lw a7, REC(sp)
    lw a1, 60(a7)               # kh, kw
    lw a2, 64(a7)
    lw a3, 56(a7)               # filters of a channel
    mul t0, a1, a2
    mul t0, t0, a3
    mul t0, t0, s4
    lw t1, 24(a7)
    add t1, t1, s1
    sw t1, WORDS(sp)
    slli t2, t0, 2
    add t2, t2, t1
    sw t2, ROWS(sp)
    add t0, t0, t1
    mv t2, s2                   # weights as w
1:  lbu t3, 0(t2)
    addi t2, t2, 1
    addi t3, t3, -128
    sb t3, 0(t1)
    addi t1, t1, 1
    bne t1, t0, 1b
    lw t0, 52(a7)               # width of the copied rows
    addi t0, t0, -1
    lw t1, 72(a7)
    mul t0, t0, t1
    addi t2, a2, -1
    lw t1, 80(a7)
    mul t2, t2, t1
    add t0, t0, t2
    addi t0, t0, 1
    mul t0, t0, s4
    sw t0, WIDTH(sp)
    lw t0, 84(a7)
    neg t0, t0
    sw t0, OY(sp)
    lw t1, 36(a7)
    mul t1, t1, s4
    mul t1, t1, t0
    lw t0, IN(sp)
    add t1, t1, t0
    sw t1, ROW0(sp)
    lw t0, 48(a7)
    sw t0, OROWS(sp)
    lw t0, OUT(sp)
    sw t0, OROW(sp)

any_row:                        # rows s2 to s3 of the input: are they all in the image, and is there no padding beside?
    lw a7, REC(sp)
    lw s4, 40(a7)
    lw s5, 36(a7)
    mul s5, s5, s4              # bytes of a row
    lw a5, PAD(sp)
    lw s2, OY(sp)
    lw s6, 76(a7)               # dh
    lw s7, 60(a7)
    lw s8, 32(a7)               # h
    lw s9, WIDTH(sp)
    lw s10, 88(a7)
    mul s10, s10, s4            # bytes of padding before
    lw s11, ROW0(sp)
    mul s6, s6, s5
    sw s11, SRC(sp)
    sw s6, RSTEP(sp)
    addi s3, s7, -1
    lw t0, 76(a7)
    mul s3, s3, t0
    add s3, s3, s2
    bltz s2, 1f
    bge s3, s8, 1f
    bnez s10, 1f
    bgeu s5, s9, any_channels
1:  lw a0, ROWS(sp)
    sw a0, SRC(sp)
    sw s9, RSTEP(sp)
2:  mv t0, s9                   # a row
    bgeu s2, s8, 3f
    mv t0, s10
    jal t6, fill
    sub t0, s9, s10
    bgeu s5, t0, 4f
    mv t0, s5
4:  sub s0, s9, s10
    sub s0, s0, t0
    beqz t0, 5f
    mv t1, s11
    jal t6, copy
5:  mv t0, s0
3:  jal t6, fill
    lw t0, 76(a7)
    add s2, s2, t0
    add s11, s11, s6
    addi s7, s7, -1
    bnez s7, 2b

# s0 taps of a row; s1 output; s2-s5 sums; s6-s9 windows; s10 weights; s11 from tap to tap; a6 table; a7 rows left;
# a0 m2, a1 shifts, a2 half; t0 lo, t1 hi, t2 zero; t3-t6, a3-a5 temporary
any_channels:
    lw a7, REC(sp)
    lw t3, 40(a7)
    sw t3, LEFT(sp)
    lw s11, 80(a7)
    mul s11, s11, t3
    lw s0, 64(a7)
    mul t3, s11, s0
    lw t4, RSTEP(sp)
    sub t4, t4, t3
    sw t4, NEXT(sp)
    lw t0, LO(sp)
    lw t1, HI(sp)
    lw t2, ZO(sp)
    lw t3, OROW(sp)
    sw t3, OUT(sp)
    lw t3, WORDS(sp)
    sw t3, WTS(sp)
    lw a6, TAB(sp)
any_channel:
    lw a7, REC(sp)
    lw t3, 56(a7)
    sw t3, JLEFT(sp)
any_filter:
    lw a0, 4(a6)
    lw a1, 8(a6)
    bltz a1, 1f
    REQUANT_SETUP
1:  lw t3, REC(sp)
    lw s1, OUT(sp)
    lw s6, SRC(sp)
    lw a5, 52(t3)               # outputs left
    j 6f
2:  lw s10, WTS(sp)             # four
    lw t3, REC(sp)
    lw t4, 40(t3)
    lw t5, 72(t3)
    mul t4, t4, t5
    add s7, s6, t4
    add s8, s7, t4
    add s9, s8, t4
    lw a7, 60(t3)
    add t4, t4, s9
    sw t4, IN(sp)
    lw s2, 12(a6)
    mv s3, s2
    mv s4, s2
    mv s5, s2
3:  mv t6, s0
4:  lb t3, 0(s10)
    lb t4, 0(s6)
    lb t5, 0(s7)
    lb a3, 0(s8)
    lb a4, 0(s9)
    mul t4, t4, t3
    mul t5, t5, t3
    mul a3, a3, t3
    mul a4, a4, t3
    add s2, s2, t4
    add s3, s3, t5
    add s4, s4, a3
    add s5, s5, a4
    add s6, s6, s11
    add s7, s7, s11
    add s8, s8, s11
    add s9, s9, s11
    addi s10, s10, 1
    addi t6, t6, -1
    bnez t6, 4b
    lw t6, NEXT(sp)
    addi a7, a7, -1
    add s6, s6, t6
    add s7, s7, t6
    add s8, s8, t6
    add s9, s9, t6
    bnez a7, 3b
    lw s6, IN(sp)
    addi a7, a5, -4
    jal store
    mv s2, s3
    jal store
    mv s2, s4
    jal store
    mv s2, s5
    jal store
    mv a5, a7
6:  li t3, 4
    bgeu a5, t3, 2b
7:  beqz a5, 9f                 # one
    lw s10, WTS(sp)
    mv s7, s6
    lw t3, REC(sp)
    lw s2, 12(a6)
    lw a7, 60(t3)
3:  mv t6, s0
4:  lb t3, 0(s10)
    lb t4, 0(s7)
    add s7, s7, s11
    addi s10, s10, 1
    mul t4, t4, t3
    addi t6, t6, -1
    add s2, s2, t4
    bnez t6, 4b
    lw t6, NEXT(sp)
    addi a7, a7, -1
    add s7, s7, t6
    bnez a7, 3b
    lw t3, REC(sp)
    lw t4, 40(t3)
    lw t5, 72(t3)
    mul t4, t4, t5
    add s6, s6, t4
    addi a7, a5, -1
    jal store
    mv a5, a7
    j 7b
9:  lw t3, OUT(sp)              # the next filter
    addi t3, t3, 1
    sw t3, OUT(sp)
    addi a6, a6, 16
    lw a7, REC(sp)
    lw t3, 60(a7)
    mul t3, t3, s0
    lw t4, WTS(sp)
    add t4, t4, t3
    sw t4, WTS(sp)
    lw t3, JLEFT(sp)
    addi t3, t3, -1
    sw t3, JLEFT(sp)
    bnez t3, any_filter
    lw t3, SRC(sp)              # the next channel
    addi t3, t3, 1
    sw t3, SRC(sp)
    lw t3, LEFT(sp)
    addi t3, t3, -1
    sw t3, LEFT(sp)
    bnez t3, any_channel
    lw t3, OROW(sp)             # the next row
    lw t4, 108(a7)
    add t3, t3, t4
    sw t3, OROW(sp)
    lw t3, OY(sp)
    lw t4, 68(a7)
    add t3, t3, t4
    sw t3, OY(sp)
    lw t5, 36(a7)
    lw t6, 40(a7)
    mul t5, t5, t6
    mul t5, t5, t4
    lw t3, ROW0(sp)
    add t3, t3, t5
    sw t3, ROW0(sp)
    lw t3, OROWS(sp)
    addi t3, t3, -1
    sw t3, OROWS(sp)
    beqz t3, done
    j any_row

# The sum s2 to the output. Uses a3-a5, t3.
store:
    bltz a1, 7f
    REQUANT s2
8:  sb a3, 0(s1)
    lw t3, REC(sp)
    lw t3, 112(t3)
    add s1, s1, t3
    ret
7:  mv a3, s2
    REQUANT_GENERAL
    j 8b

done:
    lw ra, SAVED(sp)
    lw s0, SAVED + 4(sp)
    lw s1, SAVED + 8(sp)
    lw s2, SAVED + 12(sp)
    lw s3, SAVED + 16(sp)
    lw s4, SAVED + 20(sp)
    lw s5, SAVED + 24(sp)
    lw s6, SAVED + 28(sp)
    lw s7, SAVED + 32(sp)
    lw s8, SAVED + 36(sp)
    lw s9, SAVED + 40(sp)
    lw s10, SAVED + 44(sp)
    lw s11, SAVED + 48(sp)
    addi sp, sp, FRAME
    ret

.include "bytes.inc"
