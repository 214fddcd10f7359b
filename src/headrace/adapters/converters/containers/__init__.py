"""Archives and mails: files that hold files."""
