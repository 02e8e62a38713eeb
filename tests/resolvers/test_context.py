"""What a request loaded is let go of with its answer."""

from loaders.request_loaders import RequestLoaders
from resolvers.context import RequestContext
from tests.asking import SCHEMA
from tests.conftest import Stores
from tests.queries import DASHBOARD


async def test_a_released_context_holds_nothing_that_was_loaded(sample_stores: Stores) -> None:
    context = RequestContext.of(RequestLoaders.over(*sample_stores))
    result = await SCHEMA.execute(DASHBOARD, variable_values={"ids": ["N14228"]}, context_value=context)
    assert result.errors is None
    loaders = (context.loaders.sections, context.loaders.airlines)
    assert all(loader._cache for loader in loaders)
    assert context.links._records
    await context.release()
    assert not any(loader._cache for loader in loaders)
    assert not context.links._records
