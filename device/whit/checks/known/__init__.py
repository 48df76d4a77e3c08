# Xtensa's kernels, which no chip has run yet: each gives a known answer before it is trusted. One file per kernel.
from ...build import module, operator, word, words


def kernel(b, at, kind, families):
    "The function for a record of PLAN, of the first family. None: it lacks it, or failed and is none of them any more."
    op = word(b, at)
    names = [operator(op)]
    # CONV of one position and tap inside the image, without groups and kept weights, has a kernel of its own
    one = [word(b, at + 4 * i) for i in (10, 12, 13, 15, 16, 21, 22, 29)] if op == 3 else []
    if one == [1, 1, 1, 1, 1, 0, 0, 0] and not (hasattr(kind, "kept") and kind.kept(b, at)):
        names.insert(0, "dense")
    for name in names:
        try:
            run = module(families[0], name).run
            if _right(name, run):
                return run
        except ImportError:
            continue
        except (SyntaxError, ValueError, MemoryError):
            pass
        families.pop(0)
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
