"""Lists of work items: by parameters, by filters, in every order."""
