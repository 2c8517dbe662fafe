"""Facts to documents: Markdown, HTML, charts, frames, files."""
