"""Invented brands: their logos, a clip with its truth, and a model that knows them."""
