"""How settings look on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Self

from msgspec import Meta

from tidemill.core.config import Given, Key, Origin, Scope, Source
from tidemill.http import Body, PageView, View
from tidemill.settings.values.models import Setting


class OriginView(View, frozen=True, kw_only=True):
    """Where a value comes from.

    `name` is how the source writes it: the option, the variable, the key in the file. `scope`
    is set for stored values.
    """

    source: Source
    name: str | None
    file: str | None
    line: int | None
    scope: Scope | None

    @classmethod
    def of(cls, origin: Origin) -> Self:
        """Return the view of `origin`."""
        return cls(
            source=origin.source,
            name=origin.name,
            file=origin.file,
            line=origin.line,
            scope=origin.scope,
        )


class ShadowedView(View, frozen=True, kw_only=True):
    """A value that a stronger source hides."""

    value: Any
    origin: OriginView

    @classmethod
    def of(cls, key: Key, given: Given) -> Self:
        """Return the view of what `given` gives to `key`."""
        return cls(value=key.shown(given.value), origin=OriginView.of(given.origin))


class SettingView(View, frozen=True, kw_only=True):
    """A setting as it holds for the caller.

    `changeable` says whether it can be set while Tidemill runs, down to `scope`; `choices` is
    empty unless the value is one of a few words. Secrets are shown as stars.
    """

    key: str
    value: Any
    default: Any
    origin: OriginView
    shadowed: list[ShadowedView]
    meaning: str
    expected: str
    choices: list[str]
    changeable: bool
    secret: bool
    scope: Scope

    @classmethod
    def of(cls, setting: Setting) -> Self:
        """Return the view of `setting`."""
        key, resolved = setting.key, setting.resolved
        return cls(
            key=key.name,
            value=key.shown(resolved.value),
            default=key.shown(key.default),
            origin=OriginView.of(resolved.origin),
            shadowed=[ShadowedView.of(key, given) for given in resolved.shadowed],
            meaning=key.meaning,
            expected=key.expected,
            choices=list(key.kind.choices),
            changeable=key.live,
            secret=key.about.hidden,
            scope=key.scope,
        )


class SettingPage(PageView, frozen=True, kw_only=True):
    """A page of settings."""

    items: list[SettingView]


class PutSetting(Body, frozen=True, kw_only=True):
    """A value to store.

    Without `scope` it is stored at the narrowest one that the key has: the caller's own value,
    the tenant's, or the installation's. Operators may name the tenant that it is for; quotas are
    set by them alone.
    """

    value: bool | int | float | str | list[str]
    scope: Scope | None = None
    tenant_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
