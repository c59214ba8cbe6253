"""Makes the constraints of a pair's answers; what they need of the vocabulary is built once."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from specdec_cli.core.sampling import Sampling

if TYPE_CHECKING:
    from specdec_cli.models.constraint.base import Constraint
    from specdec_cli.models.constraint.guidance import TokenTree
    from specdec_cli.models.constraint.prefixes import PrefixesInTime
    from specdec_cli.models.llama import LlamaModel


class Constraints:
    """Constraints on one model's tokens. Close it before the model.

    Args:
        ahead: an answer will be kept to a schema: build what that needs beside all that follows.
    """

    def __init__(self, model: LlamaModel, *, ahead: bool) -> None:
        self._model = model
        self._thread = ThreadPoolExecutor(1)
        self._tree: Future[TokenTree] | None = None
        self._prefixes: PrefixesInTime | None = None
        if ahead:
            self._build()

    def of(self, sampling: Sampling) -> Constraint | None:
        """A new constraint; ``None`` where nothing is asked for.

        Raises:
            UsageError: the grammar is not valid.
            BackendError: the model's vocabulary cannot keep to it.
        """
        if sampling.json_schema:
            from specdec_cli.models.constraint.guidance import SchemaConstraint

            return SchemaConstraint(sampling.json_schema, self._build().result())
        if sampling.grammar:
            from specdec_cli.models.constraint.llama import GbnfConstraint
            from specdec_cli.models.constraint.prefixes import PrefixesInTime

            self._prefixes = self._prefixes or PrefixesInTime(self._model.vocab)
            return GbnfConstraint(self._model, sampling.grammar, self._prefixes)
        return None

    def wait(self) -> None:
        """Until nothing is being built, so that what is timed has the processor to itself."""
        if self._tree:
            self._tree.exception()

    def close(self) -> None:
        """Stop building; the model may be freed afterwards."""
        self._thread.shutdown()

    def _build(self) -> Future[TokenTree]:
        if self._tree is None:
            from specdec_cli.models.constraint.guidance import TokenTree

            self._tree = self._thread.submit(TokenTree, self._model.vocab)
        return self._tree
