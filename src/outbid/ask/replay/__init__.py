"""The past again, with other levers and the same shocks."""
