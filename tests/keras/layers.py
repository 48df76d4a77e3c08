"""The layers of Keras that the coverage document speaks of, each as the Keras code that builds it.

A row's code is evaluated with every name of ``keras.layers``, and with ``ops``, ``activations`` and ``keras``; ``x`` is
the tensor before it. Code without ``x`` is a layer, which is called with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Row:
    """``shape``: of the input, without the batch. ``after``: layer before this one, where it is folded into that.

    ``indices``: inputs are whole numbers from 0 to below this.
    """

    code: str
    shape: tuple[int, ...]
    after: str = ""
    indices: int = 0

    @property
    def name(self) -> str:
        """As coverage.json and the document call it."""
        return f"{self.code} after {self.after}" if self.after else self.code

    def samples(self, count: int) -> npt.NDArray[Any]:
        """Typical inputs."""
        random = np.random.default_rng(len(self.code))
        if self.indices:
            return random.integers(0, self.indices, (count, *self.shape)).astype(np.float32)
        return random.normal(0, 1, (count, *self.shape)).astype(np.float32)

    def model(self) -> Any:
        """The Keras model, with weights that a fixed seed gives."""
        import keras

        keras.utils.set_random_seed(1)
        names: dict[str, Any] = {**vars(keras.layers), "ops": keras.ops, "keras": keras}
        names["activations"] = keras.activations
        x = entry = keras.Input(self.shape)
        for code in (self.after, self.code):
            if code:
                made = eval(code, {**names, "x": x})
                x = made if re.search(r"\bx\b", code) else made(x)
        model = keras.Model(entry, x, name="model")
        _scatter(model.weights)
        return model


def _scatter(weights: list[Any]) -> None:
    """Weights that begin as all 0 or all 1 become different ones, as after training."""
    random = np.random.default_rng(2)
    for weight in weights:
        value = np.asarray(weight.numpy())
        if value.dtype.kind == "f" and value.size and (value == value.flat[0]).all():
            changed = value.flat[0] + random.uniform(-0.3, 0.3, value.shape)
            weight.assign(changed.astype(value.dtype))


V, S, T, I, C = (12,), (10, 4), (4, 3), (8, 8, 3), (5, 5, 5, 2)  # vector, sequences, image, cube  # noqa: E741

TABLE: dict[str, list[Row]] = {
    "Dense, embedding": [
        Row("Dense(5)", V),
        Row("Dense(5, use_bias=False)", V),
        Row("Dense(5, activation='relu')", V),
        Row("Dense(5, activation='softmax')", V),
        Row("Dense(5)", S),
        Row("EinsumDense('abc,cd->abd', output_shape=(None, 6))", S),
        Row("Embedding(20, 4)", (6,), indices=20),
    ],
    "Convolution": [
        Row("Conv1D(6, 3)", S),
        Row("Conv1D(6, 3, strides=2, padding='same', activation='relu')", S),
        Row("Conv1D(6, 3, padding='causal', dilation_rate=2)", S),
        Row("Conv1D(6, 3, groups=2)", S),
        Row("Conv2D(4, 3)", I),
        Row("Conv2D(4, 3, strides=2, padding='same', activation='relu')", I),
        Row("Conv2D(4, 3, dilation_rate=2, activation='tanh')", I),
        Row("Conv2D(6, 3, groups=3)", I),
        Row("Conv2D(4, 1)", I),
        Row("Conv3D(3, 2)", C),
        Row("DepthwiseConv1D(3, depth_multiplier=2)", S),
        Row("DepthwiseConv2D(3)", I),
        Row("DepthwiseConv2D(3, strides=2, padding='same', depth_multiplier=2)", I),
        Row("DepthwiseConv2D(3, dilation_rate=2)", I),
        Row("SeparableConv1D(6, 3)", S),
        Row("SeparableConv2D(6, 3)", I),
        Row("Conv1DTranspose(3, 4, strides=2)", S),
        Row("Conv2DTranspose(3, 3, strides=2)", I),
        Row("Conv2DTranspose(3, 3, padding='same', activation='relu')", I),
        Row("Conv3DTranspose(2, 2, strides=2)", C),
    ],
    "Pooling": [
        Row("MaxPooling1D(2)", S),
        Row("MaxPooling2D(2)", I),
        Row("MaxPooling2D(3, strides=2, padding='same')", I),
        Row("MaxPooling3D(2)", C),
        Row("AveragePooling1D(2)", S),
        Row("AveragePooling2D(2)", I),
        Row("AveragePooling2D(3, strides=2, padding='same')", I),
        Row("AveragePooling3D(2)", C),
        Row("GlobalMaxPooling1D()", S),
        Row("GlobalMaxPooling2D()", I),
        Row("GlobalMaxPooling3D()", C),
        Row("GlobalAveragePooling1D()", S),
        Row("GlobalAveragePooling2D()", I),
        Row("GlobalAveragePooling2D(keepdims=True)", I),
        Row("GlobalAveragePooling3D()", C),
        Row("AdaptiveAveragePooling1D(5)", S),
        Row("AdaptiveAveragePooling2D(4)", I),
        Row("AdaptiveAveragePooling3D(2)", C),
        Row("AdaptiveMaxPooling1D(5)", S),
        Row("AdaptiveMaxPooling2D(4)", I),
        Row("AdaptiveMaxPooling3D(2)", C),
    ],
    "Recurrent": [
        Row("LSTM(5)", T),
        Row("LSTM(5, return_sequences=True)", T),
        Row("LSTM(5, go_backwards=True)", T),
        Row("Bidirectional(LSTM(3))", T),
        Row("GRU(5)", T),
        Row("GRU(5, reset_after=False)", T),
        Row("SimpleRNN(5)", T),
        Row("RNN(LSTMCell(5))", T),
        Row("RNN(GRUCell(5))", T),
        Row("RNN(SimpleRNNCell(5))", T),
        Row("RNN(StackedRNNCells([SimpleRNNCell(5), SimpleRNNCell(3)]))", T),
        Row("ConvLSTM1D(3, 3)", (2, 6, 2)),
        Row("ConvLSTM2D(3, 3)", (2, 6, 6, 2)),
        Row("ConvLSTM3D(2, 2)", (2, 3, 3, 3, 2)),
        Row("TimeDistributed(Dense(3))", T),
        Row("TimeDistributed(Conv2D(2, 3))", (2, 6, 6, 2)),
    ],
    "Attention": [
        Row("MultiHeadAttention(2, 3)(x, x)", S),
        Row("MultiHeadAttention(1, 4)(x, x, use_causal_mask=True)", S),
        Row("GroupQueryAttention(4, 2, 2)(x, x)", S),
        Row("Attention()([x, Dense(4)(x)])", S),
        Row("Attention(use_scale=True)([x, x])", S),
        Row("AdditiveAttention()([x, Dense(4)(x)])", S),
    ],
    "Normalisation": [
        Row("BatchNormalization()", I),
        Row("BatchNormalization()", I, after="Conv2D(4, 3)"),
        Row("BatchNormalization()", I, after="DepthwiseConv2D(3)"),
        Row("BatchNormalization()", V, after="Dense(5)"),
        Row("BatchNormalization()", S, after="Conv1D(6, 3)"),
        Row("BatchNormalization()", I, after="Conv2D(4, 3, activation='relu')"),
        Row("LayerNormalization()", V),
        Row("LayerNormalization()", S),
        Row("GroupNormalization(2)", (6, 6, 4)),
        Row("RMSNormalization()", V),
        Row("UnitNormalization()", V),
        Row("Normalization(mean=[0.5, 1.0, 0.2], variance=[2.0, 1.0, 0.5])", I),
        Row("Normalization(mean=0.1, variance=2.0)", I),
        Row("Rescaling(1 / 255)", I),
        Row("Rescaling(1 / 127.5, offset=-1)", I),
        Row("SpectralNormalization(Dense(5))", V),
    ],
    "Activation": [
        *(
            Row(f"Activation('{name}')", V)
            for name in (
                *("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softmax"),
                *("log_softmax", "softplus", "softsign", "sigmoid", "log_sigmoid", "hard_sigmoid", "hard_swish"),
                *("tanh", "hard_tanh", "tanh_shrink", "soft_shrink", "hard_shrink", "squareplus", "exponential"),
                *("glu", "sparse_plus", "sparse_sigmoid", "sparsemax"),
            )
        ),
        Row("Activation('linear')", V, after="Dense(5)"),
        Row("Activation('relu')", I, after="Conv2D(4, 3)"),
        Row("activations.gelu(x, approximate=True)", V),
        Row("activations.threshold(x, 0.5, 0.1)", V),
        Row("ReLU()", V),
        Row("ReLU(max_value=6)", I, after="Conv2D(4, 3)"),
        Row("ReLU(max_value=4)", V),
        Row("ReLU(negative_slope=0.2, threshold=0.5)", V),
        Row("LeakyReLU()", V),
        Row("ELU(alpha=0.7)", V),
        Row("PReLU()", V),
        Row("PReLU(shared_axes=[1, 2])", I),
        Row("Softmax()", S),
        Row("Softmax(axis=1)", S),
    ],
    "Shape": [
        Row("Reshape((2, 6))", V),
        Row("Flatten()", I),
        Row("Permute((2, 1))", S),
        Row("Permute((3, 1, 2))", I),
        Row("RepeatVector(3)", V),
        Row("ZeroPadding1D(2)", S),
        Row("ZeroPadding2D(((1, 0), (2, 1)))", I),
        Row("ZeroPadding3D(1)", C),
        Row("Cropping1D(2)", S),
        Row("Cropping2D(((1, 0), (2, 1)))", I),
        Row("Cropping3D(1)", C),
        Row("UpSampling1D(2)", S),
        Row("UpSampling2D(2)", I),
        Row("UpSampling2D((2, 3), interpolation='bilinear')", I),
        Row("UpSampling2D(2, interpolation='bicubic')", I),
        Row("UpSampling3D(2)", C),
        Row("Resizing(6, 5)", I),
        Row("Resizing(16, 12, interpolation='nearest')", I),
        Row("Resizing(6, 5, interpolation='bicubic')", I),
        Row("CenterCrop(5, 4)", I),
    ],
    "Merging": [
        Row("Add()([x, Dense(12)(x)])", V),
        Row("Add()([x, Dense(12)(x), Dense(12)(x)])", V),
        Row("Subtract()([x, Dense(12)(x)])", V),
        Row("Multiply()([x, Dense(12)(x)])", V),
        Row("Average()([x, Dense(12)(x)])", V),
        Row("Maximum()([x, Dense(12)(x)])", V),
        Row("Minimum()([x, Dense(12)(x)])", V),
        Row("Concatenate()([x, Dense(5)(x)])", V),
        Row("Concatenate(axis=1)([x, Conv1D(4, 3)(x)])", S),
        Row("Dot(axes=1)([x, Dense(12)(x)])", V),
        Row("Dot(axes=2)([x, Dense(4)(x)])", S),
        Row("Dot(axes=1, normalize=True)([x, Dense(12)(x)])", V),
    ],
    "Only in training": [
        Row("Dropout(0.5)", V, after="Dense(5)"),
        Row("AlphaDropout(0.5)", V, after="Dense(5)"),
        Row("SpatialDropout1D(0.5)", S, after="Conv1D(6, 3)"),
        Row("SpatialDropout2D(0.5)", I, after="Conv2D(4, 3)"),
        Row("SpatialDropout3D(0.5)", I, after="Conv2D(4, 3)(x)[..., None]"),
        Row("GaussianDropout(0.5)", V, after="Dense(5)"),
        Row("GaussianNoise(0.5)", V, after="Dense(5)"),
        Row("ActivityRegularization(l2=0.1)", V, after="Dense(5)"),
        Row("Identity()", V, after="Dense(5)"),
        *(
            Row(call, I, after="Conv2D(3, 3)")
            for call in (
                *("RandomFlip()", "RandomRotation(0.1)", "RandomZoom(0.1)", "RandomTranslation(0.1, 0.1)"),
                *("RandomContrast(0.1)", "RandomBrightness(0.1)", "RandomShear(0.1)", "RandomPerspective(0.1)"),
                *("RandomErasing(0.1)", "RandomGaussianBlur(0.1)", "RandomGrayscale(0.1)", "RandomHue(0.1)"),
                *("RandomInvert(0.1)", "RandomPosterization(4)", "RandomSaturation(0.1)", "RandomSharpness(0.1)"),
                *("RandomColorJitter(contrast_factor=0.1)", "RandomColorDegeneration(0.1)"),
                *("RandomElasticTransform(0.1)", "RandAugment()", "AugMix()", "CutMix()", "MixUp()"),
            )
        ),
        Row("RandomCrop(6, 6)", I, after="Conv2D(3, 3, padding='same')"),
    ],
    "Other layers": [
        Row("Masking()", S),
        Row("LSTM(5)(Masking()(x))", T),
        Row("ReversibleEmbedding(20, 4)", (6,), indices=20),
        Row("AutoContrast()", I),
        Row("Solarization(0.1)", I, after="Conv2D(3, 3)"),
        Row("IntegerLookup(vocabulary=[3, 5])", (3,), indices=8),
        Row("Lambda(lambda t: t * 2)", V),
        Row("Lambda(lambda t: ops.sin(t))", V),
        Row("Discretization(bin_boundaries=[0.0, 1.0])", V),
        Row("CategoryEncoding(8, output_mode='multi_hot')", (3,), indices=8),
        Row("STFTSpectrogram(frame_length=16, frame_step=8, fft_length=16)", (64, 1)),
        Row("MelSpectrogram(fft_length=16, sequence_length=16, sequence_stride=8)", (64,)),
    ],
    "Operations (keras.ops)": [
        *(
            Row(f"ops.{name}(x)", V)
            for name in (
                *("abs", "negative", "square", "sign", "ceil", "floor", "round", "sin", "cos", "exp", "expm1"),
                *("erf", "relu", "nan_to_num"),
            )
        ),
        *(Row(f"ops.{name}(ops.sigmoid(x))", V) for name in ("sqrt", "rsqrt", "log", "log1p", "reciprocal")),
        *(
            Row(f"ops.{name}(x, axis=-1)", S)
            for name in ("mean", "sum", "max", "min", "prod", "std", "var", "logsumexp", "norm", "cumsum")
        ),
        *(Row(f"ops.{name}(x, axis=-1)", V) for name in ("argmax", "argmin", "sort", "argsort")),
        Row("ops.mean(x, axis=(1, 2))", I),
        Row("ops.max(x, axis=1)", I),
        Row("x + 1.5", V),
        Row("1.5 - x", V),
        Row("x * 0.3", V),
        Row("x / 3", V),
        Row("x / (ops.abs(x) + 1)", V),
        Row("x ** 2", V),
        Row("x[:, 2:9:2]", V),
        Row("x[:, ::-1]", S),
        Row("x[:, 3]", S),
        Row("x[..., None]", V, after="Dense(5)"),
        Row("ops.clip(x, -0.5, 0.5)", V),
        Row("ops.maximum(x, 0.25)", V),
        Row("ops.minimum(x, 0.25)", V),
        Row("ops.where(x > 0, x, 0.1 * x)", V),
        Row("ops.transpose(x, (0, 2, 1))", S),
        Row("ops.swapaxes(x, 1, 3)", I),
        Row("ops.stack([x, Dense(12)(x)], axis=1)", V),
        Row("ops.unstack(x, axis=1)", (3, 4)),
        Row("ops.split(x, 3, axis=-1)", V),
        Row("ops.split(x, [2, 7], axis=-1)", V),
        Row("ops.concatenate([x, ops.relu(x)], axis=1)", V),
        Row("ops.take(x, [2, 0, 3], axis=2)", S),
        Row("ops.tile(x, (1, 2, 3))", S),
        Row("ops.repeat(x, 2, axis=1)", S),
        Row("ops.pad(x, ((0, 0), (1, 2), (0, 0)))", S),
        Row("ops.pad(x, ((0, 0), (1, 2), (0, 0)), constant_values=0.5)", S),
        Row("ops.pad(x, ((0, 0), (1, 2), (0, 0)), mode='reflect')", S),
        Row("ops.flip(x, axis=1)", S),
        Row("ops.roll(x, 2, axis=1)", S),
        Row("ops.squeeze(x, axis=1)", V, after="Reshape((1, 5))(Dense(5)(x))"),
        Row("ops.broadcast_to(x[:, None, :], (1, 3, 12))", V),
        Row("ops.matmul(x, ops.transpose(x, (0, 2, 1)))", S),
        Row("ops.einsum('abc,abd->acd', x, x)", S),
        Row("ops.depth_to_space(x, 2)", (4, 4, 8)),
        Row("ops.space_to_depth(x, 2)", I),
        Row("ops.one_hot(ops.argmax(x, axis=-1), 12)", V),
        Row("ops.top_k(x, 3)[0]", V),
    ],
    "Blocks": [
        Row("ReLU()(Add()([x, Conv2D(3, 3, padding='same')(ReLU()(Conv2D(3, 3, padding='same')(x)))]))", I),
        Row(
            "Multiply()([x, Dense(3, activation='sigmoid')(Dense(2, activation='relu')(GlobalAveragePooling2D()(x)))])",
            I,
        ),
        Row(
            "Conv2D(4, 1)(ReLU(6)(BatchNormalization()(DepthwiseConv2D(3, padding='same')"
            "(ReLU(6)(BatchNormalization()(Conv2D(9, 1)(x)))))))",
            I,
        ),
        Row("Dense(3, activation='softmax')(Flatten()(MaxPooling2D(2)(Conv2D(4, 3, activation='relu')(x))))", I),
        Row("LayerNormalization()(Add()([x, MultiHeadAttention(2, 3)(x, x)]))", S),
        Row("Conv2D(3, 3, padding='same')(Concatenate()([UpSampling2D(2)(MaxPooling2D(2)(x)), x]))", I),
    ],
}


# what of keras.layers has no row, and why
ABSENT = {
    "text and categories, made into numbers before a model sees them": [
        *("Hashing", "HashedCrossing", "StringLookup", "TextVectorization")
    ],
    "base classes and parts": ["Layer", "Wrapper", "Pipeline", "InputLayer", "InputSpec", "MaxNumBoundingBoxes"],
    "not buildable inside of a model": ["Equalization", "ContrastLimitedAdaptiveHistogramEqualization"],
    "models of other frameworks": ["FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"],
}


def rows() -> Iterator[tuple[str, Row]]:
    """(section, row), in the order of the document."""
    for section, these in TABLE.items():
        for row in these:
            yield section, row
