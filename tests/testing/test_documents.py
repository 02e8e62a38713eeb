"""Documents are checked against the schema of a model without a database."""

import pytest

from deploy import SAMPLE_MODEL
from fuseway.testing import document_errors, load_model
from loaders.model.problems import ModelError


def test_a_valid_document_has_no_errors() -> None:
    assert document_errors(SAMPLE_MODEL, '{ aircraft(tailNumber: "N1") { tailNumber } }') == []


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ('{ aircraft(tailNumber: "N1") { colour } }', "Cannot query field 'colour' on type 'Aircraft'."),
        ("{ aircraft(tailNumber: 1", "Syntax Error: Expected Name, found <EOF>."),
    ],
)
def test_what_is_wrong_with_a_document_is_said(document: str, error: str) -> None:
    assert document_errors(SAMPLE_MODEL, document) == [error]


def test_a_model_with_mistakes_checks_no_document() -> None:
    with pytest.raises(ModelError):
        document_errors("deploy.no_such_model", "{ __typename }")
    assert load_model(SAMPLE_MODEL).name
