"""Augmentation layers against Keras's, given the same parameters; dtypes, layouts and configs."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import layers, models, saving, tree
from chainrule.errors import DTypeError, ShapeError
from chainrule.layers.preprocessing.image.displaced import displaced
from chainrule.tracing.scopes import eager_scope
from chainrule.tracing.trace import Trace
from tests.augmentations import CASES, GIVEN, case_id, images

every_case = pytest.mark.parametrize(("name", "arguments"), CASES, ids=case_id)
every_given_case = pytest.mark.parametrize(("name", "arguments"), GIVEN, ids=case_id)


def make(name: str, arguments: dict[str, Any], **more: Any) -> Any:
    return getattr(layers, name)(**arguments, **more)


def keras_layer(name: str, arguments: dict[str, Any], **more: Any) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras", minversion="3.15")
    return getattr(keras.layers, name)(**arguments, **more)


@every_given_case
def test_the_same_parameters_give_keras_images(name: str, arguments: dict[str, Any]) -> None:
    theirs = keras_layer(name, arguments)
    ours = make(name, arguments, seed=3) if hasattr(theirs, "seed") else make(name, arguments)
    x = images(arguments)
    drawn = ours.get_random_transformation(x)
    expected = np.asarray(theirs.transform_images(x, drawn))
    got = ours.transform_images(x, drawn)
    assert got.dtype == expected.dtype == np.float32 and got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5 * np.abs(expected).max())
    if name not in ("CutMix", "MixUp"):
        return
    labels = np.eye(len(x), dtype="float32")
    expected = np.asarray(theirs.transform_labels(labels, drawn))
    np.testing.assert_allclose(ours.transform_labels(labels, drawn), expected, atol=1e-6)


@every_given_case
def test_the_parameters_have_keras_names_and_shapes(name: str, arguments: dict[str, Any]) -> None:
    if isinstance(arguments.get("fill_value"), list):
        pytest.skip("Keras on JAX takes no list here, though it documents it")
    theirs = keras_layer(name, arguments).get_random_transformation(images(arguments))
    ours = make(name, arguments).get_random_transformation(images(arguments))
    if not isinstance(theirs, dict):
        assert np.shape(theirs) == np.shape(ours)
        return
    assert sorted(ours) == sorted(theirs)
    for key in ours:
        if key not in ("batch_masks", "fill_value"):
            assert np.shape(ours[key]) == np.shape(theirs[key]), key


@every_case
def test_configs_are_keras_configs(name: str, arguments: dict[str, Any]) -> None:
    layer = make(name, {**arguments, "name": "layer"})
    theirs = keras_layer(name, {**arguments, "name": "layer"}).get_config()
    ours = layer.get_config()
    assert set(theirs) <= set(ours) <= {*theirs, "seed"}
    for key in set(theirs) - {"dtype", "seed"}:
        plain = [list(v) if isinstance(v, tuple) else v for v in (ours[key], theirs[key])]
        assert plain[0] == plain[1], key
    again = type(layer).from_config(ours)
    assert again.get_config() == ours


@every_case
def test_saved_models_draw_what_the_original_would(
    name: str, arguments: dict[str, Any], tmp_path: Any
) -> None:
    x = images(arguments)
    model = models.Sequential([layers.Input(x.shape[1:]), make(name, arguments)])
    model(x, training=True)
    model.save(tmp_path / "model.chainrule")
    again = saving.load_model(tmp_path / "model.chainrule")
    assert again(x, training=True).tobytes() == model(x, training=True).tobytes()


@every_case
def test_integers_become_floats_and_one_image_is_a_batch_of_one(
    name: str, arguments: dict[str, Any]
) -> None:
    x = images({}).astype("uint8")
    if arguments.get("value_range") == (0, 1):
        x = (x > 127).astype("uint8")
    one, other = make(name, arguments), make(name, arguments)
    _same_state(one, other)
    for training in (True, False):
        got, expected = one(x, training=training), other(x.astype("float32"), training=training)
        assert got.dtype == np.float32
        assert got.tobytes() == expected.tobytes()
        got, expected = one(x[0], training=training), other(x[:1], training=training)
        assert got.shape == expected.shape[1:]
        if name != "CutMix":
            assert got.tobytes() == expected.tobytes()


def _same_state(one: Any, other: Any) -> None:
    for a, b in zip(one.variables, other.variables):
        b.assign(a.numpy())


@every_case
def test_channels_first(name: str, arguments: dict[str, Any]) -> None:
    x = images(arguments)
    first = make(name, arguments, data_format="channels_first")
    last = make(name, arguments)
    _same_state(first, last)
    if arguments.get("fill_value", 0) is None or name == "RandomErasing":
        chosen = {**arguments, "fill_value": arguments.get("fill_value", 5.0)}
        first, last = make(name, chosen, data_format="channels_first"), make(name, chosen)
        _same_state(first, last)
    for _ in range(3):
        expected = last(x, training=True)
        got = np.moveaxis(first(np.moveaxis(x, -1, 1), training=True), 1, -1)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-3 * x.max() / 255)


@every_case
def test_without_training_nothing_changes(name: str, arguments: dict[str, Any]) -> None:
    x = images(arguments)
    layer = make(name, arguments)
    got = layer(x, training=False)
    if name == "AutoContrast":
        assert got.tobytes() == layer(x, training=True).tobytes()
    else:
        assert got.tobytes() == x.tobytes()


@every_case
def test_traced_in_a_graph_the_bits_are_the_eager_ones(
    name: str, arguments: dict[str, Any]
) -> None:
    x = images(arguments)
    whole, by_ops, compiled = (make(name, arguments) for _ in range(3))
    _same_state(whole, by_ops)
    _same_state(whole, compiled)
    with Trace() as trace:
        y = compiled(trace.input("x", x.shape, "float32"), training=True)
    program = trace.compile([y])
    for _ in range(3):
        expected = by_ops._transform(x, True)
        assert whole(x, training=True).tobytes() == expected.tobytes()
        assert program.run([x])[0].tobytes() == expected.tobytes()


@every_case
def test_dicts_keep_their_other_entries(name: str, arguments: dict[str, Any]) -> None:
    x = images(arguments)
    masks = np.arange(x[..., :1].size, dtype="float32").reshape(x[..., :1].shape)
    labels = np.eye(len(x), dtype="float32")
    data = {"images": x, "labels": labels, "segmentation_masks": masks, "other": masks}
    layer = make(name, arguments)
    got = layer(data, training=True)
    assert list(got) == list(data) and data["images"] is x
    assert got["images"].shape == x.shape and got["labels"].shape == labels.shape
    assert got["other"].tobytes() == masks.tobytes()
    np.testing.assert_allclose(got["labels"].sum(axis=1), 1.0, atol=1e-6)
    one = layer(tree.map_structure(lambda a: a[0], data), training=True)
    assert one["images"].shape == x.shape[1:] and one["labels"].shape == (len(x),)
    with pytest.raises(ValueError, match=f"Layer '{layer.name}'.*bounding box format"):
        layer({"images": x, "bounding_boxes": {}})


@every_case
def test_bad_images(name: str, arguments: dict[str, Any]) -> None:
    layer = make(name, arguments)
    for shape in ((5,), (5, 4), (1, 2, 3, 4, 3)):
        with pytest.raises(ShapeError, match=f"Layer '{layer.name}'.*3 axes.*{len(shape)}?"):
            layer(np.zeros(shape))
    with pytest.raises(DTypeError, match=f"Layer '{layer.name}'"):
        layer(np.zeros((1, 4, 4, 3), "complex64"))


@every_case
def test_in_a_functional_model(name: str, arguments: dict[str, Any]) -> None:
    x = images(arguments)
    inputs = layers.Input(x.shape[1:], dtype="uint8")
    layer = make(name, arguments)
    outputs = layer(inputs)
    assert outputs.shape == (None, *x.shape[1:]) and outputs.dtype == "float32"
    model = models.Model(inputs, outputs)
    pixels = (x > x.mean()).astype("uint8")
    got = model.predict(pixels, verbose=0)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, layer(pixels, training=False))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("RandomContrast", {"factor": 1.5}, r"range \[0, 1\]"),
        ("RandomContrast", {"factor": (0.1, 0.2, 0.3)}, "list of two numbers"),
        ("RandomContrast", {"factor": "much"}, "should be a number"),
        ("RandomBrightness", {"factor": -2}, r"range \[-1, 1\]"),
        ("RandomBrightness", {"factor": 0.1, "value_range": 255}, "`value_range`"),
        ("RandomGrayscale", {"factor": 2}, "between 0 and 1"),
        ("RandomPosterization", {"factor": 9}, r"range \[1, 8\]"),
        ("Solarization", {"addition_factor": (0.5, 2)}, "`addition_factor`"),
        ("Equalization", {"bins": 1}, "two `bins`"),
        ("RandomErasing", {"scale": (2.0, 3.0)}, "`scale`"),
        ("RandomErasing", {"fill_value": (1, 2)}, "`fill_value`"),
        ("MixUp", {"alpha": 0}, "above 0"),
        ("RandomRotation", {"factor": 2}, r"range \[-1, 1\]"),
        ("RandomRotation", {"factor": 0.1, "fill_mode": "mirror"}, "`fill_mode` mirror"),
        ("RandomRotation", {"factor": 0.1, "interpolation": "cubic"}, "`interpolation` cubic"),
        ("RandomZoom", {"height_factor": -1.0}, r"`height_factor`.*range \(-1.0, 1.0\]"),
        ("RandomTranslation", {"height_factor": 0.1, "width_factor": 2}, "`width_factor`"),
        ("RandomShear", {"x_factor": -0.1}, "`x_factor`"),
        ("RandomPerspective", {"scale": 1.5}, "`scale`"),
        ("RandomCrop", {"height": 0, "width": 3}, "at least 1 x 1"),
        ("RandomGaussianBlur", {"kernel_size": 4}, "`kernel_size`.*odd"),
        ("RandomGaussianBlur", {"sigma": 2.0}, "`sigma`"),
        ("RandomElasticTransform", {"fill_mode": "far"}, "`fill_mode` far"),
        ("RandAugment", {"num_ops": -1}, "`num_ops`"),
        ("AugMix", {"num_chains": 0}, "one chain"),
        ("AugMix", {"alpha": 0.0}, "`alpha` above 0"),
        ("RandomFlip", {"mode": "diagonal"}, "'diagonal'"),
        ("RandomFlip", {"data_format": "last"}, "data_format"),
    ],
)
def test_bad_arguments(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(name, arguments)


@pytest.mark.parametrize("name", ["RandomHue", "RandomSaturation", "RandomColorDegeneration"])
def test_colours_need_three_channels(name: str) -> None:
    layer = make(name, {"factor": 0.3})
    with pytest.raises(ShapeError, match=f"{layer.name}.*3 channels.*4, 2"):
        layer(np.zeros((1, 4, 4, 2)))


def test_a_changed_attribute_is_seen_by_the_next_call() -> None:
    layer = layers.RandomBrightness((0.2, 0.2))
    x = np.full((1, 2, 2, 1), 100.0, "float32")
    assert layer(x).max() == 151.0
    layer.factor = (0.4, 0.4)
    assert layer(x).max() == 202.0


def test_a_subclass_may_compute_with_numpy() -> None:
    class Halved(layers.RandomContrast):
        def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
            return np.asarray(images) / 2 if float(np.max(images)) > 1 else images

    x = np.full((1, 2, 2, 1), 100.0, "float32")
    assert Halved(0.1)(x).max() == 50.0


def test_eager_scope_and_second_traces() -> None:
    layer = layers.RandomFlip(seed=1)
    x = images({})
    with Trace() as trace:
        traced = layer(trace.input("x", x.shape, "float32"))
        with eager_scope():
            assert isinstance(layer(x), np.ndarray)
    assert trace.compile([traced]).run([x])[0].shape == x.shape


def test_float64_and_mixed_precision() -> None:
    x = images({})
    assert layers.RandomContrast(0.3, dtype="float64")(x).dtype == np.float64
    mixed = layers.RandomContrast(0.3, dtype="mixed_float16")(x)
    assert mixed.dtype == np.float16 and np.isfinite(mixed).all()
    assert chainrule.config.floatx() == "float32"


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_crops_are_parts_of_the_images(data_format: str) -> None:
    x = images({}, (3, 6, 7, 2))
    layer = layers.RandomCrop(4, 5, seed=2, data_format=data_format)
    first = data_format == "channels_first"
    given = np.moveaxis(x, -1, 1) if first else x
    places = set()
    for _ in range(60):
        got = layer(given, training=True)
        got = np.moveaxis(got, 1, -1) if first else got
        found = [
            (top, left)
            for top in range(3)
            for left in range(3)
            if (got == x[:, top : top + 4, left : left + 5]).all()
        ]
        assert len(found) == 1
        places.update(found)
    assert len(places) == 9
    theirs = keras_layer("RandomCrop", {"height": 4, "width": 5, "data_format": data_format})
    expected = np.asarray(theirs.transform_images(given, (1, 2)))
    assert layer.transform_images(given, (1, 2)).tobytes() == expected.tobytes()


def test_crops_of_small_images_and_without_training_are_the_resized_middle() -> None:
    x = images({}, (2, 6, 8, 3))
    layer = layers.RandomCrop(6, 4)
    assert layer(x).tobytes() == np.ascontiguousarray(x[:, :, 2:6]).tobytes()
    larger = layers.RandomCrop(12, 16)
    expected = np.asarray(keras_layer("RandomCrop", {"height": 12, "width": 16})(x, training=True))
    for training in (True, False):
        np.testing.assert_allclose(larger(x, training=training), expected, rtol=1e-5, atol=1e-4)
    half = layers.RandomCrop(3, 3)(x, training=False)
    square = x[:, :, 1:7]
    np.testing.assert_allclose(half, square.reshape(2, 3, 2, 3, 2, 3).mean(axis=(2, 4)), rtol=1e-5)
    inputs = layers.Input((6, 8, 3))
    assert layers.RandomCrop(3, 4)(inputs).shape == (None, 3, 4, 3)
    data = {"images": x, "segmentation_masks": x[..., :1], "labels": np.zeros((2, 5))}
    shapes = layers.RandomCrop(3, 4).compute_output_shape({k: v.shape for k, v in data.items()})
    got = layers.RandomCrop(3, 4)(data)
    assert {k: v.shape for k, v in got.items()} == shapes


def test_a_pipeline_is_its_layers_in_a_row(tmp_path: Any) -> None:
    def steps() -> list[Any]:
        return [layers.RandomFlip(seed=1), layers.RandomRotation(0.2, seed=2), layers.MixUp(seed=3)]

    x = images({})
    data = {"images": x, "labels": np.eye(len(x), dtype="float32")}
    pipeline, apart = layers.Pipeline(steps()), steps()
    for _ in range(2):
        expected: Any = data
        for layer in apart:
            expected = layer(expected, training=True)
        got = pipeline(data, training=True)
        for key in data:
            assert got[key].tobytes() == expected[key].tobytes()
    assert pipeline(x, training=False).tobytes() == x.tobytes()
    again = layers.Pipeline.from_config(pipeline.get_config())
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in apart]
    assert again.get_config() == pipeline.get_config()
    mixed = layers.Pipeline([layers.RandomInvert((1, 1)), layers.Rescaling(1 / 255)])
    np.testing.assert_allclose(mixed(x), (255 - x) / 255, atol=1e-6)
    model = models.Sequential([layers.Input(x.shape[1:]), layers.Pipeline(steps())])
    model(x, training=True)
    model.save(tmp_path / "model.chainrule")
    loaded = saving.load_model(tmp_path / "model.chainrule")
    assert loaded(x, training=True).tobytes() == model(x, training=True).tobytes()
    with pytest.raises(ValueError, match="`layers` key"):
        layers.Pipeline.from_config({"name": "pipeline"})


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
@pytest.mark.parametrize(
    ("fill_mode", "theirs"),
    [
        ("constant", "grid-constant"),
        ("nearest", "nearest"),
        ("wrap", "grid-wrap"),
        ("mirror", "mirror"),
        ("reflect", "reflect"),
    ],
)
def test_pixels_read_at_places_of_their_own(method: str, fill_mode: str, theirs: str) -> None:
    scipy = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 5, 7, 3))
    column, row = rng.uniform(-9, 15, (2, 5, 7)), rng.uniform(-7, 11, (2, 5, 7))
    got = displaced(x, column, row, method, fill_mode, 0.5)
    order = {"nearest": 0, "bilinear": 1}[method]
    for n in range(2):
        for c in range(3):
            expected = scipy.map_coordinates(
                x[n, ..., c], [row[n], column[n]], order=order, mode=theirs, cval=0.5
            )
            np.testing.assert_allclose(got[n, ..., c], expected, atol=1e-12)


def test_a_chosen_augmentation_is_that_layer_alone() -> None:
    x = images({}, (4, 12, 15, 3))
    layer = layers.RandAugment(num_ops=1, factor=0.7, seed=4)
    drawn = layer.get_random_transformation(x)
    for number, name in enumerate(layer._names):
        got = layer.transform_images(x, {**drawn, "layer_idxes": np.array([number], "int32")})
        alone = getattr(layer, name)
        expected = alone.transform_images(x, drawn["transforms"][name])
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-3, err_msg=name)
        mask = layer.transform_segmentation_masks(
            x, {**drawn, "layer_idxes": np.array([number], "int32")}
        )
        expected = alone.transform_segmentation_masks(x, drawn["transforms"][name])
        np.testing.assert_allclose(mask, expected, rtol=1e-5, atol=1e-3, err_msg=name)


def test_aug_mix_mixes_chains_by_their_weights() -> None:
    x = images({}, (4, 12, 15, 3))
    layer = layers.AugMix(num_chains=2, chain_depth=1, seed=4)
    drawn = layer.get_random_transformation(x)
    assert abs(np.sum(drawn["chain_mixing_weights"]) - 1.0) < 1e-6
    names = layer._names
    number = names.index("random_contrast")
    drawn["layer_idxes"] = np.array([[number], [len(names)]], "int32")
    changed = layer.random_contrast.transform_images(
        x, drawn["chain_transforms"][0][0]["random_contrast"]
    )
    w, m = np.asarray(drawn["chain_mixing_weights"]), float(drawn["weight_sample"])
    expected = m * x + (1 - m) * (w[0] * changed + w[1] * x)
    got = layer.transform_images(x, drawn)
    np.testing.assert_allclose(got, np.clip(expected, 0, 255), rtol=1e-4, atol=1e-3)


def test_no_ops_leave_the_images_as_they_are() -> None:
    images = np.random.default_rng(0).random((2, 8, 8, 3), dtype="float32")
    np.testing.assert_array_equal(layers.RandAugment(num_ops=0)(images, training=True), images)
