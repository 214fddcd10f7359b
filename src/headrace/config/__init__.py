"""The workspace: files to a typed, located, content-addressed revision (`model` the forms, `check`, `apply`)."""
