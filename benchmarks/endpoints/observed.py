"""The gateway with metrics, as a worker of several: `python -m benchmarks.endpoints.observed PORT`."""

import os
import tempfile

from benchmarks.endpoints.gateway import counted_app
from benchmarks.endpoints.serving import serve
from gateway.observability.slot_files import take_slot
from gateway.observability.worker_slots import WorkerSlot

if __name__ == "__main__":
    os.environ["GATEWAY_METRICS_PORT"] = "1"  # requests are observed; the parent of a worker is who listens
    with tempfile.TemporaryDirectory() as directory:
        take_slot(WorkerSlot(directory, 0))
        serve(counted_app())
