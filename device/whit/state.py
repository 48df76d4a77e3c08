# What a model keeps between runs: filled at load and by Model.reset().
from .model import word


def reset(m):
    b = m._blob
    plan = 36 + word(b, 20)
    data = plan + word(b, 24)
    at = plan
    arena = m._arena
    while at < data:
        if word(b, at) == 15:
            i = word(b, at + 16)
            n = word(b, at + 20)
            source = data + word(b, at + 8) if word(b, at + 12) else 0
            fill = word(b, at + 24)
            for k in range(n):
                q = b[source + k] if source else fill
                arena[i + k] = q - 256 if q > 127 else q
        at += 4 * word(b, at + 4)
