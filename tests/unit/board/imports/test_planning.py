from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidemill.board.contract import ProjectId
from tidemill.board.imports.mapping import read_backlog
from tidemill.board.imports.models import Outcome
from tidemill.board.imports.planning import Known, Plan, World, plan
from tidemill.board.limits import BoardLimits
from tidemill.board.work_items.models import Assignee


def _plan(text: str, *known: Known, members: tuple[Assignee, ...] = ()) -> Plan:
    backlog = read_backlog(text.encode(), BoardLimits())
    world = World(
        project_id=ProjectId("p"),
        by_external_id={item.external_id: item for item in known if item.external_id},
        by_key={item.key: item for item in known},
        members=members,
    )
    return plan(backlog, world)


def _problems(made: Plan) -> dict[int, list[str]]:
    return {
        row.line: [problem.problem for problem in row.problems] for row in made.rows if row.problems
    }


def test_plan_finds_parents_by_id_and_title_in_any_order() -> None:
    made = _plan(
        "id,title,type,parent\n3,Sail,task,2\n2,Race,story,The season\n1,The season,epic,\n"
    )

    assert made.wrong == 0
    parents = {row.draft.line: row.parent_line for row in made.planned}
    assert parents == {2: 3, 3: 4, 4: None}
    assert [row.draft.line for row in made.parents_first()] == [4, 3, 2]


def test_plan_finds_parents_that_the_project_has() -> None:
    epic = Known("i-1", "TM-1", "epic", "E1", is_deleted=False)
    made = _plan("title,type,parent\nRace,story,TM-1\nRow,story,E1\n", epic)

    assert [row.parent_id for row in made.planned] == ["i-1", "i-1"]


def test_plan_refuses_wrong_parents() -> None:
    gone = Known("i-1", "TM-1", "epic", None, is_deleted=True)
    made = _plan(
        "id,title,type,parent\n"
        "1,Season,epic,\n"
        "2,Sail,task,1\n"
        "3,Same,story,\n"
        "4,Same,story,\n"
        "5,Tie,task,Same\n"
        "6,Lost,story,nowhere\n"
        "7,Self,story,7\n"
        "8,Ghost,story,TM-1\n",
        gone,
    )

    problems = _problems(made)
    assert sorted(problems) == [3, 6, 7, 8, 9]
    assert "below a story or a bug" in problems[3][0]
    assert "2 rows have this title" in problems[6][0]
    assert "nothing has this id or title" in problems[7][0]
    assert "own parent" in problems[8][0]
    assert "TM-1 was deleted" in problems[9][0]


def test_plan_refuses_the_children_of_wrong_rows() -> None:
    made = _plan("id,title,type,status,parent\n1,Season,epic,sunk,\n2,Race,story,,1\n")

    assert "the parent on line 2 is wrong" in _problems(made)[3][0]
    assert made.planned == ()


def test_plan_leaves_alone_what_was_imported_before() -> None:
    known = Known("i-7", "TM-7", "story", "2", is_deleted=False)
    made = _plan("id,title,type,parent\n2,Race,story,\n3,Sail,task,2\n", known)

    assert [row.outcome for row in made.rows] == [Outcome.ALREADY_IMPORTED, Outcome.VALID]
    assert made.rows[0].key == "TM-7"
    assert made.planned[0].parent_id == "i-7"


def test_plan_refuses_an_id_that_comes_twice() -> None:
    made = _plan("id,title\n1,Sail\n1,Row\n")

    assert [row.outcome for row in made.rows] == [Outcome.VALID, Outcome.WRONG]
    assert "line 2 has the same id" in _problems(made)[3][0]


def test_plan_finds_assignees_by_name_and_id() -> None:
    members = (
        Assignee("u1", "Ada", None),
        Assignee("u2", "Bo", None),
        Assignee("u3", "bo", None),
    )
    made = _plan("title,assignee\nA,ada\nB,u2\nC,Bo\nD,Nobody\n", members=members)

    assert [row.assignee.id for row in made.planned if row.assignee] == ["u1", "u2"]
    assert sorted(_problems(made)) == [4, 5]


_row = st.tuples(
    st.sampled_from(["", "1", "2", "3", "4"]),
    st.sampled_from(["A", "B", "C", ""]),
    st.sampled_from(["epic", "story", "task", "bug", "whale"]),
    st.sampled_from(["", "1", "2", "3", "A", "B", "TM-1"]),
)


@given(st.lists(_row, max_size=12))
def test_plan_reports_every_row_and_only_imports_whole_trees(
    rows: list[tuple[str, str, str, str]],
) -> None:
    text = "id,title,type,parent\n" + "".join(",".join(row) + "\n" for row in rows)
    known = Known("i-1", "TM-1", "epic", None, is_deleted=False)

    made = _plan(text, known)

    visible = [line for line, row in enumerate(rows, start=2) if any(row)]
    assert [row.line for row in made.rows] == visible
    planned = {row.draft.line for row in made.planned}
    assert planned == {row.line for row in made.rows if not row.problems}
    seen: set[int] = set()
    for row in made.parents_first():
        assert row.parent_line is None or row.parent_line in seen
        seen.add(row.draft.line)
