"""The names that an installation brings."""

from importlib.metadata import distribution


def test_the_distribution_brings_its_command_by_both_names() -> None:
    entries = distribution("fuseway").entry_points.select(group="console_scripts")
    scripts = {entry.name: entry.value for entry in entries}

    assert scripts == {"fuseway": "gateway.cli:main", "gateway": "gateway.cli:main"}


def test_the_clients_distribution_is_named_after_the_product() -> None:
    import fuseway_client

    assert distribution("fuseway-client").metadata["Name"] == "fuseway-client"
    assert fuseway_client.Client.__module__.startswith("fuseway_client.")
