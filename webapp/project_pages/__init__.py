"""The project page: labels and logos, how it looks, and the runs made for it."""
