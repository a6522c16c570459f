"""Reports on the proposals for one version of Python; runs as a job of Tidemill."""

import csv
import io
from collections import Counter
from datetime import date
from statistics import median


def main(data: str, python_version: str = "3.14") -> dict:
    """Return how the proposals in `data`, the text of peps.csv, fared."""
    proposals = [
        row for row in csv.DictReader(io.StringIO(data)) if row["python_version"] == python_version
    ]
    if not proposals:
        raise ValueError(f"There is no proposal for Python {python_version}.")
    print(f"{len(proposals)} proposals for Python {python_version}")
    days = {}
    for row in proposals:
        print(f"PEP {row['number']}: {row['title']} ({row['status']})")
        if row["created"] and row["resolved"]:
            waited = date.fromisoformat(row["resolved"]) - date.fromisoformat(row["created"])
            days[f"PEP {row['number']}"] = waited.days
    return {
        "python_version": python_version,
        "proposals": len(proposals),
        "by_status": dict(Counter(row["status"] for row in proposals).most_common()),
        "days_to_decision_median": median(days.values()) if days else None,
        "slowest": max(days, key=days.__getitem__) if days else None,
    }
