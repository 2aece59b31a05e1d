"""Models that read one sequence and write another: generation, caches, beams of lengths, bad input."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, nlp, ops
from chainrule.errors import DataError, ShapeError

VOCABULARY, START, END = 9, 1, 2


class Small(nlp.Seq2SeqLM):
    """A decoder layer over an embedded source."""

    vocabulary_size, max_sequence_length = VOCABULARY, 40
    start_token_id, end_token_id = START, END

    def __init__(self) -> None:
        super().__init__(name="small")
        self.table = layers.ReversibleEmbedding(VOCABULARY, 8)
        self.places = nlp.SinePositionEncoding()
        self.decoder = nlp.TransformerDecoder(16, 2)

    def embedded(self, tokens: Any, start: Any = 0) -> Any:
        x = self.table(tokens)
        return x + self.places(x, start_index=start)

    def empty_cache(self, batch_size: int, length: int, source: Any = None) -> Any:
        encoded = self.embedded(source)
        zeros = np.zeros((batch_size, length, 2, 4), "float32")
        across = self.decoder.encoded_cache(encoded)
        return encoded, ops.not_equal(source, 0), (zeros, zeros), across

    def hidden_states(
        self, token_ids: Any, cache: Any = None, cache_update_index: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        encoded, mask, own, across = cache
        x, own, across = self.decoder(
            self.embedded(token_ids, cache_update_index),
            encoded,
            encoder_padding_mask=mask,
            self_attention_cache=own,
            self_attention_cache_update_index=cache_update_index,
            cross_attention_cache=across,
        )
        return x, (encoded, mask, own, across)

    def logits(self, hidden: Any) -> Any:
        return self.table(hidden, reverse=True)

    def call(self, inputs: Any) -> Any:
        source, text = inputs["encoder_token_ids"], inputs["decoder_token_ids"]
        mask = ops.not_equal(source, 0)
        x = self.decoder(self.embedded(text), self.embedded(source), encoder_padding_mask=mask)
        return self.logits(x)


def small(seed: int = 0) -> Small:
    model = Small()
    model({"encoder_token_ids": np.array([[3, 4]]), "decoder_token_ids": np.array([[1, 5, 6]])})
    rng = np.random.default_rng(seed)
    model.set_weights([0.8 * rng.standard_normal(w.shape) for w in model.get_weights()])
    return model


MODEL = small()
SOURCES = [[3, 5, 8, 4], [7], list(np.arange(20) % 6 + 3)]


def scores_of(source: Any, text: Any) -> Any:
    """float64 (T, V): logarithms of the probabilities of what follows each token of a text."""
    inputs = {"encoder_token_ids": np.array([source]), "decoder_token_ids": np.array([text])}
    logits = np.float64(MODEL(inputs)[0])
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def by_hand(source: Any, begun: Any, length: int) -> list[int]:
    text = list(begun)
    while len(text) < length and text[-1] != END:
        text.append(int(np.argmax(scores_of(source, text)[-1])))
    return text


@pytest.mark.parametrize("length", [2, 17, 40])
def test_texts_are_those_of_whole_passes(length: int) -> None:
    made = MODEL.generate(SOURCES, length)
    assert [t.tolist() for t in made] == [by_hand(s, [START], length)[1:] for s in SOURCES]
    # A source's neighbours and its padding do not count.
    assert MODEL.generate(SOURCES[0], length).tolist() == made[0].tolist()
    begun = [[START, 6, 3], [START, 4], [START]]
    inputs = {"encoder_token_ids": SOURCES, "decoder_token_ids": begun}
    if length > 2:
        texts = MODEL.generate(inputs, length, strip_prompt=False)
        expected = [by_hand(s, b, length) for s, b in zip(SOURCES, begun, strict=True)]
        assert [t.tolist() for t in texts] == expected
    assert MODEL.generate([], length) == []


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
def test_beams_compare_texts_by_their_lengths(penalty: float) -> None:
    """A beam that holds all beginnings gives the best of all texts, ended or cut."""
    source, more = SOURCES[0], 3
    best: dict[tuple[int, ...], float] = {}
    tails = list(itertools.product(range(VOCABULARY), repeat=more))
    texts = np.array([[START, *tail] for tail in tails])
    sources = np.tile(source, (len(tails), 1))
    logits = np.float64(MODEL({"encoder_token_ids": sources, "decoder_token_ids": texts}))
    all_logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    for tail, logs in zip(tails, all_logs, strict=True):
        end = tail.index(END) + 1 if END in tail else more
        total = sum(logs[i, t] for i, t in enumerate(tail[:end]))
        best[tail[:end]] = total / end**penalty
    sampler = nlp.BeamSampler(VOCABULARY**2, return_all_beams=True, length_penalty=penalty)
    texts, logs = MODEL.generate([source], more + 1, sampler=sampler)
    found = []
    for text, log in zip(texts[0].tolist(), logs[0], strict=True):
        tail = text[1:]
        end = tail.index(END) + 1 if END in tail else more
        found.append(log / end**penalty)
        assert found[-1] == pytest.approx(best[tuple(tail[:end])], abs=1e-4)
    assert found[0] == pytest.approx(max(best.values()), abs=1e-4)
    assert (np.diff(found) <= 1e-6).all()


def test_a_penalty_of_lengths_lets_longer_texts_win() -> None:
    """Token 0 ends a text at once with p = 0.4; 1 goes on with 0.6 for 3 places, each at 0.6."""
    table = np.log(np.array([0.4, 0.6]))

    def next(prompt: Any, cache: Any, index: Any) -> Any:
        return np.tile(table, (len(prompt), 1)), None, cache

    def best(penalty: float) -> list[int]:
        sampler = nlp.BeamSampler(4, length_penalty=penalty)
        return list(sampler(next, np.array([[1, 0, 0, 0]]), index=1, stop_token_ids=[0])[0])

    assert best(0.0) == [1, 0, 0, 0]
    assert best(1.0) == [1, 1, 1, 1]
    assert nlp.BeamSampler(2, length_penalty=0.5).get_config()["length_penalty"] == 0.5


def test_a_decoder_makes_the_cache_of_its_source() -> None:
    rng = np.random.default_rng(0)
    x, source = rng.standard_normal((2, 3, 8)), rng.standard_normal((2, 5, 6))
    layer = nlp.TransformerDecoder(16, 2)
    expected = layer(x, source)
    zeros = np.zeros((2, 3, 2, 4))
    made, _, across = layer(
        x,
        source,
        self_attention_cache=(zeros, zeros),
        self_attention_cache_update_index=0,
        cross_attention_cache=layer.encoded_cache(source),
    )
    np.testing.assert_allclose(made, expected, atol=1e-6)
    assert across[0].shape == (2, 5, 2, 4)
    alone = nlp.TransformerDecoder(16, 2)
    alone(x)
    with pytest.raises(ValueError, match="expected a layer built with an `encoder_sequence`"):
        alone.encoded_cache(source)


def test_a_model_of_both_sequences_has_a_summary(capsys: Any) -> None:
    MODEL.summary()
    assert "transformer_decoder" in capsys.readouterr().out


class Counting(nlp.CausalLM):
    """A recurrence: token t raises a count by t, and the count modulo 7 is what comes next."""

    vocabulary_size, max_sequence_length, cache_has_places = 7, 64, False

    def empty_cache(self, batch_size: int, length: int) -> Any:
        return np.zeros((batch_size,), "int32")

    def hidden_states(
        self, token_ids: Any, cache: Any = None, cache_update_index: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        sums = ops.cumsum(token_ids, axis=1) + ops.expand_dims(cache, 1)
        return ops.one_hot(sums % 7, 7), sums[:, -1]

    def logits(self, hidden: Any) -> Any:
        return 20 * hidden


@pytest.mark.parametrize("sampler", ["greedy", "beam"])
def test_the_state_of_a_recurrence_reads_each_token_once(sampler: str) -> None:
    prompts = [[3], [1, 5], [2, 2, 2, 2, 6], list(range(7)) * 3]
    expected = []
    for prompt in prompts:
        text = list(prompt)
        while len(text) < 30:
            text.append(sum(text) % 7)
        expected.append(text)
    model = Counting()
    for rows in ([0], [1], [2], [3], [0, 1, 2, 3], [2, 3]):
        made = model.generate([prompts[i] for i in rows], 30, sampler=sampler)
        assert [t.tolist() for t in made] == [expected[i] for i in rows]


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: MODEL.generate([[]], 5), DataError, "sources: prompt 0: expected one token"),
        (lambda: MODEL.generate([[9]], 5), DataError, "from 0 to 8, got 9"),
        (lambda: MODEL.generate("text", 5), TypeError, "a model with a `tokenizer`"),
        (lambda: MODEL.generate([[3]], 41), ShapeError, "max_sequence_length=40, got 41"),
        (lambda: MODEL.generate([[3]], 5, use_cache=False), ValueError, "use_cache=True"),
        (lambda: MODEL.generate({"source": [[3]]}, 5), ValueError, "decoder_token_ids.*'source'"),
        (
            lambda: MODEL.generate(
                {"encoder_token_ids": [[3]], "decoder_token_ids": [[1], [1]]}, 5
            ),
            ShapeError,
            "a beginning for each of 1 sources, got 2",
        ),
        (lambda: MODEL.generate([[3]], 5, stop_token_ids=[9]), DataError, "stop_token_ids"),
        (lambda: nlp.BeamSampler(2, length_penalty=-1.0), ValueError, "length_penalty"),
        (lambda: nlp.BeamSampler(2, length_penalty=float("nan")), ValueError, "length_penalty"),
        (lambda: nlp.Seq2SeqLM().empty_cache(1, 2), NotImplementedError, "`empty_cache`"),
    ],
)
def test_bad_input_is_named(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def test_a_model_that_has_written_is_trained_on() -> None:
    """Weights that are trained afterwards count at once."""
    model = small(1)
    before = model.generate(SOURCES[:1], 12)[0].tolist()
    model.set_weights(small(0).get_weights())
    after = model.generate(SOURCES[:1], 12)[0].tolist()
    assert after == by_hand(SOURCES[0], [START], 12)[1:]
    assert before != after
    assert isinstance(model, cr.Model)
