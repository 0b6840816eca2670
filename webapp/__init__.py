"""Rows, pages and the REST API. Stores and shows; never loads a model."""
