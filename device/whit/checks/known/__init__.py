# Xtensa's kernels, which no chip has run yet: each gives a known answer before it is trusted. One file per kernel.
from ...build import module, operator, word, words


def kernel(b, at, kind, families):
    "The function for a record of PLAN. None: xtensa lacks it, or failed and is none of the families any more."
    op = word(b, at)
    i = 0
    if families[0] == "pie":
        run = op == 3 and module("checks", "pie").kernel(b, at)
        if run:
            return run
        i = 1
    names = [operator(op)]
    # CONV of one position and tap inside the image, without groups and kept weights, has a kernel of its own
    one = [word(b, at + 4 * n) for n in (10, 12, 13, 15, 16, 21, 22, 29)] if op == 3 else []
    if one == [1, 1, 1, 1, 1, 0, 0, 0] and not (hasattr(kind, "kept") and kind.kept(b, at)):
        names.insert(0, "dense")
    for name in names:
        try:
            run = module(families[i], name).run
            if _right(name, run):
                return run
        except ImportError:
            continue
        except (SyntaxError, ValueError, MemoryError):
            pass
        families.pop(i)
        break


def _right(name, run):
    known = module("checks", "known", name)
    try:
        arena = bytearray(known.ARENA)
    except MemoryError:
        return True  # no room to try it
    arena[known.FROM : known.FROM + len(known.INPUT)] = known.INPUT
    plan = bytearray(known.PLAN)
    data = bytearray(known.DATA)
    run(words(plan, arena, data))
    return arena[known.TO : known.TO + len(known.OUTPUT)] == known.OUTPUT
