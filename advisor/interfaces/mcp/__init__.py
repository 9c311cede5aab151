"""Advice as tools for language models, over the Model Context Protocol; it needs the extra ``mcp``."""
