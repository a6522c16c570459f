"""Reads the command line, the environment and files into the configuration."""

from tidemill.runtime.configuration.kept_secrets import with_kept_secrets
from tidemill.runtime.configuration.loading import Override, load_config, parse_set_option

__all__ = ["Override", "load_config", "parse_set_option", "with_kept_secrets"]
