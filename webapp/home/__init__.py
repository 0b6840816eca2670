"""The first page: recent, running, needs you; and whether the machine is well."""
