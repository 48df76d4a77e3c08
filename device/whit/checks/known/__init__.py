# Known answers, for kernels that no chip has run yet: each gives its own before a model takes it. One file per kernel.
from ... import model
from ...build import module, operator, word, words


def proven(families, b, expand):
    "The families without Xtensa's, if one of the kernels that the blob needs is wrong, or has no room here."
    if families[0] == "pie":
        try:
            module("pie", "pixels")
        except (ImportError, MemoryError):
            families = families[1:]
    family = [name for name in families if name[0] == "x"]
    if not family:
        return families
    family = family[0]
    left = [name for name in families if name[0] not in "xp"]
    try:
        module(family)
        for name in _kernels(b, expand):
            try:
                run = module(family, name).run
            except ImportError:
                continue  # viper makes it
            for case in module("checks", "known", name).CASES:
                if not _right(run, *case):
                    model.working = left
                    return left
        return families
    except (ImportError, SyntaxError, ValueError, MemoryError):
        return left


def _kernels(b, expand):
    dense = module("checks", "xtensa").dense
    found = set()
    at = 36 + word(b, 20)
    end = at + word(b, 24)
    while at < end:
        op = word(b, at)
        if op > 2:
            found.add(operator(op))
            if dense(b, at):
                found.add("dense")
        at += 4 * word(b, at + 4)
    return found


def _right(run, plan, data, size, start, before, to, after):
    arena = bytearray(size)
    arena[start : start + len(before)] = before
    plan = bytearray(plan)
    data = bytearray(data)
    run(words(plan, arena, data))
    return arena[to : to + len(after)] == after
