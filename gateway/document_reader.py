"""The documents of a request, read within its limits, for its points, and without holding up the event loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.document_scan import MAX_LINES, DocumentScan, scan
from gateway.limits import exceeded
from gateway.validation import ComparisonMeter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.documents import Document, Documents
    from gateway.limits import Limits
    from gateway.rate_limit import CallerBudget
    from gateway.reading_thread import ReadingThread


class DocumentReader:
    """Reads the documents of requests, each text once."""

    def __init__(self, documents: Documents, thread: ReadingThread) -> None:
        self._documents = documents
        self._thread = thread

    async def read(
        self, texts: Iterable[str], limits: Limits, budget: CallerBudget
    ) -> Mapping[str, Document | Exception]:
        """Return the document of each text, or the error that prevents it from being read.

        Documents that are not cached are charged first. Raises RequestError if all of them together exceed a limit, and
        HTTPError if the budget is used up for now.
        """
        documents: dict[str, Document | Exception] = {}
        scans: dict[str, DocumentScan] = {}
        texts = dict.fromkeys(texts)
        _check_characters(texts, limits)
        tokens = 0
        for text in texts:
            known = self._documents.known(text)
            if known is not None:
                documents[text] = known
                tokens += known.tokens
            else:
                scans[text] = scan(text, limits.tokens - tokens)
                tokens += scans[text].tokens
                _check_lines(scans[text])
            if tokens > limits.tokens:
                raise exceeded("tokens", limits.tokens, tokens)
        if scans:
            points = sum(item.points for item in scans.values())
            await budget.charge(points)
            meter = ComparisonMeter(limits.comparisons)
            read = await self._thread.run(points, partial(self._read_all, list(scans), limits, meter))
            budget.owe(meter.points)
            documents |= {
                text: item if isinstance(item, Exception) else self._documents.keep(item)
                for text, item in zip(scans, read, strict=True)
            }
        return documents

    def _read_all(self, texts: list[str], limits: Limits, meter: ComparisonMeter) -> list[Document | Exception]:
        read: list[Document | Exception] = []
        for text in texts:
            try:
                read.append(self._documents.read(text, limits=limits, meter=meter))
            except Exception as error:  # of this text, and of no other operation in the batch
                read.append(error)
        return read


def _check_characters(texts: Iterable[str], limits: Limits) -> None:
    characters = sum(map(len, texts))
    if characters > limits.characters:
        raise exceeded("characters", limits.characters, characters, unit="characters in a request's documents")


def _check_lines(item: DocumentScan) -> None:
    if item.lines > MAX_LINES:
        raise exceeded("lines", MAX_LINES, item.lines, unit="lines in a document")
