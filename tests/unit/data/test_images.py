"""Pictures: found, decoded, brought to one form, divided, and refused where they must be."""

import io
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from advisor.data import encoder_from_contract, open_source, profile
from advisor.data.pictures import Form, choose_form, fit_to, open_picture
from advisor.errors import DataError


def content(values, ending="png", mode=None):
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(values, np.uint8), mode).save(buffer, ending.replace("jpg", "jpeg"))
    return buffer.getvalue()


def picture(seed, height=12, width=10, channels=3):
    shape = (height, width) if channels == 1 else (height, width, channels)
    return content(np.random.default_rng(seed).integers(0, 256, shape))


def fill(folder, classes=("cat", "dog"), each=20, **form):
    for number, label in enumerate(classes):
        (folder / label).mkdir(parents=True)
        for index in range(each):
            (folder / label / f"{index:02}.png").write_bytes(picture(1000 * number + index, **form))
    return folder


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "pets")


def test_a_folder_of_class_folders_is_recognized_and_described(folder):
    found = profile(folder)
    assert found.kind == "image"
    assert found.facts["task"] == "binary"
    assert found.facts["architecture"] == "convolutional"
    assert (found.facts["image_height"], found.facts["image_width"], found.facts["image_channels"]) == (12, 10, 3)
    assert found.facts["labeled_rows"] == 40
    assert found.how["data_kind"].startswith("A folder holds pictures")


def test_a_zip_of_the_folder_gives_the_same_data(folder, tmp_path):
    archive = tmp_path / "pets.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*.png")):
            file.write(path, path.relative_to(folder.parent))
        file.writestr("__MACOSX/pets/cat/._00.png", b"rubbish")
        file.writestr("pets/readme.txt", b"words")
    sources = [open_source(each) for each in (folder, archive)]
    bundles = [each.bundle(each.split(3)) for each in sources]
    assert bundles[0].sha256 == bundles[1].sha256
    assert bundles[0].classes == ("cat", "dog")


def test_folders_called_train_and_test_give_the_split(tmp_path):
    fill(tmp_path / "pets" / "train")
    fill(tmp_path / "pets" / "test", each=5)
    source = open_source(tmp_path / "pets")
    split = source.split(0)
    assert len(split.test) == 10
    assert len(split.train) + len(split.val) == 40
    assert split.how.startswith("test as given")


def test_equal_pictures_stay_in_one_part(tmp_path):
    folder = fill(tmp_path / "pets", each=30)
    for index in range(10):
        (folder / "cat" / f"copy{index}.png").write_bytes(picture(index))
    source = open_source(folder)
    bundle = source.bundle(source.split(0))
    parts = [{each.tobytes() for each in part.x} for part in (bundle.train, bundle.val, bundle.test)]
    assert not parts[0] & parts[1]
    assert not (parts[0] | parts[1]) & parts[2]


def test_an_unreadable_picture_among_good_ones_is_counted_and_reported(folder):
    (folder / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    (folder / "dog" / "short.png").write_bytes(picture(5, 200, 200)[:500])
    found = profile(folder)
    assert found.facts["labeled_rows"] == 40
    assert any("2 of 42 pictures can't be read and are left out (cat/broken.png" in note for note in found.notes)


def test_many_unreadable_pictures_are_one_clear_error(folder):
    for index in range(10):
        (folder / "cat" / f"{index:02}.png").write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"10 of 40 pictures can't be read, the first one: cat/00.png"):
        open_source(folder)


def test_a_class_with_a_single_picture_is_refused(folder):
    (folder / "emu").mkdir()
    (folder / "emu" / "a.png").write_bytes(picture(9))
    with pytest.raises(DataError, match="1 of 3 classes has a single row: 'emu'"):
        open_source(folder)


def test_a_picture_outside_of_the_class_folders_is_named(folder):
    (folder / "stray.png").write_bytes(picture(9))
    with pytest.raises(DataError, match=r"'stray.png' is in no class folder"):
        open_source(folder)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no picture in it"):
        open_source(tmp_path)


def test_a_target_column_makes_no_sense_for_pictures(folder):
    with pytest.raises(DataError, match="no column 'price'"):
        open_source(folder, "price")


def test_pictures_of_one_size_stay_as_they_are():
    form, how = choose_form([(10, 12)] * 5, True)
    assert form == Form(12, 10, 3)
    assert how == "All pictures have 12 x 10 pixels, colour."


def test_mixed_and_large_sizes_take_the_median_form_up_to_the_largest_side():
    assert choose_form([(10, 20), (12, 22), (50, 60)], False)[0] == Form(22, 12, 1)
    assert choose_form([(400, 200)] * 3, False)[0] == Form(32, 64, 1)


def test_scaling_covers_the_form_and_cuts_the_middle():
    values = np.zeros((20, 60, 3), np.uint8)
    values[:, 17:43] = 200
    found = fit_to(Image.fromarray(values), Form(10, 10, 3))
    assert np.all(found == 200)


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("L", [[0, 200]], [[0, 200]]),
        ("RGBA", [[[0, 0, 0, 0], [9, 9, 9, 255]]], [[[255] * 3, [9] * 3]]),
        ("LA", [[[0, 0], [9, 255]]], [[255, 9]]),
    ],
)
def test_transparent_pictures_lie_on_white_and_grey_ones_stay_grey(mode, values, expected):
    image = Image.fromarray(np.asarray(values, np.uint8), mode)
    buffer = io.BytesIO()
    image.save(buffer, "png")
    assert np.asarray(open_picture(buffer.getvalue())).tolist() == expected


