"""Steps of pages: what a page shows is compared with what happens: a page that is not true fails, with its line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.docs.steps import Reader, blocks_of, matches


def reader_in(folder: Path) -> Reader:
    """Return a reader with an environment that has a shell's programs alone."""
    return Reader(folder, {"PATH": os.environ["PATH"], "PWD": str(folder)})


def test_blocks_come_in_order_with_language_title_and_line() -> None:
    page = 'Text.\n\n```sh\necho a\n```\n\n```python title="a/b.py"\nx = 1\n```\n'
    assert [(each.language, each.title, each.text, each.line) for each in blocks_of(page)] == [
        ("sh", "", "echo a\n", 3),
        ("python", "a/b.py", "x = 1\n", 7),
    ]


def test_files_are_written_and_commands_keep_their_folder_and_environment(tmp_path: Path) -> None:
    page = (
        '```sh\nmkdir inner\ncd inner\nexport NAME="a b"\n```\n```text title="deep/file.txt"\nhello\n```\n'
        '```sh\ncat deep/file.txt\necho "$NAME"\n```\n```text\nhello\na b\n```\n'
    )
    reader_in(tmp_path).follow(page)
    assert (tmp_path / "inner" / "deep" / "file.txt").read_text() == "hello\n"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("```sh\necho a\n```\n```text\nb\n```\n", "line 4: the commands printed\na"),
        ("```sh\necho told >&2\nfalse\n```\n", "line 1: status 1 of"),
    ],
)
def test_a_page_that_is_not_true_fails_with_its_line(tmp_path: Path, page: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        reader_in(tmp_path).follow(page)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a … c\n", "a b\nb c\n", True),
        ("…\nlast", "first\nsecond\nlast\n", True),
        ("a.c", "abc", False),
        ("a", "a\nb", False),
        ("", "a", False),
    ],
)
def test_an_ellipsis_stands_for_anything(shown: str, printed: str, same: bool) -> None:
    assert matches(shown, printed) is same
