"""What can go wrong with the keys that sign access tokens."""

from __future__ import annotations

from tidemill.core.errors import Conflict, Forbidden


class SigningKeysForOperators(Forbidden):
    """The signing keys are those of the installation, so only operators change them."""

    code = "SIGNING_KEYS_FOR_OPERATORS"

    def __init__(self) -> None:
        super().__init__(
            "Only an operator of this installation, an owner of its first tenant, may do this."
        )


class SigningKeysNotStored(Conflict):
    """With HS256 there is one key, which comes from the configuration."""

    code = "SIGNING_KEYS_NOT_STORED"

    def __init__(self) -> None:
        super().__init__(
            "auth.jwt_algorithm is HS256: change auth.jwt_secret and restart, which ends all "
            "access tokens, or choose EdDSA, whose keys can be changed while it runs."
        )
