"""Pictures: read, written, resized, in folders, in batches; damaged ones are named."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import config, layers
from chainrule.errors import FileFormatError
from chainrule.utils import (
    array_to_img,
    image_dataset_from_directory,
    img_to_array,
    load_img,
    save_img,
)
from chainrule.utils.image_folder import index_folder, split

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

Array = Any


def picture(seed: int, height: int = 8, width: int = 8, channels: int = 3) -> Array:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, channels), dtype="uint8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """cat/0 .. cat/5, dog/0 .. dog/4, and things that are no pictures; picture i of dog is 100 + i."""
    for start, name, count in ((0, "cat", 6), (100, "dog", 5)):
        (tmp_path / name).mkdir()
        for i in range(count):
            save_img(tmp_path / name / f"{i}.png", picture(start + i), scale=False)
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / "readme.md").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    save_img(tmp_path / ".hidden" / "x.png", picture(0), scale=False)
    return tmp_path


def dataset(folder: Path, **options: Any) -> Any:
    given = {"image_size": (8, 8), "batch_size": 4, "shuffle": False, "verbose": False, **options}
    return image_dataset_from_directory(folder, **given)


def names(data: Any) -> list[str]:
    return ["/".join(Path(p).parts[-2:]) for p in data.file_paths]


class TestLabels:
    def test_inferred(self, folder: Path) -> None:
        data = dataset(folder)
        assert data.class_names == ["cat", "dog"]
        assert names(data) == [f"cat/{i}.png" for i in range(6)] + [f"dog/{i}.png" for i in range(5)]
        assert len(data) == 3
        batches = list(data)
        images = np.concatenate([x for x, _ in batches])
        labels = np.concatenate([y for _, y in batches])
        assert images.dtype == np.float32 and labels.dtype == np.int32
        assert [len(x) for x, _ in batches] == [4, 4, 3]
        np.testing.assert_array_equal(labels, [0] * 6 + [1] * 5)
        wanted = [picture(i) for i in range(6)] + [picture(100 + i) for i in range(5)]
        np.testing.assert_array_equal(images, np.stack(wanted).astype("float32"))

    def test_modes(self, folder: Path) -> None:
        one_hot = np.concatenate([y for _, y in dataset(folder, label_mode="categorical")])
        np.testing.assert_array_equal(one_hot, np.eye(2, dtype="float32")[[0] * 6 + [1] * 5])
        binary = np.concatenate([y for _, y in dataset(folder, label_mode="binary")])
        np.testing.assert_array_equal(binary, np.array([[0.0]] * 6 + [[1.0]] * 5))
        assert one_hot.dtype == binary.dtype == np.float32
        for options in ({"label_mode": None}, {"labels": None}):
            data = dataset(folder, **options)
            assert [x.shape for x in data] == [(4, 8, 8, 3)] * 3
        assert data.class_names is None
        assert len(data.file_paths) == 12  # without labels, a hidden folder counts too

    def test_class_names_choose_and_order(self, folder: Path) -> None:
        data = dataset(folder, class_names=["dog", "cat"])
        assert data.class_names == ["dog", "cat"] and names(data)[0] == "dog/0.png"
        assert names(dataset(folder, class_names=["dog"])) == [f"dog/{i}.png" for i in range(5)]
        with pytest.raises(ValueError, match=r"among the folders.*\['cat', 'dog'\].*\['bird'\]"):
            dataset(folder, class_names=["cat", "bird"])

    def test_a_list(self, folder: Path) -> None:
        data = dataset(folder / "cat", labels=[3, 1, 3, 1, 1, 3])
        np.testing.assert_array_equal(
            np.concatenate([y for _, y in data]), [3, 1, 3, 1, 1, 3]
        )
        assert data.class_names == ["1", "3"]
        with pytest.raises(ValueError, match="each of 6 images.*got 2"):
            dataset(folder / "cat", labels=[0, 1])
        with pytest.raises(ValueError, match="labels 0 to 1.*got 1 to 3"):
            dataset(folder / "cat", labels=[3, 1, 3, 1, 1, 3], label_mode="categorical")

    def test_binary_needs_two_classes(self, folder: Path) -> None:
        with pytest.raises(ValueError, match="two classes.*got 1"):
            dataset(folder, class_names=["dog"], label_mode="binary")

    def test_a_list_follows_its_picture(self, folder: Path) -> None:
        given = list(range(6))
        data = dataset(folder / "cat", labels=given, shuffle=True, seed=3)
        labels = np.concatenate([y for _, y in data])
        assert [f"{n}.png" for n in labels] == [Path(p).name for p in data.file_paths]


class TestPictures:
    @pytest.mark.parametrize(("mode", "channels"), [("rgb", 3), ("grayscale", 1), ("rgba", 4)])
    def test_color_modes(self, tmp_path: Path, mode: str, channels: int) -> None:
        (tmp_path / "a").mkdir()
        rgba = picture(1, channels=4)
        Image.fromarray(rgba).save(tmp_path / "a" / "0.png")
        Image.fromarray(rgba[..., :3]).save(tmp_path / "a" / "1.bmp")
        Image.fromarray(rgba[..., 0]).save(tmp_path / "a" / "2.png")
        Image.fromarray(rgba[..., :3]).quantize(8).save(tmp_path / "a" / "3.gif")
        Image.fromarray(rgba[..., :3]).save(tmp_path / "a" / "4.JPG", format="jpeg")
        ((images, _),) = dataset(tmp_path, color_mode=mode, batch_size=9)
        assert images.shape == (5, 8, 8, channels)
        if mode == "rgba":
            np.testing.assert_array_equal(images[0], rgba)
            assert images[1, ..., 3].min() == 255
        if mode == "rgb":
            np.testing.assert_array_equal(images[1], rgba[..., :3])
        if mode != "rgba":
            np.testing.assert_array_equal(images[2], np.repeat(rgba[..., :1], channels, axis=-1))

    def test_the_first_frame_of_an_animation(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        frames = [Image.fromarray(np.full((8, 8), 40 * i, "uint8")) for i in range(3)]
        frames[0].save(tmp_path / "a" / "0.gif", save_all=True, append_images=frames[1:])
        ((images, _),) = dataset(tmp_path)
        assert images.max() == 0

    @pytest.mark.parametrize("mode", ["grayscale", "rgb"])
    def test_sixteen_bits_become_eight(self, tmp_path: Path, mode: str) -> None:
        (tmp_path / "a").mkdir()
        deep = np.arange(64, dtype="uint16").reshape(8, 8) * 1000
        Image.fromarray(deep).save(tmp_path / "a" / "0.png")
        ((images, _),) = dataset(tmp_path, color_mode=mode)
        np.testing.assert_array_equal(images[0, ..., 0], deep >> 8)

    def test_channels_first(self, folder: Path) -> None:
        last = next(iter(dataset(folder)))[0]
        first = next(iter(dataset(folder, data_format="channels_first")))[0]
        np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), last)
        config.set_image_data_format("channels_first")
        try:
            assert next(iter(dataset(folder)))[0].shape == (4, 3, 8, 8)
        finally:
            config.set_image_data_format("channels_last")

    @pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic", "lanczos3"])
    @pytest.mark.parametrize("fit", [{}, {"crop": True}, {"pad": True}], ids=str)
    @pytest.mark.parametrize("size", [(8, 8), (5, 9), (20, 6)])
    def test_resizing_equals_keras(
        self, tmp_path: Path, interpolation: str, fit: dict[str, bool], size: tuple[int, int]
    ) -> None:
        os.environ.setdefault("KERAS_BACKEND", "jax")
        keras = pytest.importorskip("keras", minversion="3.15")
        (tmp_path / "a").mkdir()
        pixels = picture(3, 13, 10)
        save_img(tmp_path / "a" / "0.png", pixels, scale=False)
        options = {f"{name}_to_aspect_ratio": value for name, value in fit.items()}
        ((images, _),) = dataset(
            tmp_path, image_size=size, interpolation=interpolation, **options
        )
        expected = keras.ops.image.resize(
            pixels.astype("float32"), size, interpolation=interpolation, **options
        )
        np.testing.assert_allclose(images[0], np.asarray(expected), atol=2e-3)

    def test_single_pictures(self, folder: Path) -> None:
        data = dataset(folder, batch_size=None)
        found = list(data)
        assert len(data) == len(found) == 11
        np.testing.assert_array_equal(found[7][0], picture(101))
        assert found[7][1] == 1


class TestOrder:
    def test_the_first_order_and_the_split_are_keras(self, folder: Path) -> None:
        os.environ.setdefault("KERAS_BACKEND", "jax")
        pytest.importorskip("keras", minversion="3.15")
        from keras.src.utils import dataset_utils  # type: ignore[import-not-found, unused-ignore]

        paths, labels, _ = dataset_utils.index_directory(
            str(folder), "inferred", (".png",), seed=7, verbose=False
        )
        data = dataset(folder, shuffle=True, seed=7)
        assert data.file_paths == paths
        np.testing.assert_array_equal(np.concatenate([y for _, y in data]), labels)
        for part in ("training", "validation"):
            wanted, _ = dataset_utils.get_training_or_validation_split(paths, labels, 0.3, part)
            got = dataset(folder, shuffle=True, seed=7, validation_split=0.3, subset=part)
            assert got.file_paths == wanted

    def test_each_pass_has_another_order(self, folder: Path) -> None:
        data = dataset(folder, shuffle=True, seed=1)
        passes = [np.concatenate([x for x, _ in data]) for _ in range(3)]
        keys = [tuple(x.tobytes() for x in images) for images in passes]
        assert len(set(keys)) == 3
        assert len({frozenset(key) for key in keys}) == 1
        again = dataset(folder, shuffle=True, seed=1)
        for images in passes:
            np.testing.assert_array_equal(np.concatenate([x for x, _ in again]), images)

    def test_without_shuffle_each_pass_is_the_same(self, folder: Path) -> None:
        data = dataset(folder)
        a, b = (np.concatenate([x for x, _ in data]) for _ in range(2))
        np.testing.assert_array_equal(a, b)

    @pytest.mark.parametrize("workers", [0, 1, 4])
    def test_workers_keep_the_order(self, folder: Path, workers: int) -> None:
        data = dataset(folder, batch_size=1, workers=workers)
        images = np.concatenate([x for x, _ in data])
        wanted = [picture(i) for i in range(6)] + [picture(100 + i) for i in range(5)]
        np.testing.assert_array_equal(images, np.stack(wanted))

    def test_both(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        train, held_out = dataset(
            folder, validation_split=0.2, subset="both", shuffle=True, seed=2, verbose=True
        )
        assert not set(train.file_paths) & set(held_out.file_paths)
        assert len(train.file_paths) == 9 and len(held_out.file_paths) == 2
        assert train.class_names == held_out.class_names == ["cat", "dog"]
        a, b = (np.concatenate([x for x, _ in held_out]) for _ in range(2))
        np.testing.assert_array_equal(a, b)
        printed = capsys.readouterr().out
        assert "Found 11 files belonging to 2 classes." in printed
        assert "Using 9 files for training." in printed
        assert "Using 2 files for validation." in printed

    def test_splits(self) -> None:
        assert split(10, None, None) == {"": slice(0, 10)}
        assert split(3, 0.3, "training") == {"training": slice(0, 3)}
        assert split(3, 0.3, "validation") == {"validation": slice(3, 3)}


class TestFit:
    def model(self) -> Any:
        init = cr.initializers.GlorotUniform(seed=1)
        model = cr.Sequential(
            [
                layers.Rescaling(1 / 255),
                layers.Flatten(),
                layers.Dense(2, kernel_initializer=init),
            ]
        )
        loss = cr.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss, metrics=["accuracy"])
        return model

    def test_fit_equals_fit_on_arrays(self, folder: Path) -> None:
        data = dataset(folder)
        x = np.concatenate([x for x, _ in data])
        y = np.concatenate([y for _, y in data])
        a, b = self.model(), self.model()
        a.fit(x, y, batch_size=4, shuffle=False, epochs=3, verbose=0, validation_data=(x, y),
              validation_batch_size=4)
        b.fit(data, epochs=3, verbose=0, validation_data=dataset(folder))
        assert a.history.history == b.history.history
        assert [w.tobytes() for w in a.get_weights()] == [w.tobytes() for w in b.get_weights()]
        np.testing.assert_array_equal(
            b.predict(data, verbose=0), a.predict(x, batch_size=4, verbose=0)
        )
        assert b.evaluate(data, verbose=0) == a.evaluate(x, y, batch_size=4, verbose=0)

    def test_shuffled_epochs_repeat_for_a_seed(self, folder: Path) -> None:
        runs = []
        for _ in range(2):
            model = self.model()
            model.fit(dataset(folder, shuffle=True, seed=5), epochs=3, verbose=0)
            runs.append([w.tobytes() for w in model.get_weights()])
        assert runs[0] == runs[1]

    def test_a_stopped_fit_goes_on_in_the_same_order(
        self, folder: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        class Stop(cr.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == 2:
                    raise InterruptedError

        backup = tmp_path_factory.mktemp("state") / "backup"
        runs = []
        for stopped in (False, True):
            model = self.model()
            given: Any = {"epochs": 4, "verbose": 0}
            if stopped:
                given["callbacks"] = [cr.callbacks.BackupAndRestore(backup)]
                with pytest.raises(InterruptedError):
                    model.fit(
                        dataset(folder, shuffle=True, seed=5),
                        epochs=4,
                        verbose=0,
                        callbacks=[*given["callbacks"], Stop()],
                    )
                model = self.model()
            model.fit(dataset(folder, shuffle=True, seed=5), **given)
            runs.append([w.tobytes() for w in model.get_weights()])
        assert runs[0] == runs[1]

    def test_a_corrupt_picture_ends_fit_by_name(self, folder: Path) -> None:
        (folder / "dog" / "3.png").write_bytes(b"no picture")
        with pytest.raises(FileFormatError, match="dog.3.png.*expected a whole picture"):
            self.model().fit(dataset(folder), verbose=0)

    def test_corrupt_pictures_are_left_out_if_asked(self, folder: Path) -> None:
        for i in (0, 3, 4):
            (folder / "dog" / f"{i}.png").write_bytes(b"no picture")
        data = dataset(folder, on_error="skip", workers=1)
        with pytest.warns(RuntimeWarning, match=r"dog.\d.png.*skipped") as caught:
            self.model().fit(data, verbose=0)
        assert len(caught) == 3
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert sum(len(x) for x, _ in data) == 8


class TestDamage:
    @staticmethod
    def damaged() -> dict[str, bytes]:
        file = io.BytesIO()
        Image.fromarray(picture(0, 64, 64)).save(file, "png")
        png = file.getvalue()
        file = io.BytesIO()
        Image.fromarray(picture(0, 64, 64)).save(file, "jpeg")
        jpeg = file.getvalue()
        bomb = bytearray(png[:33])
        bomb[16:24] = (60000).to_bytes(4, "big") * 2
        return {
            "empty": b"",
            "text": b"hello",
            "half a png": png[: len(png) // 2],
            "half a jpeg": jpeg[: len(jpeg) // 2],
            "head of a png": png[:40],
            "wrong chunk": png[:41] + b"????" + png[45:],
            "bomb": bytes(bomb),
        }

    @pytest.mark.parametrize(
        "kind",
        ["empty", "text", "half a png", "half a jpeg", "head of a png", "wrong chunk", "bomb"],
    )
    def test_damaged_pictures_are_named(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "a" / "broken.png"
        path.parent.mkdir()
        path.write_bytes(self.damaged()[kind])
        with pytest.raises(FileFormatError, match="broken.png.*expected a whole picture, got"):
            list(dataset(tmp_path))
        with pytest.raises(FileFormatError, match="broken.png.*expected a whole picture, got"):
            load_img(path)

    @pytest.mark.parametrize("workers", [0, 1, 3])
    def test_skipping(self, folder: Path, workers: int) -> None:
        for name in ("cat/0", "cat/1", "cat/2", "cat/3", "dog/1"):
            (folder / f"{name}.png").write_bytes(b"broken")
        data = dataset(folder, on_error="skip", workers=workers)
        with pytest.warns(RuntimeWarning, match="broken|skipped") as caught:
            labels = [y.tolist() for _, y in data]
        assert labels == [[0, 0, 1], [1, 1, 1]]  # of the first batch nothing is left
        assert len(caught) == 5
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # the next pass does not try again
            assert [y.tolist() for _, y in data] == labels

    def test_a_picture_that_vanishes(self, folder: Path) -> None:
        data = dataset(folder)
        (folder / "cat" / "2.png").unlink()
        with pytest.raises(FileNotFoundError, match="2.png"):
            list(data)

    def test_folders_without_pictures(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="expected a folder, got .*nowhere"):
            dataset(tmp_path / "nowhere")
        (tmp_path / "file").write_text("")
        with pytest.raises(NotADirectoryError, match="expected a folder, got .*file"):
            dataset(tmp_path / "file")
        with pytest.raises(ValueError, match=r"expected images \(.bmp, .*got none"):
            dataset(tmp_path)
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "x.tiff").write_text("")
        with pytest.raises(ValueError, match="expected images"):
            dataset(tmp_path)
        save_img(tmp_path / "a" / "x.png", picture(0), scale=False)
        with pytest.raises(ValueError, match="expected validation images"):
            dataset(tmp_path, validation_split=0.2, subset="validation")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"labels": "guessed"}, "'guessed'"),
            ({"labels": [0.5]}, r"\[0.5\]"),
            ({"labels": [0] * 11, "class_names": ["cat"]}, "class_names only with"),
            ({"label_mode": "float"}, "label_mode.*'float'"),
            ({"color_mode": "cmyk"}, "color_mode.*'cmyk'"),
            ({"image_size": (8,)}, "image_size"),
            ({"image_size": (8, 0)}, "image_size"),
            ({"image_size": (8.0, 8)}, "image_size"),
            ({"batch_size": 0}, "batch_size"),
            ({"interpolation": "area"}, "interpolation.*'area'"),
            ({"validation_split": 1.5, "subset": "both"}, "between 0 and 1"),
            ({"validation_split": 0.5}, "together"),
            ({"subset": "training"}, "together"),
            ({"validation_split": 0.5, "subset": "test"}, "subset.*'test'"),
            ({"validation_split": 0.5, "subset": "both", "shuffle": True}, "a seed"),
            ({"data_format": "channels_middle"}, "data_format"),
            ({"format": "csv"}, "format"),
            ({"on_error": "ignore"}, "on_error"),
            ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "one of"),
            ({"workers": -1}, "workers"),
        ],
        ids=str,
    )
    def test_bad_options(self, folder: Path, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            dataset(folder, **options)

    def test_threads_end(self, folder: Path) -> None:
        before = threading.active_count()
        for _ in range(3):
            next(iter(dataset(folder, batch_size=1, workers=3)))
        end = time.monotonic() + 5
        while threading.active_count() > before and time.monotonic() < end:
            time.sleep(0.01)
        assert threading.active_count() <= before

    def test_without_pillow(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "PIL", None)
        for call in (lambda: dataset(folder), lambda: load_img(folder / "cat" / "0.png")):
            with pytest.raises(ImportError, match=r"pip install 'chainrule\[image\]'"):
                call()


@pytest.mark.skipif(sys.platform == "win32", reason="makes links")
def test_links(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    save_img(other / "z.png", picture(9), scale=False)
    (folder / "cat" / "more").symlink_to(other)
    (folder / "cat" / "loop").symlink_to(folder / "cat")
    assert len(dataset(folder).file_paths) == 11
    followed = dataset(folder, follow_links=True)
    assert len(followed.file_paths) == 12
    assert "more/z.png" in names(followed)


def test_subfolders_belong_to_their_class(folder: Path) -> None:
    (folder / "dog" / "old").mkdir()
    save_img(folder / "dog" / "old" / "x.jpeg", picture(1), scale=False)
    paths, labels, _ = index_folder(folder, "inferred", None, False)
    assert labels is not None and labels[-1] == 1 and paths[-1].endswith("x.jpeg")


class TestSingleImages:
    def test_there_and_back(self, tmp_path: Path) -> None:
        for channels in (1, 3, 4):
            pixels = picture(channels, 5, 7, channels)
            path = tmp_path / f"{channels}.png"
            save_img(path, pixels, scale=False)
            mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
            for given in (path, str(path), os.fsencode(path), io.BytesIO(path.read_bytes())):
                array = img_to_array(load_img(given, color_mode=mode))
                assert array.dtype == np.float32
                np.testing.assert_array_equal(array, pixels)

    def test_scaling(self) -> None:
        image = array_to_img(np.array([[[-1.0], [0.0]], [[1.0], [3.0]]]))
        np.testing.assert_array_equal(np.asarray(image), [[0, 63], [127, 255]])
        assert np.asarray(array_to_img(np.full((2, 2, 3), 7.0))).max() == 0

    def test_deep_grey(self, tmp_path: Path) -> None:
        deep = (np.arange(64, dtype="float32") * 100).reshape(8, 8, 1)
        image = array_to_img(deep, scale=False)
        assert image.mode == "I"
        np.testing.assert_array_equal(img_to_array(image), deep)
        Image.fromarray(deep[..., 0].astype("uint16")).save(tmp_path / "a.png")
        array = img_to_array(load_img(tmp_path / "a.png", color_mode="grayscale"))
        np.testing.assert_array_equal(array, deep)

    def test_formats(self, tmp_path: Path) -> None:
        rgba = picture(0, channels=4)
        with pytest.warns(UserWarning, match="no opacity"):
            save_img(tmp_path / "a.jpg", rgba, scale=False)
        with Image.open(tmp_path / "a.jpg") as saved:
            assert (saved.format, saved.mode) == ("JPEG", "RGB")
        file = io.BytesIO()
        save_img(file, rgba, file_format="png", scale=False)
        np.testing.assert_array_equal(
            img_to_array(load_img(io.BytesIO(file.getvalue()), "rgba")), rgba
        )
        with pytest.raises(ValueError, match="'xyz'"):
            save_img(tmp_path / "a.xyz", rgba, scale=False)

    def test_channels_first(self) -> None:
        pixels = picture(0, 5, 7)
        image = array_to_img(pixels.transpose(2, 0, 1), "channels_first", scale=False)
        assert image.size == (7, 5)
        np.testing.assert_array_equal(
            img_to_array(image, "channels_first"), pixels.transpose(2, 0, 1)
        )

    @pytest.mark.parametrize("keep", [False, True])
    @pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "lanczos", "box"])
    def test_target_sizes_equal_keras(
        self, tmp_path: Path, keep: bool, interpolation: str
    ) -> None:
        os.environ.setdefault("KERAS_BACKEND", "jax")
        keras = pytest.importorskip("keras", minversion="3.15")
        save_img(tmp_path / "a.png", picture(2, 13, 20), scale=False)
        options = {
            "target_size": (6, 5),
            "interpolation": interpolation,
            "keep_aspect_ratio": keep,
        }
        np.testing.assert_array_equal(
            np.asarray(load_img(tmp_path / "a.png", **options)),
            np.asarray(keras.utils.load_img(tmp_path / "a.png", **options)),
        )

    def test_refusals(self, tmp_path: Path) -> None:
        save_img(tmp_path / "a.png", picture(0), scale=False)
        with pytest.raises(ValueError, match="'cmyk'"):
            load_img(tmp_path / "a.png", "cmyk")
        with pytest.raises(ValueError, match="'area'"):
            load_img(tmp_path / "a.png", target_size=(2, 2), interpolation="area")
        with pytest.raises(TypeError, match="got int"):
            load_img(3)
        with pytest.raises(FileNotFoundError):
            load_img(tmp_path / "none.png")
        for shape in ((8, 8), (1, 8, 8, 3), (0, 8, 3)):
            with pytest.raises(ValueError, match="one image"):
                array_to_img(np.zeros(shape))
        with pytest.raises(ValueError, match="channels, got 2"):
            array_to_img(np.zeros((8, 8, 2)))
        with pytest.raises(ValueError, match="2 or 3 axes"):
            img_to_array(np.zeros((1, 8, 8, 3)))
        with pytest.raises(ValueError, match="data_format"):
            img_to_array(np.zeros((8, 8)), "middle")
