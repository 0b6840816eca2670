"""Issued reports, exports and the links they are shared by."""
