"""Layers that cut raw texts into tokens, as :mod:`advisor.data.text_tokens` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from advisor.builder.namespace import Namespace, Tensor
from advisor.data.text_tokens import DIGITS, PUNCTUATION, SPACES

PACKAGE = "advisor"


@dataclass(frozen=True)
class TextLayerClasses:
    """The layer classes of one Keras.

    Attributes:
        tokens: Texts (rows, 1) to words, pairs and beginnings, all strings (rows, length), padded by "".
        codes: Codes of the kinds of tokens side by side, as float32 (rows, length, kinds).
    """

    tokens: Any
    codes: Any


@lru_cache(maxsize=1)
def text_layer_classes(keras: Namespace) -> TextLayerClasses:
    """Return the layer classes, registered under the package ``advisor``."""
    register = keras.saving.register_keras_serializable(package=PACKAGE)

    @register
    class TextTokens(keras.layers.Layer):
        """Texts, strings (rows, 1), to words, pairs and, with ``letters``, beginnings, each of strings (rows, length).

        "" is padding.
        """

        def __init__(self, length: int, letters: int = 0, **others: Any) -> None:
            super().__init__(**others)
            self.length, self.letters = int(length), int(letters)

        def call(self, inputs: Tensor) -> tuple[Tensor, ...]:
            import tensorflow as tf

            # lower() with no encoding makes ASCII letters small and leaves all others alone.
            plain = tf.strings.regex_replace(tf.strings.lower(inputs[:, 0]), DIGITS, "0")
            plain = tf.strings.regex_replace(plain, PUNCTUATION, r" \1 ")
            plain = tf.strings.regex_replace(plain, SPACES, " ")
            found = tf.strings.split(tf.strings.strip(plain), " ")
            found = tf.ragged.boolean_mask(found, found != "")
            words = tf.reshape(found.to_tensor("", shape=[None, self.length]), [-1, self.length])
            before = tf.concat([tf.fill([tf.shape(words)[0], 1], ""), words[:, :-1]], axis=1)
            joined = tf.strings.join([before, words], separator=" ")
            pairs = tf.where(words == "", tf.constant(""), joined)
            if not self.letters:
                return words, pairs
            return words, pairs, tf.strings.substr(words, 0, self.letters, unit="UTF8_CHAR")

        def compute_output_spec(self, inputs: Tensor) -> Any:
            shape = (inputs.shape[0], self.length)
            return tuple(keras.KerasTensor(shape, dtype="string") for _ in range(3 if self.letters else 2))

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "length": self.length, "letters": self.letters}

    @register
    class TokenCodes(keras.layers.Layer):
        """Codes of the kinds of tokens side by side, as float32."""

        def call(self, inputs: Sequence[Tensor]) -> Tensor:
            return keras.ops.stack([keras.ops.cast(each, "float32") for each in inputs], axis=2)

        def compute_output_spec(self, inputs: Sequence[Tensor]) -> Any:
            return keras.KerasTensor((*inputs[0].shape, len(inputs)), dtype="float32")

    return TextLayerClasses(TextTokens, TokenCodes)
