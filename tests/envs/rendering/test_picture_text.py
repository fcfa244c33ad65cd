"""Text of users in pictures: literal, in one line, short enough, and still different where names differ."""

import pytest

from koki2_envs.rendering.text import fitted, literal, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a[lr=0.1]_$x^2$ 100%", "a[lr=0.1]_$x^2$ 100%"),
        ("one\ntwo\tthree", "one\\ntwo\\tthree"),
        ("snake \U0001f40d", "snake \\U0001f40d"),
        ("\udcff", "\\udcff"),  # of a file name that is not UTF-8
        ("größer −1 ×2", "größer −1 ×2"),
        ("", ""),
    ],
)
def test_text_is_one_line_of_what_the_font_has(text, shown):
    assert literal(text) == shown


def test_long_texts_are_shortened_in_the_middle_and_stay_different():
    names = [f"runs/{'x' * 40}{seed}{'y' * 40}/end" for seed in range(50)]
    short = [shortened(name, 30) for name in names]
    assert {len(name) for name in short} == {30}
    assert len(set(short)) == 50
    assert all(name.startswith("runs/") and name.endswith("/end") for name in short)
    assert shortened("just fits", 12) == "just fits"


def test_text_is_cut_until_it_fits_but_never_to_nothing():
    assert 36 < len(fitted("abc" * 30, lambda text: len(text) <= 40)) <= 40
    assert len(fitted("abc" * 30, lambda text: False)) == 12
