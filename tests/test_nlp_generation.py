"""Text generation: with the cache and without, every sampler, stops, programs by length, bad prompts."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import nlp
from chainrule.errors import DataError, ShapeError
from chainrule.nlp import causal_lm
from chainrule.nlp.decoding import bucket

VOCABULARY = 11


def gpt(seed: int = 0, **options: Any) -> Any:
    """A small model whose scores depend on all that was said."""
    sizes = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "max_sequence_length": 96}
    model = nlp.GPT(VOCABULARY, **{**sizes, **options})
    rng = np.random.default_rng(seed)
    model.set_weights([0.7 * rng.standard_normal(w.shape) for w in model.get_weights()])
    return model


MODEL = gpt()
PROMPTS = [[3, 1, 4], [1, 5, 9, 2, 6], [5]]


def by_hand(model: Any, prompt: list[int], length: int) -> list[int]:
    """The likeliest tokens, one forward pass each."""
    text = list(prompt)
    while len(text) < length:
        text.append(int(np.argmax(model(np.array([text]))[0, -1])))
    return text


@pytest.mark.parametrize("use_cache", [True, False])
@pytest.mark.parametrize("options", [{}, {"normalize_first": False, "tie_weights": False}])
def test_greedy_tokens_are_those_of_whole_passes(use_cache: bool, options: Any) -> None:
    model = gpt(1, **options)
    made = model.generate(PROMPTS, max_length=30, use_cache=use_cache)
    assert [text.tolist() for text in made] == [by_hand(model, p, 30) for p in PROMPTS]
    # A text is not moved by those beside it.
    assert model.generate(PROMPTS[1], 30, use_cache=use_cache).tolist() == made[1].tolist()


@pytest.mark.parametrize("length", [3, 17, 64, 65, 96])
@pytest.mark.parametrize("sampler", ["greedy", "beam", "contrastive"])
def test_with_the_cache_and_without(sampler: str, length: int) -> None:
    prompts = [p[:3] for p in PROMPTS]
    texts = [MODEL.generate(prompts, length, sampler=sampler, use_cache=c) for c in (True, False)]
    assert [t.tolist() for t in texts[0]] == [t.tolist() for t in texts[1]]
    assert all(len(text) == length for text in texts[0])


@pytest.mark.parametrize("name", ["random", "top_k", "top_p"])
def test_draws_are_the_same_with_the_cache_and_without(name: str) -> None:
    kinds = {"random": nlp.RandomSampler, "top_k": nlp.TopKSampler, "top_p": nlp.TopPSampler}
    options = {"p": 0.9} if name == "top_p" else {}
    texts = [
        MODEL.generate(PROMPTS, 40, sampler=kinds[name](seed=5, **options), use_cache=cache)
        for cache in (True, False)
    ]
    assert [t.tolist() for t in texts[0]] == [t.tolist() for t in texts[1]]
    again = kinds[name](seed=5, **options)
    first = MODEL.generate(PROMPTS, 40, sampler=again)
    assert [t.tolist() for t in first] == [t.tolist() for t in texts[0]]
    second = MODEL.generate(PROMPTS, 40, sampler=again)
    assert [t.tolist() for t in second] != [t.tolist() for t in texts[0]]


def test_one_program_for_all_lengths_of_a_bucket() -> None:
    model = gpt()
    model.generate([1, 2], 20)
    (decoder,) = causal_lm._KNOWN[model].decoders.values()
    step, beginnings = decoder._step, dict(decoder._beginnings)
    for length in range(3, 64):
        model.generate(list(range(1, 1 + min(length, 9))), length)
    assert list(causal_lm._KNOWN[model].decoders.values()) == [decoder]
    assert decoder._step is step and decoder._beginnings == beginnings
    model.generate([1, 2], 65)
    assert len(causal_lm._KNOWN[model].decoders) == 2
    assert [bucket(n, 64, 96) for n in (1, 64, 65, 96)] == [64, 64, 96, 96]


def test_the_cache_is_written_in_place() -> None:
    model = gpt()
    model.generate([1, 2], 20)
    (decoder,) = causal_lm._KNOWN[model].decoders.values()
    heads = 8 // 2
    whole = 64 * 2 * heads * 4
    # No value of a step is as large as the keys of a layer: the cache lies in the variables alone.
    assert decoder._step.arena_bytes < whole


def test_weights_that_are_trained_count_at_once() -> None:
    model = gpt(2)
    before = model.generate([1, 2], 20).tolist()
    model.set_weights(gpt(3).get_weights())
    after = model.generate([1, 2], 20).tolist()
    assert before == by_hand(gpt(2), [1, 2], 20) and after == by_hand(gpt(3), [1, 2], 20)


def test_stop_tokens_end_texts() -> None:
    whole = [by_hand(MODEL, p, 40) for p in PROMPTS]
    stop = whole[0][20]
    texts = MODEL.generate(PROMPTS, 40, stop_token_ids=[stop, VOCABULARY - 1])
    for text, full, prompt in zip(texts, whole, PROMPTS):
        ends = [i for i in range(len(prompt), 40) if full[i] in (stop, VOCABULARY - 1)]
        assert text.tolist() == full[: ends[0] + 1 if ends else 40]
    assert len(texts[0]) <= 21
    bare = MODEL.generate(PROMPTS, 40, stop_token_ids=[stop, VOCABULARY - 1], strip_prompt=True)
    assert [t.tolist() for t in bare] == [t[len(p) :].tolist() for t, p in zip(texts, PROMPTS)]


def test_a_prompt_as_long_as_the_text_comes_back() -> None:
    assert MODEL.generate([1, 2, 3], 3).tolist() == [1, 2, 3]
    assert [t.tolist() for t in MODEL.generate([[1, 2, 3], [4]], 3)][0] == [1, 2, 3]
    assert MODEL.generate([], 3) == []


def test_beams_find_the_likeliest_text() -> None:
    model = gpt(4)
    prompt, more = [3, 1], 3
    scores = {}
    for tail in itertools.product(range(VOCABULARY), repeat=more):
        text = [*prompt, *tail]
        logits = np.float64(model(np.array([text]))[0])
        logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        scores[tail] = sum(logs[len(prompt) - 1 + i, t] for i, t in enumerate(tail))
    best = max(scores, key=lambda tail: scores[tail])
    sampler = nlp.BeamSampler(num_beams=VOCABULARY**2, return_all_beams=True)
    texts, logs = model.generate([prompt], len(prompt) + more, sampler=sampler)
    assert texts.shape == (1, VOCABULARY**2, 5)
    assert texts[0, 0].tolist() == [*prompt, *best]
    expected = [scores[tuple(text[2:])] for text in texts[0].tolist()]
    np.testing.assert_allclose(logs[0], expected, atol=1e-4)
    assert (np.diff(logs[0]) <= 0).all()
    one = model.generate([prompt], 20, sampler=nlp.BeamSampler(num_beams=1))
    assert one[0].tolist() == by_hand(model, prompt, 20)


def test_a_text_that_is_over_keeps_its_probability() -> None:
    """Token 0 ends a text; 1 and 2 go on for ever, each step at a cost."""
    table = np.log(np.array([0.4, 0.5, 0.1]))

    def next(prompt: Any, cache: Any, index: Any) -> Any:
        return np.tile(table, (len(prompt), 1)), None, cache

    sampler = nlp.BeamSampler(num_beams=4, return_all_beams=True)
    texts, logs = sampler(next, np.array([[1, 0, 0, 0, 0]]), index=1, stop_token_ids=[0])
    assert texts[0, 0].tolist() == [1, 0, 0, 0, 0]
    assert np.exp(logs[0, 0]) == pytest.approx(0.4, abs=1e-6)


def test_contrast_is_the_formula() -> None:
    model, alpha, k = gpt(5), 0.5, 3
    text = [3, 1, 4]

    def run(tokens: list[int]) -> Any:
        hidden = model.hidden_states(np.array([tokens]))[0][0]
        return np.float64(hidden), np.float64(model.logits(hidden))

    while len(text) < 12:
        hidden, logits = run(text)
        p = np.exp(logits[-1] - logits[-1].max())
        p /= p.sum()
        scores = {}
        for v in np.argsort(-p)[:k]:
            new = run([*text, int(v)])[0][-1]
            cosines = hidden @ new / np.linalg.norm(hidden, axis=1) / np.linalg.norm(new)
            scores[int(v)] = (1 - alpha) * p[v] - alpha * cosines.max()
        text.append(max(scores, key=lambda v: scores[v]))
    sampler = nlp.ContrastiveSampler(k=k, alpha=alpha)
    assert model.generate([3, 1, 4], 12, sampler=sampler).tolist() == text


def drawn(sampler: Any, p: list[float], count: int = 4000) -> Any:
    tokens = sampler.get_next_token(np.tile(np.array(p, "float32"), (count, 1)))
    return np.bincount(tokens, minlength=len(p)) / count


def test_draws_follow_the_probabilities() -> None:
    p = [0.1, 0.4, 0.0, 0.3, 0.2]
    assert np.abs(drawn(nlp.RandomSampler(seed=1), p) - p).max() < 0.03
    two = drawn(nlp.TopKSampler(2, seed=1), p)
    assert np.abs(two - [0, 4 / 7, 0, 3 / 7, 0]).max() < 0.03 and two[[0, 2, 4]].sum() == 0
    most = drawn(nlp.TopPSampler(0.65, seed=1), p)
    assert np.abs(most - [0, 4 / 7, 0, 3 / 7, 0]).max() < 0.03 and most[[0, 2, 4]].sum() == 0
    assert drawn(nlp.TopPSampler(0.01, seed=1), p).tolist() == [0, 1, 0, 0, 0]
    assert drawn(nlp.TopPSampler(1.0, k=1, seed=1), p).tolist() == [0, 1, 0, 0, 0]


def test_temperature_divides_the_scores() -> None:
    logits = np.array([[0.0, 2.0, -1.0]])
    for temperature in (0.5, 1.0, 3.0):
        e = np.exp(logits / temperature)
        got = nlp.RandomSampler(temperature=temperature).compute_probabilities(logits)
        np.testing.assert_allclose(got, e / e.sum(), atol=1e-6)


def test_a_sampler_of_ones_own() -> None:
    class Second(nlp.Sampler):
        """The second likeliest token."""

        def get_next_token(self, probabilities: Any) -> Any:
            return cr.ops.top_k(probabilities, 2)[1][:, 1]

    text = MODEL.generate([3, 1], 8, sampler=Second()).tolist()
    for place in range(2, 8):
        scores = MODEL(np.array([text[:place]]))[0, -1]
        assert text[place] == np.argsort(-scores)[1]


@pytest.mark.parametrize("name", ["greedy", "beam", "top_k", "contrastive"])
def test_samplers_run_alone(name: str) -> None:
    """A sampler that is called op by op gives what the compiled loop gives."""
    prompt = np.array([[3, 1, 0, 0, 0, 0], [5, 9, 2, 0, 0, 0]], "int32")
    mask = np.array([[1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]], "bool")

    def next(prompt: Any, cache: Any, index: Any) -> Any:
        hidden = MODEL.hidden_states(prompt)[0][:, int(index) - 1]
        return MODEL.logits(hidden), hidden, cache

    kinds: Any = {
        "greedy": nlp.GreedySampler,
        "beam": lambda: nlp.BeamSampler(3),
        "top_k": lambda: nlp.TopKSampler(seed=3),
        "contrastive": nlp.ContrastiveSampler,
    }
    hidden = MODEL.hidden_states(prompt)[0]
    alone = kinds[name]()(next, prompt, index=2, mask=mask, hidden_states=hidden)
    compiled = MODEL.generate([[3, 1], [5, 9, 2]], 6, sampler=kinds[name]())
    assert alone.tolist() == [text.tolist() for text in compiled]


def test_samplers_by_name_and_config() -> None:
    for name in ("beam", "contrastive", "greedy", "random", "top_k", "top_p"):
        sampler = nlp.samplers.get(name)
        again = nlp.samplers.get(nlp.samplers.serialize(sampler))
        assert type(again) is type(sampler) and again.get_config() == sampler.get_config()
    with pytest.raises(ValueError, match="sampler: expected a Sampler or one of"):
        MODEL.generate([1], 4, sampler="best")


def test_texts_by_characters() -> None:
    tokenizer = nlp.CharacterTokenizer("hello, wonderful")
    model = nlp.GPT(tokenizer.vocabulary_size(), 1, 2, 8, max_sequence_length=32)
    model.tokenizer = tokenizer
    one, two = model.generate("hell", 9), model.generate(["hell", "w"], 9)
    assert isinstance(one, str) and len(one) == 9 and one.startswith("hell")
    assert two[0] == one and two[1].startswith("w")
    with pytest.raises(DataError, match="CharacterTokenizer.*'z'"):
        model.generate("zz", 9)
    with pytest.raises(DataError, match="prompt 1: expected one token or more"):
        model.generate(["he", ""], 9)
    with pytest.raises(DataError, match="from 0 to"):
        tokenizer.detokenize([99])
    with pytest.raises(DataError, match="one character or more"):
        nlp.CharacterTokenizer("")
    assert nlp.CharacterTokenizer(**tokenizer.get_config()).characters == tokenizer.characters


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: MODEL.generate([[]], 5), DataError, "prompt 0: expected one token or more"),
        (lambda: MODEL.generate([[1], []], 5), DataError, "prompt 1: expected one token or more"),
        (lambda: MODEL.generate([1, 11], 5), DataError, "from 0 to 10, got 11 at place 1"),
        (lambda: MODEL.generate([-1], 5), DataError, "from 0 to 10, got -1 at place 0"),
        (lambda: MODEL.generate([1.5], 5), TypeError, "expected ints, got float64"),
        (lambda: MODEL.generate("text", 5), TypeError, "a model with a `tokenizer`"),
        (lambda: MODEL.generate([1] * 6, 5), ShapeError, "at most max_length=5 tokens, got 6"),
        (lambda: MODEL.generate([1], 97), ShapeError, "max_sequence_length=96, got 97"),
        (lambda: MODEL.generate([1], 0), ShapeError, "max_length from 1"),
        (lambda: MODEL.generate([1], 5, stop_token_ids=[11]), DataError, "stop_token_ids"),
        (lambda: nlp.TopKSampler(0), ValueError, "`k`"),
        (lambda: nlp.TopPSampler(0.0), ValueError, "`p`"),
        (lambda: nlp.BeamSampler(0), ValueError, "num_beams"),
        (lambda: nlp.ContrastiveSampler(alpha=2.0), ValueError, "alpha"),
        (lambda: nlp.GreedySampler(temperature=0.0), ValueError, "temperature"),
        (lambda: nlp.GPT(5, 1, 3, 8), ValueError, "num_heads=3, got 8"),
        (lambda: nlp.GPT(0, 1, 2, 8), ValueError, "vocabulary_size"),
        (lambda: nlp.GPT(5, 10**9, 2, 8), ValueError, "num_layers.*at most 1000"),
    ],
)
def test_bad_input_is_named(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def test_a_model_that_has_generated_is_copied_and_saved(tmp_path: Any) -> None:
    model = gpt(6)
    expected = model.generate([1, 2], 12).tolist()
    model.save(tmp_path / "gpt.chainrule")
    for again in (
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        cr.saving.load_model(tmp_path / "gpt.chainrule"),
    ):
        assert again.generate([1, 2], 12).tolist() == expected
        assert again.get_config() == model.get_config()


def test_padding_is_not_looked_at() -> None:
    model = gpt(7)
    ids, mask = np.array([[3, 1, 7, 7]]), np.array([[1, 1, 0, 0]])
    padded = model({"token_ids": ids, "padding_mask": mask})
    np.testing.assert_allclose(padded[:, :2], model(ids[:, :2]), atol=1e-6)
    with pytest.raises(ValueError, match="expected 'token_ids'"):
        model({"tokens": ids})


def test_training_lowers_the_loss_and_generates_what_it_learnt() -> None:
    cr.utils.set_random_seed(1)
    line = np.tile(np.arange(8), 8)
    x = np.stack([line[i : i + 16] for i in range(32)])
    model = nlp.GPT(8, 1, 2, 16, max_sequence_length=16, dropout=0.0)
    model.compile(
        cr.optimizers.AdamW(1e-2), cr.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    history = model.fit(x[:, :-1], x[:, 1:], batch_size=8, epochs=30, verbose=0).history["loss"]
    assert history[-1] < 0.1 < history[0]
    assert model.generate([5, 6], 14).tolist() == [(5 + i) % 8 for i in range(14)]
