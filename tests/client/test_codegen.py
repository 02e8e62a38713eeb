"""The README's typed client: generated from the schema and asked of the real gateway."""

from pathlib import Path

from tests.client.codegen import PROGRAMS, check_types, generate, run
from tests.client.readme import FOLDER, files

ROOT = FOLDER.parents[1]


def test_the_readmes_typed_client_is_generated_and_answered(tmp_path: Path, gateway: str) -> None:
    generate(tmp_path, (ROOT / "schema.graphql").read_text(), files(gateway))
    check_types(tmp_path, "app.py", "fleet")
    assert run(tmp_path, PROGRAMS / "python", "app.py") == "N14228 37\n"
