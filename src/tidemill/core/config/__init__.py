"""What a process starts with: typed keys from five sources, each value with its origin.

The rules are here and touch nothing; `tidemill.runtime.configuration` reads the sources.
"""

from tidemill.core.config.about import Scope
from tidemill.core.config.config import Config
from tidemill.core.config.errors import ConfigRefused
from tidemill.core.config.explain import explain, key_named, written
from tidemill.core.config.keys import KEYS, SECTIONS, Key, nearest, without_password
from tidemill.core.config.layers import Given, Layers, Origin, Resolved, Source, resolve
from tidemill.core.config.merging import Entry, merge
from tidemill.core.config.values import BadValue

__all__ = [
    "KEYS",
    "SECTIONS",
    "BadValue",
    "Config",
    "ConfigRefused",
    "Entry",
    "Given",
    "Key",
    "Layers",
    "Origin",
    "Resolved",
    "Scope",
    "Source",
    "explain",
    "key_named",
    "merge",
    "nearest",
    "resolve",
    "without_password",
    "written",
]
