"""Model the contest between an incumbent armed movement and a harder-line challenger."""

__version__ = "0.1.0"
