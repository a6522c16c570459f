"""The files of other tools as rows: one module for each form."""
