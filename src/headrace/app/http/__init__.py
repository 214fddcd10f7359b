"""HTTP: `application` says which path leads where; `errors` is the one table from the error tree to HTTP."""
