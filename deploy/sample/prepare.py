"""Tables and sample data, where they are missing or half there."""

from deploy.sample.load import load_sample, sample_is_loaded
from deploy.sample.progress_bar import ProgressBar
from gateway.settings import Settings
from gateway.stores import open_stores
from loaders.migrations import migrate, migrate_own


async def prepare(settings: Settings) -> None:
    """Does nothing where all is there."""
    async with open_stores(settings) as stores:
        if stores.own is not None:
            await migrate_own(stores.own)
        await migrate(stores.postgres, stores.clickhouse)
        if not await sample_is_loaded(stores.postgres, stores.clickhouse):
            print("Loading the sample fleet (the first time only) …", flush=True)
            await load_sample(stores.postgres, stores.clickhouse, ProgressBar())
