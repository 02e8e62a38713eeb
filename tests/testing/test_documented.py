"""The page "Test a model": its files, as a stranger would write them, pass."""

from __future__ import annotations

import re
from pathlib import Path

from fuseway.testing import checks
from tests.testing.conftest import CONFTEST, Run

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "testing-a-model.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_files_of_the_page_pass(tmp_path: Path, run_pytest: Run) -> None:
    blocks = BLOCK.findall(PAGE)
    files = {name: text for language, text in blocks if language == "python" for name in [text.split()[1]]}
    (model,) = (text for language, text in blocks if language == "python" and "# at the end of shop.py" in text)
    (settings,) = (text for language, text in blocks if language == "ini")
    del files["at"]
    assert [name for name in files if name.startswith("test_")] == [
        "test_shop.py",
        "test_scopes.py",
        "test_dashboard.py",
        "test_documents.py",
        "test_generated.py",
    ]
    files["conftest.py"] = CONFTEST + files["conftest.py"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    shop = re.findall(r"```python\n(# shop\.py\n.*?)```", (DOCS / "models.md").read_text(), flags=re.DOTALL)[0]
    (tmp_path / "shop.py").write_text(re.sub(r"^model = m\.Model.*\n", model, shop, flags=re.MULTILINE))
    (tmp_path / "pytest.ini").write_text(settings)
    answer = run_pytest(tmp_path, "-q", "--fuseway-cases", "8", "-W", "ignore::pytest.PytestConfigWarning")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_page_names_all_generated_tests_and_settings() -> None:
    assert set(re.findall(r"^\| `(test_\w+)`", PAGE, flags=re.MULTILINE)) == set(checks.__all__)
    options = (Path(__file__).parents[2] / "fuseway_pytest" / "__init__.py").read_text()
    assert set(re.findall(r"^\| `(fuseway_\w+)`", PAGE, flags=re.MULTILINE)) == set(
        re.findall(r'addini\("(\w+)"', options)
    )
