"""Names wines on the board, from three readings of light."""

import whit

model = whit.load("wine.whit")


def guess(colour, hue, ratio):
    """Print the wine's name and how sure the network is. The divisors are those of train.py."""
    name = model.predict([colour / 13, hue / 1.7, ratio / 4])
    print(f"{name}, {100 * max(model.scores):.0f} % sure")


# Three bottles that it has never seen. Put others here.
guess(4.7, 1.04, 3.59)
guess(2.08, 0.92, 3.12)
guess(8.6, 0.59, 1.3)
