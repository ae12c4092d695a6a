"""The book about minisnn: its drawings, its pages, and the commands that make them."""
