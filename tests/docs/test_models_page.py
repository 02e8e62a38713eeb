"""The page on models shows models that load."""

import re
from pathlib import Path

from loaders.model.loading import load_model

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_the_first_model_of_the_page_loads(tmp_path: Path) -> None:
    (source, *_) = re.findall(r"```python\n(# shop\.py\n.*?)```", PAGE.read_text(), flags=re.DOTALL)
    (tmp_path / "documented_shop.py").write_text(source)

    model = load_model(str(tmp_path / "documented_shop.py"))

    assert list(model.objects) == ["Customer", "Order"]
    assert [root.name for root in model.roots] == ["customer", "customers_by_ids", "order"]
    assert model.scopes == {"shop:read", "pii:read"}
