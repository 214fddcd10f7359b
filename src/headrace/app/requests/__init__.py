"""Following a request: its facts from its record, who may see them, and how they are said."""
