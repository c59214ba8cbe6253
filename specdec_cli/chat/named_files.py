"""The models' files that are named outright, looked at before anybody types a message to them."""

from __future__ import annotations

import os
from pathlib import Path

from specdec_cli.hub.remote import SITE, parse
from specdec_cli.options.table import ModelOptions


def require_named_files(models: ModelOptions) -> None:
    """Refuse files that cannot be loaded, as far as their headers tell, which takes milliseconds.

    What a profile or a name on the Hub stands for takes longer to find: loading looks at that.

    Raises:
        NotFoundError: one does not exist.
        DamagedFileError: one is empty, damaged or something else.
    """
    if not models.model:
        return
    for name in filter(None, (models.model, models.draft_model)):
        path = os.path.expanduser(name)  # noqa: PTH111 - Path.expanduser may raise
        if os.path.lexists(path) or not (parse(name) or SITE.match(name)):
            from specdec_cli.gguf.header import read_header

            read_header(Path(path))
