"""What providers speak."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tidemill.llm.dialects.anthropic.codec import AnthropicCodec
from tidemill.llm.dialects.codec import ProviderCodec
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.dialects.openai.codec import OpenAICodec

PROVIDERS: Final[Mapping[Dialect, ProviderCodec]] = MappingProxyType(
    {Dialect.OPENAI: OpenAICodec(), Dialect.ANTHROPIC: AnthropicCodec()}
)
