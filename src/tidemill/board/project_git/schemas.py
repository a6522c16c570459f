"""How the repository of a project looks on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.project_git.merging import Side
from tidemill.board.project_git.models import (
    GitBinding,
    GitState,
    SyncOutcome,
    SyncReport,
    SyncRequest,
    WantedBinding,
)
from tidemill.board.project_git.planning import Choice, Deletions
from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.http import Body, View


class PutProjectGit(Body, frozen=True, kw_only=True):
    """The repository that a project is kept in."""

    url: Annotated[str, Meta(examples=["https://git.example.org/harbour/board.git"])]
    branch: Annotated[str, Meta(description="It is made where it is not there.")] = "main"
    directory: Annotated[str, Meta(description="Where its files stand; empty for the top.")] = ""
    deletions: Deletions = Deletions.ARCHIVE
    username: Annotated[str, Meta(description="Whose credential the secret is.")] = ""
    secret: Annotated[
        str | UnsetType | None,
        Meta(
            description="A password or token, never shown again. Left out it stays as it is, null "
            "removes it."
        ),
    ] = UNSET

    def wanted(self) -> WantedBinding:
        """Return what shall be."""
        return WantedBinding(
            url=self.url,
            branch=self.branch,
            directory=self.directory,
            deletions=self.deletions,
            username=self.username,
            secret=self.secret if isinstance(self.secret, str) else None,
            keeps_secret=self.secret is UNSET,
        )


class GitChoice(Body, frozen=True, kw_only=True):
    """Whose value counts in a conflict."""

    key: Annotated[str, Meta(description="The item, or the name of a file of the project itself.")]
    side: Side
    field: Annotated[str | None, Meta(description="Without it all fields of the item.")] = None


class AskGitSync(Body, frozen=True, kw_only=True):
    """How a sync shall be done."""

    dry_run: Annotated[bool, Meta(description="Only report what would change.")] = False
    choices: Annotated[tuple[GitChoice, ...], Meta(max_length=1000)] = ()

    def request(self, user_id: str) -> SyncRequest:
        """Return what is asked for."""
        chosen = (Choice(key=one.key, side=one.side, field=one.field) for one in self.choices)
        return SyncRequest(user_id=user_id, dry_run=self.dry_run, choices=tuple(chosen))


class GitItemPulledView(View, frozen=True, kw_only=True):
    """An item that changed on the board by its file."""

    key: str | None
    path: str
    deed: str
    fields: tuple[str, ...]


class GitConflictView(View, frozen=True, kw_only=True):
    """A field that both sides changed; '' is no value. `file` is whether there is one at all."""

    key: str
    path: str
    field: str
    base: str
    board: str
    repository: str


class GitProblemView(View, frozen=True, kw_only=True):
    """A file that the board could not take."""

    key: str | None
    path: str
    problem: str


class GitSyncReportView(View, frozen=True, kw_only=True):
    """What the last sync did, or would do; lists end after 500, counts count all."""

    outcome: SyncOutcome
    started_at: str
    finished_at: str
    commit_id: str | None
    error: str | None
    pulled_count: int
    pushed_count: int
    conflict_count: int
    problem_count: int
    pulled: list[GitItemPulledView]
    pushed: tuple[str, ...]
    conflicts: list[GitConflictView]
    problems: list[GitProblemView]

    @classmethod
    def of(cls, report: SyncReport) -> Self:
        """Return the view of `report`."""
        return cls(
            outcome=report.outcome,
            started_at=rfc3339(report.started_at),
            finished_at=rfc3339(report.finished_at),
            commit_id=report.commit_id,
            error=report.error,
            pulled_count=report.pulled_count,
            pushed_count=report.pushed_count,
            conflict_count=report.conflict_count,
            problem_count=report.problem_count,
            pulled=[
                GitItemPulledView(key=one.key, path=one.path, deed=one.deed, fields=one.fields)
                for one in report.pulled
            ],
            pushed=report.pushed,
            conflicts=[
                GitConflictView(
                    key=one.key,
                    path=one.path,
                    field=one.field,
                    base=one.base,
                    board=one.board,
                    repository=one.repository,
                )
                for one in report.conflicts
            ],
            problems=[
                GitProblemView(key=one.key, path=one.path, problem=one.problem)
                for one in report.problems
            ],
        )


class ProjectGitView(View, frozen=True, kw_only=True):
    """The repository of a project, and how far it is synced; never its secret."""

    project_id: str
    url: str
    branch: str
    directory: str
    deletions: Deletions
    username: str
    has_secret: bool
    state: GitState
    commit_id: str | None
    synced_at: str | None
    report: GitSyncReportView | None
    version: int
    updated_at: str
    updated_by: str

    @classmethod
    def of(cls, binding: GitBinding) -> Self:
        """Return the view of `binding`."""
        return cls(
            project_id=binding.project_id,
            url=binding.url,
            branch=binding.branch,
            directory=binding.directory,
            deletions=binding.deletions,
            username=binding.username,
            has_secret=binding.secret is not None,
            state=binding.state,
            commit_id=binding.commit_id,
            synced_at=rfc3339_or_none(binding.synced_at),
            report=None if binding.report is None else GitSyncReportView.of(binding.report),
            version=binding.version,
            updated_at=rfc3339(binding.updated_at),
            updated_by=binding.updated_by,
        )
