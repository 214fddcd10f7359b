"""Files to text: Markdown and plain text as they stand, HTML, PDF and DOCX through kreuzberg in a child process."""
