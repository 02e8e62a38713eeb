"""Test a model: a pytest plugin with real databases, a client, plans of statements, and generated tests."""

from fuseway.testing.client import Gateway
from fuseway.testing.databases import ModelDatabases
from fuseway.testing.documents import document_errors
from fuseway.testing.results import Accounting, Answer, AnswerError, CacheCounts, FieldError, Plan, Statement
from loaders.model.loading import load_model

__all__ = [
    "Accounting",
    "Answer",
    "AnswerError",
    "CacheCounts",
    "FieldError",
    "Gateway",
    "ModelDatabases",
    "Plan",
    "Statement",
    "document_errors",
    "load_model",
]
