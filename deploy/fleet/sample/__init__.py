"""The sample fleet: every flight that left New York in 2013, read from a package's CSV files into both stores."""

from deploy.fleet.sample.load import ForeignDataError, load_sample, sample_is_loaded

__all__ = ["ForeignDataError", "load_sample", "sample_is_loaded"]
