"""Packages of scripts: pinned when a script is deployed, built once, shown to jobs read-only."""
