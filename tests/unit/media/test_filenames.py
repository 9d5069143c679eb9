"""Names of files: shown as they are, and never able to format, link or ping."""

from __future__ import annotations

import pytest

from bot.media.filenames import NAME_MAX, display_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat.png", "cat.png"),
        ("my_nice_cat_2.png", "my_nice_cat_2.png"),
        ("__init__.py", r"\_\_init\_\_.py"),
        ("a_.png", r"a\_.png"),
        ("**bold**`code`~~|x|.png", r"\*\*bold\*\*\`code\`\~\~\|x\|.png"),
        ("[click](now).png", r"\[click](now).png"),
        ("<@123><t:1:R>.png", "\\<@\u200b123>\\<t:1:R>.png"),
        ("@everyone.png", "@\u200beveryone.png"),
        ("icon@2x.png", "icon@\u200b2x.png"),
        ("https://example.com/a.png", "a.png"),
        (r"C:\pictures\a.png", "a.png"),
        ("gnp.\u202eexe\n\x1b.png", "gnp. exe .png"),
        ("Grüße 猫 🐈.png", "Grüße 猫 🐈.png"),
        ("", "file"),
        (" \n/", "file"),
    ],
)
def test_a_shown_name_cannot_format_link_or_ping(name: str, shown: str) -> None:
    assert display_name(name) == shown


def test_a_long_name_is_cut_in_the_middle() -> None:
    assert display_name("x" * NAME_MAX) == "x" * NAME_MAX
    shown = display_name("a" * 100 + "holiday.jpeg")
    assert len(shown) == NAME_MAX
    assert shown.startswith("aaaaaaaaaaaaaaaaaaaa…a")
    assert shown.endswith("holiday.jpeg")


def test_a_name_of_the_longest_kind_grows_only_by_what_makes_it_safe() -> None:
    assert len(display_name("*@" * 100)) <= 2 * NAME_MAX
