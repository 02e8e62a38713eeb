"""English in the names of a scaffolded model."""

import pytest

from gateway.model_tools.scaffold.words import plural, sentence, singular, snake


@pytest.mark.parametrize(
    ("many", "single"),
    [
        ("orders", "order"),
        ("order_lines", "order_line"),
        ("categories", "category"),
        ("addresses", "address"),
        ("statuses", "status"),
        ("boxes", "box"),
        ("branches", "branch"),
        ("heroes", "hero"),
        ("people", "person"),
        ("movies", "movie"),
        ("houses", "house"),
        ("causes", "cause"),
        ("databases", "database"),
        ("indices", "index"),
        ("analyses", "analysis"),
        ("staff", "staff"),
        ("order_data", "order_data"),
        ("keys", "key"),
    ],
)
def test_the_plural_of_a_noun_has_its_singular(many: str, single: str) -> None:
    assert singular(many) == single
    assert singular(single) == single
    assert plural(single) == many
    assert plural(many) == many


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CustomerID", "customer_id"),
        ("customerId", "customer_id"),
        ("HTTPServer", "http_server"),
        ("Order Date", "order_date"),
        ("a__b_", "a_b"),
        ("naïve", "naive"),
        ("日本", ""),
        ("2fa", "2fa"),
    ],
)
def test_any_name_is_snake_case(name: str, expected: str) -> None:
    assert snake(name) == expected


def test_a_comment_is_one_sentence_of_printable_characters() -> None:
    assert sentence("  who\n\tbuys\ue000 ") == "who buys."
    assert sentence("Who buys?") == "Who buys?"
    assert sentence("") == ""
