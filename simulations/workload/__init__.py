"""What people do in a world: consults at the sites, replies at the hub; drawn from a seed."""

from .consults import Consult, FollowUp, consults_of
from .desk import Desk, Reading

__all__ = ["Consult", "Desk", "FollowUp", "Reading", "consults_of"]
