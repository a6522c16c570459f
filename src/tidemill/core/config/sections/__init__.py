"""The sections of the configuration, each a frozen Struct whose fields are its keys."""
