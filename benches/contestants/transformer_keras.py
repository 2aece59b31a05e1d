"""The Keras script of the Transformers: chainrule's `nlp` models, and the same of Keras's layers on JAX."""

from __future__ import annotations

import importlib
from typing import Any

from contestants.keras_trainer import CoreTrainer, KerasTrainer
from contestants.transformer_task import TransformerTask


class TransformerKerasTrainer(KerasTrainer):
    """`compile` and `fit` of a GPT or a Bert."""

    task: TransformerTask  # type: ignore[assignment]

    def _model(self) -> Any:
        keras, task = self.keras, self.task
        own = keras.__name__ == "chainrule"
        model, layers = self._chainrule() if own else self._composed()
        model.compile(
            optimizer=keras.optimizers.AdamW(task.learning_rate, weight_decay=task.decay),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        weights = list(task.weights().values())
        for layer in layers:
            count = len(layer.weights)
            layer.set_weights(weights[:count])
            del weights[:count]
        assert not weights
        return model

    def _chainrule(self) -> tuple[Any, list[Any]]:
        """The model, and the layers with weights in the order of the task's."""
        keras, task = self.keras, self.task
        nlp = importlib.import_module("chainrule.nlp")
        sizes = {
            "vocabulary_size": task.vocabulary,
            "num_layers": task.layers,
            "num_heads": task.heads,
            "hidden_dim": task.width,
            "max_sequence_length": task.length,
            "dropout": task.dropout,
        }
        if not task.classes:
            model = nlp.GPT(**sizes)
            return model, [model]
        tokens = keras.Input((task.length,), dtype="int32")
        body, last = nlp.Bert(**sizes), keras.layers.Dense(task.classes)
        pooled = keras.layers.GlobalAveragePooling1D()(body(tokens))
        return keras.Model(tokens, last(pooled)), [body, last]

    def _composed(self) -> tuple[Any, list[Any]]:
        keras, task = self.keras, self.task
        layers = keras.layers
        tokens = keras.Input((task.length,), dtype="int32")
        table = layers.ReversibleEmbedding(task.vocabulary, task.width)
        places, norm = _places(keras, task.length), layers.LayerNormalization(epsilon=task.epsilon)
        x, made = places(table(tokens)), [table, places]
        if task.classes:
            segments = layers.Embedding(2, task.width)
            x = norm(x + segments(keras.ops.zeros_like(tokens)))
            made += [segments, norm]
        for _ in range(task.layers):
            x = self._block(x, made)
        if task.classes:
            last = layers.Dense(task.classes)
            return keras.Model(tokens, last(layers.GlobalAveragePooling1D()(x))), [*made, last]
        return keras.Model(tokens, table(norm(x), reverse=True)), [*made, norm]

    def _block(self, x: Any, made: list[Any]) -> Any:
        layers, task = self.keras.layers, self.task
        attention = layers.MultiHeadAttention(task.heads, task.width // task.heads)
        norms = [layers.LayerNormalization(epsilon=task.epsilon) for _ in range(2)]
        wide, narrow = layers.Dense(4 * task.width, activation="gelu"), layers.Dense(task.width)

        made += [attention, *norms, wide, narrow]

        def feed_forward(h: Any) -> Any:
            return narrow(wide(h))

        def look(h: Any) -> Any:
            return attention(h, h, use_causal_mask=not task.classes)

        if task.classes:
            x = norms[0](x + look(x))
            return norms[1](x + feed_forward(x))
        x = x + look(norms[0](x))
        return x + feed_forward(norms[1](x))

    def short(self) -> TransformerKerasTrainer:
        """The trainer of the task in short."""
        return type(self)(self.task.short(), False, self.keras.__name__)  # type: ignore[arg-type]


class TransformerCoreTrainer(TransformerKerasTrainer, CoreTrainer):
    """The same steps by chainrule without `fit` around them: what the core alone takes."""


def _places(keras: Any, length: int) -> Any:
    class Places(keras.layers.Layer):  # type: ignore[name-defined, misc]
        """Adds a learnt vector for each place."""

        def build(self, input_shape: Any) -> None:
            self.table = self.add_weight(name="table", shape=(length, input_shape[-1]))

        def call(self, x: Any) -> Any:
            return x + self.table

    return Places()
