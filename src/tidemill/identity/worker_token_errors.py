"""What can go wrong with worker tokens."""

from __future__ import annotations

from tidemill.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated


class WorkerTokensForOperators(Forbidden):
    """Worker tokens let in workers for every tenant, so only operators see and make them."""

    code = "WORKER_TOKENS_FOR_OPERATORS"

    def __init__(self) -> None:
        super().__init__(
            "Only an operator of this installation, an owner of its first tenant, may do this."
        )


class WorkerTokenNotFound(NotFound):
    """There is no such worker token, or the actor may not see it."""

    code = "WORKER_TOKEN_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such worker token.", param="worker_token_id")


class WorkerTokenNameTaken(Conflict):
    """Workers are known by the name of their token, so two that count cannot share one."""

    code = "WORKER_TOKEN_NAME_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is a worker token {name!r} already. Choose another name, or revoke that one.",
            param="name",
        )


class WorkerTokenTenantUnknown(InvalidInput):
    """A worker token names a tenant that does not exist."""

    code = "WORKER_TOKEN_TENANT_UNKNOWN"

    def __init__(self, tenant_id: str) -> None:
        super().__init__(
            f"There is no tenant {tenant_id}. Name tenants by their ids; `tidemill tenants list` "
            "shows them.",
            param="tenants",
        )


class WorkerTokenUnknown(Unauthenticated):
    """A worker shows a token that was never made here, or is mistyped."""

    code = "WORKER_TOKEN_UNKNOWN"

    def __init__(self) -> None:
        super().__init__(
            "The worker's token is not known here. Make one with `tidemill worker-tokens create`."
        )


class WorkerTokenEnded(Forbidden):
    """A worker shows a token that was revoked or has expired."""

    code = "WORKER_TOKEN_ENDED"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The worker's token {why}. Make another one with `tidemill worker-tokens create`."
        )
