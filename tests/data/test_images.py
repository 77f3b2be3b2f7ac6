import numpy as np
import pytest
from PIL import Image

from tests.data.conftest import encoded, picture
from workbench.data import images
from workbench.data.images import check, decode

GREY16 = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)


def test_other_modes_become_rgb_of_the_same_colours():
    plain = picture(0)
    for mode, kind, tolerance in (("CMYK", "TIFF", 2), ("RGBA", "PNG", 0), ("YCbCr", "TIFF", 4)):
        converted = decode(encoded(plain.convert(mode), kind))
        assert converted.mode == "RGB"
        difference = np.asarray(converted).astype(int) - np.asarray(plain)
        assert np.abs(difference).max() <= tolerance, mode
    grey = plain.convert("L")
    for mode in ("L", "LA", "P"):
        assert np.array_equal(decode(encoded(grey.convert(mode))), grey.convert("RGB")), mode


def test_sixteen_bits_are_scaled_not_clipped():
    converted = np.asarray(decode(encoded(Image.fromarray(GREY16))))
    assert np.array_equal(converted[..., 0], GREY16 >> 8)


def test_a_truncated_file_keeps_what_it_has():
    data = encoded(picture(1, (200, 200)), "JPEG")
    with pytest.raises(OSError, match="truncated"):
        decode(data[: len(data) // 2])
    partial, whole = np.asarray(decode(data[: len(data) // 2], tolerant=True)), decode(data)
    assert np.array_equal(partial[:40], np.asarray(whole)[:40])
    with pytest.raises(OSError, match="truncated"):  # the tolerance ended with the call
        decode(data[: len(data) // 2])


def test_the_check_names_every_kind():
    whole = encoded(picture(2, (200, 200)), "JPEG")
    files = {
        "plain": whole,
        "truncated": whole[: len(whole) * 2 // 3],
        "unreadable": b"not an image",
        "grayscale": encoded(picture(2).convert("L")),
        "CMYK": encoded(picture(2).convert("CMYK"), "JPEG"),
        "with alpha": encoded(picture(2).convert("RGBA")),
        "palette": encoded(picture(2).convert("P")),
        "16 bit": encoded(Image.fromarray(GREY16)),
    }
    listed = [*files.values(), encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), b""]
    checked = check(listed.__getitem__, len(listed), "kinds")
    assert checked.kinds.tolist() == [*files, "unreadable", "unreadable"]
    assert checked.sizes[0].tolist() == [200, 200]
    assert checked.sizes[3].tolist() == [20, 16]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_a_file_cut_anywhere_is_found_and_then_never_fails(kind):
    whole = encoded(picture(3, (90, 90)), kind)
    cuts = [whole[: len(whole) * tenths // 10] for tenths in range(10)]
    checked = check(cuts.__getitem__, len(cuts), kind)
    assert "plain" not in checked.kinds[:9].tolist()
    for data, verdict in zip(cuts, checked.kinds, strict=True):
        if verdict != "unreadable":
            assert decode(data, tolerant=verdict == "truncated").size == (90, 90)


def test_small_images_are_summed_for_the_normalisation():
    small, large = picture(4, (64, 64)), picture(4, (65, 64))
    files = [encoded(small), encoded(large)]
    sums = check(files.__getitem__, 2, "sums").sums
    values = np.asarray(small).reshape(-1, 3) / 255
    assert np.allclose(sums[0], [*values.mean(0), *(values**2).mean(0)])
    assert np.isnan(sums[1]).all()


def test_the_check_is_done_once_for_each_key():
    read: list[int] = []

    def reader(index: int) -> bytes:
        read.append(index)
        return encoded(picture(index))

    first = check(reader, 3, "one")
    second = check(reader, 3, "one")
    assert sorted(read) == [0, 1, 2]
    assert all(np.array_equal(getattr(first, it), getattr(second, it)) for it in ("kinds", "sizes"))
    check(reader, 3, "two")
    assert len(read) == 6


def test_a_broken_or_missing_cache_costs_time_only(monkeypatch, tmp_path):
    files = [encoded(picture(0))]
    check(files.__getitem__, 1, "key")
    stored = images.cache_folder() / images.FORMAT / "key.npz"
    stored.write_bytes(stored.read_bytes()[:50])
    assert check(files.__getitem__, 1, "key").kinds.tolist() == ["plain"]
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert check(files.__getitem__, 1, "key").kinds.tolist() == ["plain"]


def test_a_file_that_cannot_be_read_is_unreadable():
    def reader(index: int) -> bytes:
        raise PermissionError

    assert check(reader, 1, "denied").kinds.tolist() == ["unreadable"]