def test_sixteen_bits_become_eight():
    image = Image.fromarray(np.asarray([[0, 65535, 257]], np.uint16))
    buffer = io.BytesIO()
    image.save(buffer, "png")
    assert np.asarray(open_picture(buffer.getvalue())).tolist() == [[0, 255, 1]]


def test_a_picture_that_claims_too_many_pixels_is_not_decoded(monkeypatch):
    monkeypatch.setattr("advisor.data.pictures.LARGEST_PIXELS", 100)
    with pytest.raises(ValueError, match="more than 100"):
        open_picture(picture(0, 20, 20))


def test_arrays_are_recognized_by_their_shape_and_keep_their_values(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 9), dtype=np.uint8)
    y = np.arange(60) % 3
    np.savez(tmp_path / "data.npz", X=x, y=y)
    source = open_source(tmp_path / "data.npz")
    assert source.kind == "image"
    assert source.schema.target.classes == ("0", "1", "2")
    bundle = source.bundle(source.split(0))
    assert np.array_equal(bundle.train.x[..., 0], x[bundle.train.rows])
    assert np.array_equal(bundle.train.y, y[bundle.train.rows])
    in_memory = open_source((x, y))
    assert in_memory.bundle(in_memory.split(0)).sha256 == bundle.sha256


def test_named_parts_of_an_archive_give_the_split(tmp_path):
    generator = np.random.default_rng(0)
    parts = {"train": 40, "val": 10, "test": 12}
    arrays = {f"X_{part}": generator.integers(0, 256, (rows, 8, 8, 3), dtype=np.uint8) for part, rows in parts.items()}
    arrays |= {f"y_{part}": np.arange(rows) % 2 for part, rows in parts.items()}
    np.savez(tmp_path / "data.npz", **arrays)
    split = open_source(tmp_path / "data.npz").split(0)
    assert (len(split.train), len(split.val), len(split.test)) == (40, 10, 12)


def test_rows_of_numbers_in_an_archive_stay_a_table(tmp_path):
    np.savez(tmp_path / "data.npz", X=np.random.default_rng(0).normal(size=(40, 3)), y=np.arange(40) % 2)
    assert open_source(tmp_path / "data.npz").kind == "table"


def test_values_that_are_not_finite_are_refused(tmp_path):
    x = np.ones((40, 8, 8), np.float32)
    x[3, 2, 2] = np.nan
    with pytest.raises(DataError, match="1 pictures have values"):
        open_source((x, np.arange(40) % 2), kind="image")


def test_the_contract_encodes_as_before(folder):
    encoder = open_source(folder).encoder
    again = encoder_from_contract(encoder.contract())
    assert again.contract() == encoder.contract()
    path = folder / "cat" / "03.png"
    expected = encoder.encode(path)
    with Image.open(path) as image:
        values = np.asarray(image)
        for rows in (str(path), path.read_bytes(), [path], values, values[np.newaxis], image):
            rows = [rows] if isinstance(rows, bytes) else rows
            assert np.array_equal(again.encode(rows), expected)


def test_a_wrong_shape_is_named_with_what_is_needed(folder):
    encoder = open_source(folder).encoder
    with pytest.raises(DataError, match=r"\(3, 5, 5, 3\), but \(rows, 12, 10, 3\)"):
        encoder.encode(np.zeros((3, 5, 5, 3)))
    with pytest.raises(DataError, match="12, 10"):
        encoder.encode(np.zeros((12, 10)))
    with pytest.raises(DataError, match="of type <U"):
        encoder.encode(np.array(["a"]))


def test_predicting_a_folder_names_each_file_and_what_was_left_out(folder):
    encoder = open_source(folder).encoder
    (folder / "cat" / "zz.png").write_bytes(b"rubbish")
    counted = encoder.encode_counted(folder)
    assert counted.names[:2] == ("cat/00.png", "cat/01.png")
    assert len(counted.x) == len(counted.names) == 40
    assert counted.notes == (
        "1 of 41 pictures can't be read, the first one: cat/zz.png: it is no picture, or damaged.",
    )
    with pytest.raises(DataError, match="1 of 41 pictures"):
        encoder.encode(folder)


def test_a_damaged_contract_is_refused(folder):
    document = open_source(folder).encoder.contract()
    with pytest.raises(DataError, match="not a contract for pictures"):
        encoder_from_contract({**document, "shape": [12, 10]})
    with pytest.raises(DataError, match="doesn't know"):
        encoder_from_contract({"kind": "sound"})


def test_separate_pictures_for_the_test_take_the_training_form(folder, tmp_path):
    other = fill(tmp_path / "other", each=6, height=20, width=30)
    source = open_source(folder, test=other)
    split = source.split(0)
    assert len(split.test) == 12
    assert source.bundle(split).test.x.shape == (12, 12, 10, 3)


def test_decoding_warns_of_nothing(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_source(folder)
