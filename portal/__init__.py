"""Trait d'Union: the portal between companies and their health-insurance mutual."""
