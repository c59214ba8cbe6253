"""Options of commands that load no models: configuration file, environment, command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from specdec_cli import paths
from specdec_cli.options.config_file import from_file
from specdec_cli.options.resolved import Layer, Resolved, from_environment, resolve
from specdec_cli.options.table import Group, Option
from specdec_cli.options.values import Choice, Switch

COLOR = Option(
    "color", Choice(("auto", "always", "never")), "Colour; auto follows the terminal", "auto"
)
QUIET = Option("quiet", Switch(), "Nothing on stderr but warnings and errors", short="-q")
JSON = Option("json", Switch(), "One JSON object instead of text")
YES = Option("yes", Switch(), "Do not ask", short="-y")


def settle(groups: Sequence[Group], command: str, flags: Mapping[str, object]) -> Resolved:
    """Every option's value.

    Raises:
        UsageError: one is not valid.
    """
    config = paths.user_config()
    layers = [
        Layer("config", from_file(config, groups, command), str(config)),
        Layer("environment", from_environment(groups, command, os.environ)),
        Layer("flag", flags),
    ]
    return resolve(groups, command, layers)
