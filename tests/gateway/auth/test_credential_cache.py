"""Credentials that were verified lately: as many as there is room for."""

from gateway.auth.credential_cache import CredentialCache


def test_ten_thousand_credentials_are_remembered_and_those_used_least_lately_go_first() -> None:
    recent = CredentialCache[int]()
    for index in range(10_000):
        recent.put(f"credential {index}", index)
    assert recent.get("credential 0") == 0
    recent.put("one more", -1)
    assert len(list(recent.values())) == 10_000
    assert [recent.get(f"credential {index}") for index in range(3)] == [0, None, 2]
    assert recent.get("one more") == -1
