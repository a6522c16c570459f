"""HTTP of strategies."""

from __future__ import annotations

from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import delete, get, put
from tidemill.http.parameters import Cursor, Limit
from tidemill.jobs.permissions import READ_STRATEGIES, WRITE_STRATEGIES
from tidemill.jobs.queueing.strategies.models import checked_tag
from tidemill.jobs.queueing.strategies.schemas import PutStrategy, StrategyPage, StrategyView
from tidemill.jobs.queueing.strategies.service import StrategyService


@get("/strategies", READ_STRATEGIES)
async def list_strategies(
    strategies: StrategyService, limit: Limit = None, cursor: Cursor = None
) -> StrategyPage:
    """List the tags whose jobs are ordered or placed in a way of their own."""
    found = await strategies.list(page_request(limit, cursor, "strategies"))
    return StrategyPage(
        items=[StrategyView.of(strategy) for strategy in found.items],
        next_cursor=found.next_cursor,
    )


@get("/tags/{tag:str}/strategy", READ_STRATEGIES)
async def get_strategy(tag: str, actor: Actor, strategies: StrategyService) -> StrategyView:
    """Read how the jobs of a tag are ordered between tenants, and which worker gets each."""
    return StrategyView.of_told(await strategies.get(checked_tag(tag), actor=actor))


@put("/tags/{tag:str}/strategy", WRITE_STRATEGIES)
async def put_strategy(
    tag: str, data: PutStrategy, actor: Actor, strategies: StrategyService
) -> StrategyView:
    """Say how the jobs of a tag are ordered and placed, for operators of the installation.

    Dispatchers go by it within 2 s. 409 `STRATEGY_IN_USE` when jobs wait for what the new
    strategy would not look at.
    """
    strategy = data.strategy(checked_tag(tag))
    return StrategyView.of_told(await strategies.put(strategy, data.weights, actor=actor))


@delete("/tags/{tag:str}/strategy", WRITE_STRATEGIES)
async def delete_strategy(tag: str, actor: Actor, strategies: StrategyService) -> None:
    """Let the jobs of a tag go the plain way again, with even weights."""
    await strategies.remove(checked_tag(tag), actor=actor)


ROUTES = (list_strategies, get_strategy, put_strategy, delete_strategy)
