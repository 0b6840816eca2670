"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.contracts.contract import MOST, MOST_PLANNED, Contract, ContractNotice
from webapp.contracts.issued import ContractLink, IssuedContract

__all__ = [
    "MOST",
    "MOST_PLANNED",
    "Contract",
    "ContractLink",
    "ContractNotice",
    "IssuedContract",
]
