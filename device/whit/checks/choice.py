# load(..., kernels=NAME): the families from that one on.
from ..build import module


def chosen(name, found):
    if name == "pie":  # never by itself: nobody has seen it run
        module(name)
        return [name] + found
    if name not in found:
        raise ValueError("%s kernels do not run here; %s do" % (name, ", ".join(found)))
    return found[found.index(name) :]
