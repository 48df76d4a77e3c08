"""Teach a small network to tell three wines apart by readings of light."""

import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1")  # be quiet

import keras
import numpy as np
from sklearn.datasets import load_wine

# Each reading: its column in the table of wines, and about the largest value. Divided by it, all run from 0 to 1.
READINGS = {"colour": (9, 13), "hue": (10, 1.7), "ratio": (11, 4), "alcohol": (0, 15)}
names = sys.argv[1:] or ["colour", "hue", "ratio"]

# 178 wines. x are the readings; y says which wine it is: 0 Barolo, 1 Grignolino, 2 Barbera.
table = load_wine()
x = np.stack([table.data[:, READINGS[name][0]] / READINGS[name][1] for name in names], axis=1)
y = table.target

# Mix the wines, then hide 60 of them: the test set. The network learns from the other 118 only.
mixed = np.random.default_rng(1).permutation(len(x))
test, learn = mixed[:60], mixed[60:]

# Eight neurons that look at the readings, and one for each wine that looks at the eight.
keras.utils.set_random_seed(1)
model = keras.Sequential(
    [keras.Input((len(names),)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3, activation="softmax")]
)
model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")

print("readings:", ", ".join(names))
for rounds in (0, 5, 15, 40):
    if rounds:
        model.fit(x[learn], y[learn], epochs=rounds, batch_size=16, verbose=0)
    right = [np.sum(np.argmax(model(x[part]), axis=1) == y[part]) for part in (learn, test)]
    print(f"{rounds:2} more rounds: {right[0]:3} of 118 right, {right[1]:2} of the 60 hidden ones")

model.save("wine.keras")
np.savez("learned.npz", x=x[learn], y=y[learn])
np.save("hidden.npy", x[test])
